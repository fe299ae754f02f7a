// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.ConnectEvent;
import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.Property;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A program that changes its mind: in callbacks, in stages of futures, and one call after another.
 */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class ReentryTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(50));

  // ---- connect and disconnect

  @Test
  void connectInOnConnectFailureIsANewAttemptWithAnOutcomeOfItsOwn() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      server.stopListening();
      CompletableFuture<MqttFuture<ConnectEvent>> second = new CompletableFuture<>();
      client.onConnectFailure(
          event -> {
            server.startListening();
            second.complete(client.connectAsync());
          });
      client.loopStart();
      assertThatThrownBy(() -> client.connect(LIMIT)).isInstanceOf(MqttConnectException.class);
      assertThat(Await.passively(second).await(LIMIT).client()).isSameAs(client);
    }
  }

  @Test
  void connectInOnDisconnectOfTheProgramsOwnDisconnectConnectsAgain() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      CompletableFuture<MqttFuture<ConnectEvent>> second = new CompletableFuture<>();
      client.onDisconnect(event -> second.complete(client.connectAsync()));
      client.loopStart();
      client.connect(LIMIT);
      client.disconnectAsync().await(LIMIT);
      assertThat(Await.passively(second).await(LIMIT).client()).isSameAs(client);
    }
  }

  @Test
  void disconnectInAnOutcomeToldBeforeOnConnectIsNoLossOfAConnection() {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client = MqttClient.builder(server.uri()).version(MqttVersion.MQTT_5).build()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack(connack -> connack.property(Property.WILDCARD_SUBSCRIPTION_AVAILABLE, 0))
          .expectDisconnect();
      List<Object> events = Collections.synchronizedList(new ArrayList<>());
      client.onConnect(events::add);
      client.onDisconnect(events::add);
      CompletableFuture<MqttFuture<Void>> disconnecting = new CompletableFuture<>();
      client
          .subscribe("a/#", Qos.AT_MOST_ONCE)
          .whenComplete((result, failure) -> disconnecting.complete(client.disconnectAsync()));
      client.loopStart();
      client.connectAsync();
      Await.passively(disconnecting).await(LIMIT);
      assertThat(events).as("neither onConnect nor onDisconnect").isEmpty();
      assertThat(client.state()).isEqualTo(MqttClient.State.DISCONNECTED);
    }
  }

  @Test
  void connectInAnOutcomeToldWhileDisconnectIsDoneIsANewConnection() {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client = MqttClient.builder(server.uri()).version(MqttVersion.MQTT_5).build()) {
      server
          .onConnection()
          .expectConnect()
          .delay(Duration.ofMillis(1_100))
          .sendConnack()
          .expectDisconnect();
      server.onConnection().expectConnect().sendConnack().expectDisconnect();
      BlockingQueue<ConnectEvent> connections = new LinkedBlockingQueue<>();
      client.onConnect(
          event -> {
            connections.add(event);
            if (connections.size() == 1) {
              client.disconnectAsync(); // sends first what waits, and finds that it has expired
            }
          });
      CompletableFuture<MqttFuture<ConnectEvent>> second = new CompletableFuture<>();
      client
          .publish(
              Publish.builder("t")
                  .qos(Qos.AT_LEAST_ONCE)
                  .messageExpiryInterval(Duration.ofSeconds(1))
                  .build())
          .whenComplete((result, failure) -> second.complete(client.connectAsync()));
      client.loopStart();
      client.connectAsync();
      ConnectEvent event = Await.passively(second).await(LIMIT);
      assertThat(connections).hasSize(2).last().isSameAs(event);
    }
  }

  @Test
  void connectAfterDisconnectInOnConnectIsANewConnection() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      BlockingQueue<ConnectEvent> connections = new LinkedBlockingQueue<>();
      CompletableFuture<MqttFuture<ConnectEvent>> second = new CompletableFuture<>();
      client.onConnect(
          event -> {
            connections.add(event);
            if (connections.size() == 1) {
              client.disconnectAsync();
              second.complete(client.connectAsync());
            }
          });
      client.loopStart();
      assertThat(client.connect(LIMIT)).isSameAs(connections.peek());
      ConnectEvent event = Await.passively(second).await(LIMIT);
      assertThat(connections).hasSize(2).last().isSameAs(event);
    }
  }

  @Test
  void delayThatWasPlannedBeforeADisconnectIsNotWaitedAfterALaterOne() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(
                    ReconnectPolicy.exponential(Duration.ofHours(1), Duration.ofHours(1))
                        .alsoFirstConnect())
                .build()) {
      server.stopListening();
      CompletableFuture<MqttFuture<ConnectEvent>> second = new CompletableFuture<>();
      client.onConnectFailure(
          event -> {
            server.startListening();
            client.disconnectAsync();
            second.complete(client.connectAsync());
          });
      client.loopStart();
      client.connectAsync();
      Await.passively(second).await(LIMIT);
      client.disconnectAsync();
      assertThat(client.connectAsync().await(LIMIT).client()).isSameAs(client);
    }
  }

  @Test
  void disconnectAndConnectOneAfterTheOtherBothComplete() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      client.loopStart();
      client.connect(LIMIT);
      for (int i = 0; i < 20; i++) {
        MqttFuture<Void> disconnecting = client.disconnectAsync();
        MqttFuture<ConnectEvent> connecting = client.connectAsync();
        disconnecting.await(LIMIT);
        connecting.await(LIMIT);
      }
      assertThat(server.connections()).isEqualTo(21);
    }
  }

  @Test
  void connectInTheStageOfAConnectThatADisconnectHasEndedKeepsBothFuturesAlive() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      CompletableFuture<MqttFuture<ConnectEvent>> second = new CompletableFuture<>();
      client
          .connectAsync()
          .whenComplete((event, failure) -> second.complete(client.connectAsync()));
      client.disconnectAsync().await(LIMIT);
      assertThat(second).isDone();
      second.join().await(LIMIT);
      assertThat(client.isConnected()).isTrue();
    }
  }

  @Test
  void connectAfterADisconnectIsAFirstConnectionAgain() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      client.connect(LIMIT);
      client.disconnect();
      server.stopListening();
      assertThatThrownBy(() -> client.connect(LIMIT))
          .isInstanceOf(MqttConnectException.class)
          .hasMessageContaining("refused");
    }
  }

  @Test
  void attemptsAreCountedFromTheLossHoweverShortTheConnectionWas() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri()).reconnect(FAST.maximumAttempts(3)).build()) {
      List<Integer> attempts = Collections.synchronizedList(new ArrayList<>());
      CompletableFuture<Void> gaveUp = new CompletableFuture<>();
      BlockingQueue<Boolean> connects = new LinkedBlockingQueue<>();
      client.onConnect(event -> connects.add(true));
      client.onConnectFailure(
          event -> {
            attempts.add(event.attempt());
            if (event.nextAttemptIn().isEmpty()) {
              gaveUp.complete(null);
            }
          });
      client.loopStart();
      client.connect(LIMIT);
      server.resetConnections();
      Await.until("connected again", () -> connects.size() == 2);
      server.stopListening();
      server.resetConnections();
      Await.passively(gaveUp);
      assertThat(attempts).containsExactly(1, 2, 3);
    }
  }

  // ---- subscriptions and handlers

  @Test
  void handlerOfASubscriptionMadeRightAfterAnUnsubscribeStays() throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      BlockingQueue<String> received = new LinkedBlockingQueue<>();
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("a", Qos.AT_LEAST_ONCE, message -> received.add("old")).await(LIMIT);
      var unsubscribed = client.unsubscribe("a");
      client.subscribe("a", Qos.AT_LEAST_ONCE, message -> received.add("new")).await(LIMIT);
      unsubscribed.await(LIMIT);
      server.broker().publish("a", "x", 1);
      assertThat(received.poll(10, TimeUnit.SECONDS)).isEqualTo("new");
    }
  }

  @Test
  void loopStopInAHandlerAlsoKeepsMessagesThatHadWaitedForOne() {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client = MqttClient.builder(server.uri()).cleanStart(false).build()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .sendPublish("a", "1", 1, 1)
          .sendPublish("a", "2", 1, 2)
          .sendPublish("a", "3", 1, 3)
          .swallow();
      client.connect(LIMIT);
      Await.until(
          "all have arrived",
          () -> {
            client.loop(Duration.ZERO);
            return server.transcript().contains("PUBLISH");
          });
      while (client.loop(Duration.ofMillis(200))) {
        // all three are read
      }
      List<String> handled = new ArrayList<>();
      client.onMessage(
          message -> {
            handled.add(message.payloadUtf8());
            client.loopStop();
          });
      for (int i = 1; i <= 3; i++) {
        client.loopForever();
        assertThat(handled).hasSize(i);
      }
      assertThat(handled).containsExactly("1", "2", "3");
    }
  }

  // ---- order

  @Test
  void publishInACallbackDoesNotOvertakeWhatTheThreadPublishedBefore() {
    int before = 3_000;
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      client.connect(LIMIT);
      MqttFuture<?> first = client.publish("a", "0", Qos.AT_MOST_ONCE);
      for (int i = 1; i < before; i++) {
        client.publish("a", String.valueOf(i), Qos.AT_MOST_ONCE);
      }
      client.loop().execute(() -> client.publish("a", "last", Qos.AT_MOST_ONCE));
      first.await(LIMIT);
      client.publish("a", "end", Qos.AT_LEAST_ONCE).await(LIMIT);
      List<String> payloads =
          server.broker().acceptedMessages().stream().map(packet -> packet.payloadUtf8()).toList();
      assertThat(payloads.indexOf("last")).isEqualTo(before);
    }
  }
}
