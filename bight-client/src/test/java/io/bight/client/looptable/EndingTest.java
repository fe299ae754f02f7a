// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.FaultLink;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ResourceCounts;
import io.bight.testkit.ScriptedServer;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Rows E1 to E5 of docs/loop-table.md: ending. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class EndingTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final Duration CLOSE = Duration.ofSeconds(1);

  /** A close within its time, with room for a busy machine. */
  private static final Duration IN_TIME = CLOSE.plusMillis(500);

  // ---- E1

  @Test
  void e1ExceptionInTheMainProgramSendsDisconnect() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.onConnection().expectConnect().sendConnack().expectDisconnect(0).expectClose();
      Duration took =
          Await.time(
              () ->
                  assertThatThrownBy(
                          () -> {
                            try (MqttClient client = MqttClient.builder(server.uri()).build()) {
                              client.loopStart();
                              client.connect(LIMIT);
                              throw new IllegalStateException("the main program fails");
                            }
                          })
                      .hasMessage("the main program fails"));
      server.awaitScripts(LIMIT);
      assertThat(took).isLessThan(Await.within(Duration.ofSeconds(2)));
    }
  }

  @Test
  void e1WillIsPublishedOnCloseIfSoSet() {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri())
                .will(Publish.builder("will").payload("gone").build())
                .publishWillOnClose()
                .build()) {
      server.onConnection().expectConnect().sendConnack().expectDisconnect(0x04).expectClose();
      client.connect(LIMIT);
      client.close();
      server.awaitScripts(LIMIT);
    }
  }

  // ---- E2

  @Test
  void e2CloseWhenIdle() {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      MqttClient client = connected(server);
      closesInTime(client);
      assertThat(client.state()).isEqualTo(MqttClient.State.CLOSED);
      closesInTime(client); // twice
      assertThatThrownBy(() -> client.publish("a", "x", Qos.AT_LEAST_ONCE).await(LIMIT))
          .isInstanceOf(MqttDisconnectedException.class);
    }
  }

  @Test
  void e2CloseBeforeConnecting() {
    MqttClient client = MqttClient.builder("mqtt://127.0.0.1:1").build();
    closesInTime(client);
  }

  @Test
  void e2CloseWithAnUnacknowledgedQos2MessageFailsItsFuture() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .expectPublish("a")
          .expectDisconnect()
          .expectClose();
      MqttClient client = connected(server);
      MqttFuture<?> published = client.publish("a", "x", Qos.EXACTLY_ONCE);
      closesInTime(client);
      assertThat(published).isCompletedExceptionally();
      server.awaitScripts(LIMIT);
    }
  }

  @Test
  void e2CloseWithABlockedHandler() throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      CountDownLatch inHandler = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      MqttClient client =
          MqttClient.builder(server.uri())
              .onMessage(
                  message -> {
                    inHandler.countDown();
                    awaitQuietly(release);
                  })
              .build();
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("e2", Qos.AT_LEAST_ONCE).await(LIMIT);
      Thread driver = client.loop().driver().orElseThrow();
      server.broker().publish("e2", "x", 1);
      assertThat(inHandler.await(10, TimeUnit.SECONDS)).isTrue();
      closesInTime(client);
      release.countDown();
      driver.join(10_000);
      assertThat(driver.isAlive()).isFalse();
    }
  }

  @Test
  void e2CloseWithAHalfOpenLink() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        FaultLink link = FaultLink.to(server.uri())) {
      MqttClient client = MqttClient.builder(link.uri()).build();
      client.loopStart();
      client.connect(LIMIT);
      link.pause();
      closesInTime(client);
    }
  }

  @Test
  void e2CloseMidBackoff() {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      MqttClient client =
          MqttClient.builder(server.uri())
              .reconnect(
                  ReconnectPolicy.exponential(Duration.ofSeconds(20), Duration.ofSeconds(20))
                      .alsoFirstConnect())
              .build();
      server.stopListening();
      CompletableFuture<Void> failed = new CompletableFuture<>();
      client.onConnectFailure(event -> failed.complete(null));
      client.loopStart();
      MqttFuture<?> connecting = client.connectAsync();
      Await.passively(failed);
      closesInTime(client);
      assertThat(connecting).isCompletedExceptionally();
    }
  }

  @Test
  void e2CloseFromAHandler() throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      MqttClient client =
          MqttClient.builder(server.uri()).onMessage(message -> message.client().close()).build();
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("e2", Qos.AT_LEAST_ONCE).await(LIMIT);
      Thread driver = client.loop().driver().orElseThrow();
      server.broker().publish("e2", "x", 1);
      driver.join(10_000);
      assertThat(driver.isAlive()).isFalse();
      assertThat(client.loop().isClosed()).isTrue();
    }
  }

  @Test
  void e2CloseFromSeveralThreadsAtOnce() {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      for (int i = 0; i < 20; i++) {
        MqttClient client = connected(server);
        List<CompletableFuture<Void>> closes = new ArrayList<>();
        for (int k = 0; k < 4; k++) {
          closes.add(DrivingTest.inThread(() -> closesInTime(client)));
        }
        closes.forEach(Await::passively);
      }
    }
  }

  @Test
  void e2MessagesAcceptedBeforeCloseAreOnTheWire() {
    int messages = 10_000;
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      MqttClient client = connected(server);
      for (int i = 0; i < messages; i++) {
        client.publish("e2/all", "m" + i, Qos.AT_MOST_ONCE);
      }
      client.close(LIMIT);
      Await.until("all arrived", () -> server.broker().acceptedMessages().size() == messages);
    }
  }

  private static MqttClient connected(ScriptedServer server) {
    MqttClient client = MqttClient.builder(server.uri()).build();
    client.loopStart();
    client.connect(LIMIT);
    return client;
  }

  private static void closesInTime(MqttClient client) {
    assertThat(Await.time(() -> client.close(CLOSE))).isLessThan(Await.within(IN_TIME));
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- E3

  @Test
  void e3TheJvmEndsByItselfAfterClose() throws Exception {
    assertThat(runProgram("closes")).contains("closed");
  }

  @Test
  void e3ADaemonLoopDoesNotKeepTheJvm() throws Exception {
    assertThat(runProgram("daemon")).contains("main ends");
  }

  @Test
  void e3ALoopThatIsNoDaemonKeepsTheJvmUntilItIsStopped() throws Exception {
    assertThat(runProgram("keeps")).contains("main ends").contains("stopped by the loop");
  }

  private static String runProgram(String what) throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      Process process =
          new ProcessBuilder(
                  System.getProperty("java.home")
                      + File.separator
                      + "bin"
                      + File.separator
                      + "java",
                  "-cp",
                  System.getProperty("java.class.path"),
                  EndingProgram.class.getName(),
                  what,
                  server.uri().toString())
              .redirectErrorStream(true)
              .start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).as(output).isTrue();
      assertThat(process.exitValue()).as(output).isZero();
      return output;
    }
  }

  // ---- E4

  @Test
  void e4NothingIsLeftAfterManyClients() {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      openAndClose(server, 50); // what is made once is made
      ResourceCounts before = ResourceCounts.snapshot();
      openAndClose(server, 500);
      Await.until("the server has seen the last close", () -> server.openConnections() == 0);
      LeakCheck.assertNoThreads(LIMIT, "bight-e4");
      ResourceCounts after = ResourceCounts.snapshot();
      assertThat(after.openDescriptors())
          .as(() -> String.join("\n", after.growthSince(before)))
          .isLessThanOrEqualTo(before.openDescriptors());
    }
  }

  private static void openAndClose(ScriptedServer server, int times) {
    for (int i = 0; i < times; i++) {
      try (MqttClient client = MqttClient.builder(server.uri()).clientId("e4-" + i).build()) {
        if (i % 2 == 0) {
          client.loopStart();
        }
        client.connect(LIMIT);
        client.publish("e4", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      }
    }
  }

  @Test
  void e4ALoopThatIsClosedRefusesWhatNeedsIt() {
    MqttLoop loop = MqttLoop.create("e4-closed");
    loop.close();
    loop.close();
    assertThatThrownBy(loop::loopStart)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("'e4-closed' is closed");
    assertThatThrownBy(() -> MqttClient.builder("mqtt://127.0.0.1:1").loop(loop).build())
        .isInstanceOf(IllegalStateException.class);
  }

  // ---- E5 is StartBeforeServerTest
}
