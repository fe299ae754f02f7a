// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Hears that a message is done: written at QoS 0, acknowledged at QoS 1, complete at QoS 2. In the
 * form that stages of futures take, so that the clients with futures need no object in between.
 */
public interface Completion extends BiConsumer<@Nullable Object, @Nullable Throwable> {
  @Override
  void accept(@Nullable Object result, @Nullable Throwable failure);
}
