// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Connection;
import io.bight.bench.peer.Peer;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Many connections, each of which publishes a QoS 0 message a second, evenly spread. */
record TrickleWork() implements Work {
  private static final int TURNS_PER_SECOND = 100;

  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    byte[] payload = new byte[options.payloadBytes()];
    try (Peer peer = Peer.of(name)) {
      List<Connection> connections =
          ManyConnections.open(peer, Work.connectionOptions(options), options.connections());
      Map<String, Long> before = control.counts();
      Window window = new Window(Integer.MAX_VALUE);
      publish(connections, payload, window, options.warmUp().toNanos());
      Meter meter = new Meter(control);
      meter.start(window.done());
      publish(connections, payload, window, options.measured().toNanos());
      Figures figures = meter.stop(window.done());
      window.awaitAll();
      Work.requireCount(control, before, "publishes", window.begun());
      ManyConnections.close(connections);
      return figures;
    }
  }

  private static void publish(
      List<Connection> connections, byte[] payload, Window window, long nanos) throws Exception {
    long start = System.nanoTime();
    long period = TimeUnit.SECONDS.toNanos(1) / TURNS_PER_SECOND;
    long turns = nanos / period;
    int next = 0;
    for (long turn = 0; turn < turns; turn++) {
      long due = start + turn * period;
      for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
        LockSupport.parkNanos(left);
      }
      int end = (int) ((turn % TURNS_PER_SECOND + 1) * connections.size() / TURNS_PER_SECOND);
      next = turn % TURNS_PER_SECOND == 0 ? 0 : next;
      for (; next < end; next++) {
        window.begin();
        connections.get(next).publish(TOPIC, payload, 0, window);
      }
    }
  }
}
