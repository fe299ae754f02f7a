// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.Delivery.Outcome;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Messages on their way to handlers that run on an executor, or later on the loop's thread.
 * Messages that are to be handled one after the other stand in one lane; a bounded number of
 * workers take the lanes in turn, one message each time. As long as the client or the handler
 * lives.
 *
 * <pre>
 *   lane:  ready --worker takes its first message--&gt; running --done--&gt; ready, or gone if empty
 *            ^                                          |
 *            +-------- after the delay --- delayed &lt;---+ threw, and is given again
 * </pre>
 */
final class HandlerLanes extends DeliveryTarget {
  /** So that clients that share an executor's threads take turns. */
  private static final long LONGEST_RUN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  /** When an executor that has refused is asked again. */
  private static final Duration REFUSED_PAUSE = Duration.ofSeconds(1);

  private static final Object ONE_LANE = "all";

  private final IncomingDelivery delivery;
  private final MqttLoop loop;
  private final MessageHandling handling;
  private final @Nullable Executor executor;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock. Lanes are in the map while they are not empty or one of them runs.
  private final Map<Object, Lane> lanes = new HashMap<>();
  private final ArrayDeque<Lane> ready = new ArrayDeque<>();

  /** What waits, where only the newest is wanted. */
  private final Map<LatestKey, Task> latest = new HashMap<>();

  private int workers;

  /** Whether the executor has refused, which has been reported, and has run nothing since. */
  private boolean refused;

  /** Whether it is left in peace until it is asked again, or for good if it is shut down. */
  private boolean pausing;

  private boolean closed;

  /** Messages that are handled one after the other. */
  private static final class Lane {
    final Object key;
    final ArrayDeque<Task> waiting = new ArrayDeque<>();

    Lane(Object key) {
      this.key = key;
    }
  }

  private record LatestKey(MessageHandler handler, Object key) {}

  /** A message and one of its handlers. */
  private static final class Task {
    final Lane lane;
    final MessageHandler handler;
    final @Nullable LatestKey latestKey;
    Delivery delivery;
    int attempts;

    Task(Lane lane, MessageHandler handler, @Nullable LatestKey latestKey, Delivery delivery) {
      this.lane = lane;
      this.handler = handler;
      this.latestKey = latestKey;
      this.delivery = delivery;
    }
  }

  HandlerLanes(IncomingDelivery delivery, MqttLoop loop, MessageHandling handling) {
    super(handling.capacity);
    this.delivery = delivery;
    this.loop = loop;
    this.handling = handling;
    this.executor = handling.executor;
  }

  // ---- the driver's

  @Override
  boolean hasRoomFor(Message message, MessageHandler handler) {
    if (super.hasRoomFor(message, handler)) {
      return true;
    }
    if (!handling.latestOnly) {
      return false;
    }
    LatestKey key = new LatestKey(handler, keyOf(message, false));
    lock.lock();
    try {
      return latest.containsKey(key);
    } finally {
      lock.unlock();
    }
  }

  @Override
  void offer(Delivery offered, MessageHandler handler) {
    Object key = keyOf(offered.message, true);
    LatestKey latestKey = handling.latestOnly ? new LatestKey(handler, key) : null;
    Delivery overtaken = null;
    boolean start = false;
    lock.lock();
    try {
      Task older = latestKey == null ? null : latest.get(latestKey);
      if (older != null) {
        overtaken = older.delivery;
        older.delivery = offered;
        older.attempts = 0;
      } else if (!closed) {
        add(offered, handler, laneOf(key), latestKey);
        start = mayStartWorker();
      }
    } finally {
      lock.unlock();
    }
    if (overtaken != null) {
      delivery.onDone(this, overtaken, Outcome.DONE);
    }
    if (start) {
      startWorker();
    }
  }

  private Object keyOf(Message message, boolean report) {
    if (handling.key != null) {
      try {
        Object key = handling.key.apply(message);
        if (key != null) {
          return key;
        }
        throw new NullPointerException("the key of a message cannot be null");
      } catch (Throwable t) {
        if (report) {
          delivery.onKeyFailed(message, t);
        }
      }
    }
    return message.topic();
  }

  private Lane laneOf(Object key) {
    Object laneKey =
        switch (handling.order) {
          case ALL -> ONE_LANE;
          case TOPIC, KEY -> key;
          case NONE -> handling.latestOnly ? key : new Object();
        };
    return lanes.computeIfAbsent(laneKey, this::newLane);
  }

  private Lane newLane(Object key) {
    Lane lane = new Lane(key);
    ready.add(lane);
    return lane;
  }

  private void add(
      Delivery added, MessageHandler handler, Lane lane, @Nullable LatestKey latestKey) {
    Task task = new Task(lane, handler, latestKey, added);
    lane.waiting.add(task);
    if (latestKey != null) {
      latest.put(latestKey, task);
    }
  }

  @Override
  List<Delivery> dropAtLeastOnce() {
    List<Delivery> dropped = new ArrayList<>();
    lock.lock();
    try {
      // Lanes that are empty now go when their turn comes.
      for (Lane lane : lanes.values()) {
        lane.waiting.removeIf(
            task -> {
              if (!task.delivery.isAtLeastOnce()) {
                return false;
              }
              latest.remove(task.latestKey);
              dropped.add(task.delivery);
              return true;
            });
      }
    } finally {
      lock.unlock();
    }
    return dropped;
  }

  @Override
  void close() {
    lock.lock();
    try {
      closed = true;
      lanes.clear();
      ready.clear();
      latest.clear();
    } finally {
      lock.unlock();
    }
  }

  // ---- workers, on the executor or the loop

  /** Counts a worker in if one is needed; under the lock. */
  private boolean mayStartWorker() {
    if (closed || pausing || ready.isEmpty() || workers == handling.concurrencyInForce()) {
      return false;
    }
    workers++;
    return true;
  }

  /** Has a worker run that was counted. */
  private void startWorker() {
    RuntimeException refusal = execute();
    if (refusal != null) {
      onRefused(refusal);
    }
  }

  private @Nullable RuntimeException execute() {
    try {
      if (executor == null) {
        loop.executeOnLoop(this::work);
      } else {
        executor.execute(this::work);
      }
      return null;
    } catch (RuntimeException e) {
      return e;
    }
  }

  private void work() {
    long start = System.nanoTime();
    while (true) {
      if (executor == null && loop.driving().isDriverEnding()) {
        loop.driving().onNextDrive(this::startWorker);
        return;
      }
      Task task = next();
      if (task == null) {
        return;
      }
      run(task);
      // On the loop it reads what has arrived before the next handler.
      if (executor == null || System.nanoTime() - start > LONGEST_RUN_NANOS) {
        RuntimeException refusal = execute();
        if (refusal == null) {
          return;
        }
        if (isShutDown()) {
          onRefused(refusal);
          return;
        }
        start = System.nanoTime(); // the others do not want the thread so much
      }
    }
  }

  /** Returns the next message of the lane whose turn it is, or null if this worker is done. */
  private @Nullable Task next() {
    lock.lock();
    try {
      refused = false;
      for (Lane lane; (lane = ready.poll()) != null; ) {
        Task task = lane.waiting.poll();
        if (task != null) {
          latest.remove(task.latestKey);
          return task;
        }
        lanes.remove(lane.key);
      }
      workers--;
      return null;
    } finally {
      lock.unlock();
    }
  }

  private void run(Task task) {
    Delivery running = task.delivery;
    task.attempts++;
    Outcome outcome = delivery.call(running, task.handler, task.attempts, handling);
    if (outcome == Outcome.RETRY) {
      outcome = putBack(task);
      if (outcome == Outcome.RETRY) {
        loop.scheduleOnLoop(() -> release(task.lane), handling.attemptDelay);
        return;
      }
    }
    release(task.lane);
    delivery.submitDone(this, running, outcome);
  }

  /** Puts a message back in its place, unless it has been overtaken or comes again by itself. */
  private Outcome putBack(Task task) {
    lock.lock();
    try {
      if (closed || delivery.comesAgain(task.delivery)) {
        return Outcome.KEPT;
      }
      if (task.latestKey != null && latest.containsKey(task.latestKey)) {
        return Outcome.DONE;
      }
      task.lane.waiting.addFirst(task);
      if (task.latestKey != null) {
        latest.put(task.latestKey, task);
      }
      return Outcome.RETRY;
    } finally {
      lock.unlock();
    }
  }

  /** The lane's next message may be handled. */
  private void release(Lane lane) {
    boolean start;
    lock.lock();
    try {
      if (lane.waiting.isEmpty()) {
        lanes.remove(lane.key);
      } else if (!closed) {
        ready.add(lane);
      }
      start = mayStartWorker();
    } finally {
      lock.unlock();
    }
    if (start) {
      startWorker();
    }
  }

  // ---- an executor that refuses

  /** A worker could not run: what waits goes on waiting, and is tried again. */
  private void onRefused(RuntimeException refusal) {
    boolean report;
    int waiting;
    lock.lock();
    try {
      workers--;
      if (closed || workers > 0) {
        return; // the others do the work; the executor may just have no more threads
      }
      report = !refused;
      refused = true;
      pausing = true;
      waiting = lanes.values().stream().mapToInt(lane -> lane.waiting.size()).sum();
    } finally {
      lock.unlock();
    }
    if (report) {
      delivery.onExecutorRefused(refusal, waiting);
    }
    if (!isShutDown()) {
      loop.scheduleOnLoop(this::tryAgain, REFUSED_PAUSE);
    }
  }

  private void tryAgain() {
    boolean start;
    lock.lock();
    try {
      pausing = false;
      start = mayStartWorker();
    } finally {
      lock.unlock();
    }
    if (start) {
      startWorker();
    }
  }

  private boolean isShutDown() {
    return executor == null
        || (executor instanceof ExecutorService service && service.isShutdown());
  }
}
