// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttQueueFullException;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.internal.PlatformDependent;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commands of one client on their way from any thread to the driver, in the order of the calls. A
 * thousand publishes wake the loop once. Bounded in messages and bytes, since a program may publish
 * faster than the loop is driven.
 */
final class CommandQueue {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);

  /** So that one client's flood leaves the turn to others. */
  private static final int MOST_IN_A_TURN = 1024;

  // A small bound on what waits for the server is no bound on a burst to a server that takes it.
  private static final int LEAST_MESSAGES = 1024;
  private static final long LEAST_BYTES = 1 << 20;

  private final Queue<Command> queue = PlatformDependent.newMpscQueue();
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private final AtomicInteger messages = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();
  private final EventExecutor eventLoop;
  private final Supplier<String> client;
  private final int mostMessages;
  private final long mostBytes;
  private final Runnable drain;

  /**
   * Makes an empty queue.
   *
   * @param client names the client, for messages
   * @param mostMessages how many messages the client's own queue takes
   * @param mostBytes how many bytes the client's own queue takes
   * @param drain is run by the driver and calls {@link #drain()}
   */
  CommandQueue(
      EventExecutor eventLoop,
      Supplier<String> client,
      int mostMessages,
      long mostBytes,
      Runnable drain) {
    this.eventLoop = eventLoop;
    this.client = client;
    this.mostMessages = Math.max(mostMessages, LEAST_MESSAGES);
    this.mostBytes = Math.max(mostBytes, LEAST_BYTES);
    this.drain = drain;
  }

  /** Adds a command, or rejects it if there is no room or the loop is closed; any thread. */
  void add(Command command) {
    int size = command.messageBytes();
    if (size > 0 && !reserve(size)) {
      command.reject(
          new MqttQueueFullException(
              client.get()
                  + " has "
                  + messages
                  + " messages ("
                  + bytes
                  + " B) that its loop has not taken over; it takes "
                  + mostMessages
                  + " messages and "
                  + mostBytes
                  + " B. Publish no faster than the loop is driven: wait for earlier messages, or"
                  + " set a larger bound"));
      return;
    }
    queue.add(command);
    schedule();
    if (eventLoop.isShutdown()) {
      rejectAll(); // the driver may have looked for the last time before this one was added
    }
  }

  boolean isEmpty() {
    return queue.isEmpty();
  }

  private boolean reserve(int size) {
    if (messages.incrementAndGet() <= mostMessages) {
      if (bytes.addAndGet(size) <= mostBytes) {
        return true;
      }
      bytes.addAndGet(-size);
    }
    messages.decrementAndGet();
    return false;
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
    long nowNanos = System.nanoTime();
    int takenMessages = 0;
    long takenBytes = 0;
    Command command;
    for (int i = 0; i < MOST_IN_A_TURN && (command = queue.poll()) != null; i++) {
      int size = command.messageBytes();
      if (size > 0) {
        takenMessages++;
        takenBytes += size;
      }
      run(command, nowNanos);
    }
    messages.addAndGet(-takenMessages);
    bytes.addAndGet(-takenBytes);
    scheduled.set(false);
    if (!queue.isEmpty()) {
      schedule();
    }
  }

  private void run(Command command, long nowNanos) {
    try {
      command.run(nowNanos);
    } catch (RuntimeException | Error e) {
      LOG.error("{} could not do what the program asked of it", client.get(), e);
      command.reject(new MqttException(client.get() + " could not do it: " + e, e));
    }
  }

  /** Nobody drains any more; the lock keeps two threads from taking at once. */
  private synchronized void rejectAll() {
    MqttException failure =
        new MqttDisconnectedException(client.get() + " is closed, and so is its loop", null);
    for (Command command; (command = queue.poll()) != null; ) {
      command.reject(failure);
    }
  }
}
