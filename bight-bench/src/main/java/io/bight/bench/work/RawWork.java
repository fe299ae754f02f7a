// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * The works without a client: the same bytes in pieces as large as the socket takes, on one thread
 * that blocks. No queue, no objects, no checks.
 */
record RawWork(Kind kind, int qos) implements Work {
  enum Kind {
    PUBLISH,
    RECEIVE,
    PING_PONG
  }

  /** A step of the work; returns how many messages it has done. */
  private interface Step {
    long run() throws IOException;
  }

  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    Map<String, Long> before = control.counts();
    try (RawConnection connection = new RawConnection(options.port())) {
      Histogram nanos = new Histogram(TimeUnit.MINUTES.toNanos(1), 3);
      Step step =
          switch (kind) {
            case PUBLISH -> publish(connection, options);
            case RECEIVE -> receive(connection);
            case PING_PONG -> pingPong(connection, options, nanos);
          };
      if (kind == Kind.RECEIVE) {
        connection.subscribe(TOPIC, qos);
        control.flood();
      }
      long done = repeat(step, options.warmUp().toNanos());
      nanos.reset();
      Meter meter = new Meter(control);
      meter.start(0);
      long measured = repeat(step, options.measured().toNanos());
      Figures figures = meter.stop(measured);
      if (kind != Kind.RECEIVE) {
        Work.requireCount(control, before, "publishes", done + measured);
      }
      return kind == Kind.PING_PONG ? Latencies.put(figures, nanos) : figures;
    }
  }

  private static long repeat(Step step, long nanos) throws IOException {
    long end = System.nanoTime() + nanos;
    long done = 0;
    while (System.nanoTime() - end < 0 || done == 0) {
      done += step.run();
    }
    return done;
  }

  /** Half a window at a time, so that the other half is on its way meanwhile. */
  private Step publish(RawConnection connection, WorkOptions options) {
    int half = Math.max(1, options.window() / 2);
    ByteBuffer packets = RawConnection.publishes(TOPIC, options.payloadBytes(), qos, half);
    boolean[] begun = new boolean[1];
    return () -> {
      connection.write(packets.rewind());
      if (qos > 0) {
        if (begun[0]) {
          connection.awaitBytes(4 * half);
          connection.input.position(connection.input.position() + 4 * half);
        }
        begun[0] = true;
      }
      return half;
    };
  }

  private Step receive(RawConnection connection) {
    ByteBuffer answers = ByteBuffer.allocateDirect(64 * 1024);
    return () -> {
      ByteBuffer input = connection.input;
      connection.awaitBytes(input.remaining() + 1);
      int at = input.position();
      int limit = input.limit();
      long messages = 0;
      while (limit - at >= 3) {
        // At most two bytes of length, with the payloads of the works.
        int length = input.get(at + 1);
        int header = 2;
        if (length < 0) {
          length = (length & 0x7f) | input.get(at + 2) << 7;
          header = 3;
        }
        if (at + header + length > limit) {
          break;
        }
        if (qos > 0) {
          int identifierAt = at + header + 2 + input.getShort(at + header);
          answers.putShort((short) 0x4002).putShort(input.getShort(identifierAt));
          if (answers.remaining() < 4) {
            connection.write(answers.flip());
            answers.clear();
          }
        }
        at += header + length;
        messages++;
      }
      input.position(at);
      connection.write(answers.flip());
      answers.clear();
      return messages;
    };
  }

  private static Step pingPong(RawConnection connection, WorkOptions options, Histogram nanos) {
    ByteBuffer packet = RawConnection.publishes(TOPIC, options.payloadBytes(), 0, 1);
    return () -> {
      long start = System.nanoTime();
      connection.write(packet.rewind());
      connection.awaitBytes(packet.limit());
      nanos.recordValue(System.nanoTime() - start);
      connection.input.position(connection.input.position() + packet.limit());
      return 1;
    };
  }
}
