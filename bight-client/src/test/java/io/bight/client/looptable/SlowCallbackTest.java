// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttLoop;
import io.bight.client.SlowCallbackReports;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Row B3 of docs/loop-table.md, its first half: a callback that holds up its loop is seen. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class SlowCallbackTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final Duration PATIENCE = Duration.ofMillis(250);

  private final SlowCallbackReports reports = new SlowCallbackReports();
  private final CountDownLatch release = new CountDownLatch(1);

  private MqttLoop watchedLoop(Duration patience) {
    return reports.of(MqttLoop.builder().name("watched").slowCallback(patience)).build();
  }

  private static MqttClientBuilder on(MqttLoop loop, ScriptedServer server) {
    return MqttClient.builder(server.uri()).clientId("x").loop(loop);
  }

  private void blockUntilReleased() {
    try {
      assertThat(release.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  // ---- what is reported

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void b3SlowHandlerIsReportedWithNameTimeThreadStackAndRemedyInEveryMode(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = watchedLoop(PATIENCE);
        MqttClient client =
            on(loop, server).onMessage("a/+", message -> blockUntilReleased()).build()) {
      client.connect(LIMIT);
      client.subscribe("a/+", Qos.AT_LEAST_ONCE).await(LIMIT);
      CompletableFuture<Void> watched =
          CompletableFuture.runAsync(
              () -> {
                assertThat(reports.take())
                    .contains("onMessage for 'a/b' of client 'x' of " + server.uri())
                    .containsPattern("running for at least \\d+ ms")
                    .contains("loop 'watched'", loop.driver().orElseThrow().getName())
                    .contains("callbackExecutor")
                    .contains("at " + SlowCallbackTest.class.getName() + ".blockUntilReleased");
                assertThat(client.diagnostics())
                    .containsPattern("running callback: onMessage for 'a/b' .*for at least \\d+ ms")
                    .contains("slow callbacks so far: 1\n");
                release.countDown();
                assertThat(reports.take())
                    .containsPattern(
                        "^onMessage for 'a/b' of client 'x' of .* took at least \\d+ ms")
                    .contains("has returned");
                assertThat(client.diagnostics())
                    .contains("slow callbacks so far: 1\n    onMessage for 'a/b'");
              });
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        if (mode == DrivingMode.BLOCKING_CALLS) {
          client.publish("a/b", "x", Qos.AT_LEAST_ONCE).await(LIMIT); // drives, and the handler too
        } else {
          server.broker().publish("a/b", "x", 1);
        }
        Await.passively(watched);
      }
      assertThat(reports.size()).as("further reports").isZero();
    }
  }

  @Test
  void b3EveryKindOfCallbackIsNamed() {
    String of = " of client 'x' of ";
    assertThat(reportOf(Kind.CONNECT)).startsWith("onConnect" + of);
    assertThat(reportOf(Kind.PUBLISHED)).startsWith("onPublished for 'out'" + of);
    assertThat(reportOf(Kind.DISCONNECT)).startsWith("onDisconnect" + of);
    assertThat(reportOf(Kind.STAGE))
        .startsWith("a stage of the future of publishing to 'out' at QoS 1 by client 'x'");
    assertThat(reportOf(Kind.TASK)).startsWith("a task given to execute(...) has been running");
  }

  private enum Kind {
    CONNECT,
    PUBLISHED,
    DISCONNECT,
    STAGE,
    TASK
  }

  private static String reportOf(Kind kind) {
    SlowCallbackTest test = new SlowCallbackTest();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = test.watchedLoop(PATIENCE);
        MqttClient client = on(loop, server).build()) {
      loop.loopStart();
      switch (kind) {
        case CONNECT -> client.onConnect(event -> test.blockUntilReleased());
        case PUBLISHED -> client.onPublished(event -> test.blockUntilReleased());
        case DISCONNECT -> client.onDisconnect(event -> test.blockUntilReleased());
        default -> {}
      }
      if (kind == Kind.CONNECT) {
        client.connectAsync();
      } else {
        client.connect(LIMIT);
      }
      switch (kind) {
        case DISCONNECT -> client.disconnectAsync();
        case STAGE -> // on the loop: elsewhere the publish may be done before it has a stage
            loop.execute(
                () ->
                    client
                        .publish("out", "x", Qos.AT_LEAST_ONCE)
                        .thenRun(test::blockUntilReleased));
        case PUBLISHED -> client.publish("out", "x", Qos.AT_LEAST_ONCE);
        case TASK -> loop.execute(test::blockUntilReleased);
        default -> {}
      }
      String report = test.reports.take();
      test.release.countDown();
      assertThat(test.reports.take()).contains("has returned");
      return report;
    }
  }

  @Test
  void b3SlowCallbackThatReturnsAfterCloseDoesNotSayThatTheLoopGoesOn() {
    MqttLoop loop = watchedLoop(PATIENCE);
    loop.loopStart();
    loop.execute(this::blockUntilReleased);
    assertThat(reports.take()).startsWith("a task");
    loop.close(Duration.ofMillis(1));
    release.countDown();
    assertThat(reports.take())
        .contains("has returned; the loop 'watched' is closed")
        .doesNotContain("goes on");
    Await.until("the driver has left", () -> loop.driver().isEmpty());
  }

  @Test
  void b3CallbackThatGoesOnIsReportedAgainAtGrowingDistances() {
    try (MqttLoop loop = watchedLoop(Duration.ofMillis(10))) {
      loop.loopStart();
      loop.execute(this::blockUntilReleased);
      long first = millisOf(reports.take());
      long second = millisOf(reports.take());
      long third = millisOf(reports.take());
      release.countDown();
      assertThat(second).isGreaterThanOrEqualTo(4 * first);
      assertThat(third).isGreaterThanOrEqualTo(4 * second);
    }
  }

  private static long millisOf(String report) {
    return Long.parseLong(report.replaceAll("(?s).*for at least (\\d+) ms.*", "$1"));
  }

  @Test
  void b3CallbacksThatAreAllSlowDoNotFillTheLog() {
    try (MqttLoop loop = watchedLoop(Duration.ofMillis(4))) {
      loop.loopStart();
      AtomicInteger done = new AtomicInteger();
      for (int i = 0; i < 50; i++) {
        loop.execute(
            () -> {
              LockSupport.parkNanos(20_000_000); // what is slow
              done.incrementAndGet();
            });
      }
      Await.until("all have run", () -> done.get() == 50);
      loop.loopStop();
      assertThat(reports.size()).isBetween(1, 2 * 10 + 2);
    }
  }

  // ---- what is not

  @Test
  void b3TurnOfAThousandShortCallbacksIsNotReported() {
    int messages = 1_000;
    Duration patience = Duration.ofMillis(400);
    CountDownLatch handled = new CountDownLatch(messages);
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = watchedLoop(patience);
        MqttClient client =
            on(loop, server)
                .onMessage(
                    message -> {
                      long end = System.nanoTime() + 1_500_000;
                      while (System.nanoTime() < end) {
                        Thread.onSpinWait();
                      }
                      handled.countDown();
                    })
                .build()) {
      client.connect(LIMIT);
      client.subscribe("a", Qos.AT_MOST_ONCE).await(LIMIT);
      for (int i = 0; i < messages; i++) {
        server.broker().publish("a", "x", 0);
      }
      long most = 0;
      while (handled.getCount() > 0) {
        most = Math.max(most, Await.time(() -> loop.loop(LIMIT)).toNanos());
      }
      assertThat(most).as("the longest turn").isGreaterThan(patience.toNanos());
      assertThat(reports.size()).isZero();
    }
  }

  @Test
  void b3ZeroSwitchesItOff() {
    try (MqttLoop loop = watchedLoop(Duration.ZERO)) {
      CompletableFuture<Void> ran = new CompletableFuture<>();
      loop.loopStart();
      loop.execute(
          () -> {
            LockSupport.parkNanos(50_000_000);
            ran.complete(null);
          });
      Await.passively(ran);
      assertThat(SlowCallbackReports.looks(loop)).isZero();
      assertThat(reports.size()).isZero();
    }
    assertThatThrownBy(() -> MqttLoop.builder().slowCallback(Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void b3WatchOfALoopSleepsWhenNothingHappensAndWakesAgainAndL11NothingTicks() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = watchedLoop(Duration.ofMillis(4));
        MqttClient client = on(loop, server).keepAlive(Duration.ofSeconds(1)).build()) {
      loop.loopStart();
      client.connect(LIMIT);
      client.publish("a", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      int asleep = looksWhenAsleep(loop);
      server.takePacket(io.bight.testkit.PacketType.PINGREQ, LIMIT); // keep alive needs no watch
      assertThat(SlowCallbackReports.looks(loop)).isEqualTo(asleep);
      loop.execute(this::blockUntilReleased);
      assertThat(reports.take()).startsWith("a task");
      release.countDown();
      assertThat(looksWhenAsleep(loop)).isGreaterThan(asleep);
    }
  }

  /** Waits until the watch has not looked for a time in which it would have looked often. */
  private static int looksWhenAsleep(MqttLoop loop) {
    int[] last = {-1};
    long[] since = {System.nanoTime()};
    Await.until(
        "the watch is asleep",
        () -> {
          int looks = SlowCallbackReports.looks(loop);
          if (looks != last[0]) {
            last[0] = looks;
            since[0] = System.nanoTime();
          }
          LockSupport.parkNanos(1_000_000);
          return System.nanoTime() - since[0] > 500_000_000;
        });
    return last[0];
  }
}
