// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.CallbackErrorPolicy;
import io.bight.client.DisconnectEvent;
import io.bight.client.Mqtt;
import io.bight.client.MqttClient;
import io.bight.client.MqttClient.State;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.FaultLink;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.PacketType;
import io.bight.testkit.ScriptedServer;
import io.bight.testkit.ServerScript;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Row R3 of docs/loop-table.md: who ended a connection, why, and when the client comes back. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class DisconnectEventTest {
  private static final Duration LIMIT = Await.LIMIT;

  /** So long that no third connection comes into a test; the second may, within 50 ms. */
  private static final ReconnectPolicy LATER =
      ReconnectPolicy.exponential(Duration.ofMinutes(5), Duration.ofMinutes(5));

  /** What a callback saw. */
  private record Seen(DisconnectEvent event, State state, boolean isConnected) {}

  private final List<Seen> seen = new CopyOnWriteArrayList<>();

  private MqttClientBuilder client(Object uri) {
    return MqttClient.builder(uri.toString())
        .clientId("r3")
        .reconnect(LATER)
        .onDisconnect(
            event ->
                seen.add(new Seen(event, event.client().state(), event.client().isConnected())));
  }

  /** The one event, which came when the state had been left, and no other after it. */
  private DisconnectEvent theOnlyEvent(By by, ReasonCode reason, boolean reconnects) {
    Await.until("the event", () -> !seen.isEmpty());
    assertThat(seen).hasSize(1);
    Seen one = seen.get(0);
    assertThat(one.isConnected()).isFalse();
    assertThat(one.state()).isEqualTo(reconnects ? State.RECONNECTING : State.DISCONNECTED);
    assertThat(one.event().by()).isEqualTo(by);
    assertThat(one.event().reasonCode()).isEqualTo(Optional.ofNullable(reason));
    assertThat(one.event().reconnectIn().isPresent()).isEqualTo(reconnects);
    return one.event();
  }

  /** Loses a connection in the server's way, and closes the client, which is no second event. */
  private DisconnectEvent afterFault(
      MqttVersion version, Consumer<ServerScript> fault, By by, ReasonCode reason) {
    try (ScriptedServer server = ScriptedServer.start()) {
      ServerScript script = server.onConnection().expectConnect().sendConnack();
      fault.accept(script);
      server.onEveryConnection().swallow();
      try (MqttClient client = client(server.uri()).version(version).build()) {
        client.loopStart();
        client.connect(LIMIT);
        Await.until("lost", () -> !seen.isEmpty());
      }
      server.awaitScripts(LIMIT);
      return theOnlyEvent(by, reason, true);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"MQTT_3_1_1", "MQTT_5"})
  void r3ServerClosesWithoutAWord(MqttVersion version) {
    DisconnectEvent event = afterFault(version, ServerScript::closeConnection, By.SERVER, null);
    assertThat(event.message()).isEqualTo("the server closed the connection");
    assertThat(event.cause()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(names = {"MQTT_3_1_1", "MQTT_5"})
  void r3ConnectionIsReset(MqttVersion version) {
    DisconnectEvent event = afterFault(version, ServerScript::resetConnection, By.NETWORK, null);
    assertThat(event.message()).contains("the connection broke: connection reset by the server");
    assertThat(event.cause()).containsInstanceOf(IOException.class);
  }

  @ParameterizedTest
  @EnumSource(
      names = {
        "SERVER_SHUTTING_DOWN",
        "SESSION_TAKEN_OVER",
        "NOT_AUTHORIZED",
        "KEEP_ALIVE_TIMEOUT",
        "QUOTA_EXCEEDED",
        "ADMINISTRATIVE_ACTION",
        "USE_ANOTHER_SERVER"
      })
  void r3ServerSaysWhy(ReasonCode reason) {
    DisconnectEvent event =
        afterFault(
            MqttVersion.MQTT_5,
            script -> script.sendDisconnect(reason.code()).closeConnection(),
            By.SERVER,
            reason);
    assertThat(event.message()).startsWith("the server disconnected: " + reason);
    assertThat(event.cause()).isEmpty();
  }

  @Test
  void r3ServerSendsWhatIsNoPacket() {
    DisconnectEvent event =
        afterFault(
            MqttVersion.MQTT_5,
            script -> script.sendBytes("F1 00").expectDisconnect(0x81).expectClose(),
            By.CLIENT,
            ReasonCode.MALFORMED_PACKET);
    assertThat(event.message()).contains("the server sent a packet that is not valid");
  }

  @Test
  void r3ServerBreaksTheProtocol() {
    DisconnectEvent event =
        afterFault(
            MqttVersion.MQTT_5,
            script -> script.sendConnack().expectDisconnect(0x82).expectClose(),
            By.CLIENT,
            ReasonCode.PROTOCOL_ERROR);
    assertThat(event.message()).contains("the server sent a second CONNACK");
  }

  @ParameterizedTest
  @EnumSource(names = {"MQTT_3_1_1", "MQTT_5"})
  void r3ServerIsSilent(MqttVersion version) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        FaultLink link = FaultLink.to(server.uri());
        MqttClient client =
            client(link.uri()).version(version).keepAlive(Duration.ofSeconds(1)).build()) {
      client.loopStart();
      client.connect(LIMIT);
      link.pause();
      DisconnectEvent event = theOnlyEvent(By.NETWORK, ReasonCode.KEEP_ALIVE_TIMEOUT, true);
      assertThat(event.message()).contains("nothing was received for");
    }
  }

  @Test
  void r3BytesCannotBeWritten() {
    CompletableFuture<Void> reset = new CompletableFuture<>();
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            client(server.uri())
                .onMessage(
                    message -> {
                      // The loop reads no more before it writes what is published here.
                      server.resetConnections();
                      Await.until("the reset", () -> server.openConnections() == 0);
                      message.client().publish("r3", "x", Qos.AT_MOST_ONCE);
                      reset.complete(null);
                    })
                .build()) {
      server.onConnection().expectConnect().sendConnack().sendPublish("r3", "go");
      server.onEveryConnection().swallow();
      client.loopStart();
      client.connect(LIMIT);
      Await.passively(reset);
      DisconnectEvent event = theOnlyEvent(By.NETWORK, null, true);
      assertThat(event.message()).startsWith("the connection broke: ");
      assertThat(event.cause()).containsInstanceOf(IOException.class);
    }
  }

  // ---- the program's side

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r3ProgramDisconnectsInEachMode(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = client(server.uri()).loop(loop).build()) {
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        client.connect(LIMIT);
        client.disconnectAsync(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE).await(LIMIT);
      }
      client.close();
    }
    DisconnectEvent event = theOnlyEvent(By.USER, ReasonCode.DISCONNECT_WITH_WILL_MESSAGE, false);
    assertThat(event.message()).isEqualTo("disconnected by the program");
  }

  @Test
  void r3ProgramClosesTheClientOnASharedLoop() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create()) {
      MqttClient client = client(server.uri()).loop(loop).build();
      client.connect(LIMIT);
      client.close();
      theOnlyEvent(By.USER, ReasonCode.SUCCESS, false);
      assertThat(client.state()).isEqualTo(State.CLOSED);
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r3LoopIsClosedInEachMode(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        DrivingMode.Driver driver = mode == DrivingMode.MANUAL_LOOP ? null : mode.drive(loop)) {
      client(server.uri()).loop(loop).build().connect(LIMIT);
      loop.close(Duration.ZERO);
      theOnlyEvent(By.USER, ReasonCode.SUCCESS, false);
    }
  }

  @Test
  void r3LoopIsClosedWhileACallbackHoldsItUp() throws Exception {
    CountDownLatch inHandler = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      MqttClient client =
          client(server.uri())
              .onMessage(
                  message -> {
                    inHandler.countDown();
                    try {
                      release.await(10, TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                      Thread.currentThread().interrupt();
                    }
                  })
              .build();
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("r3", Qos.AT_LEAST_ONCE).await(LIMIT);
      server.broker().publish("r3", "x", 1);
      assertThat(inHandler.await(10, TimeUnit.SECONDS)).isTrue();
      client.close(Duration.ofMillis(50));
      release.countDown();
      theOnlyEvent(By.USER, ReasonCode.SUCCESS, false);
    }
  }

  @Test
  void r3CallbackThatThrowsEndsItWhereThePolicySaysSo() {
    RuntimeException thrown = new IllegalStateException("the handler fails");
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            client(server.uri())
                .callbackErrorPolicy(CallbackErrorPolicy.DISCONNECT)
                .onMessage(
                    message -> {
                      throw thrown;
                    })
                .build()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .sendPublish("r3", "x")
          .expectDisconnect(0)
          .expectClose();
      client.loopStart();
      client.connect(LIMIT);
      DisconnectEvent event = theOnlyEvent(By.CLIENT, ReasonCode.SUCCESS, false);
      assertThat(event.cause()).containsSame(thrown);
      assertThat(event.message())
          .contains("a callback of the program threw")
          .contains("the handler fails")
          .contains("callbackErrorPolicy");
    }
  }

  @Test
  void r3NoReconnectIsSaidWhereNoneComes() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = client(server.uri()).reconnect(ReconnectPolicy.never()).build()) {
      client.loopStart();
      client.connect(LIMIT);
      server.closeConnections();
      theOnlyEvent(By.SERVER, null, false);
    }
  }

  // ---- the one-liners, which do not reconnect

  @Test
  void r3ReceiveFailsAtOnceWhenTheConnectionIsLost() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .expectSubscribe("r3")
          .sendSuback()
          .closeConnection();
      assertThatThrownBy(() -> Mqtt.receive(server.uri().toString(), "r3", Duration.ofMinutes(5)))
          .isInstanceOf(MqttDisconnectedException.class)
          .hasMessageContaining("waited for a message for 'r3' and was disconnected")
          .hasMessageContaining("the server closed the connection");
    }
  }

  @Test
  void r3PublishAndSubscribeFailAtOnceWhenTheConnectionIsLost() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .expect(PacketType.SUBSCRIBE)
          .closeConnection();
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .expect(PacketType.PUBLISH)
          .resetConnection();
      String uri = server.uri().toString();
      assertThatThrownBy(() -> Mqtt.receive(uri, "r3", Duration.ofMinutes(5)))
          .isInstanceOf(MqttDisconnectedException.class);
      Publish message = Publish.builder("r3").payload("x").qos(Qos.AT_LEAST_ONCE).build();
      assertThatThrownBy(() -> Mqtt.publish(uri, message, Duration.ofMinutes(5)))
          .isInstanceOf(MqttDisconnectedException.class)
          .hasMessageContaining("waited for publishing to 'r3' and was disconnected");
    }
  }
}
