// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import io.bight.client.MqttLoop;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The ways in which a loop is driven, as the tests that run in all modes use them. */
enum DrivingMode {
  /** A thread that calls {@code loop(Duration)} again and again. */
  MANUAL_LOOP {
    @Override
    void run(MqttLoop loop, CompletableFuture<Void> stop) {
      while (!stop.isDone()) {
        loop.loop(Duration.ofMillis(50));
      }
    }
  },
  /** The loop's own thread. */
  LOOP_START {
    @Override
    Driver drive(MqttLoop loop) {
      loop.loopStart();
      return loop::loopStop;
    }
  },
  /** A thread in {@code loopForever()}. */
  LOOP_FOREVER {
    @Override
    void run(MqttLoop loop, CompletableFuture<Void> stop) {
      loop.loopForever();
    }
  },
  /** Nobody drives: the calls that wait do. */
  BLOCKING_CALLS {
    @Override
    Driver drive(MqttLoop loop) {
      return () -> {};
    }
  };

  /** Somebody who drives until he is closed. */
  interface Driver extends AutoCloseable {
    @Override
    void close();
  }

  void run(MqttLoop loop, CompletableFuture<Void> stop) {
    throw new AssertionError("this mode has no thread of its own");
  }

  /** Waits for something that is not the loop's; drives where nobody else does. */
  void awaitDriven(MqttLoop loop, CompletableFuture<?> future) {
    long deadline = System.nanoTime() + Await.LIMIT.toNanos();
    while (this == BLOCKING_CALLS && !future.isDone() && System.nanoTime() - deadline < 0) {
      loop.loop(Duration.ofMillis(20));
    }
    Await.passively(future);
  }

  /** Begins to drive. */
  Driver drive(MqttLoop loop) {
    CompletableFuture<Void> stop = new CompletableFuture<>();
    CompletableFuture<Void> ended = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                run(loop, stop);
                ended.complete(null);
              } catch (Throwable t) {
                ended.completeExceptionally(t);
              }
            },
            "test-driver-" + name());
    thread.setDaemon(true);
    thread.start();
    Await.until("the driver drives", () -> loop.driver().isPresent() || ended.isDone());
    return () -> {
      stop.complete(null);
      loop.loopStop();
      try {
        ended.get(5, TimeUnit.SECONDS);
      } catch (InterruptedException | ExecutionException | TimeoutException e) {
        throw new AssertionError("the driver did not end in order", e);
      }
    };
  }
}
