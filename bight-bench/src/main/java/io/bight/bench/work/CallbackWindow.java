// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Completion;
import io.bight.bench.peer.Connection;
import org.jspecify.annotations.Nullable;

/**
 * Publishes from the client's own thread: when half of the window is done, the callback that hears
 * of it fills the window again. Everything but the constructor and the volatile fields belongs to
 * that thread.
 */
final class CallbackWindow implements Completion {
  private final Connection connection;
  private final String topic;
  private final byte[] payload;
  private final int qos;
  private final int size;

  private boolean filling;
  private volatile boolean stopped;
  private volatile long begun;
  private volatile long done;
  private volatile @Nullable Throwable failure;

  CallbackWindow(Connection connection, String topic, byte[] payload, int qos, int size) {
    this.connection = connection;
    this.topic = topic;
    this.payload = payload;
    this.qos = qos;
    this.size = size;
  }

  /** Fills the window; runs on the client's thread. */
  void fill() {
    if (stopped) {
      return;
    }
    filling = true;
    long from = begun;
    long count = from;
    // No more than a window at a time: a client that is done at once must still see its sockets.
    while (count - done < size && count - from < size) {
      count++;
      begun = count;
      connection.publish(topic, payload, qos, this);
    }
    filling = false;
    if (begun - done <= size / 2) {
      connection.executeInLoop(this::fill);
    }
  }

  @Override
  public void accept(@Nullable Object result, @Nullable Throwable error) {
    if (error != null) {
      failure = error;
      stopped = true; // else it would publish in circles on a client that is closed
    }
    long now = done + 1;
    done = now;
    if (!filling && begun - now == size / 2) {
      fill();
    }
  }

  void stop() {
    stopped = true;
  }

  boolean isOver() {
    return (stopped && begun == done) || failure != null;
  }

  long begun() {
    return begun;
  }

  long done() {
    if (failure != null) {
      throw new IllegalStateException("A message has failed: " + failure, failure);
    }
    return done;
  }
}
