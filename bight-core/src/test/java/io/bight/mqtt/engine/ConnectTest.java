// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.mqtt.engine.MqttEngine.State;
import io.bight.testkit.OutgoingPacket;
import io.bight.testkit.PacketType;
import io.bight.testkit.Property;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** CONNECT and CONNACK, in both their ends. */
class ConnectTest extends EngineFixture {
  @EachVersion
  @Normative(
      v311 = {"3.1.0-1", "3.1.0-2"},
      v5 = {"3.1.0-1", "3.1.0-2"})
  void connectIsTheFirstPacketAndTheOnlyOne(MqttVersion with) {
    version = with;
    engine.publish(qos0("before").build(), new Outcome<>(), now());
    server.onConnection().expectConnect().sendConnack().expectPublish("before");
    connect();
    assertThat(server.packets(PacketType.CONNECT)).hasSize(1);
    assertThat(server.packets().get(0).type()).isEqualTo(PacketType.CONNECT);
  }

  @EachVersion
  void isConnectingUntilTheServerAccepts(MqttVersion with) {
    version = with;
    server.onConnection().expectConnect().delay(Duration.ofSeconds(2)).sendConnack();
    connect();
    assertThat(engine.state()).isEqualTo(State.CONNECTING);
    assertThat(engine.serverLimits()).isNull();
    assertThat(events.connacks).isEmpty();
    advanceSeconds(2);
    assertThat(engine.state()).isEqualTo(State.CONNECTED);
    assertThat(engine.serverLimits()).isNotNull();
    assertThat(events.connacks).hasSize(1);
    assertThat(events.ends).isEmpty();
  }

  @Test
  @Normative(v311 = "3.2.2-5")
  void refusalBefore5EndsTheConnection() {
    version = MqttVersion.MQTT_3_1_1;
    // The server does not close: the client does not rely on it.
    server.onConnection().expectConnect().sendConnack(c -> c.reasonCode(5)).expectClose();
    connect();
    assertEnded(By.SERVER, ReasonCode.NOT_AUTHORIZED, "refused", "not authorized");
    assertThat(onlyEnd().established()).isFalse();
  }

  @Test
  @Normative(v5 = {"3.2.2-7", "4.13.2-1"})
  void refusalIn5EndsTheConnectionWithItsReasonAndWords() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(
            c ->
                c.reasonCode(0x9D)
                    .property(Property.SERVER_REFERENCE, "elsewhere:1883")
                    .property(Property.REASON_STRING, "moved out"))
        .expectClose();
    connect();
    assertEnded(By.SERVER, ReasonCode.SERVER_MOVED, "server moved", "\"moved out\"");
    assertThat(onlyEnd().properties().get(io.bight.mqtt.Property.SERVER_REFERENCE))
        .isEqualTo("elsewhere:1883");
  }

  @EachVersion
  void givesUpWhenTheServerDoesNotAnswer(MqttVersion with) {
    version = with;
    server.onConnection().expectConnect().expectClose();
    connect();
    advanceSeconds(9.999);
    assertThat(engine.state()).isEqualTo(State.CONNECTING);
    advanceSeconds(0.001);
    assertEnded(By.NETWORK, null, "did not answer CONNECT within 10 s");
  }

  @EachVersion
  @Normative(v311 = "3.2.0-1", v5 = "3.2.0-1")
  void anotherPacketBeforeConnackEndsTheConnection(MqttVersion with) {
    version = with;
    server.onConnection().expectConnect().sendPublish("a", "early").expectClose();
    connect();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "PUBLISH before CONNACK");
    assertThat(events.messages).isEmpty();
  }

  @Test
  @Normative(v5 = "3.14.0-1")
  void disconnectBeforeConnackEndsTheConnection() {
    server.onConnection().expectConnect().sendDisconnect(0x8B).expectClose();
    connect();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "DISCONNECT before CONNACK");
  }

  @EachVersion
  @Normative(v5 = "3.2.0-2", v311 = "4.8.0-1")
  void secondConnackEndsTheConnection(MqttVersion with) {
    var script = connected(with).sendConnack();
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x82);
    }
    script.expectClose();
    carry();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "second CONNACK");
  }

  @EachVersion
  @Normative(
      v311 = "3.2.2-1",
      v5 = {"3.2.2-2", "3.2.2-4", "3.1.2-4"})
  void sessionPresentAfterCleanStartEndsTheConnection(MqttVersion with) {
    version = with;
    cleanStart = true;
    server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(true)).expectClose();
    connect();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "Clean Start");
    assertThat(events.connacks).isEmpty();
  }

  @EachVersion
  void serverMayCloseBeforeItAnswers(MqttVersion with) {
    version = with;
    server.onConnection().expectConnect().closeConnection();
    connect();
    assertEnded(By.SERVER, null, "closed the connection before it answered CONNECT");
  }

  @EachVersion
  void networkMayBreakWhileConnected(MqttVersion with) {
    connected(with).resetConnection();
    carry();
    assertEnded(By.NETWORK, null, "the connection broke: reset");
    assertThat(onlyEnd().established()).isTrue();
    assertThat(onlyEnd().cause()).hasMessage("reset");
  }

  @Test
  void connectionMayCloseWhenThereIsNone() {
    engine.connectionClosed(null, now());
    assertThat(events.ends).isEmpty();
    assertThat(engine.state()).isEqualTo(State.DISCONNECTED);
  }

  @Test
  void connectionMayCloseWhileConnecting() {
    server.onConnection().expectConnect();
    connect();
    cut();
    assertEnded(By.NETWORK, null, "before it answered CONNECT: cut");
  }

  @Test
  void connectionMayCloseBeforeConnectWasTaken() {
    server.onConnection();
    open();
    cut();
    assertThat(events.ends).hasSize(1);
  }

  @Test
  void connectionMayCloseAfterItHasEnded() {
    connected();
    engine.disconnect(new io.bight.mqtt.packet.Disconnect(ReasonCode.SUCCESS), now());
    assertThat(engine.wantsClose()).isTrue();
    cut();
    assertThat(engine.wantsClose()).isFalse();
    assertThat(onlyEnd().by()).isEqualTo(By.USER);
  }

  @Test
  void endOfAConnectionIsToldOnce() {
    connected().sendDisconnect(0x8B).closeConnection();
    carry();
    engine.connectionClosed(null, now());
    engine.connectionClosed(new java.io.IOException("late"), now());
    engine.handleTimeout(now() + Duration.ofHours(1).toNanos());
    assertThat(events.ends).hasSize(1);
  }

  @Test
  void refusesAnotherConnectionBeforeTheLastIsClosed() {
    connected();
    assertThatThrownBy(() -> engine.connectionOpened(connectPacket(), now()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("client 'test'");
    engine.disconnect(new io.bight.mqtt.packet.Disconnect(ReasonCode.SUCCESS), now());
    assertThatThrownBy(() -> engine.connectionOpened(connectPacket(), now()))
        .isInstanceOf(IllegalStateException.class);
    carry();
    connected();
  }

  @Test
  void connectThatCannotBeEncodedChangesNothing() {
    connectProperties.set(io.bight.mqtt.Property.TOPIC_ALIAS, 1); // does not belong on CONNECT
    assertThatThrownBy(() -> engine.connectionOpened(connectPacket(), now()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(engine.state()).isEqualTo(State.DISCONNECTED);
    connectProperties = io.bight.mqtt.Properties.builder();
    connected();
  }

  @Test
  @Normative(v5 = "3.2.2-16")
  void assignedClientIdentifierIsVisible() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.ASSIGNED_CLIENT_IDENTIFIER, "auto-7"));
    connect();
    assertThat(
            events
                .connacks
                .get(0)
                .properties()
                .get(io.bight.mqtt.Property.ASSIGNED_CLIENT_IDENTIFIER))
        .isEqualTo("auto-7");
  }

  @EachVersion
  @Normative(v311 = "3.1.3-2", v5 = "3.1.3-2")
  void everyConnectCarriesTheClientIdentifier(MqttVersion with) {
    connected(with);
    cut();
    server
        .onConnection()
        .expectConnect(connect -> assertThat(connect.clientIdentifier()).isEqualTo("test"))
        .sendConnack();
    connect();
  }

  @Test
  void acceptsInVersion31() {
    connected(MqttVersion.MQTT_3_1);
    assertThat(server.packets().get(0).protocolVersion()).isEqualTo(3);
  }

  @Test
  @Normative(v5 = "3.1.2-29")
  void wordsOnAcknowledgementsEndTheConnectionWhereNoneWereWanted() {
    connectProperties.set(io.bight.mqtt.Property.REQUEST_PROBLEM_INFORMATION, 0);
    connected()
        .send(OutgoingPacket.publish("a", "x").userProperty("may", "be"))
        .expectSubscribe("a")
        .send(OutgoingPacket.suback(1, 0).property(Property.REASON_STRING, "words"))
        .expectDisconnect(0x82)
        .expectClose();
    subscribe("a");
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "SUBACK", "Request Problem Information");
    assertThat(events.messages).hasSize(1);
    engine.failAll(new io.bight.mqtt.MqttException("end of the test", null));
  }

  @Test
  @Normative(v5 = "3.1.2-28")
  void responseInformationThatWasNotAskedForIsPassedOnAndHarmless() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.RESPONSE_INFORMATION, "answers/7"));
    connect();
    assertThat(events.connacks.get(0).properties().get(io.bight.mqtt.Property.RESPONSE_INFORMATION))
        .isEqualTo("answers/7");
  }

  @Test
  void packetsAreShownWhenAskedFor() {
    events.wantsPackets = true;
    connected().expectPublish("a").sendPuback().send(OutgoingPacket.publish("b", "x"));
    publish(qos1("a"));
    disconnect();
    assertThat(events.packets)
        .containsExactly(
            ">> CONNECT", "<< CONNACK", ">> PUBLISH", "<< PUBACK", "<< PUBLISH", ">> DISCONNECT");
  }

  @Test
  void packetsAreShownFromTheNextConnectionOnThoughTheLastBatchWasNeverTaken() {
    connected();
    engine.publish(qos0("lost").build(), new Outcome<>(), now());
    cutWhenStalled();
    events.wantsPackets = true;
    connected().expectPublish("a");
    publish(qos0("a"));
    assertThat(events.packets).containsExactly(">> CONNECT", "<< CONNACK", ">> PUBLISH");
  }

  @Test
  void packetsAreShownFromTheNextTimeOnThatATransportTakesNothing() {
    connected().expectPublish("a").expectPublish("b");
    engine.publish(qos0("a").build(), new Outcome<>(), now());
    events.wantsPackets = true;
    engine.commit(now()); // what a client does whose socket is full
    engine.publish(qos0("b").build(), new Outcome<>(), now());
    assertThat(events.packets).containsExactly(">> PUBLISH");
    carry();
  }

  @Test
  void packetsAreShownFromTheNextBatchOnAndTheListenerIsAskedOnceForEach() {
    connected().expectPublish("a").expectPublish("b").expectPublish("c").expectPublish("d");
    int asked = events.askedForPackets;
    engine.publish(qos0("a").build(), new Outcome<>(), now());
    engine.publish(qos0("b").build(), new Outcome<>(), now());
    assertThat(events.askedForPackets).isEqualTo(asked + 1);
    carry();
    events.wantsPackets = true;
    engine.publish(qos0("c").build(), new Outcome<>(), now());
    engine.publish(qos0("d").build(), new Outcome<>(), now());
    carry();
    assertThat(events.packets).containsExactly(">> PUBLISH", ">> PUBLISH");
    assertThat(events.askedForPackets).isEqualTo(asked + 2);
  }
}
