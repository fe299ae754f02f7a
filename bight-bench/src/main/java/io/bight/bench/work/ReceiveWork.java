// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Arrival;
import io.bight.bench.peer.Connection;
import io.bight.bench.peer.Peer;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Receives as fast as it can. The sink floods; at QoS 1 it stops at the Receive Maximum, and the
 * client acknowledges each message when its callback has returned. The callback asks for the
 * payload's length and counts.
 */
record ReceiveWork(int qos) implements Work {
  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(3);

  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    Map<String, Long> before = control.counts();
    AtomicLong received = new AtomicLong();
    AtomicLong receivedBytes = new AtomicLong();
    Arrival arrival =
        payloadBytes -> {
          receivedBytes.lazySet(receivedBytes.getPlain() + payloadBytes);
          received.lazySet(received.getPlain() + 1);
        };
    try (Peer peer = Peer.of(name);
        Connection connection = Work.open(peer, Work.connectionOptions(options))) {
      // The sink floods the last one.
      for (int i = 1; i < options.filters(); i++) {
        String filter = String.format(Locale.ROOT, "bench/other/%05d", i);
        subscribe(connection, filter, arrival);
      }
      subscribe(connection, TOPIC, arrival);
      control.flood();
      Work.pass(connection, options.warmUp().toNanos());
      Meter meter = new Meter(control);
      meter.start(received.get());
      Work.pass(connection, options.measured().toNanos(), received::get);
      Figures figures = meter.stop(received.get());
      control.stop();
      long sent = control.counts().getOrDefault("sent", 0L) - before.getOrDefault("sent", 0L);
      awaitArrivals(connection, received, sent);
      // At QoS 0 a client may drop what it cannot keep up with; then we say how much.
      boolean complete = received.get() == sent || (qos == 0 && received.get() < sent);
      if (!complete || receivedBytes.get() != received.get() * options.payloadBytes()) {
        throw new IllegalStateException(
            "The sink has sent " + sent + " messages; " + received + " have arrived.");
      }
      figures.put("dropped_percent", 100.0 * (sent - received.get()) / sent);
      if (qos > 0) {
        if (connection.isDriven()) {
          Work.pass(connection, TimeUnit.MILLISECONDS.toNanos(200)); // the last PUBACKs go out
        }
        Work.requireCount(control, before, "acknowledged", sent);
        Work.requireCount(control, before, "wrong", 0);
      }
      return figures;
    }
  }

  /** Until all are there, or no more come. */
  private static void awaitArrivals(Connection connection, AtomicLong received, long sent) {
    long before;
    do {
      before = received.get();
      long deadline = System.nanoTime() + QUIET_NANOS;
      while (received.get() < sent && System.nanoTime() < deadline) {
        Work.pass(connection, TimeUnit.MILLISECONDS.toNanos(1));
      }
    } while (received.get() < sent && received.get() > before);
  }

  private void subscribe(Connection connection, String filter, Arrival arrival) throws Exception {
    connection.subscribe(filter, qos, arrival).toCompletableFuture().get(30, TimeUnit.SECONDS);
  }
}
