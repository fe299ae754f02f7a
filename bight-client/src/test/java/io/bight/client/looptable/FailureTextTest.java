// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.bight.client.ConnectFailureEvent;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.MosquittoServer;
import io.bight.testkit.ScriptedServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Row R9 of docs/loop-table.md: what people are told when a server does not let them in. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class FailureTextTest {
  private static final Duration LIMIT = Await.LIMIT;

  /** The second delay is 2 s at most, the longest an hour: easy to tell apart. */
  private static final ReconnectPolicy POLICY =
      ReconnectPolicy.exponential(Duration.ofSeconds(1), Duration.ofHours(1)).alsoFirstConnect();

  /** The first failure of a client that goes on trying. */
  private static ConnectFailureEvent firstFailure(MqttClientBuilder builder) {
    CompletableFuture<ConnectFailureEvent> failed = new CompletableFuture<>();
    try (MqttClient client =
        builder
            .clientId("r9")
            .credentials("me", "secret-word")
            .reconnect(POLICY)
            .onConnectFailure(failed::complete)
            .build()) {
      client.loopStart();
      client.connectAsync();
      ConnectFailureEvent event = Await.passively(failed);
      assertThat(event.failure())
          .hasMessageContaining("client 'r9' of " + client.server() + " could not connect: ")
          .hasMessageNotContaining("secret-word");
      return event;
    }
  }

  private static void assertSlow(ConnectFailureEvent event, boolean slow) {
    Duration delay = event.nextAttemptIn().orElseThrow();
    if (slow) {
      assertThat(delay).isBetween(Duration.ofMinutes(30), Duration.ofHours(1));
    } else {
      assertThat(delay).isLessThanOrEqualTo(Duration.ofSeconds(1));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "MQTT_3_1_1, 0x01, unsupported protocol version, choose another version of MQTT, true",
    "MQTT_3_1_1, 0x02, client identifier not valid, choose another client identifier, true",
    "MQTT_3_1_1, 0x03, server unavailable, try again later, false",
    "MQTT_3_1_1, 0x04, bad user name or password, 'check user name, password', true",
    "MQTT_3_1_1, 0x05, not authorized, 'check user name, password and rights', true",
    "MQTT_5, 0x84, unsupported protocol version, does not speak MQTT 5.0, true",
    "MQTT_5, 0x85, client identifier not valid, choose another client identifier, true",
    "MQTT_5, 0x86, bad user name or password, 'check user name, password', true",
    "MQTT_5, 0x87, not authorized, 'check user name, password and rights', true",
    "MQTT_5, 0x88, server unavailable, try again later, false",
    "MQTT_5, 0x89, server busy, try again later, false",
    "MQTT_5, 0x8A, banned, ask who runs the server why, true",
    "MQTT_5, 0x8C, bad authentication method, choose an authentication method, true",
    "MQTT_5, 0x9A, retain not supported, change the will, false",
    "MQTT_5, 0x9C, use another server, connect to another server, false",
    "MQTT_5, 0x9D, server moved, connect to another server, true",
    "MQTT_5, 0x9F, connection rate exceeded, try again later, false"
  })
  void r9RefusalSaysWhatToDoAndSlowsDownWhatCannotHeal(
      MqttVersion version, String code, String reason, String remedy, boolean slow) {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.onConnection().expectConnect().refuse(Integer.decode(code));
      ConnectFailureEvent event = firstFailure(MqttClient.builder(server.uri()).version(version));
      assertThat(event.failure())
          .hasMessageContaining("the server refused the connection: " + reason)
          .hasMessageContaining(remedy);
      assertThat(String.valueOf(event.failure().reasonCode())).startsWith(reason);
      assertSlow(event, slow);
    }
  }

  @Test
  void r9ServerThatDoesNotKnowMqtt5() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.onConnection().expectConnect().sendBytes("20 02 00 01").closeConnection();
      ConnectFailureEvent event = firstFailure(MqttClient.builder(server.uri()));
      assertThat(event.failure())
          .hasMessageContaining("does not know MQTT 5.0")
          .hasMessageContaining("choose MQTT 3.1.1 with version(MqttVersion.MQTT_3_1_1)");
      assertSlow(event, true);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"MQTT_3_1_1", "MQTT_5"})
  void r9ServerThatClosesInsteadOfAnswering(MqttVersion version) {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.onConnection().expectConnect().closeConnection();
      ConnectFailureEvent event = firstFailure(MqttClient.builder(server.uri()).version(version));
      assertThat(event.failure())
          .hasMessageContaining("the server closed the connection before it answered CONNECT")
          .hasMessageContaining(
              "is it an MQTT server, without TLS, and does it speak MQTT " + version);
      assertSlow(event, false);
    }
  }

  @Test
  void r9ServerThatDoesNotAnswer() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.onConnection().expectConnect();
      ConnectFailureEvent event =
          firstFailure(MqttClient.builder(server.uri()).connackTimeout(Duration.ofMillis(100)));
      assertThat(event.failure())
          .hasMessageContaining("the server did not answer CONNECT within 100 ms")
          .hasMessageContaining("is it an MQTT server?");
      assertSlow(event, false);
    }
  }

  @Test
  void r9AnswerThatIsNoMqtt() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.onConnection().expectConnect().sendBytes("53 53 48 2D 32 2E 30 2D");
      assertThat(firstFailure(MqttClient.builder(server.uri())).failure())
          .hasMessageContaining("the server sent a packet that is not valid")
          .hasMessageContaining("is it an MQTT server? If so, it may not speak MQTT 5.0");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"MQTT_3_1_1", "MQTT_5"})
  void r9WrongPasswordOfARealServer(MqttVersion version, @TempDir Path folder) {
    assumeTrue(MosquittoServer.isInstalled(), "mosquitto is not installed");
    Path passwords = folder.resolve("passwords");
    try {
      Files.createFile(passwords);
      assertThat(passwords.toFile().setReadable(true, true)).isTrue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    try (MosquittoServer server =
        MosquittoServer.start("allow_anonymous false", "password_file " + passwords)) {
      ConnectFailureEvent event = firstFailure(MqttClient.builder(server.uri()).version(version));
      assertThat(event.failure().reasonCode())
          .isIn(ReasonCode.NOT_AUTHORIZED, ReasonCode.BAD_USER_NAME_OR_PASSWORD);
      assertThat(event.failure()).hasMessageContaining("check user name, password and rights");
      assertSlow(event, true);
    }
  }

  // ---- two clients with one identifier

  @Test
  void r9ClientsThatThrowEachOtherOutBeforeMqtt5AreToldWhatItMayBeAndSlowedDown() {
    List<String> messages = Collections.synchronizedList(new ArrayList<>());
    List<Duration> delays = Collections.synchronizedList(new ArrayList<>());
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri())
                .version(MqttVersion.MQTT_3_1_1)
                .clientId("twin")
                .reconnect(
                    ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(320)))
                .onDisconnect(
                    event -> {
                      messages.add(event.message());
                      event.reconnectIn().ifPresent(delays::add);
                    })
                .build()) {
      for (int i = 0; i < 6; i++) {
        server.onConnection().expectConnect().sendConnack().closeConnection();
      }
      server.onConnection().expectConnect().sendConnack().expectDisconnect();
      client.loopStart();
      client.connect(LIMIT);
      Await.until("thrown out six times", () -> messages.size() == 6 && client.isConnected());
      client.disconnect();
      server.awaitScripts(LIMIT);
      assertThat(messages.subList(0, 2)).containsOnly("the server closed the connection");
      assertThat(messages.subList(2, 6))
          .allMatch(
              text -> text.contains("another client may be using the client identifier 'twin'"))
          .allMatch(text -> text.contains("or it may be failing"));
      assertThat(messages.get(5)).contains("ended 6 connections in a row");
      for (int i = 1; i < 6; i++) { // 10 ms doubled each time, each shortened by a half at most
        assertThat(delays.get(i)).isGreaterThanOrEqualTo(Duration.ofMillis(5L << (i - 1)));
      }
    }
  }

  @Test
  void r9ServerThatAcknowledgesForAWhileBeforeEachRestartIsNotTakenForATwin() {
    List<String> messages = Collections.synchronizedList(new ArrayList<>());
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(
                    ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(20)))
                .onDisconnect(event -> messages.add(event.message()))
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      for (int i = 1; i <= 3; i++) {
        int losses = i;
        long end = System.nanoTime() + 2_500_000_000L;
        Await.until(
            "the server has acknowledged for a while",
            () -> {
              client.publish("r9/restart", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
              return System.nanoTime() > end;
            });
        server.closeConnections();
        Await.until("it is back", () -> messages.size() == losses && client.isConnected());
      }
      assertThat(messages).containsOnly("the server closed the connection");
    }
  }

  @Test
  void r9TwoRealClientsWithOneIdentifierAreToldBeforeMqtt5() {
    assumeTrue(MosquittoServer.isInstalled(), "mosquitto is not installed");
    CompletableFuture<String> told = new CompletableFuture<>();
    try (MosquittoServer server = MosquittoServer.start();
        MqttClient one = twin(server, told);
        MqttClient two = twin(server, told)) {
      one.loopStart();
      two.loopStart();
      one.connect(LIMIT);
      two.connect(LIMIT);
      assertThat(Await.passively(told)).contains("the client identifier 'twin'");
    }
  }

  private static MqttClient twin(MosquittoServer server, CompletableFuture<String> told) {
    return MqttClient.builder(server.uri())
        .version(MqttVersion.MQTT_3_1_1)
        .clientId("twin")
        .reconnect(ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(100)))
        .onDisconnect(
            event -> {
              if (event.message().contains("another client")) {
                told.complete(event.message());
              }
            })
        .build();
  }
}
