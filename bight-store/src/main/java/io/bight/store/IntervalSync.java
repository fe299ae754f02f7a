// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Syncs stores a while after they were written. One daemon thread for all stores of the process,
 * which ends when the last of them is closed. Any thread.
 */
final class IntervalSync {
  private static int stores; // guarded by the class
  private static @Nullable ScheduledThreadPoolExecutor executor; // guarded by the class

  private IntervalSync() {}

  /** A store that is synced this way was opened. */
  static synchronized void onOpen() {
    stores++;
  }

  /** Such a store was closed. */
  static synchronized void onClose() {
    if (--stores == 0 && executor != null) {
      executor.shutdownNow();
      executor = null;
    }
  }

  static synchronized void schedule(Runnable sync, long delayNanos) {
    if (stores == 0) {
      return; // all closed meanwhile, and synced by that
    }
    if (executor == null) {
      executor =
          new ScheduledThreadPoolExecutor(
              1,
              task -> {
                Thread thread = new Thread(task, "bight-store-sync");
                thread.setDaemon(true);
                return thread;
              });
    }
    executor.schedule(sync, delayNanos, TimeUnit.NANOSECONDS);
  }
}
