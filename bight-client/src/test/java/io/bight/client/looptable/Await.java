// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waiting in tests, always with a limit. */
final class Await {
  static final Duration LIMIT = Duration.ofSeconds(20);

  /**
   * What a machine that others share may add to any time: processors are taken away for a tenth of
   * a second now and then. With {@code -Dbight.timing.strict=true}, for an idle machine, nothing.
   */
  private static final Duration MACHINE =
      Boolean.getBoolean("bight.timing.strict") ? Duration.ZERO : Duration.ofSeconds(1);

  private static final long POLL_NANOS = 100_000;

  private Await() {}

  /** Returns what a test may ask for where the contract gives a time. */
  static Duration within(Duration contract) {
    return contract.plus(MACHINE);
  }

  /** Waits for something that no callback tells of. */
  static void until(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("waited " + LIMIT + " in vain until " + what);
      }
      LockSupport.parkNanos(POLL_NANOS);
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

  /**
   * Lets a short time pass on the processor, to meet races; asking the machine to spin or to sleep
   * would make it a long one.
   */
  static void delay(long nanos) {
    long end = System.nanoTime() + nanos;
    while (System.nanoTime() - end < 0) {
      // the time passes
    }
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
