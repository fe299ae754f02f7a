// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Has a loop's turns run by an executor of the program, one at a time, whenever there is work. */
final class ExecutorDrive {
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

  /** There is work; any thread. */
  void post() {
    if (ended || !posted.compareAndSet(false, true)) {
      return;
    }
    try {
      executor.execute(this::turn);
    } catch (RejectedExecutionException e) {
      host.onExecutorRefused(this, e);
    }
  }

  private void turn() {
    posted.set(false);
    if (!ended) {
      thread = Thread.currentThread();
      host.turnOn(this);
    }
  }

  /** Tells whether the calling thread is the one that would run the next turn. */
  boolean isOnItsThread() {
    return thread == Thread.currentThread();
  }

  void end() {
    ended = true;
  }
}
