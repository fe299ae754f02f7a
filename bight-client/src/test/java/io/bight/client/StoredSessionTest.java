// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Publish;
import io.bight.store.DiskSessionStore;
import io.bight.store.Durability;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.PacketType;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ScriptedServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A client whose session outlives it, in the files of {@link DiskSessionStore}. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class StoredSessionTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  @TempDir Path directory;

  private final ScriptedServer server = ScriptedServer.start();
  private final List<PublishEvent> published = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() {
    server.close();
  }

  private MqttClientBuilder builder() {
    return MqttClient.builder(server.uri())
        .clientId("kitchen")
        .sessionStore(DiskSessionStore.in(directory))
        .reconnect(ReconnectPolicy.never())
        .onPublished(published::add);
  }

  /** Drives until something has happened that no future tells of. */
  private static void driveUntil(MqttClient client, String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - deadline).as("waited in vain for " + what).isNegative();
      client.loop(Duration.ofMillis(20));
    }
  }

  private static Publish message(String topic, Qos qos) {
    return Publish.builder(topic).payload("of " + topic).qos(qos).build();
  }

  private List<String> tags() {
    return published.stream().map(event -> event.tag().orElse("none")).toList();
  }

  private static List<String> tags(MqttClient client) {
    return client.restoredPublishes().stream().map(StoredPublish::tag).toList();
  }

  // ---- out

  @Test
  void aBatchThatWaitedIsKeptAndSentByTheNextClient() {
    List<Publish> messages =
        List.of(message("a", Qos.AT_LEAST_ONCE), message("b", Qos.EXACTLY_ONCE));
    MqttFuture<Void> batch;
    try (MqttClient client = builder().build()) {
      batch = client.publishAll(messages);
      client.loop(Duration.ZERO);
    }
    assertThatThrownBy(batch::join)
        .cause()
        .isInstanceOfSatisfying(
            MqttBatchException.class,
            failure -> assertThat(failure.failures()).containsOnlyKeys(0, 1))
        .hasMessageContaining("session store keeps the message for 'a'")
        .hasMessageContaining("session store keeps the message for 'b'");
    assertThat(published).as("whether they will be is open").isEmpty();
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .expectPublish("a")
        .sendPuback()
        .expectPublish("b")
        .sendPubrec()
        .expect(PacketType.PUBREL)
        .sendPubcomp();
    try (MqttClient client = builder().build()) {
      client.connect(LIMIT);
      driveUntil(client, "both outcomes", () -> published.size() == 2);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"MQTT_3_1_1", "MQTT_5"})
  void whatWaitedIsSentByTheNextClientAndItsOutcomeIsTold(MqttVersion version) {
    MqttFuture<PublishResult> first;
    try (MqttClient client = builder().version(version).build()) {
      first = client.publish(message("a", Qos.AT_LEAST_ONCE), "1");
      client.publish(message("b", Qos.EXACTLY_ONCE), "2");
      client.loop(Duration.ZERO);
    }
    assertThatThrownBy(first::join)
        .hasRootCauseInstanceOf(MqttDisconnectedException.class)
        .hasMessageContaining("session store keeps the message for 'a'");
    assertThat(published).isEmpty();
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .expectPublish("a")
        .sendPuback()
        .expectPublish("b")
        .sendPubrec()
        .expect(PacketType.PUBREL)
        .sendPubcomp();
    try (MqttClient client = builder().version(version).build()) {
      assertThat(tags(client)).containsExactly("1", "2");
      client.connect(LIMIT);
      driveUntil(client, "both outcomes", () -> published.size() == 2);
      assertThat(tags()).containsExactly("1", "2");
      assertThat(new String(published.get(0).message().payload(), StandardCharsets.UTF_8))
          .isEqualTo("of a");
      assertThat(published).allSatisfy(event -> assertThat(event.result()).isPresent());
    }
    try (MqttClient client = builder().version(version).build()) {
      assertThat(client.restoredPublishes()).isEmpty();
    }
  }

  @Test
  void whatWasSentIsRepeatedWithDupByTheNextClient() {
    server.onConnection().expectConnect().sendConnack().expectPublish("a");
    try (MqttClient client = builder().build()) {
      client.connect(LIMIT);
      client.publish(message("a", Qos.AT_LEAST_ONCE), "1");
      driveUntil(client, "PUBLISH", () -> !server.packets(PacketType.PUBLISH).isEmpty());
    }
    server
        .onConnection()
        .expectConnect()
        .sendConnack(connack -> connack.sessionPresent(true))
        .expectPublish("a")
        .sendPuback();
    try (MqttClient client = builder().build()) {
      client.connect(LIMIT);
      driveUntil(client, "the outcome", () -> published.size() == 1);
    }
    List<ReceivedPacket> packets = server.packets(PacketType.PUBLISH);
    assertThat(packets).extracting(ReceivedPacket::dup).containsExactly(false, true);
    assertThat(packets.get(0).packetIdentifier()).isEqualTo(packets.get(1).packetIdentifier());
  }

  @Test
  void whatACallbackPublishesWithoutAConnectionIsStored() {
    server.onConnection().expectConnect().sendConnack().closeConnection();
    try (MqttClient client =
        builder()
            .onDisconnect(
                event -> event.client().publish(message("late", Qos.AT_LEAST_ONCE), "late"))
            .build()) {
      client.connect(LIMIT);
      driveUntil(client, "the end", () -> !client.isConnected());
      client.loop(Duration.ZERO);
    }
    try (MqttClient client = builder().build()) {
      assertThat(tags(client)).containsExactly("late");
    }
  }

  @Test
  void whatIsRestoredTakesRoomInTheQueue() {
    try (MqttClient client = builder().build()) {
      client.publish(message("a", Qos.AT_LEAST_ONCE), "1");
      client.loop(Duration.ZERO);
    }
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .expectPublish("a")
        .sendPuback()
        .expectPublish("c")
        .sendPuback();
    try (MqttClient client = builder().queueMaximum(1, 1 << 20).build()) {
      assertThatThrownBy(() -> client.publish(message("b", Qos.AT_LEAST_ONCE)).await(LIMIT))
          .isInstanceOf(MqttQueueFullException.class);
      client.connect(LIMIT);
      driveUntil(client, "the outcome", () -> published.size() == 1);
      client.publish(message("c", Qos.AT_LEAST_ONCE)).await(LIMIT);
    }
  }

  @Test
  void ofAQueueFarBeyondALoweredBoundTheOldestAreDroppedAndNotTheNewMessage() {
    DiskSessionStore store = DiskSessionStore.in(directory).durability(Durability.OS);
    try (MqttClient client = builder().sessionStore(store).build()) {
      for (int i = 0; i < 3_000; i++) {
        client.publish(message("old", Qos.AT_LEAST_ONCE), "" + i);
      }
      client.loop(Duration.ZERO);
    }
    MqttClientBuilder lowered =
        builder()
            .sessionStore(store)
            .queueMaximum(3, 1 << 20)
            .overflowPolicy(OverflowPolicy.DROP_OLDEST);
    try (MqttClient client = lowered.build()) {
      assertThat(client.restoredPublishes()).hasSize(3_000);
      client.publish(message("new", Qos.AT_LEAST_ONCE), "new 1");
      client.publish(message("new", Qos.AT_LEAST_ONCE), "new 2");
      client.loop(Duration.ZERO);
    }
    try (MqttClient client = builder().sessionStore(store).build()) {
      assertThat(tags(client)).containsExactly("2999", "new 1", "new 2");
    }
  }

  @Test
  void tagsAreToldWithoutAStoreToo() {
    server.onConnection().expectConnect().sendConnack().expectPublish("a").sendPuback();
    try (MqttClient client = MqttClient.builder(server.uri()).onPublished(published::add).build()) {
      client.connect(LIMIT);
      client.publish(message("a", Qos.AT_LEAST_ONCE), OfflinePolicy.QUEUE, "mine").await(LIMIT);
      assertThat(tags()).containsExactly("mine");
      assertThatThrownBy(() -> client.publish(message("a", Qos.AT_LEAST_ONCE), "x".repeat(65_536)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("tag");
    }
  }

  // ---- in

  @ParameterizedTest
  @EnumSource(names = {"MQTT_3_1_1", "MQTT_5"})
  void whatWasHandledIsNotHandledAgainAndWhatWasNotIs(MqttVersion version) {
    List<String> handled = new CopyOnWriteArrayList<>();
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .sendPublish("in", "not handled", 2, 6)
        .sendPublish("in", "handled", 2, 7);
    try (MqttClient client =
        builder()
            .version(version)
            .manualAcknowledgement()
            .onMessage(
                message -> {
                  handled.add(message.payloadUtf8());
                  if (message.payloadUtf8().equals("handled")) {
                    message.acknowledge(); // its PUBREC waits for the other message's
                  }
                })
            .build()) {
      client.connect(LIMIT);
      driveUntil(client, "both messages", () -> handled.size() == 2);
    }
    handled.clear();
    server
        .onConnection()
        .expectConnect()
        .sendConnack(connack -> connack.sessionPresent(true))
        .send(repeated("not handled", 6))
        .send(repeated("handled", 7))
        .expect(PacketType.PUBREC)
        .expect(PacketType.PUBREC);
    try (MqttClient client =
        builder().version(version).onMessage(m -> handled.add(m.payloadUtf8())).build()) {
      client.connect(LIMIT);
      driveUntil(client, "PUBREC", () -> server.packets(PacketType.PUBREC).size() == 2);
    }
    assertThat(handled).containsExactly("not handled");
  }

  private static io.bight.testkit.OutgoingPacket repeated(String payload, int identifier) {
    return io.bight.testkit.OutgoingPacket.publish("in", payload)
        .qos(2)
        .packetIdentifier(identifier)
        .dup(true);
  }

  // ---- the session

  @Test
  void sessionIsToLastForEverUnlessTheProgramSaysOtherwise() {
    server.onConnection().expectConnect().sendConnack();
    server.onConnection().expectConnect().sendConnack();
    try (MqttClient client = builder().build()) {
      client.connect(LIMIT);
    }
    try (MqttClient client =
        builder().cleanStart(true).sessionExpiryInterval(Duration.ofMinutes(1)).build()) {
      client.connect(LIMIT);
    }
    List<ReceivedPacket> connects = server.packets(PacketType.CONNECT);
    assertThat(connects).extracting(ReceivedPacket::cleanStart).containsExactly(false, true);
    assertThat(connects)
        .extracting(
            connect ->
                connect.properties().number(io.bight.testkit.Property.SESSION_EXPIRY_INTERVAL))
        .containsExactly(SessionStore.NEVER_EXPIRES, 60L);
  }

  @Test
  void sessionThatHasExpiredIsBegunAnew() {
    server.onConnection().expectConnect().sendConnack().expectPublish("a");
    try (MqttClient client = builder().sessionExpiryInterval(Duration.ZERO).build()) {
      client.connect(LIMIT);
      client.publish(message("a", Qos.AT_LEAST_ONCE), "1");
      driveUntil(client, "PUBLISH", () -> !server.packets(PacketType.PUBLISH).isEmpty());
    }
    server.onConnection().expectConnect().sendConnack().expectPublish("a").sendPuback();
    try (MqttClient client = builder().build()) {
      client.connect(LIMIT);
      driveUntil(client, "the outcome", () -> published.size() == 1);
    }
    assertThat(server.packets(PacketType.CONNECT).get(1).cleanStart()).isTrue();
    assertThat(server.packets(PacketType.PUBLISH))
        .extracting(ReceivedPacket::dup)
        .containsExactly(false, false);
  }

  @Test
  void disconnectMayChangeTheExpiry() {
    server.onConnection().expectConnect().sendConnack().expect(PacketType.DISCONNECT);
    server.onConnection().expectConnect().sendConnack();
    try (MqttClient client = builder().build()) {
      client.connect(LIMIT);
      client.disconnectAsync(disconnect(0)).await(LIMIT);
      client.connect(LIMIT);
    }
    assertThat(
            server
                .packets(PacketType.DISCONNECT)
                .get(0)
                .properties()
                .number(io.bight.testkit.Property.SESSION_EXPIRY_INTERVAL))
        .isZero();
  }

  @Test
  void disconnectThatIsNotAllowedLeavesTheConnectionAsItIs() {
    server.onConnection().expectConnect().sendConnack();
    try (MqttClient client = MqttClient.builder(server.uri()).build()) {
      client.connect(LIMIT);
      assertThatThrownBy(() -> client.disconnectAsync(disconnect(5)).await(LIMIT))
          .isInstanceOf(MqttException.class)
          .hasMessageContaining("Session Expiry Interval");
      client.loop(Duration.ZERO);
      assertThat(client.isConnected()).isTrue();
    }
  }

  private static Disconnect disconnect(long expirySeconds) {
    return new Disconnect(
        ReasonCode.SUCCESS,
        Properties.builder().set(Property.SESSION_EXPIRY_INTERVAL, expirySeconds).build());
  }

  @Test
  void aStoreThatHasFailedIsTriedAgainWithoutAConnectionOrACommand() {
    AtomicBoolean isFull = new AtomicBoolean(true);
    AtomicInteger commits = new AtomicInteger();
    SessionStore store =
        new SessionStore() {
          @Override
          public void commit() {
            if (isFull.get()) {
              throw new MqttStoreException("the disk is full", null);
            }
            commits.incrementAndGet();
          }
        };
    try (MqttClient client = builder().sessionStore(identifier -> store).build()) {
      assertThatThrownBy(() -> client.publish(message("a", Qos.AT_LEAST_ONCE)).await(LIMIT))
          .isInstanceOf(MqttStoreException.class)
          .hasMessageContaining("the disk is full");
      isFull.set(false);
      driveUntil(client, "a commit", () -> commits.get() == 1);
    }
  }

  // ---- opening and closing

  @Test
  void storeNeedsAClientIdentifier() {
    assertThatThrownBy(
            () ->
                MqttClient.builder(server.uri())
                    .sessionStore(DiskSessionStore.in(directory))
                    .build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("clientId(");
  }

  @Test
  void storeThatCannotBeOpenedFailsTheBuildAndLeavesNothing() {
    MqttClientBuilder failing =
        builder()
            .sessionStore(
                identifier -> {
                  throw new MqttStoreException("no disk for " + identifier, null);
                });
    assertThatThrownBy(failing::build).hasMessage("no disk for kitchen");
  }

  @Test
  void oneClientAtATimeUsesAStore() {
    try (MqttClient client = builder().build()) {
      assertThatThrownBy(() -> builder().build())
          .isInstanceOf(MqttStoreException.class)
          .hasMessageContaining(directory.toString());
      assertThat(client.isConnected()).isFalse();
    }
    builder().build().close(); // and the store is free again
  }

  @Test
  void storeIsFreeWhenTheLoopIsClosedWhoeverClosesIt() {
    try (MqttLoop loop = MqttLoop.create()) {
      MqttClient unused = builder().loop(loop).build();
      assertThat(unused.state()).isEqualTo(MqttClient.State.DISCONNECTED);
    }
    server.onConnection().expectConnect().sendConnack();
    AtomicBoolean connected = new AtomicBoolean();
    MqttLoop loop = MqttLoop.create();
    MqttClient client =
        builder()
            .loop(loop)
            .onConnect(
                event -> {
                  connected.set(true);
                  loop.close();
                })
            .build();
    client.connectAsync();
    while (!connected.get()) {
      loop.loop(Duration.ofMillis(10));
    }
    builder().build().close();
  }

  @Test
  void diagnosticsNameTheStore() {
    try (MqttClient client = builder().build()) {
      assertThat(client.diagnostics()).contains(directory.toString());
    }
  }
}
