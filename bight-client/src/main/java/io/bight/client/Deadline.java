// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Moments up to which something is waited for, by {@link System#nanoTime()}. */
final class Deadline {
  /** Beyond this a deadline is "never"; adding it to a clock that runs must not overflow. */
  private static final long LONGEST_WAIT_NANOS = TimeUnit.DAYS.toNanos(36_500);

  private Deadline() {}

  /**
   * Returns when a time will have passed.
   *
   * @throws IllegalArgumentException if the time is negative
   */
  static long after(Duration timeout) {
    OptionChecks.requireNotNegative(timeout);
    boolean never = timeout.compareTo(Duration.ofNanos(LONGEST_WAIT_NANOS)) > 0;
    return never ? Long.MAX_VALUE : System.nanoTime() + timeout.toNanos();
  }

  /** Returns the time until a deadline, at least zero. */
  static Duration timeUntil(long deadlineNanos) {
    return Duration.ofNanos(Math.max(0, nanosLeft(deadlineNanos)));
  }

  /** Returns the time until a deadline: negative once it has passed. */
  static long nanosLeft(long deadlineNanos) {
    return deadlineNanos == Long.MAX_VALUE ? Long.MAX_VALUE : deadlineNanos - System.nanoTime();
  }
}
