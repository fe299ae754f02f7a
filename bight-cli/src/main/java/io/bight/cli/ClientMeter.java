// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;

/** What the demo measures of one client: threads, their CPU time, round trips. Any thread. */
final class ClientMeter {
  /** The newest so many round trips count for the median, so that the demo may run for ever. */
  private static final int ROUND_TRIPS_KEPT = 4096;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** The threads that ran the client's callbacks. In the demo each serves one client only. */
  private final Set<Thread> threads = new LinkedHashSet<>();

  private final long[] roundTripNanos = new long[ROUND_TRIPS_KEPT];
  private int roundTrips;

  /** Notes the calling thread, which is running one of the client's callbacks. */
  synchronized void seen() {
    threads.add(Thread.currentThread());
  }

  synchronized void roundTrip(long nanos) {
    roundTripNanos[roundTrips % ROUND_TRIPS_KEPT] = nanos;
    roundTrips++;
  }

  /** Returns the median of the newest round trips; zero if there were none. */
  synchronized Duration medianRoundTrip() {
    int count = Math.min(roundTrips, ROUND_TRIPS_KEPT);
    if (count == 0) {
      return Duration.ZERO;
    }
    long[] sorted = Arrays.copyOf(roundTripNanos, count);
    Arrays.sort(sorted);
    return Duration.ofNanos(sorted[count / 2]);
  }

  synchronized int threadCount() {
    return threads.size();
  }

  /** Returns the CPU time of the client's threads so far; they must not have ended. */
  synchronized Duration cpuTime() {
    long nanos = 0;
    for (Thread thread : threads) {
      nanos += Math.max(0, THREADS.getThreadCpuTime(thread.getId()));
    }
    return Duration.ofNanos(nanos);
  }
}
