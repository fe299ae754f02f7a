// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Connection;
import io.bight.bench.peer.Peer;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * 1,000 QoS 1 messages a second, at even times. Measured is the time from when a message was due,
 * whether or not we were late, to its acknowledgement.
 */
record RateWork() implements Work {
  private static final long PERIOD_NANOS = 1_000_000;

  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    byte[] payload = new byte[options.payloadBytes()];
    try (Peer peer = Peer.of(name);
        Connection connection = Work.open(peer, Work.connectionOptions(options))) {
      Histogram warmUp = new ConcurrentHistogram(TimeUnit.MINUTES.toNanos(1), 3);
      publish(connection, payload, options.warmUp().toNanos(), warmUp);
      Histogram nanos = new ConcurrentHistogram(TimeUnit.MINUTES.toNanos(1), 3);
      Meter meter = new Meter(control);
      meter.start(0);
      long messages = publish(connection, payload, options.measured().toNanos(), nanos);
      return Latencies.put(meter.stop(messages), nanos);
    }
  }

  private static long publish(
      Connection connection, byte[] payload, long nanos, Histogram latencies)
      throws TimeoutException {
    long start = System.nanoTime();
    long messages = nanos / PERIOD_NANOS;
    AtomicLong done = new AtomicLong();
    for (long i = 0; i < messages; i++) {
      long due = start + i * PERIOD_NANOS;
      for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
        LockSupport.parkNanos(left);
      }
      connection.publish(
          TOPIC,
          payload,
          1,
          (result, failure) -> {
            if (failure == null) {
              latencies.recordValue(Math.max(0, System.nanoTime() - due));
              done.incrementAndGet();
            }
          });
    }
    Work.await(connection, "all messages are acknowledged", () -> done.get() == messages);
    return messages;
  }
}
