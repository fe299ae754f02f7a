// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.Message;
import io.bight.client.Mqtt;
import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttTimeoutException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The one-liners of {@link Mqtt}, each with a time limit. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class OneLinersTest {
  @RegisterExtension static final RealServer SERVER = new RealServer();

  private static final Duration LIMIT = Duration.ofSeconds(30);

  private static Publish message(String topic, int number, Qos qos) {
    return Publish.builder(topic).payload(String.valueOf(number)).qos(qos).build();
  }

  private static Stream<Publish> messages(String topic, int count) {
    return IntStream.range(0, count).mapToObj(i -> message(topic, i, Qos.values()[i % 3]));
  }

  @Test
  void publishAllSendsMessagesOfEveryQosAndWaitsForAll() {
    int count = 6_000; // more than are on their way at a time
    List<String> received = new ArrayList<>();
    CompletableFuture<Integer> published = new CompletableFuture<>();
    Publish begin =
        Publish.builder("all/begin").payload("go").qos(Qos.AT_LEAST_ONCE).retain(true).build();
    Mqtt.publish(SERVER.uri(), begin, LIMIT); // it comes when the subscription stands
    int handled =
        Mqtt.subscribeWhile(
            SERVER.uri(),
            "all/#",
            LIMIT,
            message -> {
              if (message.topic().equals("all/begin")) {
                DrivingTest.inThread(
                    () ->
                        published.complete(
                            Mqtt.publishAll(
                                SERVER.uri(), messages("all/x", count)::iterator, LIMIT)));
                return true;
              }
              received.add(message.payloadUtf8());
              return received.size() < count;
            });
    assertThat(handled).isEqualTo(count + 1);
    assertThat(Await.passively(published)).isEqualTo(count);
    assertThat(received).hasSize(count).contains("0", "5999");
  }

  @Test
  void publishAllOfNothingConnectsAndIsDone() {
    assertThat(Mqtt.publishAll(SERVER.uri(), List.of(), LIMIT)).isZero();
  }

  @Test
  void publishAllNamesWhatTheServerRefusedAndSendsTheRest() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .expectPublish("a")
          .sendPuback()
          .expectPublish("secret/b")
          .sendBytes("40 03 00 02 87")
          .expectPublish("c")
          .sendPuback()
          .expectDisconnect()
          .expectClose();
      List<Publish> three =
          Stream.of("a", "secret/b", "c").map(t -> message(t, 1, Qos.AT_LEAST_ONCE)).toList();
      assertThatThrownBy(() -> Mqtt.publishAll(server.uri().toString(), three, LIMIT))
          .isInstanceOf(MqttException.class)
          .hasMessageContaining("published 2 of 3 messages, but not message 2 to 'secret/b': ")
          .hasMessageContaining("not authorized (0x87)");
    }
  }

  @Test
  void publishAllFailsAtOnceWhenTheConnectionIsLost() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .expectPublish("x")
          .sendPuback()
          .expectPublish("x")
          .closeConnection();
      List<Publish> all =
          IntStream.range(0, 100).mapToObj(i -> message("x", i, Qos.AT_LEAST_ONCE)).toList();
      assertThatThrownBy(() -> Mqtt.publishAll(server.uri().toString(), all, LIMIT))
          .isInstanceOf(MqttDisconnectedException.class)
          .hasMessageContaining("lost the connection")
          .hasMessageFindingMatch("published [01] of 100 messages, but not message [12] to 'x'")
          .hasMessageFindingMatch("and 9[45] more");
    }
  }

  @Test
  void publishAllKeepsItsTimeLimit() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.onConnection().expectConnect().sendConnack().swallow();
      List<Publish> one = List.of(message("slow", 1, Qos.EXACTLY_ONCE));
      assertThatThrownBy(
              () -> Mqtt.publishAll(server.uri().toString(), one, Duration.ofMillis(200)))
          .isInstanceOf(MqttTimeoutException.class)
          .hasMessageContaining("published 0 of 1 message, but not message 1 to 'slow'");
    }
  }

  @Test
  void subscribeHandlesWhatComesUntilTheTimeHasPassed() {
    Mqtt.publish(
        SERVER.uri(),
        Publish.builder("one/line").payload("x").qos(Qos.EXACTLY_ONCE).retain(true).build(),
        LIMIT);
    List<Message> received = new ArrayList<>();
    Duration duration = Duration.ofMillis(500);
    Duration taken =
        Await.time(
            () ->
                assertThat(Mqtt.subscribe(SERVER.uri(), "one/+", duration, received::add))
                    .isEqualTo(1));
    assertThat(received).extracting(Message::qos).containsExactly(Qos.EXACTLY_ONCE);
    assertThat(taken).isBetween(duration, duration.plusSeconds(2));
  }

  @Test
  void subscribeThrowsWhatTheHandlerThrows() {
    Mqtt.publish(
        SERVER.uri(),
        Publish.builder("bad/line").payload("x").qos(Qos.AT_LEAST_ONCE).retain(true).build(),
        LIMIT);
    assertThatThrownBy(
            () ->
                Mqtt.subscribe(
                    SERVER.uri(),
                    "bad/line",
                    LIMIT,
                    message -> {
                      throw new NumberFormatException(message.payloadUtf8());
                    }))
        .isInstanceOf(NumberFormatException.class)
        .hasMessage("x");
  }

  @Test
  void subscribeGoesOnAfterALostConnection() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .expectSubscribe("a")
          .sendSuback()
          .closeConnection();
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .expectSubscribe("a")
          .sendSuback()
          .sendPublish("a", "again")
          .expectDisconnect()
          .expectClose();
      assertThat(Mqtt.subscribeWhile(server.uri().toString(), "a", LIMIT, message -> false))
          .isEqualTo(1);
    }
  }

  @Test
  void receiveReturnsSoManyMessagesOrSaysHowManyCame() {
    for (int i = 0; i < 3; i++) {
      Publish retained =
          Publish.builder("several/" + i).payload("x").qos(Qos.AT_LEAST_ONCE).retain(true).build();
      Mqtt.publish(SERVER.uri(), retained, LIMIT);
    }
    assertThat(Mqtt.receive(SERVER.uri(), "several/#", 2, LIMIT)).hasSize(2);
    assertThatThrownBy(() -> Mqtt.receive(SERVER.uri(), "several/#", 4, Duration.ofMillis(500)))
        .isInstanceOf(MqttTimeoutException.class)
        .hasMessage("3 of 4 messages for 'several/#' arrived within 500 ms");
    assertThatThrownBy(() -> Mqtt.receive(SERVER.uri(), "several/#", 0, LIMIT))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void firstConnectionThatCannotBeMadeIsAnError() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.stopListening();
      String uri = server.uri().toString();
      assertThatThrownBy(() -> Mqtt.subscribe(uri, "a", LIMIT, message -> {}))
          .isInstanceOf(MqttConnectException.class);
      assertThatThrownBy(() -> Mqtt.publishAll(uri, List.of(), LIMIT))
          .isInstanceOf(MqttConnectException.class);
    }
  }
}
