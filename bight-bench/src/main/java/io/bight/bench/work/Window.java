// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Completion;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Bounds how many messages are outstanding. The thread that publishes waits when the window is
 * full, and goes on when so many are done as it was made with: with a wake-up for each message much
 * of what is measured is the scheduler. Completions may come on any thread.
 */
final class Window implements Completion {
  private static final long LONGEST_WAIT_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final int size;
  private final int resume;
  private final Runnable beforeWaiting;
  private final AtomicLong done = new AtomicLong();
  private volatile @Nullable Throwable failure;

  // Written by the thread that publishes
  private long begun;
  private volatile long wakeAt = Long.MAX_VALUE;
  private volatile @Nullable Thread waiting;

  Window(int size) {
    this(size, size - size / 2, () -> {});
  }

  /**
   * Makes a window.
   *
   * @param size how many are outstanding at most
   * @param resume after how many of a full window are done the thread goes on
   * @param beforeWaiting is run before the thread waits
   */
  Window(int size, int resume, Runnable beforeWaiting) {
    this.size = size;
    this.resume = resume;
    this.beforeWaiting = beforeWaiting;
  }

  /** Before each message: waits for room. */
  void begin() throws TimeoutException {
    if (begun - done.get() >= size) {
      awaitDone(begun - size + resume);
    }
    begun++;
  }

  @Override
  public void accept(@Nullable Object result, @Nullable Throwable error) {
    if (error != null) {
      failure = error;
    }
    if (done.incrementAndGet() >= wakeAt) {
      wakeAt = Long.MAX_VALUE;
      LockSupport.unpark(waiting);
    }
  }

  /** Waits until everything that was begun is done. */
  void awaitAll() throws TimeoutException {
    awaitDone(begun);
  }

  private void awaitDone(long count) throws TimeoutException {
    beforeWaiting.run();
    waiting = Thread.currentThread();
    long deadline = System.nanoTime() + LONGEST_WAIT_NANOS;
    while (done.get() < count) {
      wakeAt = count;
      if (done.get() < count) {
        LockSupport.parkNanos(this, LONGEST_WAIT_NANOS);
      }
      if (System.nanoTime() > deadline && done.get() < count) {
        throw new TimeoutException(
            done.get() + " of " + begun + " messages are done, and nothing more for 30 s.");
      }
    }
    wakeAt = Long.MAX_VALUE;
    requireNoFailure();
  }

  void requireNoFailure() {
    if (failure != null) {
      throw new IllegalStateException("A message has failed: " + failure, failure);
    }
  }

  long begun() {
    return begun;
  }

  long done() {
    return done.get();
  }
}
