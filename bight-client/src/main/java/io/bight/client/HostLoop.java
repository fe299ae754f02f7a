// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.DriverSeat.Mode;
import io.bight.client.internal.DrivenEventLoop;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a loop does for a program that has an event loop of its own: tells it of work that waits
 * while nobody drives, by giving a turn to its executor ({@link MqttLoop#driveOn}) or by calling
 * back ({@link MqttLoop#onWorkReady}). While it is to be told, a thread waits for the sockets.
 */
final class HostLoop {
  private static final Logger LOG = LoggerFactory.getLogger(MqttLoop.class);

  private final MqttLoop loop;
  private final DrivenEventLoop eventLoop;
  private final DriverSeat seat;
  private volatile @Nullable Runnable onWorkReady;
  private volatile @Nullable ExecutorDrive executorDrive;

  /** There while readiness is to be told of. Guarded by this. */
  private @Nullable ReadinessWatch readinessWatch;

  HostLoop(MqttLoop loop, DrivenEventLoop eventLoop, DriverSeat seat) {
    this.loop = loop;
    this.eventLoop = eventLoop;
    this.seat = seat;
  }

  /** Drives on an executor from now on, until {@link #stop}. */
  void driveOn(Executor executor) {
    requireNoExecutor(Mode.DRIVE_ON);
    seat.requireNoDriver(Mode.DRIVE_ON);
    ExecutorDrive drive = new ExecutorDrive(this, executor);
    executorDrive = drive;
    drive.post(); // the first turn begins what waits, and tells which thread it is
    watchReadiness();
  }

  /** One turn for {@link #driveOn}, on the executor's thread. */
  void turnOn(ExecutorDrive onExecutor) {
    loop.driving().turnForExecutor(() -> end(onExecutor));
  }

  void onExecutorRefused(ExecutorDrive onExecutor, RejectedExecutionException refusal) {
    LOG.error(
        "The executor that drives the loop '{}' takes no more tasks, so nobody drives it now; drive"
            + " it in another way, or close it",
        loop.name(),
        refusal);
    end(onExecutor);
  }

  /** Drives on no executor any more; nothing happens if it did not. */
  void stop() {
    ExecutorDrive onExecutor = executorDrive;
    if (onExecutor != null) {
      end(onExecutor);
    }
  }

  private void end(ExecutorDrive onExecutor) {
    onExecutor.end();
    if (executorDrive == onExecutor) {
      executorDrive = null;
    }
    watchReadiness();
    seat.signal(); // a blocking call may drive now
  }

  /** Tells whether an executor drives, be it in a turn at this moment or not. */
  boolean isOnExecutor() {
    return executorDrive != null;
  }

  /** Throws if an executor drives. */
  void requireNoExecutor(Mode mode) {
    if (executorDrive != null) {
      throw new IllegalStateException(
          mode.text
              + " cannot drive the loop '"
              + loop.name()
              + "': it is driven on an executor of the program's, by driveOn(Executor); stop that"
              + " first with loopStop()");
    }
  }

  /** Tells whether a blocking call of this thread leaves the driving to nobody else. */
  boolean mayDriveForBlockingCall() {
    ExecutorDrive onExecutor = executorDrive;
    return onExecutor == null || onExecutor.isOnItsThread();
  }

  /** Sets what is called when work waits, or null for nothing. */
  void onWorkReady(@Nullable Runnable callback) {
    onWorkReady = callback;
    watchReadiness();
  }

  /** Has a thread wait for readiness, or no longer; to be called when the loop has been closed. */
  synchronized void watchReadiness() {
    boolean wanted = !loop.isClosed() && (onWorkReady != null || executorDrive != null);
    if (wanted && readinessWatch == null) {
      readinessWatch = new ReadinessWatch(loop.name(), eventLoop, seat, this::tellOfWork);
    } else if (!wanted && readinessWatch != null) {
      readinessWatch.end();
      readinessWatch = null;
    }
  }

  /** Work waits for a driver; any thread. */
  void tellOfWork() {
    ExecutorDrive onExecutor = executorDrive;
    if (onExecutor != null) {
      onExecutor.post();
    }
    Runnable callback = onWorkReady;
    if (callback != null) {
      try {
        callback.run();
      } catch (Throwable t) {
        LOG.error("The program's callback onWorkReady of the loop '{}' threw", loop.name(), t);
      }
    }
  }
}
