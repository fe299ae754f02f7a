// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.PublishResult;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.MosquittoServer;
import io.bight.testkit.PacketType;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ResourceCounts;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows R6 to R8 of docs/loop-table.md: what outlives a connection. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class SessionTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(100));

  // ---- R6

  /** Loses the first connection; the server listens again when the test says so. */
  private static MqttClient loseTheConnection(
      ScriptedServer server, MqttVersion version, List<MqttFuture<PublishResult>> published) {
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .expectSubscribe("r6/#")
        .sendSuback()
        .expectPublish("r6/one")
        .expectPublish("r6/two")
        .sendPubrec()
        .expect(PacketType.PUBREL)
        .expectPublish("r6/three");
    CompletableFuture<Void> lost = new CompletableFuture<>();
    MqttClient client =
        MqttClient.builder(server.uri())
            .clientId("r6")
            .version(version)
            .cleanStart(false)
            .sessionExpiryInterval(Duration.ofHours(1))
            .reconnect(FAST)
            .onMessage(message -> {})
            .onDisconnect(event -> lost.complete(null))
            .build();
    client.loopStart();
    client.connect(LIMIT);
    client.subscribe("r6/#", Qos.AT_LEAST_ONCE).await(LIMIT);
    published.add(client.publish("r6/one", "1", Qos.AT_LEAST_ONCE));
    published.add(client.publish("r6/two", "2", Qos.EXACTLY_ONCE));
    Await.until("PUBREL", () -> !server.packets(PacketType.PUBREL).isEmpty());
    published.add(client.publish("r6/three", "3", Qos.EXACTLY_ONCE));
    server.awaitScripts(LIMIT);
    server.stopListening(); // and resets the connection
    Await.passively(lost);
    published.add(client.publish("r6/four", "4", Qos.AT_LEAST_ONCE));
    return client;
  }

  /** The packets after CONNECT of the second connection, in the order in which they came. */
  private static List<String> secondConnection(ScriptedServer server) {
    return server.packets().stream()
        .filter(packet -> packet.connection() == 2)
        .skip(1)
        .map(SessionTest::inWords)
        .toList();
  }

  private static String inWords(ReceivedPacket packet) {
    return switch (packet.type()) {
      case PUBLISH ->
          packet.topic() + " id=" + packet.packetIdentifier() + (packet.dup() ? " dup" : "");
      case PUBREL -> "PUBREL id=" + packet.packetIdentifier();
      case SUBSCRIBE -> "SUBSCRIBE " + packet.topicFilters();
      default -> packet.type().toString();
    };
  }

  @ParameterizedTest
  @EnumSource(names = {"MQTT_3_1_1", "MQTT_5"})
  void r6ResumedSessionGoesOnWhereItWas(MqttVersion version) {
    List<MqttFuture<PublishResult>> published = new CopyOnWriteArrayList<>();
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client = loseTheConnection(server, version, published)) {
      int one = identifier(server, "r6/one");
      int two = identifier(server, "r6/two");
      int three = identifier(server, "r6/three");
      server
          .onConnection()
          .expectConnect(connect -> assertThat(connect.cleanStart()).isFalse())
          .sendConnack(connack -> connack.sessionPresent(true))
          .expectPubrel(two)
          .expectPublish("r6/one")
          .expectPublish("r6/three")
          .expectPublish("r6/four")
          .sendPubcomp(two)
          .sendPuback(one)
          .sendPubrec(three)
          .expectPubrel(three)
          .sendPubcomp(three)
          .expectDisconnect();
      server.startListening();
      Await.until("the fourth", () -> secondConnection(server).size() >= 4);
      List<String> packets = secondConnection(server);
      assertThat(packets.subList(0, 3))
          .containsExactly(
              "PUBREL id=" + two, "r6/one id=" + one + " dup", "r6/three id=" + three + " dup");
      assertThat(packets.get(3)).startsWith("r6/four id=").doesNotEndWith("dup");
      published.subList(0, 3).forEach(future -> future.await(LIMIT));
      client.disconnect();
      assertThat(server.packets(PacketType.SUBSCRIBE)).hasSize(1);
      server.awaitScripts(LIMIT);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"MQTT_3_1_1", "MQTT_5"})
  void r6LostSessionIsMadeAnew(MqttVersion version) {
    List<MqttFuture<PublishResult>> published = new CopyOnWriteArrayList<>();
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client = loseTheConnection(server, version, published)) {
      server.onConnection().thenBroker();
      server.startListening();
      for (MqttFuture<PublishResult> future : published) {
        future.await(LIMIT);
      }
      List<String> packets =
          secondConnection(server).stream().filter(packet -> !packet.startsWith("PUB")).toList();
      // The second was delivered, as its PUBREC said; nothing is a duplicate on a new session.
      assertThat(packets.get(0)).isEqualTo("SUBSCRIBE [r6/#]");
      assertThat(packets.subList(1, 4).stream().map(packet -> packet.replaceFirst("id=\\d+", "")))
          .containsExactly("r6/one ", "r6/three ", "r6/four ");
      assertThat(packets).hasSize(4);
      client.disconnect();
    }
  }

  private static int identifier(ScriptedServer server, String topic) {
    return server.packets(PacketType.PUBLISH).stream()
        .filter(packet -> packet.topic().equals(topic))
        .findFirst()
        .orElseThrow()
        .packetIdentifier();
  }

  private static MqttClientBuilder lasting(MosquittoServer server, MqttVersion version) {
    return MqttClient.builder(server.uri())
        .version(version)
        .clientId("lasting")
        .cleanStart(false)
        .sessionExpiryInterval(Duration.ofHours(1))
        .reconnect(FAST);
  }

  @ParameterizedTest
  @CsvSource({"MQTT_3_1_1,true", "MQTT_3_1_1,false", "MQTT_5,true", "MQTT_5,false"})
  void r6RealServerThatKeepsOrForgetsTheSession(MqttVersion version, boolean keeps)
      throws Exception {
    assumeTrue(MosquittoServer.isInstalled(), "mosquitto is not installed");
    BlockingQueue<String> received = new LinkedBlockingQueue<>();
    BlockingQueue<Boolean> present = new LinkedBlockingQueue<>();
    BlockingQueue<String> subscribes = new LinkedBlockingQueue<>();
    try (MosquittoServer server =
            keeps ? MosquittoServer.startPersistent() : MosquittoServer.start();
        MqttClient client =
            lasting(server, version)
                .onMessage(message -> received.add(message.payloadUtf8()))
                .onConnect(event -> present.add(event.isSessionPresent()))
                .onPacket(
                    line -> {
                      if (line.startsWith(">> SUBSCRIBE")) {
                        subscribes.add(line);
                      }
                    })
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("r6", Qos.EXACTLY_ONCE).await(LIMIT);
      assertThat(present.take()).isFalse();
      server.stop();
      MqttFuture<?> queued = client.publish("r6", "while it was down", Qos.EXACTLY_ONCE);
      server.restart();
      queued.await(LIMIT);
      assertThat(present.poll(10, TimeUnit.SECONDS)).isEqualTo(keeps);
      assertThat(received.poll(10, TimeUnit.SECONDS)).isEqualTo("while it was down");
      assertThat(subscribes).hasSize(keeps ? 1 : 2);
    }
  }

  // ---- R7

  @ParameterizedTest
  @EnumSource(
      value = DrivingMode.class,
      names = {"LOOP_START", "BLOCKING_CALLS"})
  void r7ThousandTimesConnectedAndDisconnectedOnOneObject(DrivingMode mode) {
    AtomicInteger connects = new AtomicInteger();
    AtomicInteger disconnects = new AtomicInteger();
    AtomicInteger received = new AtomicInteger();
    assumeTrue(MosquittoServer.isInstalled(), "mosquitto is not installed");
    try (MosquittoServer server = MosquittoServer.start("set_tcp_nodelay true");
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .clientId("r7")
                .onConnect(event -> connects.incrementAndGet())
                .onDisconnect(event -> disconnects.incrementAndGet())
                .build();
        DrivingMode.Driver driver = mode.drive(loop)) {
      client.subscribe("r7", Qos.AT_MOST_ONCE, message -> received.incrementAndGet());
      cycle(client, 100);
      ResourceCounts before = ResourceCounts.snapshot();
      long heapBefore = UsedHeap.afterCollection();
      cycle(client, 900);
      ResourceCounts after = ResourceCounts.snapshot();
      long growth = UsedHeap.afterCollection() - heapBefore;
      assertThat(connects).hasValue(1_000);
      assertThat(disconnects).hasValue(1_000);
      assertThat(received).as("its own message, by the subscription made once").hasValue(1_000);
      assertThat(after.openDescriptors()).isLessThanOrEqualTo(before.openDescriptors() + 2);
      assertThat(after.threadCount("bight")).isLessThanOrEqualTo(before.threadCount("bight"));
      // 300 B a cycle would be seen; a kept connection is some kB.
      assertThat(growth).isLessThan(900 * 300);
    }
  }

  private static void cycle(MqttClient client, int times) {
    for (int i = 0; i < times; i++) {
      client.connect(LIMIT);
      client.publish("r7", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      // The server answers in order, so the first one has come back when this is acknowledged.
      client.publish("r7/end", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      client.disconnect();
    }
  }

  // ---- R8

  private static final int QUEUED = 100;

  private static List<String> hundred() {
    return IntStream.range(0, QUEUED).mapToObj(i -> "m" + i).toList();
  }

  /** Leaves a session behind for which the server has queued a hundred messages. */
  private static void queueAHundred(MosquittoServer server, MqttVersion version, Qos qos) {
    try (MqttClient client = lasting(server, version).build()) {
      client.connect(LIMIT);
      client.subscribe("r8", qos).await(LIMIT);
    }
    try (MqttClient publisher = MqttClient.builder(server.uri()).build()) {
      publisher.connect(LIMIT);
      for (String payload : hundred()) {
        publisher.publish("r8", payload, qos).await(LIMIT);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "MQTT_3_1_1,AT_LEAST_ONCE",
    "MQTT_3_1_1,EXACTLY_ONCE",
    "MQTT_5,AT_LEAST_ONCE",
    "MQTT_5,EXACTLY_ONCE"
  })
  void r8HundredQueuedMessagesReachAHandlerThatWasThereBefore(MqttVersion version, Qos qos) {
    assumeTrue(MosquittoServer.isInstalled(), "mosquitto is not installed");
    List<String> received = new CopyOnWriteArrayList<>();
    try (MosquittoServer server = MosquittoServer.start("max_queued_messages 0")) {
      queueAHundred(server, version, qos);
      try (MqttClient client =
          lasting(server, version)
              .onMessage(message -> received.add(message.payloadUtf8()))
              .build()) {
        client.loopStart();
        assertThat(client.connect(LIMIT).isSessionPresent()).isTrue();
        Await.until("all came", () -> received.size() >= QUEUED);
      }
      assertThat(received).isEqualTo(hundred());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "MQTT_3_1_1,AT_LEAST_ONCE",
    "MQTT_3_1_1,EXACTLY_ONCE",
    "MQTT_5,AT_LEAST_ONCE",
    "MQTT_5,EXACTLY_ONCE"
  })
  void r8HundredQueuedMessagesWaitUnacknowledgedForAHandler(MqttVersion version, Qos qos) {
    assumeTrue(MosquittoServer.isInstalled(), "mosquitto is not installed");
    List<String> received = new CopyOnWriteArrayList<>();
    List<String> packets = new CopyOnWriteArrayList<>();
    try (MosquittoServer server =
        MosquittoServer.start("max_queued_messages 0", "max_inflight_messages 0")) {
      queueAHundred(server, version, qos);
      List<String> log =
          TestLog.during(
              () -> {
                try (MqttClient client = lasting(server, version).onPacket(packets::add).build()) {
                  client.loopStart();
                  client.connect(LIMIT);
                  Await.until("all came", () -> count(packets, "<< PUBLISH") == QUEUED);
                  assertThat(count(packets, ">> PUB")).isZero();
                }
              });
      assertThat(log.stream().filter(line -> line.contains("WARN") && line.contains("onMessage")))
          .hasSize(1)
          .allMatch(line -> line.contains("client 'lasting'") && line.contains("unacknowledged"));
      // It left without them, so the server still has them all; now the handler comes late.
      packets.clear();
      try (MqttClient client = lasting(server, version).onPacket(packets::add).build()) {
        client.loopStart();
        client.connect(LIMIT);
        Await.until("all came again", () -> count(packets, "<< PUBLISH") == QUEUED);
        client.onMessage(message -> received.add(message.payloadUtf8()));
        Await.until("all were handled", () -> received.size() >= QUEUED);
        String answer = qos == Qos.AT_LEAST_ONCE ? ">> PUBACK" : ">> PUBCOMP";
        Await.until("all are acknowledged", () -> count(packets, answer) == QUEUED);
      }
      assertThat(received).isEqualTo(hundred());
    }
  }

  private static long count(List<String> packets, String start) {
    return packets.stream().filter(line -> line.startsWith(start)).count();
  }
}
