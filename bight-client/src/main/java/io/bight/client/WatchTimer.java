// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The one daemon thread of the process on which loops are watched. It is there only while something
 * is to be watched, and ends by itself a second later.
 */
final class WatchTimer {
  private static final ScheduledThreadPoolExecutor TIMER = timer();

  private WatchTimer() {}

  /** Has something looked at after a time; any thread. What looks must be quick. */
  static void schedule(Runnable look, long delayNanos) {
    TIMER.schedule(look, delayNanos, TimeUnit.NANOSECONDS);
  }

  private static ScheduledThreadPoolExecutor timer() {
    ScheduledThreadPoolExecutor executor =
        new ScheduledThreadPoolExecutor(
            1,
            runnable -> {
              Thread thread = new Thread(runnable, "bight-watch");
              thread.setDaemon(true);
              return thread;
            });
    executor.setKeepAliveTime(1, TimeUnit.SECONDS);
    executor.allowCoreThreadTimeOut(true);
    return executor;
  }
}
