// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Who drives a loop. There is one seat; whoever takes it runs the loop's turns until he leaves it.
 * The lock orders memory between one driver and the next. Safe for use by any thread.
 *
 * <p>The four ways to drive differ in how they give way. A blocking call drives only because nobody
 * else does: it hands over as soon as somebody asks. The others keep the seat until they end by
 * themselves or are stopped, and a second one is refused.
 */
final class DriverSeat {
  /** The ways to drive. */
  enum Mode {
    LOOP("loop(Duration)"),
    LOOP_START("loopStart()"),
    LOOP_FOREVER("loopForever()"),
    DRIVE_ON("driveOn(Executor)"),
    BLOCKING_CALL("a blocking call");

    final String text;

    Mode(String text) {
      this.text = text;
    }
  }

  /** One driver's stay in the seat. */
  static final class Drive {
    final Thread thread;
    final Mode mode;

    /** Set by any thread; the driver leaves after the step it is in. */
    private volatile boolean stopped;

    /** When that was; written before it. */
    private volatile long stoppedNanos;

    /** Set by a driver of another mode that waits for the seat. */
    volatile boolean handOver;

    /** What a callback threw that stops this driver; read and written by himself. */
    @Nullable Throwable failure;

    Drive(Thread thread, Mode mode) {
      this.thread = thread;
      this.mode = mode;
    }

    /** Has the driver leave; any thread. */
    void stop() {
      if (!stopped) {
        stoppedNanos = System.nanoTime();
        stopped = true;
      }
    }

    boolean isStopped() {
      return stopped;
    }

    /** Returns how long ago the driver was told to stop; only of one that was. */
    long nanosSinceStopped() {
      return System.nanoTime() - stoppedNanos;
    }

    boolean isEnding() {
      return stopped || handOver;
    }

    String describe() {
      return mode.text + " on thread '" + thread.getName() + "'";
    }
  }

  /** How long somebody who wants to drive waits for one who was told to stop and does not leave. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final String loopName;
  private final Consumer<@Nullable Thread> onDriverChange;
  private final Runnable wakeup;
  private final Function<Drive, String> whyNotLeft;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** Written under the lock. */
  private volatile @Nullable Drive current;

  /** How many wait in {@link #take}; blocking calls let them go first. Guarded by the lock. */
  private int waitingToTake;

  /** Whether somebody waits for readiness in the free seat. Guarded by the lock. */
  private boolean watched;

  /** How many have driven so far. Guarded by the lock. */
  private long drives;

  /**
   * Makes a free seat.
   *
   * @param wakeup has whoever drives look whether he is to leave
   * @param whyNotLeft says what keeps a driver who was told to stop
   */
  DriverSeat(
      String loopName,
      Consumer<@Nullable Thread> onDriverChange,
      Runnable wakeup,
      Function<Drive, String> whyNotLeft) {
    this.loopName = loopName;
    this.onDriverChange = onDriverChange;
    this.wakeup = wakeup;
    this.whyNotLeft = whyNotLeft;
  }

  @Nullable Drive current() {
    return current;
  }

  boolean isDriver(Thread thread) {
    Drive drive = current;
    return drive != null && drive.thread == thread;
  }

  /**
   * Takes the seat for one of the three ways that a program asks for. Waits while the one who
   * drives is about to leave, but not for ever where he was told to: a callback may be stuck.
   *
   * @return the stay, or null if the time passed before the seat was free
   * @throws IllegalStateException if somebody else drives, or does not leave
   */
  @Nullable Drive take(Mode mode, Thread thread, long waitNanos) {
    boolean interrupted = false;
    long begunNanos = System.nanoTime();
    lock.lock();
    waitingToTake++;
    try {
      long left = waitNanos;
      for (Drive drive; (drive = current) != null || watched; ) {
        if (drive == null) {
          awaitWatchLeft();
          continue;
        }
        if (drive.thread == Thread.currentThread()) {
          throw new IllegalStateException(
              mode.text
                  + " was called on thread '"
                  + drive.thread.getName()
                  + "' inside a callback"
                  + " of the loop '"
                  + loopName
                  + "', which that thread is driving; return from the"
                  + " callback and the loop goes on");
        }
        if (!drive.isStopped() && drive.mode != Mode.BLOCKING_CALL) {
          throw driven(mode, drive);
        }
        drive.handOver = true;
        wakeup.run();
        long patience = drive.isStopped() ? patienceWith(drive, begunNanos) : Long.MAX_VALUE;
        if (patience <= 0 || (left <= 0 && drive.isStopped() && isOverdue(drive))) {
          throw notLeft(mode, drive);
        }
        if (left <= 0) {
          return null;
        }
        try {
          long wait = Math.min(left, patience);
          left -= wait - changed.awaitNanos(wait);
        } catch (InterruptedException e) {
          interrupted = true;
          return null;
        }
      }
      return sit(mode, thread);
    } finally {
      if (--waitingToTake == 0 && current == null) {
        changed.signalAll(); // those who let this one go first look again
      }
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static boolean isOverdue(Drive drive) {
    return drive.nanosSinceStopped() >= PATIENCE_NANOS;
  }

  /** Returns how much longer one who wants to drive waits for one who was told to stop. */
  private static long patienceWith(Drive drive, long begunNanos) {
    long waitedNanos = System.nanoTime() - begunNanos;
    return PATIENCE_NANOS - Math.min(waitedNanos, drive.nanosSinceStopped());
  }

  /** Throws if somebody drives, in a way that does not give way by itself. */
  void requireNoDriver(Mode mode) {
    Drive drive = current;
    if (drive != null && !drive.isStopped() && drive.mode != Mode.BLOCKING_CALL) {
      throw driven(mode, drive);
    }
  }

  private IllegalStateException notLeft(Mode mode, Drive drive) {
    return new IllegalStateException(
        mode.text
            + " cannot drive the loop '"
            + loopName
            + "' yet: "
            + whyNotLeft.apply(drive)
            + "; it was told to stop "
            + TimeUnit.NANOSECONDS.toMillis(drive.nanosSinceStopped())
            + " ms ago");
  }

  private IllegalStateException driven(Mode mode, Drive drive) {
    return new IllegalStateException(
        mode.text
            + " cannot drive the loop '"
            + loopName
            + "': it is driven by "
            + drive.describe()
            + "; stop that one first with loopStop()");
  }

  /** Takes the seat for a blocking call, or returns null if somebody drives or is about to. */
  @Nullable Drive takeForBlockingCall() {
    return takeIfFree(Mode.BLOCKING_CALL);
  }

  private @Nullable Drive takeIfFree(Mode mode) {
    lock.lock();
    try {
      if (current != null || waitingToTake > 0) {
        return null;
      }
      waitingToTake++;
      try {
        awaitWatchLeft();
        return current == null ? sit(mode, Thread.currentThread()) : null;
      } finally {
        waitingToTake--;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Has whoever only watches leave, which he does at once; called under the lock. */
  private void awaitWatchLeft() {
    while (watched && current == null) {
      wakeup.run();
      changed.awaitUninterruptibly();
    }
  }

  /**
   * Takes the free seat to wait for readiness, without driving. Waits while somebody drives, and
   * until somebody has driven since the watch last told of readiness.
   *
   * @param lastTold what {@link #leaveWatch} returned then, or -1
   * @return false if it is over first
   */
  boolean takeToWatch(long lastTold, BooleanSupplier over) {
    lock.lock();
    try {
      while (!over.getAsBoolean()
          && (current != null || waitingToTake > 0 || watched || drives == lastTold)) {
        changed.awaitUninterruptibly();
      }
      watched = !over.getAsBoolean();
      return watched;
    } finally {
      lock.unlock();
    }
  }

  /** Leaves the seat to whoever wants it; returns how many have driven so far. */
  long leaveWatch() {
    lock.lock();
    try {
      watched = false;
      changed.signalAll();
      return drives;
    } finally {
      lock.unlock();
    }
  }

  private Drive sit(Mode mode, Thread thread) {
    Drive drive = new Drive(thread, mode);
    current = drive;
    drives++;
    onDriverChange.accept(thread);
    return drive;
  }

  /**
   * Takes the seat for one of an executor's turns, or returns null if somebody drives: another turn
   * of the same executor, or a blocking call, which then leaves.
   */
  @Nullable Drive takeForTurn() {
    lock.lock();
    try {
      Drive drive = current;
      if (drive == null) {
        return takeIfFree(Mode.DRIVE_ON);
      }
      if (drive.mode == Mode.BLOCKING_CALL) {
        drive.handOver = true;
        wakeup.run();
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** Leaves the seat; called by the driver. */
  void leave(Drive drive) {
    lock.lock();
    try {
      if (current == drive) {
        current = null;
        onDriverChange.accept(null);
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Asks whoever drives to leave; returns the stay that is ending, or null if nobody drives. */
  @Nullable Drive stop() {
    Drive drive = current;
    if (drive != null) {
      drive.stop();
      wakeup.run();
    }
    return drive;
  }

  /** Waits until a stay has ended; returns false if the time passed first. */
  boolean awaitLeft(Drive drive, long waitNanos) throws InterruptedException {
    lock.lock();
    try {
      long left = waitNanos;
      while (current == drive && left > 0) {
        left = changed.awaitNanos(left);
      }
      return current != drive;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the seat is free, {@link #signal} is called, or the time has passed. */
  void awaitChange(BooleanSupplier until, long waitNanos) throws InterruptedException {
    lock.lock();
    try {
      long left = waitNanos;
      while (!until.getAsBoolean() && (current != null || waitingToTake > 0) && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits until something has come true that {@link #signal} tells of, or the time has passed. */
  void awaitSignal(BooleanSupplier until, long waitNanos) throws InterruptedException {
    lock.lock();
    try {
      long left = waitNanos;
      while (!until.getAsBoolean() && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Lets those in {@link #awaitChange} look again, and the driver too. */
  void signal() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (!isDriver(Thread.currentThread())) {
      wakeup.run();
    }
  }
}
