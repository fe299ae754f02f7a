// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

/** A callback that was added and can be removed again. */
public interface Registration extends AutoCloseable {
  /** Removes the callback; a call under way goes on. A second time does nothing. */
  @Override
  void close();
}
