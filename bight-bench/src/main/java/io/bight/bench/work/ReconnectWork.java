// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Connection;
import io.bight.bench.peer.ConnectionOptions;
import io.bight.bench.peer.Peer;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The server closes the connection; the client comes back by its defaults and subscribes again.
 * Measured is the time until a message arrives through the subscription. Once in a process: most
 * clients wait longer when a connection that has just been made ends again.
 */
record ReconnectWork() implements Work {
  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    ConnectionOptions connectionOptions =
        new ConnectionOptions(
            options.port(), "bench", options.window(), true, options.trustStore(), null);
    try (Peer peer = Peer.of(name);
        Connection connection = Work.open(peer, connectionOptions)) {
      AtomicLong greetings = new AtomicLong();
      AtomicLong arrivedNanos = new AtomicLong();
      connection
          .subscribe(
              TOPIC,
              0,
              payloadBytes -> {
                arrivedNanos.set(System.nanoTime());
                greetings.incrementAndGet();
              })
          .toCompletableFuture()
          .get(30, TimeUnit.SECONDS);
      Work.await(connection, "the first message", () -> greetings.get() == 1);
      Work.pass(connection, options.warmUp().toNanos());
      long closedNanos = System.nanoTime();
      control.closeClients();
      Work.await(
          connection,
          "the subscription works again",
          TimeUnit.MINUTES.toNanos(1),
          () -> greetings.get() == 2);
      return new Figures().put("wall_millis", (arrivedNanos.get() - closedNanos) / 1e6);
    }
  }
}
