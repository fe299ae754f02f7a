// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.codec.MqttDecoder;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.PacketType;
import io.netty.buffer.ByteBuf;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Each benchmark runs, for a moment, in this process; what it says then means nothing. */
@Timeout(120)
class MicroTest {
  private static Collection<RunResult> run(Class<?> benchmark, String... parameters)
      throws RunnerException {
    System.setProperty("jmh.ignoreLock", "true");
    OptionsBuilder options = new OptionsBuilder();
    options
        .include(benchmark.getName().replace(".", "\\.") + "\\.")
        .forks(0)
        .warmupIterations(0)
        .measurementIterations(1)
        .measurementTime(TimeValue.milliseconds(3))
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
    for (String parameter : parameters) {
      String[] words = parameter.split(" ", -1);
      options.param(words[0], Arrays.copyOfRange(words, 1, words.length));
    }
    Collection<RunResult> results = new Runner(options.build()).run();
    Set<String> all =
        Arrays.stream(benchmark.getDeclaredMethods())
            .filter(method -> method.isAnnotationPresent(Benchmark.class))
            .map(method -> benchmark.getName() + "." + method.getName())
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(results.stream().map(result -> result.getParams().getBenchmark()).distinct())
        .containsExactlyInAnyOrderElementsOf(all);
    return results;
  }

  @Test
  void codecsOfPublishRun() throws RunnerException {
    run(PublishCodecBenchmark.class, "qos 0 2", "payloadBytes 64");
  }

  @Test
  void codecsOfOtherPacketsRun() throws RunnerException {
    run(PacketCodecBenchmark.class);
  }

  @Test
  void hiveMqsCodecOfOtherPacketsRuns() throws RunnerException {
    run(HiveMqPacketCodecBenchmark.class);
  }

  @Test
  void engineRuns() throws RunnerException {
    run(EnginePublishBenchmark.class, "batch 1 32", "inFlight 1 1000");
    run(EngineReceiveBenchmark.class, "batch 1 32");
  }

  @Test
  void filtersRun() throws RunnerException {
    run(FilterBenchmark.class, "filters 1 300");
  }

  @Test
  void commandQueueRuns() throws RunnerException {
    run(CommandQueueBenchmark.class);
  }

  /** Else the codecs would not be given the same work. */
  @Test
  void allCodecsSayTheSame() throws Throwable {
    for (Form form : Form.values()) {
      Stream<PacketType> types =
          Arrays.stream(PacketType.values())
              .filter(type -> type != PacketType.AUTH || form != Form.V3_1_1);
      for (PacketType type : types.toList()) {
        Sample sample = Sample.of(form, type);
        if (!sample.isFromServer()) {
          continue;
        }
        try (NettyCodec netty = new NettyCodec(sample)) {
          assertSays(netty.encode(), sample);
        }
        if (type != PacketType.CONNACK
            && type != PacketType.SUBACK
            && type != PacketType.UNSUBACK
            && type != PacketType.PINGRESP) {
          try (HiveMqCodec hiveMq = new HiveMqCodec(sample)) {
            assertSays(hiveMq.encode(), sample);
          }
        }
      }
    }
  }

  private static void assertSays(ByteBuf bytes, Sample sample) throws Exception {
    MqttVersion version = sample.version();
    try {
      Packet said = MqttDecoder.forClient(version, 1 << 20).decode(bytes);
      assertThat(parts(said)).isEqualTo(parts(sample.packet()));
      assertThat(bytes.isReadable()).isFalse();
      assertThat(bytes.writerIndex()).isEqualTo(sample.size());
    } finally {
      bytes.release();
    }
  }

  /** What a packet says, without the order of its properties, which each codec has of its own. */
  private static List<String> parts(@Nullable Packet packet) {
    return Arrays.stream(String.valueOf(packet).split("[\\[\\]{},] ?", -1)).sorted().toList();
  }
}
