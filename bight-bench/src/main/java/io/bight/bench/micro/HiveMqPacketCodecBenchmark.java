// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import io.bight.mqtt.packet.PacketType;
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
 * Every other packet through the codec of HiveMQ's client, as far as that client sends or receives
 * it; what is and is not in it stands at {@link HiveMqCodec}.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class HiveMqPacketCodecBenchmark {
  /** A packet that it sends. */
  @SuppressWarnings("NullAway.Init") // JMH sets the fields up
  @State(Scope.Thread)
  public static class Sent {
    /** Version and properties. */
    @Param public Form form;

    /** Which packet. */
    @Param({"PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "UNSUBSCRIBE", "PINGREQ"})
    public PacketType packet;

    private HiveMqCodec codec;

    /** Makes the codec. */
    @Setup
    public void make() throws Exception {
      codec = new HiveMqCodec(Sample.of(form, packet));
    }

    /** Releases its buffers. */
    @TearDown
    public void close() {
      codec.close();
    }
  }

  /** A packet that it receives. */
  @SuppressWarnings("NullAway.Init") // JMH sets the fields up
  @State(Scope.Thread)
  public static class Received {
    /** Version and properties. */
    @Param public Form form;

    /** Which packet. */
    @Param({"CONNACK", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBACK", "UNSUBACK", "PINGRESP"})
    public PacketType packet;

    private HiveMqCodec codec;

    /** Makes the codec. */
    @Setup
    public void make() throws Exception {
      codec = new HiveMqCodec(Sample.of(form, packet));
    }

    /** Releases its buffers. */
    @TearDown
    public void close() {
      codec.close();
    }
  }

  /** A packet that there is in both directions, and in MQTT 5.0 alone. */
  @SuppressWarnings("NullAway.Init") // JMH sets the fields up
  @State(Scope.Thread)
  public static class Of5 {
    /** With properties or without. */
    @Param({"V5", "V5_PROPERTIES"})
    public Form form;

    /** Which packet. */
    @Param({"DISCONNECT", "AUTH"})
    public PacketType packet;

    private HiveMqCodec codec;

    /** Makes the codec. */
    @Setup
    public void make() throws Exception {
      codec = new HiveMqCodec(Sample.of(form, packet));
    }

    /** Releases its buffers. */
    @TearDown
    public void close() {
      codec.close();
    }
  }

  /** Encodes. */
  @Benchmark
  public boolean encode(Sent sent) throws Throwable {
    return sent.codec.encode().release();
  }

  /** Decodes. */
  @Benchmark
  public Object decode(Received received) throws Exception {
    return received.codec.decode();
  }

  /** Encodes. */
  @Benchmark
  public boolean encodeOf5(Of5 sent) throws Throwable {
    return sent.codec.encode().release();
  }

  /** Decodes. */
  @Benchmark
  public Object decodeOf5(Of5 received) throws Exception {
    return received.codec.decode();
  }
}
