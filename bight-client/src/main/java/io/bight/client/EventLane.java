// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a client's callbacks, other than message handlers, on the program's executor: one after the
 * other, in the order in which they came. Safe for use by any thread.
 */
final class EventLane {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);

  /** Beyond this, what may be left out is. */
  private static final int MANY = 10_000;

  private final Executor executor;
  private final Supplier<String> client;
  private final ReentrantLock lock = new ReentrantLock();

  /** Guarded by the lock. */
  private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();

  private boolean running;
  private boolean refused;
  private boolean full;

  EventLane(Executor executor, Supplier<String> client) {
    this.executor = executor;
    this.client = client;
  }

  /** Has a callback run. */
  void execute(Runnable callback) {
    lock.lock();
    try {
      waiting.add(callback);
      if (running) {
        return;
      }
      running = true;
    } finally {
      lock.unlock();
    }
    start();
  }

  /** Has a callback run, unless very many wait. */
  void executeIfNotFull(Runnable callback) {
    if (!isFull()) {
      execute(callback);
    }
  }

  private boolean isFull() {
    lock.lock();
    try {
      boolean wasFull = full;
      full = waiting.size() >= MANY;
      if (full && !wasFull) {
        LOG.warn(
            "{} leaves out lines of onPacket: {} callbacks wait for its callbackExecutor",
            client.get(),
            MANY);
      }
      return full;
    } finally {
      lock.unlock();
    }
  }

  private void start() {
    try {
      executor.execute(this::run);
    } catch (RuntimeException e) {
      onRefused(e);
    }
  }

  private void run() {
    for (Runnable callback; (callback = next()) != null; ) {
      callback.run(); // what it throws has been caught
    }
  }

  private @Nullable Runnable next() {
    lock.lock();
    try {
      refused = false;
      Runnable next = waiting.poll();
      if (next == null) {
        running = false;
      }
      return next;
    } finally {
      lock.unlock();
    }
  }

  /** What was to be told is left out: it would be told late, or never. */
  private void onRefused(RuntimeException e) {
    boolean again;
    int lost;
    lock.lock();
    try {
      again = refused;
      refused = true;
      running = false;
      lost = waiting.size();
      waiting.clear();
    } finally {
      lock.unlock();
    }
    if (!again) {
      LOG.error(
          "{} could not make {}: its callbackExecutor refused; close the client before the executor",
          client.get(),
          Count.of(lost, "call") + " of callbacks",
          e);
    }
  }
}
