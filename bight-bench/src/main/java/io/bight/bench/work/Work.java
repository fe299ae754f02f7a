// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Connection;
import io.bight.bench.peer.ConnectionOptions;
import io.bight.bench.peer.Peer;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/** What a client does while it is measured, in a process of its own. It fails if counts differ. */
public interface Work {
  /** Of 16 bytes, as in all works. */
  String TOPIC = "bench/topic/0001";

  Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception;

  static ConnectionOptions connectionOptions(WorkOptions options) {
    return new ConnectionOptions(
        options.port(),
        "bench",
        options.window(),
        false,
        options.trustStore(),
        options.directory());
  }

  static Connection open(Peer peer, ConnectionOptions options) throws Exception {
    return peer.open(options).toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  /** Waits, or drives the client where it has no thread, until the condition holds. */
  static void await(Connection connection, String what, BooleanSupplier condition)
      throws TimeoutException {
    await(connection, what, TimeUnit.SECONDS.toNanos(30), condition);
  }

  static void await(
      Connection connection, String what, long longestNanos, BooleanSupplier condition)
      throws TimeoutException {
    long deadline = System.nanoTime() + longestNanos;
    BooleanSupplier until = () -> condition.getAsBoolean() || System.nanoTime() > deadline;
    if (connection.isDriven()) {
      connection.drive(until);
    } else {
      while (!until.getAsBoolean()) {
        LockSupport.parkNanos(1_000_000);
      }
    }
    if (!condition.getAsBoolean()) {
      throw new TimeoutException("Not after " + longestNanos / 1_000_000 + " ms: " + what);
    }
  }

  /** Lets time pass while the client works by itself, or is driven. */
  static void pass(Connection connection, long nanos) {
    long end = System.nanoTime() + nanos;
    if (connection.isDriven()) {
      connection.drive(() -> System.nanoTime() - end >= 0);
    } else {
      for (long left = nanos; left > 0; left = end - System.nanoTime()) {
        LockSupport.parkNanos(left);
      }
    }
  }

  /** The same, and until something has been done: a busy machine may take longer for that. */
  static void pass(Connection connection, long nanos, LongSupplier done) throws TimeoutException {
    long before = done.getAsLong();
    pass(connection, nanos);
    await(connection, "anything is done", () -> done.getAsLong() > before);
  }

  /** Waits until the sink has counted what we have, beyond what it had counted before. */
  static void requireCount(
      SinkControl control, Map<String, Long> before, String name, long expected) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    long counted;
    do {
      counted = control.counts().getOrDefault(name, 0L) - before.getOrDefault(name, 0L);
      LockSupport.parkNanos(1_000_000);
    } while (counted < expected && System.nanoTime() < deadline);
    if (counted != expected) {
      throw new IllegalStateException(
          "The sink's count of " + name + " is " + counted + ", the client's " + expected + ".");
    }
  }
}
