// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;

/** One connected client, used as its documentation asks for. */
public interface Connection extends AutoCloseable {
  void publish(String topic, byte[] payload, int qos, Completion completion);

  /** Publishes what it has collected, if it collects: the program waits for it now. */
  default void flush() {}

  /** Completes with the SUBACK. */
  CompletionStage<?> subscribe(String topicFilter, int qos, Arrival arrival);

  /**
   * Runs a task on the thread that runs the client's callbacks; returns false if it has none that
   * the program may use, and the program publishes from a thread of its own.
   */
  default boolean executeInLoop(Runnable task) {
    return false;
  }

  /** Whether the client has no thread of its own, and {@link #drive} is to be called. */
  default boolean isDriven() {
    return false;
  }

  /** Drives the client on this thread until the condition holds. */
  default void drive(BooleanSupplier until) {
    throw new UnsupportedOperationException("this client has a thread of its own");
  }

  @Override
  void close() throws Exception;
}
