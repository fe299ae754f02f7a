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
  private static final VarHandle FRAME;

  /** After so many callbacks the frame is a new one; a power of two. */
  private static final int CALLBACKS_OF_A_FRAME = 4096;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      COUNT = lookup.findVarHandle(RunningCallback.class, "count", long.class);
      WHAT = lookup.findVarHandle(Frame.class, "what", Object.class);
      CLIENT = lookup.findVarHandle(Frame.class, "client", MqttClient.class);
      FRAME = lookup.findVarHandle(RunningCallback.class, "frame", Frame.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final MqttLoop loop;
  private final SlowCallbackWatch watch;

  /** Goes up by one when a callback begins and when it ends: odd while one runs. */
  @SuppressWarnings("UnusedVariable") // by its VarHandle
  private long count;

  /** By its VarHandle. */
  private Frame frame = new Frame();

  /**
   * Which callback it is. Made anew every now and then: a reference that is stored in a long-lived
   * object costs the garbage collector more than the whole rest of this, for each message.
   */
  @SuppressWarnings("UnusedVariable") // by their VarHandles
  private static final class Frame {
    private @Nullable Object what;
    private @Nullable MqttClient client;
  }

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
    if ((before & (2 * CALLBACKS_OF_A_FRAME - 1)) == 0) {
      FRAME.setRelease(this, new Frame());
    }
    Frame current = frame;
    WHAT.setRelease(current, callback);
    CLIENT.setRelease(current, of);
    COUNT.setRelease(this, before + 1);
    watch.onCallback();
    return true;
  }

  /** The callback has returned. */
  void end() {
    COUNT.setRelease(this, count + 1);
    WHAT.setRelease(frame, null);
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
    Frame current = (Frame) FRAME.getAcquire(this);
    Object callback = WHAT.getAcquire(current);
    MqttClient of = (MqttClient) CLIENT.getAcquire(current);
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
