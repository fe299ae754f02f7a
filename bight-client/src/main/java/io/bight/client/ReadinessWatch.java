// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.DrivenEventLoop;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits, while nobody drives, until a turn of the loop would have something to do, and says so
 * once; then leaves it alone until somebody has driven. Only an operating system's wait can see
 * that a socket is ready, so it needs a thread; that thread handles nothing and gives way at once
 * to whoever drives.
 */
final class ReadinessWatch {
  private static final Logger LOG = LoggerFactory.getLogger(MqttLoop.class);

  private final DrivenEventLoop eventLoop;
  private final DriverSeat seat;
  private final Runnable onReady;
  private volatile boolean ended;

  /**
   * Begins to watch.
   *
   * @param onReady is called on the thread of the watch
   */
  ReadinessWatch(String loopName, DrivenEventLoop eventLoop, DriverSeat seat, Runnable onReady) {
    this.eventLoop = eventLoop;
    this.seat = seat;
    this.onReady = onReady;
    Thread thread = new Thread(this::watch, loopName + "-watch");
    thread.setDaemon(true);
    thread.start();
  }

  private void watch() {
    long lastTold = -1;
    while (seat.takeToWatch(lastTold, this::isOver)) {
      boolean ready = false;
      long drives;
      try {
        ready = eventLoop.awaitReady();
      } finally {
        drives = seat.leaveWatch();
      }
      lastTold = ready ? drives : -1;
      if (ready && !isOver()) {
        tell();
      }
    }
  }

  private void tell() {
    try {
      onReady.run();
    } catch (Throwable t) { // an executor that runs its tasks here, and a callback that stops it
      LOG.error("What was to be told of the work of a loop threw", t);
    }
  }

  private boolean isOver() {
    return ended || eventLoop.isShutdown();
  }

  /** Ends the watch and its thread. */
  void end() {
    ended = true;
    seat.signal();
  }
}
