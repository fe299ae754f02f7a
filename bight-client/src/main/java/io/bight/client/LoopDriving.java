// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.DriverSeat.Drive;
import io.bight.client.DriverSeat.Mode;
import io.bight.client.internal.DrivenEventLoop;
import io.bight.mqtt.MqttException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives a loop: runs its turns for whoever takes the seat, in each of the ways to drive, from
 * taking the seat to leaving it. What one driver had to leave undone, the next one does first.
 */
final class LoopDriving {
  private static final Logger LOG = LoggerFactory.getLogger(MqttLoop.class);

  /** How long {@link #stop} waits for a driver that is inside a callback. */
  private static final long STOP_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** How many times so long it waits for one who is not, and so leaves as soon as he can. */
  private static final int STOP_WAITS = 10;

  /** How long closing a socket may take once nothing is waited for any more. */
  private static final Duration ABORT_TIMEOUT = Duration.ofMillis(100);

  private final MqttLoop loop;
  private final DrivenEventLoop eventLoop;
  private final DriverSeat seat;

  /** What a driver that was stopped has left for the next one. Touched by drivers only. */
  private final ArrayDeque<Runnable> onNextDrive = new ArrayDeque<>();

  LoopDriving(MqttLoop loop, DrivenEventLoop eventLoop, DriverSeat seat) {
    this.loop = loop;
    this.eventLoop = eventLoop;
    this.seat = seat;
  }

  // ---- the ways to drive

  /** Drives for one turn; {@link MqttLoop#loop}. */
  boolean turn(Duration timeout) {
    requireMayBegin(Mode.LOOP);
    long deadline = Deadline.after(timeout);
    Drive drive =
        seat.take(Mode.LOOP, Thread.currentThread(), Math.max(0, Deadline.nanosLeft(deadline)));
    if (drive == null) {
      return false;
    }
    int done;
    try {
      long left;
      int resumed = resume();
      do {
        left = Deadline.nanosLeft(deadline);
        done = resumed + eventLoop.turn(resumed > 0 ? 0 : Math.max(0, left));
      } while (done == 0 && left > 0 && mayGoOn(drive) && !Thread.currentThread().isInterrupted());
    } finally {
      leave(drive);
    }
    rethrowFailureOf(drive);
    return done > 0;
  }

  /** Drives on a new thread; {@link MqttLoop#loopStart}. */
  void start(boolean daemon) {
    requireMayBegin(Mode.LOOP_START);
    CompletableFuture<Drive> taken = new CompletableFuture<>();
    Thread thread = new Thread(() -> drive(taken.join()), loop.name());
    thread.setDaemon(daemon);
    Drive drive = seat.take(Mode.LOOP_START, thread, Long.MAX_VALUE);
    if (drive == null) {
      throw new MqttException(
          "interrupted while loopStart() waited for the driver of the loop '"
              + loop.name()
              + "' to leave",
          null);
    }
    taken.complete(drive);
    try {
      thread.start();
    } catch (Throwable t) { // the system has no more threads
      seat.leave(drive);
      throw t;
    }
  }

  /** Drives on this thread; {@link MqttLoop#loopForever}. */
  void forever() {
    requireMayBegin(Mode.LOOP_FOREVER);
    Drive drive = seat.take(Mode.LOOP_FOREVER, Thread.currentThread(), Long.MAX_VALUE);
    if (drive == null) {
      return; // interrupted before it began
    }
    drive(drive);
  }

  private void drive(Drive drive) {
    try {
      resume();
      boolean forever = drive.mode == Mode.LOOP_FOREVER;
      while (mayGoOn(drive)
          && !(forever && (Thread.currentThread().isInterrupted() || loop.allClientsHaveEnded()))) {
        eventLoop.turn(Long.MAX_VALUE);
        if (!forever && Thread.interrupted()) {
          LOG.debug("The thread of the loop '{}' was interrupted; loopStop() ends it", loop.name());
        }
      }
    } finally {
      leave(drive);
    }
    rethrowFailureOf(drive);
  }

  /**
   * Drives for one of the turns of {@link MqttLoop#driveOn}, which does not wait.
   *
   * @param onFailure is called when a callback has thrown what stops the driver
   */
  void turnForExecutor(Runnable onFailure) {
    if (loop.isClosed() || loop.inLoop()) {
      return; // inside a callback that lets the executor go on, as a modal dialog does
    }
    Drive drive = seat.takeForTurn();
    if (drive == null) {
      return; // what the one who drives leaves undone is told of anew
    }
    turnWithoutWaiting(drive);
    if (drive.failure != null) {
      onFailure.run();
      rethrowFailureOf(drive);
    }
  }

  /** Does what is at hand, without waiting, if nobody drives. */
  void turnIfUndriven() {
    Drive drive = loop.isClosed() ? null : seat.takeForBlockingCall();
    if (drive == null) {
      return;
    }
    turnWithoutWaiting(drive);
    rethrowFailureOf(drive);
  }

  private void turnWithoutWaiting(Drive drive) {
    try {
      resume();
      eventLoop.turn(0);
    } finally {
      leave(drive);
    }
  }

  private void requireMayBegin(Mode mode) {
    loop.requireOpen();
    loop.host().requireNoExecutor(mode);
    loop.host().forgetLoss();
  }

  private boolean mayGoOn(Drive drive) {
    return !drive.isEnding() && !loop.isClosed();
  }

  // ---- blocking calls

  /**
   * Waits for a future, driving the loop while nobody else does.
   *
   * @return false if the deadline passed first
   */
  boolean driveUntilDone(MqttFuture<?> future, long deadlineNanos) throws InterruptedException {
    return driveUntilDone(future, deadlineNanos, loop.host()::requireNotLost);
  }

  /**
   * Does so as long as a check does not throw.
   *
   * @param check is called each time before it is waited
   */
  private boolean driveUntilDone(MqttFuture<?> future, long deadlineNanos, Runnable check)
      throws InterruptedException {
    if (future.isDone()) {
      return true;
    }
    refuseToBlock();
    future.watch(seat::signal);
    HostLoop host = loop.host();
    while (!future.isDone()) {
      check.run();
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      if (Deadline.nanosLeft(deadlineNanos) <= 0) {
        return false;
      }
      if (!host.mayDriveForBlockingCall()) {
        seat.awaitSignal(
            () -> future.isDone() || host.mayDriveForBlockingCall(),
            Deadline.nanosLeft(deadlineNanos));
        continue;
      }
      Drive drive = seat.takeForBlockingCall();
      if (drive == null) {
        seat.awaitChange(future::isDone, Deadline.nanosLeft(deadlineNanos));
      } else {
        driveUntil(future, drive, deadlineNanos);
      }
    }
    return true;
  }

  /** Throws on the driver's thread, inside a callback. */
  void refuseToBlock() {
    if (loop.inLoop()) {
      throw new IllegalStateException(
          "a blocking call was made inside a callback of the loop '"
              + loop.name()
              + "', on the thread that"
              + " would have to bring its answer; use whenComplete(...) or the ...Async form of the"
              + " call");
    }
  }

  private void driveUntil(MqttFuture<?> future, Drive drive, long deadlineNanos) {
    try {
      loop.requireOpen();
      resume();
      long left;
      while (!future.isDone()
          && mayGoOn(drive)
          && !Thread.currentThread().isInterrupted()
          && (left = Deadline.nanosLeft(deadlineNanos)) > 0) {
        eventLoop.turn(left);
      }
    } finally {
      leave(drive);
    }
    rethrowFailureOf(drive);
    if (drive.isStopped() && !loop.isClosed() && !future.isDone()) {
      throw new IllegalStateException(
          "loopStop() ended a blocking call that drove the loop '"
              + loop.name()
              + "'; what it waited for"
              + " may still complete when the loop is driven again");
    }
  }

  /** Waits until a client has ended, whoever says loopStop() meanwhile. */
  boolean driveUntilEnded(MqttFuture<Void> future, long deadline) throws InterruptedException {
    while (!loop.isClosed()) { // another thread may close too, and be the first
      try {
        return driveUntilDone(future, deadline, () -> {}); // there is no other way to drive
      } catch (IllegalStateException e) {
        LOG.debug("Closing the loop '{}' goes on", loop.name(), e);
      }
    }
    return true;
  }

  /**
   * Waits until a client has ended, or aborts what is left of it after a time. Keeps the interrupt
   * flag: loopForever leaves it set, and what follows it is to end in order all the same.
   */
  void endWithin(Duration timeout, MqttFuture<Void> future, Runnable abort) {
    boolean interrupted = Thread.interrupted();
    try {
      if (!driveUntilEnded(future, Deadline.after(timeout))) {
        abort.run();
        driveUntilEnded(future, Deadline.after(ABORT_TIMEOUT));
      }
    } catch (InterruptedException e) {
      interrupted = true;
      abort.run();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  // ---- from one driver to the next

  /** Has something run at the beginning of the next drive; called by the driver. */
  void onNextDrive(Runnable task) {
    onNextDrive.add(task);
  }

  /** Goes on where the last driver was stopped; returns how much there was. */
  private int resume() {
    int count = onNextDrive.size();
    for (int i = 0; i < count; i++) {
      onNextDrive.remove().run();
    }
    return count;
  }

  private void leave(Drive drive) {
    try {
      if (loop.isClosed()) {
        loop.terminate();
      }
    } finally {
      seat.leave(drive);
    }
    if (!loop.isClosed()) {
      loop.onDriverLeft();
    }
  }

  // ---- the end of a drive

  /** Stops the driver, who throws on what a callback threw; called by himself, in the callback. */
  void stopWith(Throwable error) {
    Drive drive = seat.current();
    if (drive != null && drive.thread == Thread.currentThread() && drive.failure == null) {
      drive.failure = error;
      drive.stop();
    }
  }

  private static void rethrowFailureOf(Drive drive) {
    Throwable failure = drive.failure;
    if (failure instanceof RuntimeException exception) {
      throw exception;
    } else if (failure instanceof Error error) {
      throw error;
    } else if (failure != null) { // a checked exception that the compiler did not see
      throw new MqttException("a callback threw " + failure, failure);
    }
  }

  /** Tells whether the driver is to leave, so that callbacks still to come should wait. */
  boolean isDriverEnding() {
    Drive drive = seat.current();
    return drive != null && drive.isStopped();
  }

  /** Stops whoever drives; {@link MqttLoop#loopStop}. */
  void stop() {
    loop.host().stop();
    Drive drive = seat.stop();
    if (drive == null || drive.thread == Thread.currentThread()) {
      return;
    }
    try {
      boolean left = seat.awaitLeft(drive, STOP_WAIT_NANOS);
      for (int i = 1; !left && i < STOP_WAITS && loop.running().describe() == null; i++) {
        left = seat.awaitLeft(drive, STOP_WAIT_NANOS);
      }
      if (!left) {
        LOG.warn("The loop '{}' was told to stop, but {}", loop.name(), whyNotLeft(drive));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits for the driver of a loop that has been closed, but at least as {@link #stop} does. */
  void awaitLeft(long deadline) throws InterruptedException {
    Drive drive = seat.current();
    if (drive != null
        && !seat.awaitLeft(drive, Math.max(STOP_WAIT_NANOS, Deadline.nanosLeft(deadline)))) {
      LOG.warn("The loop '{}' is closed, but {}", loop.name(), whyNotLeft(drive));
    }
  }

  /** Terminates a loop that has been closed, unless somebody drives, who does it when he leaves. */
  void terminateIfFree() {
    Drive mine = seat.takeForBlockingCall();
    if (mine != null) {
      leave(mine);
    }
  }

  /** Says what keeps a driver who was told to leave. */
  String whyNotLeft(Drive drive) {
    String callback = loop.slowCallbackWatch().describeRunning();
    return drive.describe()
        + (callback == null
            ? " has not answered yet, though no callback runs: its thread waits for the processor, or"
                + " for something else, and it stops when it goes on"
            : " is inside " + callback + "; it stops when that returns");
  }
}
