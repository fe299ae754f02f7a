// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** Something asked of a client on any thread, to be done by the driver. */
interface Command {
  /** Does it; called by the driver. */
  void run(long nowNanos);

  /** It will not be done; called by any thread. */
  void reject(MqttException failure);

  /** Takes out the message that it carries, after which it does nothing; null if it has none. */
  default @Nullable PublishFuture takeMessage() {
    return null;
  }

  static Command of(LongConsumer run, Consumer<MqttException> reject) {
    return new Command() {
      @Override
      public void run(long nowNanos) {
        run.accept(nowNanos);
      }

      @Override
      public void reject(MqttException failure) {
        reject.accept(failure);
      }
    };
  }
}
