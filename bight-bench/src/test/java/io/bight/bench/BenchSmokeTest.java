// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.bench.peer.PeerName;
import io.bight.bench.report.BenchKey;
import io.bight.bench.sink.Sink;
import io.bight.bench.sink.SinkControl;
import io.bight.bench.work.Figures;
import io.bight.bench.work.Subject;
import io.bight.bench.work.WorkName;
import io.bight.bench.work.WorkOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Each work starts, and counts what the sink counts: a work fails if they differ. What is allocated
 * for a message is stable also on a busy machine, so it has a limit; times have none.
 */
@Timeout(60)
class BenchSmokeTest {
  private static final List<WorkName> OF_ALL_CLIENTS =
      List.of(
          WorkName.PUBLISH_QOS0,
          WorkName.PUBLISH_QOS1,
          WorkName.PUBLISH_QOS2,
          WorkName.RECEIVE_QOS0,
          WorkName.RECEIVE_QOS1);

  private static final long SHORT_MILLIS = 100;

  private static BenchKey key;

  @TempDir Path directory;

  @BeforeAll
  static void makeKey(@TempDir Path keys) throws IOException {
    key = BenchKey.make(keys);
  }

  @TestFactory
  Stream<DynamicTest> bightDoesEveryWork() {
    return Arrays.stream(WorkName.values())
        .map(
            work ->
                DynamicTest.dynamicTest(
                    work.text(),
                    () -> assertThat(measure(work, PeerName.BIGHT, SHORT_MILLIS)).isNotNull()));
  }

  @TestFactory
  Stream<DynamicTest> eachPeerPublishesAndReceivesWhatTheSinkCounts() {
    return OF_ALL_CLIENTS.stream()
        .flatMap(
            work ->
                Arrays.stream(PeerName.values())
                    .filter(peer -> peer != PeerName.BIGHT && work.work(peer) != null)
                    .map(
                        peer ->
                            DynamicTest.dynamicTest(
                                work.text() + " " + peer.text(),
                                () -> assertMessagesOf(measure(work, peer, SHORT_MILLIS)))));
  }

  @TestFactory
  Stream<DynamicTest> openSslDoesTheWorksWithTls() {
    return Stream.of(WorkName.TLS_PUBLISH, WorkName.TLS_RECEIVE)
        .flatMap(
            work ->
                Stream.of(PeerName.BIGHT_OPENSSL, PeerName.RAW, PeerName.RAW_NETTY)
                    .map(
                        peer ->
                            DynamicTest.dynamicTest(
                                work.text() + " " + peer.text(),
                                () -> assertMessagesOf(measure(work, peer, SHORT_MILLIS)))));
  }

  private static void assertMessagesOf(Figures figures) {
    assertThat(figures.get("messages_per_second")).isPositive();
  }

  // One and a half times what Bight allocates for a message of 64 bytes once it is warm: on a busy
  // machine a short run is partly cold, and its batches are smaller. A change that allocates less
  // lowers the limit; one that wants it raised says why.
  @ParameterizedTest
  @CsvSource({
    "PUBLISH_QOS0, 290",
    "PUBLISH_QOS1, 285",
    "PUBLISH_QOS2, 290",
    "RECEIVE_QOS0, 260",
    "RECEIVE_QOS1, 270"
  })
  void bightAllocatesNoMoreForAMessageThanItDid(WorkName work, double limitBytes) throws Exception {
    assertThat(measure(work, PeerName.BIGHT, 800).get("allocated_bytes_per_message"))
        .isLessThan(limitBytes);
  }

  @Test
  void bightDropsNothingThatItReceives() throws Exception {
    assertThat(measure(WorkName.RECEIVE_QOS0, PeerName.BIGHT, SHORT_MILLIS).get("dropped_percent"))
        .isZero();
  }

  @Test
  void theSinkTellsAClientThatDoesNotAcknowledge() throws Exception {
    try (Sink sink = Sink.start(WorkName.RECEIVE_QOS1.sinkOptions(64, 10, null));
        SinkControl control = new SinkControl(sink.controlPort());
        SilentSubscriber silent = new SilentSubscriber(sink.port())) {
      control.flood();
      silent.awaitMessages(10);
      assertThat(control.counts()).containsEntry("sent", 10L).containsEntry("acknowledged", 0L);
      silent.acknowledge(3);
      silent.acknowledge(4_000);
      silent.awaitMessages(0);
      assertThat(control.counts()).containsEntry("acknowledged", 1L).containsEntry("wrong", 1L);
    }
  }

  private Figures measure(WorkName work, PeerName peer, long millis) throws Exception {
    try (Sink sink = Sink.start(work.sinkOptions(64, 1_000, key.store()))) {
      return Subject.measure(work, peer, options(sink, work, millis));
    }
  }

  private WorkOptions options(Sink sink, WorkName work, long millis) throws IOException {
    return new WorkOptions(
        sink.port(),
        sink.controlPort(),
        Duration.ofMillis(millis / 2),
        Duration.ofMillis(millis),
        64,
        1_000,
        500,
        work.isMany() || work == WorkName.CURVE_CONNECTIONS ? 50 : 1,
        work == WorkName.CURVE_FILTERS ? 50 : 1,
        work.isTls() ? key.trust() : null,
        work == WorkName.DURABLE ? directory.resolve("session") : null);
  }
}
