// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.NameResolver;
import io.bight.mqtt.MqttTimeoutException;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to get a transport: asks the program what to send, if it wants to be asked, then
 * dials. Belongs to the driver; a failure is told in a later turn, or never once it is cancelled.
 */
final class Attempt {
  private final MqttLoop loop;
  private final ClientWorker worker;
  private final ConnectAttempt request;
  private final Function<ConnectAttempt, @Nullable CompletionStage<?>> hook;
  private final Duration hookTimeout;
  private final Runnable onPrepared;
  private final BiConsumer<Attempt, Throwable> onHookFailure;
  private final BiConsumer<Attempt, Throwable> onTransportFailure;
  private @Nullable ScheduledFuture<?> hookTimer;
  private @Nullable Dialer dialer;

  /** Whether the hook has nothing to say any more. */
  private boolean prepared;

  private boolean cancelled;

  /**
   * Makes an attempt that has not begun.
   *
   * @param hook what the program does first; what it returns is waited for, unless it is null
   * @param hookTimeout how long that may take
   * @param onPrepared is called before dialing begins
   * @param onHookFailure is told why the program could not prepare the attempt
   * @param onTransportFailure is told why there is no transport
   */
  Attempt(
      MqttLoop loop,
      ClientWorker worker,
      ConnectAttempt request,
      Function<ConnectAttempt, @Nullable CompletionStage<?>> hook,
      Duration hookTimeout,
      Runnable onPrepared,
      BiConsumer<Attempt, Throwable> onHookFailure,
      BiConsumer<Attempt, Throwable> onTransportFailure) {
    this.loop = loop;
    this.worker = worker;
    this.request = request;
    this.hook = hook;
    this.hookTimeout = hookTimeout;
    this.onPrepared = onPrepared;
    this.onHookFailure = onHookFailure;
    this.onTransportFailure = onTransportFailure;
  }

  ConnectAttempt request() {
    return request;
  }

  void start() {
    EventExecutor executor = loop.executor();
    CompletionStage<?> stage;
    try {
      stage = hook.apply(request);
    } catch (Throwable t) {
      executor.execute(() -> onHookDone(t));
      return;
    }
    if (stage == null) {
      onHookDone(null);
      return;
    }
    if (cancelled) {
      return; // the hook itself has disconnected the client
    }
    hookTimer = executor.schedule(this::onHookTimeout, hookTimeout.toNanos(), TimeUnit.NANOSECONDS);
    stage.whenComplete((nothing, failure) -> onStageCompleted(failure));
  }

  /** The program's stage is complete; called by any thread. */
  private void onStageCompleted(@Nullable Throwable failure) {
    request.close(); // what the program has set is what is sent
    try {
      Throwable why = failure == null ? null : NameResolver.unwrapped(failure);
      loop.executor().execute(() -> onHookDone(why));
    } catch (RejectedExecutionException e) {
      // The loop is closed, and nobody waits for the attempt any more.
    }
  }

  private void onHookTimeout() {
    hookTimer = null;
    onHookDone(
        new MqttTimeoutException(
            "it did not complete within " + hookTimeout.toMillis() + " ms, the connect timeout"));
  }

  private void onHookDone(@Nullable Throwable failure) {
    if (prepared || cancelled) {
      return;
    }
    prepared = true;
    endHook();
    if (failure != null) {
      onHookFailure.accept(this, failure);
      return;
    }
    onPrepared.run();
    dialer =
        new Dialer(
            loop,
            request,
            worker,
            cause -> worker.inLogContext(() -> onTransportFailure.accept(this, cause)));
    dialer.start();
  }

  private void endHook() {
    request.close();
    if (hookTimer != null) {
      hookTimer.cancel(false);
      hookTimer = null;
    }
  }

  /** Gives up; nothing is told any more. */
  void cancel() {
    cancelled = true;
    endHook();
    if (dialer != null) {
      dialer.cancel();
    }
  }
}
