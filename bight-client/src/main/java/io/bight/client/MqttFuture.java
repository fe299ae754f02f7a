// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttTimeoutException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of something asked of a client. A {@link CompletableFuture} whose blocking calls
 * drive the loop on the calling thread while nobody else does, so that waiting always gets there.
 *
 * <p>It completes on the thread that drives the loop, and so do the stages that depend on it unless
 * their {@code ...Async} forms are used. A blocking call inside a callback is refused, since the
 * loop it waits for is below it on the stack: use {@link #whenComplete} or {@link #thenAccept}
 * there.
 *
 * @param <T> what a success brings
 */
public abstract class MqttFuture<T> extends CompletableFuture<T> {
  /** Whether the loop is told of the end; once is enough, however often it is waited for. */
  private volatile boolean watched;

  MqttFuture() {}

  /** Returns the loop whose driver completes it. */
  abstract MqttLoop loop();

  /**
   * Waits for the outcome.
   *
   * @return what the success brings
   * @throws MqttException if it failed, with the reason; or if the waiting thread was interrupted,
   *     whose interrupt flag is then kept
   * @throws IllegalStateException if called inside a callback of the loop
   */
  public T await() {
    return awaitUntil(Long.MAX_VALUE, Duration.ZERO); // which is never named
  }

  /**
   * Waits for the outcome, but not longer than a time.
   *
   * @param timeout how long to wait at most
   * @return what the success brings
   * @throws MqttTimeoutException if the time passed first; the future stays usable
   * @throws MqttException if it failed, with the reason; or if the waiting thread was interrupted,
   *     whose interrupt flag is then kept
   * @throws IllegalStateException if called inside a callback of the loop
   */
  public T await(Duration timeout) {
    return awaitUntil(Deadline.after(timeout), timeout);
  }

  /**
   * Waits for the outcome as one of several steps that have a time limit together.
   *
   * @param limit what the program has set, for messages
   */
  T awaitUntil(long deadlineNanos, Duration limit) {
    try {
      if (!drive(deadlineNanos)) {
        throw new MqttTimeoutException(notDoneWithin(limit));
      }
      return super.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MqttException("interrupted while waiting for " + describe(), e);
    } catch (CompletionException e) {
      if (e.getCause() instanceof MqttException failure) {
        // The stack should show who waited; the cause shows where it went wrong.
        failure.addSuppressed(new WaitedHere());
        throw failure;
      }
      throw e;
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if called inside a callback of the loop
   */
  @Override
  public T join() {
    boolean interrupted = false;
    try {
      while (!isDone()) {
        try {
          drive(Long.MAX_VALUE);
        } catch (InterruptedException e) {
          interrupted = true; // CompletableFuture.join goes on waiting too, and keeps the flag
        }
      }
      return super.join();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if called inside a callback of the loop
   */
  @Override
  public T get() throws InterruptedException, ExecutionException {
    drive(Long.MAX_VALUE);
    return super.get();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if called inside a callback of the loop
   */
  @Override
  public T get(long timeout, TimeUnit unit)
      throws InterruptedException, ExecutionException, TimeoutException {
    Duration limit = Duration.ofNanos(Math.max(0, unit.toNanos(timeout)));
    drive(Deadline.after(limit));
    return super.get(0, TimeUnit.NANOSECONDS);
  }

  /** Stages that depend on this one can be waited for in the same way. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new DependentStage<>(loop());
  }

  /** Waits until this future is done, driving while nobody else does; false: the time passed. */
  boolean drive(long deadlineNanos) throws InterruptedException {
    return loop().driving().driveUntilDone(this, deadlineNanos);
  }

  /** Has something run when this future is done, the first time it is asked. */
  void watch(Runnable onDone) {
    if (!watched) {
      watched = true;
      whenComplete((result, failure) -> onDone.run());
    }
  }

  /** Completes it; stages that depend on it run within. */
  void succeed(@Nullable T result) {
    boolean begun = loop().running().begin(this, null);
    try {
      complete(result);
    } finally {
      if (begun) {
        loop().running().end();
      }
    }
  }

  /** Completes it as failed; stages that depend on it run within. */
  void fail(Throwable failure) {
    boolean begun = loop().running().begin(this, null);
    try {
      completeExceptionally(failure);
    } finally {
      if (begun) {
        loop().running().end();
      }
    }
  }

  /** Says that it is not done after a time in which somebody has waited for it. */
  String notDoneWithin(Duration limit) {
    return describe()
        + " did not complete within "
        + limit.toMillis()
        + " ms; "
        + describeHolder()
        + describeDriving(!limit.isZero());
  }

  /**
   * Says who drives what is waited for.
   *
   * @param waited whether somebody has waited, and so driven if nobody else did
   */
  String describeDriving(boolean waited) {
    return loop().describeDriving(waited);
  }

  /** Says what the client is doing that this is asked of, if it is one client, and "; ". */
  String describeHolder() {
    return "";
  }

  /** Names what is waited for, for messages. */
  String describe() {
    return "the call";
  }

  /** A stage that depends on another one. */
  static class DependentStage<U> extends MqttFuture<U> {
    private final MqttLoop loop;

    DependentStage(MqttLoop loop) {
      this.loop = loop;
    }

    @Override
    final MqttLoop loop() {
      return loop;
    }
  }

  /** Marks where a failure was waited for; what failed happened on the loop. */
  private static final class WaitedHere extends RuntimeException {
    private static final long serialVersionUID = 1L;

    WaitedHere() {
      super("waited for here");
    }
  }
}
