// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import io.bight.mqtt.packet.PacketType;
import io.netty.util.ReferenceCountUtil;
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
import org.openjdk.jmh.infra.Blackhole;

/**
 * Every other packet through Bight's codec and that of Netty; what is and is not in each stands at
 * its class.
 */
@SuppressWarnings("NullAway.Init") // JMH sets the fields up
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PacketCodecBenchmark {
  /** Version and properties. */
  @Param public Form form;

  /**
   * Which packet. AUTH is of MQTT 5.0 alone: with another version it is that of 5.0 all the same.
   */
  @Param({
    "CONNECT",
    "CONNACK",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "AUTH"
  })
  public PacketType packet;

  private BightCodec bight;
  private NettyCodec netty;

  /** Makes the codecs. */
  @Setup
  public void make() throws Throwable {
    Sample sample =
        Sample.of(packet == PacketType.AUTH && form == Form.V3_1_1 ? Form.V5 : form, packet);
    bight = new BightCodec(sample);
    netty = new NettyCodec(sample);
  }

  /** Releases their buffers. */
  @TearDown
  public void close() {
    bight.close();
    netty.close();
  }

  /** Encodes with Bight. */
  @Benchmark
  public Object encodeBight() {
    return bight.encode();
  }

  /** Encodes with netty-codec-mqtt. */
  @Benchmark
  public boolean encodeNetty() throws Throwable {
    return netty.encode().release();
  }

  /** Decodes with Bight. */
  @Benchmark
  public Object decodeBight() throws Exception {
    return bight.decode();
  }

  /** Decodes with netty-codec-mqtt. */
  @Benchmark
  public void decodeNetty(Blackhole decoded) throws Throwable {
    Object message = netty.decode();
    decoded.consume(message);
    ReferenceCountUtil.release(message);
  }
}
