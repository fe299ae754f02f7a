// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.CallbackErrorPolicy;
import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.FaultLink;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.OutgoingPacket;
import io.bight.testkit.PacketType;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ScriptedServer;
import io.bight.testkit.ServerScript;
import java.io.BufferedReader;
import java.io.File;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows B6 and B8 of docs/loop-table.md: acknowledgements, and messages that come twice. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class AcknowledgementTest {
  @RegisterExtension static final RealServer SERVER = new RealServer();

  private static final Duration LIMIT = Await.LIMIT;
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(100));

  private final List<Message> messages = Collections.synchronizedList(new ArrayList<>());

  private MqttClient recording(MqttClientBuilder builder) {
    return builder.onMessage(messages::add).build();
  }

  private List<String> payloads() {
    synchronized (messages) {
      return messages.stream().map(Message::payloadUtf8).toList();
    }
  }

  private static MqttClientBuilder of(ScriptedServer server, MqttVersion version) {
    return MqttClient.builder(server.uri()).version(version).reconnect(FAST);
  }

  private static ServerScript accepting(ScriptedServer server) {
    return server.onConnection().expectConnect().sendConnack();
  }

  private static ServerScript resuming(ScriptedServer server) {
    return server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(true));
  }

  private static OutgoingPacket repeated(String payload, int qos, int identifier) {
    return OutgoingPacket.publish("a", payload).qos(qos).packetIdentifier(identifier).dup(true);
  }

  // ---- B6

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void b6MessageIsAcknowledgedAfterItsLastHandlerHasReturnedInEveryMode(DrivingMode mode) {
    List<Long> returned = Collections.synchronizedList(new ArrayList<>());
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .onMessage(messages::add)
                .onMessage("a", message -> returned.add(System.nanoTime()))
                .build();
        DrivingMode.Driver driver = mode.drive(loop)) {
      client.connect(LIMIT);
      client.subscribe("a", Qos.EXACTLY_ONCE).await(LIMIT);
      server.broker().publish("a", "x", 1);
      server.broker().publish("a", "y", 2);
      while (server.packets(PacketType.PUBCOMP).isEmpty()) {
        client.subscribe("b", Qos.AT_LEAST_ONCE).await(LIMIT); // drives if nobody does
      }
      ReceivedPacket puback = server.takePacket(PacketType.PUBACK, LIMIT);
      ReceivedPacket pubrec = server.takePacket(PacketType.PUBREC, LIMIT);
      assertThat(puback.receivedAtNanos() - returned.get(0)).isPositive();
      assertThat(pubrec.receivedAtNanos() - returned.get(1)).isPositive();
      assertThat(payloads()).containsExactly("x", "y");
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = MqttVersion.class,
      names = {"MQTT_3_1_1", "MQTT_5"})
  void b6ManualAcknowledgementOnAnyThreadInAnyOrderLeavesInTheOrderOfArrival(MqttVersion version) {
    try (ScriptedServer server = ScriptedServer.start()) {
      accepting(server)
          .sendPublish("a", "1", 1, 1)
          .sendPublish("a", "2", 2, 2)
          .sendPublish("a", "3", 1, 3)
          .expectPuback(1)
          .expectPubrec(2)
          .expectPuback(3)
          .sendPubrel(2)
          .expectPubcomp(2)
          .expectDisconnect()
          .expectClose();
      try (MqttClient client = recording(of(server, version).manualAcknowledgement())) {
        client.loopStart();
        client.connect(LIMIT);
        Await.until("all are there", () -> messages.size() == 3);
        messages.get(2).acknowledge();
        messages.get(1).acknowledge();
        client.diagnostics();
        assertThat(server.packets(PacketType.PUBACK)).isEmpty();
        messages.get(0).acknowledge();
        messages.get(0).acknowledge(); // changes nothing
        server.takePacket(PacketType.PUBCOMP, LIMIT);
      }
      server.awaitScripts(LIMIT);
    }
  }

  @Test
  void b6NegativeAcknowledgementCarriesItsReasonCode() {
    try (ScriptedServer server = ScriptedServer.start()) {
      accepting(server)
          .sendPublish("a", "1", 1, 1)
          .expect(PacketType.PUBACK, puback -> assertThat(puback.reasonCode()).isEqualTo(0x99))
          .sendPublish("a", "2", 2, 2)
          .expect(PacketType.PUBREC, pubrec -> assertThat(pubrec.reasonCode()).isEqualTo(0x87))
          .sendPublish("a", "3", 2, 2) // a new message, since the other one ended
          .expectPubrec(2)
          .sendPubrel(2)
          .expectPubcomp(2)
          .expectDisconnect()
          .expectClose();
      try (MqttClient client =
          of(server, MqttVersion.MQTT_5)
              .manualAcknowledgement()
              .onMessage(
                  message -> {
                    switch (message.payloadUtf8()) {
                      case "1" -> {
                        assertThatThrownBy(() -> message.reject(ReasonCode.SERVER_BUSY))
                            .isInstanceOf(IllegalArgumentException.class)
                            .hasMessageContaining("cannot be rejected with");
                        message.reject(ReasonCode.PAYLOAD_FORMAT_INVALID);
                      }
                      case "2" -> message.reject(ReasonCode.NOT_AUTHORIZED);
                      default -> message.acknowledge();
                    }
                  })
              .build()) {
        client.loopStart();
        client.connect(LIMIT);
        server.takePacket(PacketType.PUBCOMP, LIMIT);
      }
      server.awaitScripts(LIMIT);
    }
  }

  @Test
  void b6NegativeAcknowledgementBefore5IsAPlainOne() {
    try (ScriptedServer server = ScriptedServer.start()) {
      accepting(server)
          .sendPublish("a", "1", 1, 1)
          .expectBytes("40 02 00 01")
          .sendPublish("a", "2", 2, 2)
          .expectBytes("50 02 00 02")
          .sendPubrel(2)
          .expectPubcomp(2)
          .expectDisconnect()
          .expectClose();
      try (MqttClient client =
          of(server, MqttVersion.MQTT_3_1_1)
              .manualAcknowledgement()
              .onMessage(message -> message.reject(ReasonCode.NOT_AUTHORIZED))
              .build()) {
        client.loopStart();
        client.connect(LIMIT);
        server.takePacket(PacketType.PUBCOMP, LIMIT);
      }
      server.awaitScripts(LIMIT);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, automatic", "1, manual", "2, automatic", "2, manual"})
  void b6MessageComesAgainWhenTheProcessWasKilledBetweenDeliveryAndAcknowledgement(
      int qos, String acknowledgement) throws Exception {
    String identifier = "b6-" + qos + "-" + acknowledgement;
    String topic = "b6/" + identifier;
    MqttClientBuilder session =
        AcknowledgingProgram.lastingSession(
            MqttClient.builder(SERVER.uri()).clientId(identifier).reconnect(FAST));
    try (MqttClient client = recording(session)) {
      client.connect(LIMIT);
      client.subscribe(topic, Qos.of(qos)).await(LIMIT);
      client.disconnect();
      Process process = startProgram(SERVER.uri(), identifier, acknowledgement);
      try (MqttClient publisher = MqttClient.builder(SERVER.uri()).build();
          BufferedReader output = process.inputReader()) {
        publisher.connect(LIMIT);
        publisher.publish(topic, "important", Qos.of(qos)).await(LIMIT);
        assertThat(output.readLine()).isEqualTo("received important");
        process.destroyForcibly().waitFor();
        client.loopStart();
        client.connect(LIMIT);
        Await.until("it comes again", () -> !messages.isEmpty());
        assertThat(messages.get(0).isDuplicate()).isTrue();
        client.disconnect();
        // It was acknowledged this time, so it does not come a third time.
        client.connect(LIMIT);
        publisher.publish(topic, "last", Qos.of(qos)).await(LIMIT);
        Await.until("the last one", () -> payloads().contains("last"));
        assertThat(payloads()).containsExactly("important", "last");
      } finally {
        process.destroyForcibly();
      }
    }
  }

  private static Process startProgram(String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(AcknowledgingProgram.class.getName());
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
  }

  // ---- B8: what is visible

  @ParameterizedTest
  @EnumSource(
      value = MqttVersion.class,
      names = {"MQTT_3_1_1", "MQTT_5"})
  void b8DupIsVisible(MqttVersion version) {
    try (ScriptedServer server = ScriptedServer.start()) {
      accepting(server)
          .sendPublish("a", "1", 1, 1)
          .expectPuback(1)
          .send(repeated("2", 1, 2))
          .expectPuback(2)
          .send(repeated("3", 2, 3))
          .expectPubrec(3)
          .sendPubrel(3)
          .expectPubcomp(3)
          .expectDisconnect()
          .expectClose();
      try (MqttClient client = recording(of(server, version))) {
        client.loopStart();
        client.connect(LIMIT);
        server.takePacket(PacketType.PUBCOMP, LIMIT);
      }
      server.awaitScripts(LIMIT);
      assertThat(messages).extracting(Message::isDuplicate).containsExactly(false, true, true);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = MqttVersion.class,
      names = {"MQTT_3_1_1", "MQTT_5"})
  void b8RetainIsVisible(MqttVersion version) {
    String topic = "b8/retained/" + version;
    try (MqttClient client =
        recording(MqttClient.builder(SERVER.uri()).version(version).reconnect(FAST))) {
      client.loopStart();
      client.connect(LIMIT);
      client.publish(topic, "kept", Qos.AT_LEAST_ONCE, true).await(LIMIT);
      client.subscribe(topic, Qos.AT_LEAST_ONCE).await(LIMIT);
      Await.until("the retained one", () -> messages.size() == 1);
      client.publish(topic, "live", Qos.AT_LEAST_ONCE, true).await(LIMIT);
      Await.until("the live one", () -> messages.size() == 2);
      client.publish(Publish.builder(topic).retain(true).build()).await(LIMIT); // clears it
    }
    assertThat(messages).extracting(Message::isRetained).startsWith(true, false);
  }

  // ---- B8: QoS 2

  @ParameterizedTest
  @EnumSource(
      value = MqttVersion.class,
      names = {"MQTT_3_1_1", "MQTT_5"})
  void b8Qos2IsDeliveredOnceWhereverTheConnectionBreaks(MqttVersion version) {
    try (ScriptedServer server = ScriptedServer.start()) {
      accepting(server).sendPublish("a", "x", 2, 7).expectPubrec(7).resetConnection();
      resuming(server)
          .send(repeated("x", 2, 7))
          .expectPubrec(7)
          .send(repeated("x", 2, 7))
          .expectPubrec(7)
          .sendPubrel(7)
          .expectPubcomp(7)
          .resetConnection();
      resuming(server)
          .sendPubrel(7)
          .expectPubcomp(7)
          .sendPublish("a", "y", 2, 7)
          .expectPubrec(7)
          .sendPubrel(7)
          .expectPubcomp(7)
          .expectDisconnect()
          .expectClose();
      try (MqttClient client = recording(of(server, version).cleanStart(false).clientId("b8"))) {
        client.loopStart();
        client.connect(LIMIT);
        Await.until("the last one", () -> server.packets(PacketType.PUBCOMP).size() == 3);
      }
      server.awaitScripts(LIMIT);
      assertThat(payloads()).containsExactly("x", "y");
    }
  }

  @Test
  void b8Qos2IsDeliveredOnceThoughTheConnectionsBreakAgainAndAgain() {
    List<String> sent = IntStream.range(0, 400).mapToObj(i -> "" + i).toList();
    try (FaultLink link = FaultLink.to(URI.create(SERVER.uri()))) {
      flood(link, sent, "b8/qos2", Qos.EXACTLY_ONCE, link::reset);
      assertThat(payloads()).containsExactlyElementsOf(sent);
    }
  }

  /**
   * A server that comes back with all that it has said: mosquitto 2.0.11 and HiveMQ CE come back
   * with an older state and send what they had completed as a new message.
   */
  @Test
  void b8Qos2IsDeliveredOnceThoughTheServerIsRestarted() {
    List<String> sent = IntStream.range(0, 400).mapToObj(i -> "" + i).toList();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        FaultLink link = FaultLink.to(server.uri())) {
      flood(link, sent, "b8/restart", Qos.EXACTLY_ONCE, () -> server.restart(true));
      assertThat(payloads()).containsExactlyElementsOf(sent);
    }
  }

  /** Publishes while something breaks again and again, until all has arrived. */
  private void flood(FaultLink link, List<String> sent, String topic, Qos qos, Runnable fault) {
    try (MqttClient receiver =
            recording(
                AcknowledgingProgram.lastingSession(
                    MqttClient.builder(link.uri().toString())
                        .clientId(topic + "-receiver")
                        .deduplicationWindow(1_000)
                        .reconnect(FAST)));
        MqttClient sender =
            AcknowledgingProgram.lastingSession(
                    MqttClient.builder(link.uri().toString())
                        .clientId(topic + "-sender")
                        .reconnect(FAST))
                .build()) {
      receiver.loopStart();
      sender.loopStart();
      receiver.connect(LIMIT);
      sender.connect(LIMIT);
      receiver.subscribe(topic, qos).await(LIMIT);
      int breaks = 8;
      int each = sent.size() / breaks;
      for (int i = 0; i < breaks; i++) {
        for (String payload : sent.subList(i * each, (i + 1) * each)) {
          sender.publish(topic, payload, qos);
        }
        int arrived = i * each + each / 3;
        Await.until("some have arrived", () -> messages.size() > arrived);
        fault.run();
        Await.until("it is there again", () -> receiver.isConnected() && sender.isConnected());
      }
      Await.until("all have arrived", () -> payloads().containsAll(sent));
      receiver.disconnect();
    }
  }

  // ---- B8: de-duplication at QoS 1

  @ParameterizedTest
  @EnumSource(
      value = MqttVersion.class,
      names = {"MQTT_3_1_1", "MQTT_5"})
  void b8RepetitionAtQos1IsAcknowledgedButNotDeliveredAgain(MqttVersion version) {
    try (ScriptedServer server = ScriptedServer.start()) {
      accepting(server).sendPublish("a", "x", 1, 7).expectPuback(7).resetConnection();
      resuming(server)
          .send(repeated("x", 1, 7))
          .expectPuback(7)
          .sendPublish("a", "x", 1, 7) // new, since it has no DUP
          .expectPuback(7)
          .expectDisconnect()
          .expectClose();
      try (MqttClient client =
          recording(of(server, version).cleanStart(false).clientId("b8").deduplicationWindow(10))) {
        client.loopStart();
        client.connect(LIMIT);
        Await.until("the last one", () -> server.packets(PacketType.PUBACK).size() == 3);
      }
      server.awaitScripts(LIMIT);
      assertThat(payloads()).containsExactly("x", "x");
      assertThat(messages).extracting(Message::isDuplicate).containsExactly(false, false);
    }
  }

  @Test
  void b8RepetitionOfAMessageStillWorkedOnByAnotherThreadIsAcknowledgedWithIt() throws Exception {
    BlockingQueue<Message> work = new LinkedBlockingQueue<>();
    CountDownLatch repetitionSent = new CountDownLatch(1);
    try (ScriptedServer server = ScriptedServer.start()) {
      accepting(server).sendPublish("a", "x", 1, 7).delay(Duration.ofMillis(20)).resetConnection();
      resuming(server)
          .send(repeated("x", 1, 7))
          .send(repeated("y", 1, 8))
          .run(repetitionSent::countDown)
          .expectPuback(7)
          .expectPuback(8)
          .expectDisconnect()
          .expectClose();
      try (MqttClient client =
          of(server, MqttVersion.MQTT_5)
              .cleanStart(false)
              .clientId("b8")
              .deduplicationWindow(10)
              .manualAcknowledgement()
              .onMessage(work::add)
              .build()) {
        client.loopStart();
        client.connect(LIMIT);
        Message first = work.poll(10, TimeUnit.SECONDS);
        assertThat(repetitionSent.await(10, TimeUnit.SECONDS)).isTrue();
        Message second = work.poll(10, TimeUnit.SECONDS);
        assertThat(second.payloadUtf8()).isEqualTo("y"); // not the repetition before it
        second.acknowledge();
        first.acknowledge();
        Await.until("both", () -> server.packets(PacketType.PUBACK).size() == 2);
        assertThat(work).isEmpty();
      }
      server.awaitScripts(LIMIT);
    }
  }

  @Test
  void b8MessageThatAHandlerThrewOnComesAgainThoughRepetitionsAreHeldBack() {
    for (int qos = 1; qos <= 2; qos++) {
      messages.clear();
      try (ScriptedServer server = ScriptedServer.start()) {
        accepting(server).sendPublish("a", "x", qos, 7).expectDisconnect().expectClose();
        ServerScript script = resuming(server).send(repeated("x", qos, 7));
        if (qos == 1) {
          script.expectPuback(7);
        } else {
          script.expectPubrec(7).sendPubrel(7).expectPubcomp(7);
        }
        script.expectDisconnect().expectClose();
        try (MqttClient client =
            of(server, MqttVersion.MQTT_5)
                .cleanStart(false)
                .clientId("b8")
                .deduplicationWindow(10)
                .callbackErrorPolicy(CallbackErrorPolicy.DISCONNECT)
                .onMessage(
                    message -> {
                      messages.add(message);
                      if (!message.isDuplicate()) {
                        throw new IllegalStateException("the first time it fails");
                      }
                    })
                .build()) {
          client.loopStart();
          client.connect(LIMIT);
          Await.until("it has ended", () -> client.state() == MqttClient.State.DISCONNECTED);
          client.connect(LIMIT);
          server.takePacket(qos == 1 ? PacketType.PUBACK : PacketType.PUBCOMP, LIMIT);
        }
        server.awaitScripts(LIMIT);
        assertThat(payloads()).as("QoS " + qos).containsExactly("x", "x");
      }
    }
  }

  @Test
  void b8MessageThatWaitedForAHandlerIsDeliveredOnceThoughItWasRepeatedMeanwhile() {
    try (ScriptedServer server = ScriptedServer.start()) {
      accepting(server).sendPublish("a", "x", 1, 7).delay(Duration.ofMillis(20)).resetConnection();
      CountDownLatch repetitionSent = new CountDownLatch(1);
      resuming(server)
          .send(repeated("x", 1, 7))
          .run(repetitionSent::countDown)
          .expectPuback(7)
          .expectDisconnect()
          .expectClose();
      try (MqttClient client =
          of(server, MqttVersion.MQTT_5)
              .cleanStart(false)
              .clientId("b8")
              .deduplicationWindow(10)
              .build()) {
        client.loopStart();
        client.connect(LIMIT);
        assertThat(repetitionSent.await(10, TimeUnit.SECONDS)).isTrue();
        client.onMessage(messages::add);
        server.takePacket(PacketType.PUBACK, LIMIT);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      server.awaitScripts(LIMIT);
      assertThat(payloads()).containsExactly("x");
    }
  }

  @Test
  void b8Qos1WithDeduplicationIsDeliveredOnceThoughTheConnectionsBreakAgainAndAgain() {
    List<String> sent = IntStream.range(0, 400).mapToObj(i -> "" + i).toList();
    try (FaultLink link = FaultLink.to(URI.create(SERVER.uri()))) {
      flood(link, sent, "b8/qos1", Qos.AT_LEAST_ONCE, link::reset);
      // The sender repeats too, as new messages to the receiver; of each of those there is one.
      assertThat(messages).noneMatch(this::repeatsAnEarlierOne);
    }
  }

  private boolean repeatsAnEarlierOne(Message message) {
    return message.isDuplicate()
        && messages.subList(0, messages.indexOf(message)).stream()
            .anyMatch(
                earlier ->
                    earlier.packetIdentifier() == message.packetIdentifier()
                        && earlier.payload().equals(message.payload()));
  }

  @Test
  void b8DeduplicationWindowIsWithinItsBounds() {
    MqttClientBuilder builder = MqttClient.builder("mqtt://localhost");
    assertThatThrownBy(() -> builder.deduplicationWindow(-1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.deduplicationWindow(65_536))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
