// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.netty.util.concurrent.EventExecutor;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commands of one client on their way from any thread to the driver, in the order of the calls. A
 * thousand publishes wake the loop once. What the messages among them may take is {@link
 * PublishGate}'s to say; when the driver does not keep up, it takes the oldest out again.
 *
 * <pre>
 *   add: any thread                              the driver, or who drops the oldest in his place
 *   newest -&gt; ... -&gt; older  ---all at once--&gt;  aside, then oldest -&gt; ... -&gt; newer  ---&gt; run
 * </pre>
 *
 * <p>The commands are linked through themselves, so that an empty queue takes next to nothing, a
 * full one no more than its commands, and a command costs one atomic operation.
 */
final class CommandQueue {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);

  /** So that one client's flood leaves the turn to others. */
  private static final int MOST_IN_A_TURN = 1024;

  /** How much is taken over under one lock; what is taken over is not dropped any more. */
  private static final int BATCH = 32;

  private static final VarHandle NEWEST;
  private static final VarHandle SCHEDULED;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      NEWEST = lookup.findVarHandle(CommandQueue.class, "newest", Command.class);
      SCHEDULED = lookup.findVarHandle(CommandQueue.class, "scheduled", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final EventExecutor eventLoop;
  private final Supplier<String> client;
  private final Runnable drain;
  private final UnaryOperator<Command> onTaken;

  /** The command added last, linked to the one before it; by its VarHandle. */
  private volatile @Nullable Command newest;

  /** Whether the driver has been told; by its VarHandle. */
  private volatile boolean scheduled;

  // Guarded by this object's lock: whoever takes from the queue.
  /** Commands that came before those from {@link #oldest} on and are no messages. */
  private @Nullable Command asideFirst;

  private @Nullable Command asideLast;

  /** What was in the queue when somebody looked last, linked to the next younger one. */
  private @Nullable Command oldest;

  /** Whether there is something aside or from {@link #oldest} on; read by all. */
  private volatile boolean hasFetched;

  /** How many the driver has taken over and not run yet; touched by the driver only. */
  private int taken;

  /** Whether the driver is in the middle of it; touched by the driver only. */
  private boolean draining;

  /**
   * Makes an empty queue.
   *
   * @param client names the client, for messages
   * @param drain is run by the driver and calls {@link #drain()}
   * @param onTaken is given each command that the driver takes over, and returns what to run
   */
  CommandQueue(
      EventExecutor eventLoop,
      Supplier<String> client,
      Runnable drain,
      UnaryOperator<Command> onTaken) {
    this.eventLoop = eventLoop;
    this.client = client;
    this.drain = drain;
    this.onTaken = onTaken;
  }

  /** Adds a command, or rejects it if the loop is closed; any thread. */
  void add(Command command) {
    Command before;
    do {
      before = newest;
      command.setNext(before);
    } while (!NEWEST.compareAndSet(this, before, command));
    schedule();
    if (eventLoop.isShutdown()) {
      rejectAll(); // the driver may have looked for the last time before this one was added
    }
  }

  /** Tells whether no command waits; the driver only. */
  boolean isEmpty() {
    return taken == 0 && newest == null && !hasFetched;
  }

  /**
   * Takes out the message that has waited longest; any thread.
   *
   * @param condition looked at while nobody else takes
   * @return the message, or null if none waits or the condition does not hold
   */
  synchronized @Nullable PublishFuture takeOldestMessage(BooleanSupplier condition) {
    try {
      for (Command command; condition.getAsBoolean() && (command = pollOldest()) != null; ) {
        PublishFuture message = command.takeMessage();
        if (message != null) {
          return message;
        }
        putAside(command);
      }
      return null;
    } finally {
      updateHasFetched();
    }
  }

  private void putAside(Command command) {
    if (asideLast == null) {
      asideFirst = command;
    } else {
      asideLast.setNext(command);
    }
    asideLast = command;
  }

  /** Takes out the command that has waited longest of those that are not aside. */
  private @Nullable Command pollOldest() {
    Command polled = oldest == null ? fetch() : oldest;
    if (polled != null) {
      oldest = polled.next();
      polled.setNext(null);
    }
    return polled;
  }

  /** Takes over all that has been added meanwhile; returns the one that has waited longest. */
  private @Nullable Command fetch() {
    if (newest == null) {
      return null;
    }
    hasFetched = true; // first: at no time does the queue look empty
    Command older = (Command) NEWEST.getAndSet(this, null);
    Command first = null;
    while (older != null) { // what was linked to the older one is linked to the younger one now
      Command next = older.next();
      older.setNext(first);
      first = older;
      older = next;
    }
    return first;
  }

  private void updateHasFetched() {
    boolean has = asideFirst != null || oldest != null;
    if (hasFetched != has) {
      hasFetched = has;
    }
  }

  private void schedule() {
    if (!scheduled && SCHEDULED.compareAndSet(this, false, true)) {
      try {
        eventLoop.execute(drain);
      } catch (RejectedExecutionException e) {
        rejectAll();
      }
    }
  }

  /** Runs what is queued, but not too much of it; the driver only. */
  void drain() {
    drain(false);
  }

  /** Runs what only publishes, up to the first command that does more; the driver only. */
  void drainPublishes() {
    drain(true);
  }

  private void drain(boolean onlyPublishes) {
    if (draining) {
      return; // a command asks for it, and those behind it come in their order
    }
    if (eventLoop.isShutdown()) {
      rejectAll();
      return;
    }
    draining = true;
    try {
      runBatches(onlyPublishes);
    } finally {
      draining = false;
      taken = 0;
      scheduled = false;
      if (!isEmpty()) {
        schedule();
      }
    }
  }

  private void runBatches(boolean onlyPublishes) {
    long nowNanos = eventLoop.ticker().nanoTime();
    int left = MOST_IN_A_TURN;
    for (Command first; left > 0 && (first = takeBatch(onlyPublishes)) != null; ) {
      for (Command command = first; command != null; ) {
        Command next = command.next();
        command.setNext(null);
        taken--;
        left -= command.weight();
        run(command, nowNanos);
        command = next;
      }
    }
  }

  /** Takes over the next few; returns the first, linked to the others, or null if none waits. */
  private synchronized @Nullable Command takeBatch(boolean onlyPublishes) {
    if (onlyPublishes && asideFirst != null) {
      return null; // that is no message, and nothing overtakes it
    }
    Command first = asideFirst;
    Command last = asideLast;
    int count = 0;
    int weight = 0;
    for (Command aside = first; aside != null; aside = aside.next()) {
      count++;
      weight += aside.weight();
    }
    asideFirst = null;
    asideLast = null;
    Command next = oldest == null ? fetch() : oldest;
    for (; next != null && weight < BATCH; count++) {
      if (onlyPublishes && !next.onlyPublishes()) {
        break;
      }
      Command younger = next.next();
      weight += next.weight();
      Command run = onTaken.apply(next);
      if (last == null) {
        first = run;
      } else {
        last.setNext(run);
      }
      last = run;
      next = younger;
    }
    if (last != null) {
      last.setNext(null);
    }
    oldest = next;
    updateHasFetched();
    taken = count;
    return first;
  }

  private void run(Command command, long nowNanos) {
    try {
      command.run(nowNanos);
    } catch (RuntimeException | Error e) {
      LOG.error("{} could not do what the program asked of it", client.get(), e);
      command.reject(new MqttException(client.get() + " could not do it: " + e, e));
    }
  }

  /** Nobody drains any more. */
  private void rejectAll() {
    MqttException failure =
        new MqttDisconnectedException(client.get() + " is closed, and so is its loop", null);
    List<Command> rejected = new ArrayList<>();
    synchronized (this) {
      for (Command aside = asideFirst; aside != null; aside = aside.next()) {
        rejected.add(aside);
      }
      asideFirst = null;
      asideLast = null;
      for (Command command; (command = pollOldest()) != null; ) {
        rejected.add(command);
      }
      updateHasFetched();
    }
    rejected.forEach(command -> command.reject(failure));
  }
}
