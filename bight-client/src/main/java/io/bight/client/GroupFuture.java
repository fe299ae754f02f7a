// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttTimeoutException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The outcome of something asked of every client of an {@link MqttGroup}. It completes when the
 * last client's part is done, and never with a failure: one client's failure is part of the {@link
 * GroupResult} and does not stop the others.
 *
 * <p>Blocking calls drive the loops that nobody else drives: the first on the calling thread, each
 * other on a thread that ends with the call.
 *
 * @param <T> what the success of one client brings
 */
public final class GroupFuture<T> extends MqttFuture<GroupResult<T>> {
  private final LoopSet loops;
  private final String what;
  private final Map<MqttClient, MqttFuture<T>> parts;

  GroupFuture(LoopSet loops, String what, Map<MqttClient, MqttFuture<T>> parts) {
    this.loops = loops;
    this.what = what;
    this.parts = parts;
    AtomicInteger left = new AtomicInteger(parts.size() + 1);
    Runnable done =
        () -> {
          if (left.decrementAndGet() == 0) {
            complete(resultAfter(Duration.ZERO)); // all are done, so the time does not matter
          }
        };
    parts.values().forEach(part -> part.whenComplete((result, failure) -> done.run()));
    done.run();
  }

  /**
   * Returns one client's part.
   *
   * @param client the client
   * @return its future
   * @throws IllegalArgumentException if nothing was asked of that client
   */
  public MqttFuture<T> of(MqttClient client) {
    MqttFuture<T> part = parts.get(client);
    if (part == null) {
      throw new IllegalArgumentException(client + " has no part in " + what);
    }
    return part;
  }

  /**
   * Waits for the parts of all clients, but not longer than a time.
   *
   * @param timeout how long to wait at most
   * @return one result for each client; those that are not done are failures with a {@link
   *     MqttTimeoutException}, and go on all the same
   * @throws MqttException if the waiting thread was interrupted, whose interrupt flag is then kept
   * @throws IllegalStateException if called inside a callback of the group
   */
  @Override
  public GroupResult<T> await(Duration timeout) {
    try {
      return super.await(timeout);
    } catch (MqttTimeoutException e) {
      return resultAfter(timeout);
    }
  }

  private GroupResult<T> resultAfter(Duration timeout) {
    Map<MqttClient, T> results = new LinkedHashMap<>();
    Map<MqttClient, MqttException> failures = new LinkedHashMap<>();
    parts.forEach(
        (client, part) -> {
          if (!part.isDone()) {
            failures.put(client, new MqttTimeoutException(part.notDoneWithin(timeout)));
          } else if (part.isCompletedExceptionally()) {
            failures.put(client, failureOf(part));
          } else {
            results.put(client, part.getNow(null));
          }
        });
    return new GroupResult<>(what, results, failures);
  }

  private static MqttException failureOf(MqttFuture<?> part) {
    Throwable failure =
        part.handle((result, thrown) -> thrown).getNow(new IllegalStateException("not done"));
    if (failure instanceof CompletionException && failure.getCause() != null) {
      failure = failure.getCause();
    }
    return failure instanceof MqttException mqtt
        ? mqtt
        : new MqttException(part.describe() + " failed: " + failure, failure);
  }

  @Override
  MqttLoop loop() {
    return loops.all().get(0);
  }

  @Override
  boolean drive(long deadlineNanos) throws InterruptedException {
    return loops.driveUntilDone(this, deadlineNanos);
  }

  @Override
  String describe() {
    return what;
  }

  /** Stages that depend on this one can be waited for in the same way. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new Stage<>(loops, "a stage after " + what);
  }

  /** Something of a group that is no result for each client; waiting for it drives its loops. */
  static final class Stage<U> extends MqttFuture<U> {
    private final LoopSet loops;
    private final String what;

    Stage(LoopSet loops, String what) {
      this.loops = loops;
      this.what = what;
    }

    @Override
    MqttLoop loop() {
      return loops.all().get(0);
    }

    @Override
    boolean drive(long deadlineNanos) throws InterruptedException {
      return loops.driveUntilDone(this, deadlineNanos);
    }

    @Override
    public <V> CompletableFuture<V> newIncompleteFuture() {
      return new Stage<>(loops, "a stage after " + what);
    }

    @Override
    String describe() {
      return what;
    }
  }
}
