// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Connection;
import io.bight.bench.peer.ConnectionOptions;
import io.bight.bench.peer.Peer;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Publishes as fast as the window allows, over one connection or over many in turn: from a thread
 * of the program, or from the client's callbacks where the peer is run so.
 */
record PublishWork(int qos) implements Work {
  /** How many messages pass between two looks at the clock. */
  private static final int CLOCK_EVERY = 64;

  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    byte[] payload = new byte[options.payloadBytes()];
    Map<String, Long> before = control.counts();
    try (Peer peer = Peer.of(name)) {
      List<Connection> connections = new ArrayList<>();
      ConnectionOptions connectionOptions = Work.connectionOptions(options);
      for (int i = 0; i < options.connections(); i++) {
        connections.add(Work.open(peer, connectionOptions.withClientId("bench" + i)));
      }
      Connection first = connections.get(0);
      CallbackWindow fromCallbacks =
          new CallbackWindow(first, TOPIC, payload, qos, options.window());
      Figures figures;
      long sent;
      Meter meter = new Meter(control);
      if (first.executeInLoop(fromCallbacks::fill)) {
        Work.pass(first, options.warmUp().toNanos());
        meter.start(fromCallbacks.done());
        Work.pass(first, options.measured().toNanos(), fromCallbacks::done);
        figures = meter.stop(fromCallbacks.done());
        fromCallbacks.stop();
        Work.await(first, "all messages are done", fromCallbacks::isOver);
        sent = fromCallbacks.done();
      } else {
        Window window =
            new Window(
                options.window(), options.resume(), () -> connections.forEach(Connection::flush));
        publish(connections, payload, window, options.warmUp().toNanos());
        meter.start(window.done());
        publish(connections, payload, window, options.measured().toNanos());
        figures = meter.stop(window.done());
        window.awaitAll();
        sent = window.begun();
      }
      Work.requireCount(control, before, "publishes", sent);
      if (qos == 2) {
        Work.requireCount(control, before, "completed", sent);
      }
      for (Connection connection : connections) {
        connection.close();
      }
      return figures;
    }
  }

  private void publish(List<Connection> connections, byte[] payload, Window window, long nanos)
      throws Exception {
    long end = System.nanoTime() + nanos;
    int next = 0;
    int count = connections.size();
    long before = window.done();
    // On a busy machine even the first messages may take longer.
    while (System.nanoTime() - end < 0 || window.done() == before) {
      for (int i = 0; i < CLOCK_EVERY; i++) {
        window.begin();
        connections.get(next).publish(TOPIC, payload, qos, window);
        next = next + 1 == count ? 0 : next + 1;
      }
    }
    window.requireNoFailure();
  }
}
