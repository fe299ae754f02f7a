// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.internal.PlatformDependent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
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
 */
final class CommandQueue {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);

  /** So that one client's flood leaves the turn to others. */
  private static final int MOST_IN_A_TURN = 1024;

  /** How many are taken from the queue under one lock. */
  private static final int BATCH = 32;

  private final Queue<Command> queue = PlatformDependent.newMpscQueue();
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private final EventExecutor eventLoop;
  private final Supplier<String> client;
  private final Runnable drain;
  private final UnaryOperator<Command> onTaken;

  /** Held by whoever takes from the queue: the driver, or who drops the oldest in his place. */
  private final ReentrantLock taking = new ReentrantLock();

  /** Commands before those in the queue that stayed when messages were dropped. Guarded. */
  private final ArrayDeque<Command> aside = new ArrayDeque<>(0);

  /** Whether something is aside; written under the lock, read by all. */
  private volatile boolean hasAside;

  // What the driver has taken and not run yet. Touched by the driver only.
  private final ArrayDeque<Command> taken = new ArrayDeque<>(BATCH);

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
    queue.add(command);
    schedule();
    if (eventLoop.isShutdown()) {
      rejectAll(); // the driver may have looked for the last time before this one was added
    }
  }

  /** Tells whether no command waits; the driver only. */
  boolean isEmpty() {
    return taken.isEmpty() && !hasAside && queue.isEmpty();
  }

  /**
   * Takes out the message that has waited longest; any thread.
   *
   * @param condition looked at while nobody else takes
   * @return the message, or null if none waits or the condition does not hold
   */
  @Nullable PublishFuture takeOldestMessage(BooleanSupplier condition) {
    taking.lock();
    try {
      for (Command command; condition.getAsBoolean() && (command = queue.poll()) != null; ) {
        PublishFuture message = command.takeMessage();
        if (message != null) {
          return message;
        }
        aside.add(command);
        hasAside = true;
      }
      return null;
    } finally {
      taking.unlock();
    }
  }

  private void schedule() {
    if (!scheduled.get() && scheduled.compareAndSet(false, true)) {
      try {
        eventLoop.execute(drain);
      } catch (RejectedExecutionException e) {
        rejectAll();
      }
    }
  }

  /** Runs what is queued, but not too much of it; the driver only. */
  void drain() {
    if (eventLoop.isShutdown()) {
      rejectAll();
      return;
    }
    long nowNanos = eventLoop.ticker().nanoTime();
    for (int left = MOST_IN_A_TURN; left > 0 && takeBatch(); ) {
      for (Command command; (command = taken.poll()) != null; left--) {
        run(command, nowNanos);
      }
    }
    scheduled.set(false);
    if (!isEmpty()) {
      schedule();
    }
  }

  private boolean takeBatch() {
    taking.lock();
    try {
      Command command;
      while (taken.size() < BATCH && (command = aside.poll()) != null) {
        taken.add(command); // there is no message among these
      }
      hasAside = !aside.isEmpty();
      while (taken.size() < BATCH && (command = queue.poll()) != null) {
        taken.add(onTaken.apply(command));
      }
    } finally {
      taking.unlock();
    }
    return !taken.isEmpty();
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
    taking.lock();
    try {
      rejected.addAll(aside);
      aside.clear();
      hasAside = false;
      for (Command command; (command = queue.poll()) != null; ) {
        rejected.add(command);
      }
    } finally {
      taking.unlock();
    }
    rejected.forEach(command -> command.reject(failure));
  }
}
