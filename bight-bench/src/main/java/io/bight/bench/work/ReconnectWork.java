// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Connection;
import io.bight.bench.peer.ConnectionOptions;
import io.bight.bench.peer.Peer;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;

/**
 * The server closes the connection; the client comes back by its defaults and subscribes again.
 * Measured is the time until a message arrives through the subscription, a few times in a row.
 */
record ReconnectWork() implements Work {
  private static final int TIMES = 5;

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
      Histogram nanos = new Histogram(TimeUnit.MINUTES.toNanos(5), 3);
      for (int i = 1; i <= TIMES; i++) {
        int expected = i + 1;
        long closedNanos = System.nanoTime();
        control.closeClients();
        Work.await(
            connection,
            "the subscription works again",
            TimeUnit.MINUTES.toNanos(1),
            () -> greetings.get() >= expected);
        nanos.recordValue(arrivedNanos.get() - closedNanos);
      }
      return new Figures()
          .put("p50_millis", nanos.getValueAtPercentile(50) / 1e6)
          .put("min_millis", nanos.getMinValue() / 1e6)
          .put("max_millis", nanos.getMaxValue() / 1e6);
    }
  }
}
