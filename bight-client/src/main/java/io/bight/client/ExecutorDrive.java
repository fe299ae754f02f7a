// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Has a loop's turns run by an executor of the program, one at a time, whenever there is work. */
final class ExecutorDrive {
  /** Why an executor cannot drive that runs its tasks at once. */
  private static final String RUNS_IN_CALLER =
      "its executor runs tasks on the thread that calls execute(Runnable), so that callbacks would"
          + " come on any thread, and in the middle of other calls; give it one with a thread of its"
          + " own, or call loopStart()";

  private final HostLoop host;
  private final Executor executor;

  /** Whether a turn is on its way to the executor. */
  private final AtomicBoolean posted = new AtomicBoolean();

  private volatile boolean ended;

  /** Where the latest turn ran; written by that thread, read by all. */
  private volatile @Nullable Thread thread;

  ExecutorDrive(HostLoop host, Executor executor) {
    this.host = host;
    this.executor = executor;
  }

  /**
   * Gives the executor its first turn, which begins what waits, and tells which thread it is.
   *
   * @throws RejectedExecutionException if it takes no tasks
   * @throws IllegalArgumentException if it runs them here and now
   */
  void begin() {
    posted.set(true);
    if (give()) {
      throw new IllegalArgumentException(RUNS_IN_CALLER);
    }
  }

  /** There is work; any thread. */
  void post() {
    if (ended || !posted.compareAndSet(false, true)) {
      return;
    }
    try {
      if (give()) {
        host.onUnfit(this, RUNS_IN_CALLER, null);
      }
    } catch (RejectedExecutionException e) {
      host.onUnfit(this, "its executor takes no more tasks", e);
    }
  }

  /** Gives a turn to the executor; returns whether it wanted to run it on a wrong thread. */
  private boolean give() {
    Turn turn = new Turn();
    executor.execute(turn);
    turn.given = true;
    return turn.refused;
  }

  /** Tells whether the calling thread is the one that would run the next turn. */
  boolean isOnItsThread() {
    return thread == Thread.currentThread();
  }

  void end() {
    ended = true;
  }

  /** A turn on its way. */
  private final class Turn implements Runnable {
    private final Thread giver = Thread.currentThread();

    // Read and written by the giver only
    private boolean given;
    private boolean refused;

    @Override
    public void run() {
      Thread here = Thread.currentThread();
      // Some executors run at once what their own thread gives them, which is the right one.
      if (here == giver && !given && here != thread) {
        refused = true;
        return;
      }
      posted.set(false);
      if (!ended) {
        thread = here;
        host.turnOn(ExecutorDrive.this);
      }
    }
  }
}
