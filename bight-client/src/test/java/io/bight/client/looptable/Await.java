// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waiting in tests, always with a limit. */
final class Await {
  static final Duration LIMIT = Duration.ofSeconds(10);

  private Await() {}

  /** Waits for something that no callback tells of. */
  static void until(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("waited " + LIMIT + " in vain until " + what);
      }
      Thread.onSpinWait();
    }
  }

  /** Waits for a future that is not the loop's, and so does not drive it. */
  static <T> T passively(CompletableFuture<T> future) {
    try {
      return future.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (Exception e) {
      throw new AssertionError("waited in vain", e);
    }
  }

  /** Returns how long something took. */
  static Duration time(Runnable action) {
    long start = System.nanoTime();
    action.run();
    return Duration.ofNanos(System.nanoTime() - start);
  }

  /** Returns how long something takes, whatever else the machine does in one round or another. */
  static Duration medianTime(int rounds, Runnable action) {
    long[] nanos = new long[rounds];
    for (int i = 0; i < rounds; i++) {
      nanos[i] = time(action).toNanos();
    }
    Arrays.sort(nanos);
    return Duration.ofNanos(nanos[rounds / 2]);
  }

  /** Returns how much processor time a thread uses while a window passes. */
  static Duration processorTimeOf(Thread thread, Duration window) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long start = threads.getThreadCpuTime(thread.getId());
    try {
      new CountDownLatch(1).await(window.toNanos(), TimeUnit.NANOSECONDS); // what is measured
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return Duration.ofNanos(threads.getThreadCpuTime(thread.getId()) - start);
  }
}
