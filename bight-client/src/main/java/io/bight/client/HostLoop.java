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

  /** Why the executor cannot drive any more; null once the program has said who drives instead. */
  private volatile @Nullable Loss lost;

  /** There while readiness is to be told of. Guarded by this. */
  private @Nullable ReadinessWatch readinessWatch;

  private record Loss(String why, @Nullable Throwable cause) {}

  HostLoop(MqttLoop loop, DrivenEventLoop eventLoop, DriverSeat seat) {
    this.loop = loop;
    this.eventLoop = eventLoop;
    this.seat = seat;
  }

  /** Drives on an executor from now on, until {@link #stop}. */
  void driveOn(Executor executor) {
    requireNoExecutor(Mode.DRIVE_ON);
    seat.requireNoDriver(Mode.DRIVE_ON);
    forgetLoss();
    ExecutorDrive drive = new ExecutorDrive(this, executor);
    executorDrive = drive;
    try {
      drive.begin();
    } catch (RejectedExecutionException e) {
      end(drive);
      throw new IllegalStateException(
          Mode.DRIVE_ON.text
              + " cannot drive the loop '"
              + loop.name()
              + "': its executor takes no tasks; is it shut down?",
          e);
    } catch (IllegalArgumentException e) {
      end(drive);
      throw new IllegalArgumentException(
          Mode.DRIVE_ON.text + " cannot drive the loop '" + loop.name() + "': " + e.getMessage(),
          e);
    } catch (RuntimeException | Error e) { // of the executor's
      end(drive);
      throw e;
    }
    watchReadiness();
  }

  /** One turn for {@link #driveOn}, on the executor's thread. */
  void turnOn(ExecutorDrive onExecutor) {
    loop.driving().turnForExecutor(() -> end(onExecutor));
  }

  /** The executor that drives cannot any more; any thread. */
  void onUnfit(ExecutorDrive onExecutor, String why, @Nullable Throwable cause) {
    LOG.error(
        "driveOn(Executor) has ended for the loop '{}', and nobody drives it now: {}. Call"
            + " loopStop(), then drive it in another way, or close it",
        loop.name(),
        why,
        cause);
    lost = new Loss(why, cause);
    end(onExecutor);
  }

  /** Throws if the executor that was to drive cannot, and the program has not said what now. */
  void requireNotLost() {
    Loss loss = lost;
    if (loss != null) {
      throw new IllegalStateException(
          "driveOn(Executor) has ended for the loop '"
              + loop.name()
              + "': "
              + loss.why
              + ". Call loopStop(), then drive it in another way: a blocking call drives here if"
              + " nobody else does",
          loss.cause);
    }
  }

  /** The program has said who drives instead. */
  void forgetLoss() {
    lost = null;
  }

  /** Drives on no executor any more; nothing happens if it did not. */
  void stop() {
    forgetLoss();
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
