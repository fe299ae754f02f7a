// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Completion;
import io.bight.bench.peer.Connection;
import io.bight.bench.peer.Peer;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * One message in flight: the sink sends it back, and the callback publishes the next. Measured is
 * the time from the call of publish to the callback.
 */
record PingPongWork(int qos) implements Work {
  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    try (Peer peer = Peer.of(name);
        Connection connection = Work.open(peer, Work.connectionOptions(options))) {
      Rally rally = new Rally(connection, new byte[options.payloadBytes()], qos);
      connection
          .subscribe(TOPIC, qos, payloadBytes -> rally.onBall())
          .toCompletableFuture()
          .get(30, TimeUnit.SECONDS);
      rally.serve();
      Work.pass(connection, options.warmUp().toNanos());
      rally.nanos = histogram();
      Meter meter = new Meter(control);
      meter.start(rally.count);
      Work.pass(connection, options.measured().toNanos(), () -> rally.count);
      Figures figures = meter.stop(rally.count);
      rally.over = true;
      Work.await(connection, "the last message is back", () -> rally.ended);
      if (rally.failure != null) {
        throw new IllegalStateException("A message has failed.", rally.failure);
      }
      return Latencies.put(figures, rally.nanos);
    }
  }

  private static Histogram histogram() {
    return new Histogram(TimeUnit.MINUTES.toNanos(1), 3);
  }

  /** On the client's thread, but for the flags. */
  private static final class Rally implements Completion {
    private final Connection connection;
    private final byte[] payload;
    private final int qos;

    /**
     * Another one for the warm-up. A flag instead would be a branch that is first taken when it is
     * measured, upon which the virtual machine compiles once more what the callback is part of.
     */
    private volatile Histogram nanos = histogram();

    private long sentNanos;
    private volatile long count;
    private volatile boolean over;
    private volatile boolean ended;
    private volatile @Nullable Throwable failure;

    Rally(Connection connection, byte[] payload, int qos) {
      this.connection = connection;
      this.payload = payload;
      this.qos = qos;
    }

    void serve() {
      sentNanos = System.nanoTime();
      connection.publish(TOPIC, payload, qos, this);
    }

    void onBall() {
      long took = System.nanoTime() - sentNanos;
      long next = count + 1;
      count = next;
      nanos.recordValue(took);
      if (over) {
        ended = true;
      } else {
        serve();
      }
    }

    @Override
    public void accept(@Nullable Object result, @Nullable Throwable error) {
      if (error != null) {
        failure = error;
        ended = true;
      }
    }
  }
}
