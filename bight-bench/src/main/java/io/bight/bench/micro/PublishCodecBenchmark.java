// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

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

/** PUBLISH through three codecs; what is and is not in each stands at its class. */
@SuppressWarnings("NullAway.Init") // JMH sets the fields up
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PublishCodecBenchmark {
  /** Version and properties. */
  @Param public Form form;

  /** Quality of service. */
  @Param({"0", "1", "2"})
  public int qos;

  /** Size of the payload. */
  @Param({"0", "64", "1024"})
  public int payloadBytes;

  private BightCodec bight;
  private NettyCodec netty;
  private HiveMqCodec hiveMq;

  /** Makes the codecs. */
  @Setup
  public void make() throws Throwable {
    Sample sample = Sample.publish(form, qos, payloadBytes);
    bight = new BightCodec(sample);
    netty = new NettyCodec(sample);
    hiveMq = new HiveMqCodec(sample);
  }

  /** Releases their buffers. */
  @TearDown
  public void close() {
    bight.close();
    netty.close();
    hiveMq.close();
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

  /** Encodes with HiveMQ's client. */
  @Benchmark
  public boolean encodeHiveMq() throws Throwable {
    return hiveMq.encode().release();
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

  /** Decodes with HiveMQ's client. */
  @Benchmark
  public Object decodeHiveMq() throws Exception {
    return hiveMq.decode();
  }
}
