// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.mqtt.codec.MqttEncoder;
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
 * Messages that arrive: bytes in, the event, the acknowledgement, and its bytes out; at QoS 2 the
 * second handshake too. An operation is one message; a batch of them arrives at once. That the
 * server writes its bytes is in it.
 */
@SuppressWarnings("NullAway.Init") // JMH sets the fields up
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class EngineReceiveBenchmark {
  private static final int PUBREL = 0x62;
  private static final int PAYLOAD_BYTES = 64;

  /** Quality of service. */
  @Param({"0", "1", "2"})
  public int qos;

  /** How many messages arrive at once. */
  @Param({"1", "32", "1000"})
  public int batch;

  private final MqttEncoder server = new MqttEncoder(MqttVersion.MQTT_5);
  private ConnectedEngine client;
  private Publish message;
  private int said;
  private long all;

  /** Connects. */
  @Setup
  public void connect() {
    client = new ConnectedEngine();
    message =
        Publish.builder(Sample.TOPIC).payload(new byte[PAYLOAD_BYTES]).qos(Qos.of(qos)).build();
  }

  /** Ends, and checks that all has arrived. */
  @TearDown
  public void close() {
    if (client.messages != all - said) {
      throw new IllegalStateException(client.messages + " of " + all + " messages have arrived");
    }
    client.close();
  }

  /** Has a message arrive, and every so often gives a batch of them to the engine. */
  @Benchmark
  public void receive() {
    all++;
    said++;
    server.encodePublish(message, qos == 0 ? 0 : said, false, client.fromServer);
    if (said == batch) {
      client.receive();
      client.take();
      if (qos == 2) {
        ByteBuf release = client.fromServer;
        for (int i = 1; i <= batch; i++) {
          release.writeByte(PUBREL).writeByte(2).writeShort(i);
        }
        client.receive();
        client.take();
      }
      said = 0;
    }
  }
}
