// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.Publication;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.packet.Publish;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Messages through the engine, from {@code publish} to their completion: published, taken as bytes,
 * acknowledged by bytes. An operation is one message; a batch of them is taken and answered at
 * once. What the server does here is in it: it copies the bytes, finds the packet identifiers and
 * writes acknowledgements.
 */
@SuppressWarnings("NullAway.Init") // JMH sets the fields up
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class EnginePublishBenchmark implements Publication {
  private static final int PUBACK = 0x40;
  private static final int PUBREC = 0x50;
  private static final int PUBREL = 0x62;
  private static final int PUBCOMP = 0x70;
  private static final int PAYLOAD_BYTES = 64;

  /** Quality of service. */
  @Param({"0", "1", "2"})
  public int qos;

  /** How many messages are taken and answered at once. */
  @Param({"1", "32", "1000"})
  public int batch;

  /**
   * How many messages are unacknowledged when a batch is answered; at least the batch. Means
   * nothing at QoS 0.
   */
  @Param({"1", "1000", "60000"})
  public int inFlight;

  private ConnectedEngine client;
  private Publish message;
  private int waiting;
  private long published;
  private long completed;

  /** The packet identifiers of what is unacknowledged, oldest first. */
  private final int[] identifiers = new int[1 << 16];

  private int oldest;
  private int newest;

  /** Connects, and has so many messages under way. */
  @Setup
  public void connect() {
    client = new ConnectedEngine();
    message =
        Publish.builder(Sample.TOPIC).payload(new byte[PAYLOAD_BYTES]).qos(Qos.of(qos)).build();
    for (int i = batch; i < inFlight; i++) {
      client.engine.publish(this, ConnectedEngine.NOW);
      published++;
    }
    take();
    if (client.engine.session().inFlightMessages()
        != (qos == 0 ? 0 : Math.max(0, inFlight - batch))) {
      throw new IllegalStateException(client.engine.session().toString());
    }
  }

  /** Ends, and checks that nothing was lost. */
  @TearDown
  public void close() {
    if (published - completed > Math.max(inFlight, batch)) {
      throw new IllegalStateException(published + " published, " + completed + " completed");
    }
    client.close();
  }

  /** Publishes a message, and every so often has a batch of them taken and answered. */
  @Benchmark
  public void publish() {
    client.engine.publish(this, ConnectedEngine.NOW);
    published++;
    if (++waiting == batch) {
      waiting = 0;
      take();
      if (qos > 0) {
        answer();
      }
    }
  }

  private void take() {
    client.take();
    ByteBuf sent = client.fromClient;
    if (qos == 0) {
      return;
    }
    while (sent.isReadable()) {
      sent.skipBytes(1);
      int length = sent.readUnsignedByte(); // less than 128 bytes
      int end = sent.readerIndex() + length;
      sent.skipBytes(sent.readUnsignedShort());
      identifiers[newest] = sent.readUnsignedShort();
      newest = (newest + 1) % identifiers.length;
      sent.readerIndex(end);
    }
  }

  private void answer() {
    ByteBuf answers = client.fromServer;
    for (int i = 0; i < batch; i++) {
      answer(answers, qos == 1 ? PUBACK : PUBREC, identifiers[oldest]);
      oldest = (oldest + 1) % identifiers.length;
    }
    client.receive();
    if (qos == 2) {
      client.take();
      ByteBuf sent = client.fromClient;
      while (sent.isReadable()) {
        if (sent.readUnsignedByte() != PUBREL) {
          throw new IllegalStateException("not PUBREL");
        }
        int end = sent.readUnsignedByte() + sent.readerIndex();
        answer(answers, PUBCOMP, sent.readUnsignedShort());
        sent.readerIndex(end);
      }
      client.receive();
    }
  }

  private static void answer(ByteBuf answers, int first, int identifier) {
    answers.writeByte(first).writeByte(2).writeShort(identifier);
  }

  @Override
  public Publish message() {
    return message;
  }

  @Override
  public void onSuccess(PublishResult result) {
    completed++;
  }

  @Override
  public void onFailure(MqttException failure) {
    // at the end, what is under way
  }
}
