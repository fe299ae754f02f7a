// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Connection;
import io.bight.bench.peer.ConnectionOptions;
import io.bight.bench.peer.Peer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Connects many clients, with no more than 100 of them connecting at a time. */
final class ManyConnections {
  private static final int CONCURRENCY = 100;
  private static final long LONGEST_WAIT_SECONDS = 120;

  private ManyConnections() {}

  static List<Connection> open(Peer peer, ConnectionOptions options, int count) throws Exception {
    Semaphore connecting = new Semaphore(CONCURRENCY);
    Connection[] connections = new Connection[count];
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    for (int i = 0; i < count; i++) {
      acquire(connecting, 1, i, failures);
      int index = i;
      peer.open(options.withClientId("bench" + i))
          .whenComplete(
              (connection, failure) -> {
                if (failure != null) {
                  failures.add(failure);
                } else {
                  connections[index] = connection;
                }
                connecting.release();
              });
    }
    acquire(connecting, CONCURRENCY, count, failures);
    return List.of(connections);
  }

  private static void acquire(
      Semaphore connecting, int permits, int opened, List<Throwable> failures) throws Exception {
    boolean acquired = connecting.tryAcquire(permits, LONGEST_WAIT_SECONDS, TimeUnit.SECONDS);
    if (!failures.isEmpty()) {
      throw new IllegalStateException(
          "A connection among the first " + opened + " has failed.", failures.get(0));
    }
    if (!acquired) {
      throw new TimeoutException("Connecting stands still after " + opened + " connections.");
    }
  }

  static void close(List<Connection> connections) throws Exception {
    for (Connection connection : connections) {
      connection.close();
    }
  }
}
