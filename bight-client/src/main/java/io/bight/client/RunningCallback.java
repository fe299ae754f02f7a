// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * Which of the program's callbacks a loop is in. Written by the driver, for every message, so with
 * ordered stores only: no clock, no lock, no object. Read by any thread, which looks at the count
 * before and after.
 */
final class RunningCallback {
  private static final VarHandle COUNT;
  private static final VarHandle WHAT;
  private static final VarHandle CLIENT;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      COUNT = lookup.findVarHandle(RunningCallback.class, "count", long.class);
      WHAT = lookup.findVarHandle(RunningCallback.class, "what", Object.class);
      CLIENT = lookup.findVarHandle(RunningCallback.class, "client", MqttClient.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final MqttLoop loop;
  private final SlowCallbackWatch watch;

  /** Goes up by one when a callback begins and when it ends: odd while one runs. */
  @SuppressWarnings("UnusedVariable") // by its VarHandle
  private long count;

  @SuppressWarnings("UnusedVariable")
  private @Nullable Object what;

  @SuppressWarnings("UnusedVariable")
  private @Nullable MqttClient client;

  RunningCallback(MqttLoop loop, SlowCallbackWatch watch) {
    this.loop = loop;
    this.watch = watch;
  }

  /**
   * A callback is about to be called.
   *
   * @param callback a {@link Message} for its handlers, a future for its stages, or words
   * @param of whose callback it is; null if that says itself
   * @return whether {@link #end} is to be called: not for a callback within another, nor for one on
   *     another thread than the loop's
   */
  boolean begin(Object callback, @Nullable MqttClient of) {
    long before = count;
    if ((before & 1) != 0 || !loop.inLoop()) {
      return false;
    }
    WHAT.setRelease(this, callback);
    CLIENT.setRelease(this, of);
    COUNT.setRelease(this, before + 1);
    watch.onCallback();
    return true;
  }

  /** The callback has returned. */
  void end() {
    COUNT.setRelease(this, count + 1);
    WHAT.setRelease(this, null);
    watch.onCallbackEnded();
  }

  /** Returns the count: odd while a callback runs, another one for each; any thread. */
  long count() {
    return (long) COUNT.getAcquire(this);
  }

  static boolean isRunning(long count) {
    return (count & 1) != 0;
  }

  /** Names the callback that runs, or returns null if none does; any thread. */
  @Nullable String describe() {
    long before = count();
    if (!isRunning(before)) {
      return null;
    }
    Object callback = WHAT.getAcquire(this);
    MqttClient of = (MqttClient) CLIENT.getAcquire(this);
    return count() == before && callback != null ? words(callback, of) : null;
  }

  private static String words(Object callback, @Nullable MqttClient of) {
    if (callback instanceof MqttFuture<?> future) {
      return "a stage of the future of " + future.describe();
    }
    String name =
        callback instanceof Message message
            ? "onMessage for '" + message.topic() + "'"
            : callback.toString();
    return of == null ? name : name + " of " + of.describe();
  }
}
