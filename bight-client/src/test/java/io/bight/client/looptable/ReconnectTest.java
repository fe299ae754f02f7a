// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.bight.client.MqttClient;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.testkit.FaultLink;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.MosquittoServer;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows R1 and R4, and the plainest cases of others, of docs/loop-table.md. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class ReconnectTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(100));

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r1ReconnectsInEveryModeWhenTheConnectionIsLost(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = MqttClient.builder(server.uri()).loop(loop).reconnect(FAST).build()) {
      BlockingQueue<Boolean> connects = new LinkedBlockingQueue<>();
      client.onConnect(event -> connects.add(event.isReconnect()));
      client.connect(LIMIT);
      assertThat(connects.poll()).isFalse();
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        for (int i = 0; i < 20; i++) {
          CompletableFuture<Void> again = new CompletableFuture<>();
          try (var registration = client.onConnect(event -> again.complete(null))) {
            server.resetConnections();
            mode.awaitDriven(loop, again);
          }
        }
      }
      assertThat(connects).hasSize(20).containsOnly(true);
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r1ServerThatIsDownAtTheStartAndComesUpLater(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .reconnect(FAST.alsoFirstConnect())
                .build()) {
      server.stopListening();
      CompletableFuture<Void> failedTwice = new CompletableFuture<>();
      client.onConnectFailure(
          event -> {
            if (event.attempt() == 2) {
              failedTwice.complete(null);
            }
          });
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        var connected = client.connectAsync();
        mode.awaitDriven(loop, failedTwice);
        server.startListening();
        connected.await(LIMIT);
      }
      assertThat(client.isConnected()).isTrue();
    }
  }

  @Test
  void r1FirstConnectFailsUnlessItIsIncluded() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      server.stopListening();
      assertThatThrownBy(() -> client.connect(LIMIT))
          .isInstanceOf(MqttConnectException.class)
          .hasMessageContaining("connection refused")
          .hasMessageContaining(String.valueOf(server.port()))
          .hasMessageContaining("check that the server runs");
      assertThat(client.state()).isEqualTo(MqttClient.State.DISCONNECTED);
    }
  }

  @Test
  void r1AttemptsEndAtTheLimit() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(FAST.alsoFirstConnect().maximumAttempts(3))
                .build()) {
      server.stopListening();
      AtomicInteger failures = new AtomicInteger();
      client.onConnectFailure(event -> failures.incrementAndGet());
      assertThatThrownBy(() -> client.connect(LIMIT)).isInstanceOf(MqttConnectException.class);
      assertThat(failures).hasValue(3);
    }
  }

  @Test
  void r1DisconnectMidBackoffReturnsAtOnceAndNoAttemptFollows() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(
                    ReconnectPolicy.exponential(Duration.ofMillis(300), Duration.ofMillis(300))
                        .alsoFirstConnect())
                .build()) {
      server.stopListening();
      CompletableFuture<Void> failed = new CompletableFuture<>();
      client.onConnectFailure(event -> failed.complete(null));
      client.loopStart();
      var connecting = client.connectAsync();
      Await.passively(failed);
      Duration took = Await.time(client::disconnect);
      assertThat(took).isLessThan(Await.within(Duration.ofMillis(100)));
      assertThat(connecting).isCompletedExceptionally();
      assertThat(client.state()).isEqualTo(MqttClient.State.DISCONNECTED);
      server.startListening();
      server.awaitNoConnection(Duration.ofMillis(500));
    }
  }

  @Test
  void r3OneDisconnectEventForEachLostConnectionWithTheStateLeftBefore() {
    List<String> events = Collections.synchronizedList(new ArrayList<>());
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(FAST)
                .onDisconnect(
                    event ->
                        events.add(
                            event.by()
                                + " "
                                + event.reasonCode().map(ReasonCode::code).orElse(-1)
                                + " "
                                + event.reconnectIn().isPresent()
                                + " "
                                + event.client().isConnected()))
                .build()) {
      server.onConnection().expectConnect().sendConnack().sendDisconnect(0x8B).closeConnection();
      server.onConnection().expectConnect().sendConnack().resetConnection();
      server.onConnection().expectConnect().sendConnack().closeConnection();
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .sendBytes("F1 00")
          .expectDisconnect(0x81)
          .expectClose();
      server.onConnection().expectConnect().sendConnack().expectDisconnect();
      client.loopStart();
      client.connect(LIMIT);
      Await.until("four losses", () -> events.size() == 4 && client.isConnected());
      client.disconnect();
      Await.until("the last", () -> events.size() == 5);
      assertThat(events)
          .containsExactly(
              By.SERVER + " 139 true false",
              By.NETWORK + " -1 true false",
              By.SERVER + " -1 true false",
              By.CLIENT + " 129 true false",
              By.USER + " 0 false false");
      server.awaitScripts(LIMIT);
    }
  }

  // ---- R4

  @Test
  void r4HalfOpenLinkIsFoundWithinOneAndAHalfKeepAlivesWhileWriting() throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        FaultLink link = FaultLink.to(server.uri());
        MqttClient client =
            MqttClient.builder(link.uri()).keepAlive(Duration.ofSeconds(2)).build()) {
      CompletableFuture<By> lost = new CompletableFuture<>();
      client.onDisconnect(event -> lost.complete(event.by()));
      client.loopStart();
      client.connect(LIMIT);
      ScheduledExecutorService publisher = Executors.newSingleThreadScheduledExecutor();
      publisher.scheduleAtFixedRate(
          () -> client.publish("r4", "x", Qos.AT_MOST_ONCE), 0, 1, TimeUnit.MILLISECONDS);
      link.pause();
      Duration took = Await.time(() -> Await.passively(lost));
      publisher.shutdownNow();
      assertThat(took).isLessThanOrEqualTo(Await.within(Duration.ofSeconds(3)));
      assertThat(lost).isCompletedWithValue(By.NETWORK);
      assertThat(client.isConnected()).isFalse();
    }
  }

  @Test
  void r4HalfOpenLinkIsFoundAlsoWhenIdle() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        FaultLink link = FaultLink.to(server.uri());
        MqttClient client =
            MqttClient.builder(link.uri()).keepAlive(Duration.ofSeconds(1)).build()) {
      CompletableFuture<Void> lost = new CompletableFuture<>();
      client.onDisconnect(event -> lost.complete(null));
      client.loopStart();
      client.connect(LIMIT);
      link.pause();
      Duration took = Await.time(() -> Await.passively(lost));
      assertThat(took).isLessThanOrEqualTo(Await.within(Duration.ofMillis(1_600)));
    }
  }

  @Test
  void r4KilledServerIsNoticedAtOnce() {
    assumeTrue(MosquittoServer.isInstalled(), "mosquitto is not installed");
    try (MosquittoServer server = MosquittoServer.start();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      CompletableFuture<Void> lost = new CompletableFuture<>();
      client.onDisconnect(event -> lost.complete(null));
      client.loopStart();
      client.connect(LIMIT);
      long killed = System.nanoTime();
      server.kill();
      Await.passively(lost);
      assertThat(Duration.ofNanos(System.nanoTime() - killed))
          .isLessThan(Await.within(Duration.ofMillis(200)));
    }
  }

  @Test
  void r4ConnectionThatNobodyDrivesDoesNotCountAsConnected() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri()).keepAlive(Duration.ofSeconds(1)).build()) {
      client.connect(LIMIT);
      assertThat(client.isConnected()).isTrue();
      long left = System.nanoTime();
      Await.until("given up", () -> !client.isConnected());
      assertThat(Duration.ofNanos(System.nanoTime() - left))
          .isBetween(Duration.ofMillis(1_400), Await.within(Duration.ofSeconds(3)));
    }
  }

  @Test
  void r4CallbackThatDoesNotReturnDoesNotLeaveItConnected() throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri()).keepAlive(Duration.ofSeconds(1)).build()) {
      CountDownLatch release = new CountDownLatch(1);
      client.onMessage(
          message -> {
            try {
              release.await(30, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("r4", Qos.AT_LEAST_ONCE).await(LIMIT);
      server.broker().publish("r4", "x", 1);
      Await.until("given up", () -> !client.isConnected());
      release.countDown();
    }
  }

  @Test
  void r6ResubscribesWhenTheSessionWasLost() throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).reconnect(FAST).build()) {
      BlockingQueue<String> received = new LinkedBlockingQueue<>();
      CompletableFuture<Void> again = new CompletableFuture<>();
      client.onMessage(message -> received.add(message.payloadUtf8()));
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("r6/+", Qos.AT_LEAST_ONCE).await(LIMIT);
      client.onConnect(event -> again.complete(null));
      server.restart(false);
      Await.passively(again);
      Await.until("subscribed", () -> !server.broker().subscriptions(client.clientId()).isEmpty());
      server.broker().publish("r6/x", "after", 1);
      assertThat(received.poll(10, TimeUnit.SECONDS)).isEqualTo("after");
    }
  }

  @Test
  void r8MessagesWaitUnacknowledgedForAHandler() throws Exception {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client = MqttClient.builder(server.uri()).cleanStart(false).build()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack(connack -> connack.sessionPresent(true))
          .sendPublish("r8", "early", 1, 7)
          .expectPuback(7)
          .expectDisconnect();
      BlockingQueue<String> received = new LinkedBlockingQueue<>();
      client.loopStart();
      client.connect(LIMIT);
      client.onMessage(message -> received.add(message.payloadUtf8()));
      assertThat(received.poll(10, TimeUnit.SECONDS)).isEqualTo("early");
      client.disconnect();
      server.awaitScripts(LIMIT);
    }
  }

  @Test
  void r9ClientsThatThrowEachOtherOutAreToldAndSlowedDown() {
    List<String> messages = Collections.synchronizedList(new ArrayList<>());
    List<Duration> delays = Collections.synchronizedList(new ArrayList<>());
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri())
                .clientId("twin")
                .reconnect(FAST)
                .onDisconnect(
                    event -> {
                      messages.add(event.message());
                      event.reconnectIn().ifPresent(delays::add);
                    })
                .build()) {
      for (int i = 0; i < 5; i++) {
        server.onConnection().expectConnect().sendConnack().sendDisconnect(0x8E).closeConnection();
      }
      server.onConnection().expectConnect().sendConnack().expectDisconnect();
      client.loopStart();
      client.connect(LIMIT);
      Await.until("thrown out five times", () -> messages.size() == 5 && client.isConnected());
      client.disconnect();
      assertThat(messages.get(0))
          .contains("session taken over")
          .contains("another client connected with the client identifier 'twin'")
          .contains("give each client its own");
      assertThat(messages.get(4)).contains("5 times in a row");
      // 10 ms doubled each time up to 100 ms, each shortened by a half at most.
      assertThat(delays.get(4)).isGreaterThanOrEqualTo(Duration.ofMillis(50));
      assertThat(delays.get(4)).isGreaterThan(delays.get(0));
      server.awaitScripts(LIMIT);
    }
  }

  @Test
  void r9WrongPasswordSaysWhatToDoAndDoesNotTryAgainAtOnce() {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri()).credentials("me", "secret-word").build()) {
      server.onConnection().expectConnect().refuse(0x86).expectClose();
      assertThatThrownBy(() -> client.connect(LIMIT))
          .isInstanceOf(MqttConnectException.class)
          .hasMessageContaining("bad user name or password")
          .hasMessageContaining("check user name, password")
          .hasMessageNotContaining("secret-word");
    }
  }
}
