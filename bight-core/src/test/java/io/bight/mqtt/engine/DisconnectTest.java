// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.OutgoingPacket;
import io.bight.testkit.PacketType;
import io.bight.testkit.Property;
import io.bight.testkit.ServerScript;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** DISCONNECT in both directions. */
class DisconnectTest extends EngineFixture {
  /** Of a thousand bytes each, four batches. */
  private static final int MESSAGES = 1_000;

  @EachVersion
  @Normative(v311 = "3.14.4-1", v5 = "3.14.4-2")
  void disconnectIsSentAndTheConnectionClosed(MqttVersion with) {
    connected(with).expectDisconnect().expectClose();
    disconnect();
    assertEnded(By.USER, ReasonCode.SUCCESS);
  }

  @EachVersion
  @Normative(v311 = "3.14.4-2", v5 = "3.14.4-1")
  void nothingIsSentAfterDisconnect(MqttVersion with) {
    connected(with).expectDisconnect().expectClose();
    engine.disconnect(new Disconnect(ReasonCode.SUCCESS), now());
    engine.publish(qos0("late").build(), new Outcome<>(), now());
    engine.publish(qos1("late").build(), new Outcome<>(), now());
    Outcome<SubscribeResult> subscribed = subscribe("late");
    Outcome<UnsubscribeResult> unsubscribed = unsubscribe("late");
    engine.disconnect(new Disconnect(ReasonCode.SUCCESS), now());
    engine.handleTimeout(now());
    carry();
    subscribed.assertOpen();
    unsubscribed.assertOpen();
    engine.failAll(new MqttException("end of the test", null));
  }

  @EachVersion
  void whatIsQueuedGoesOutBefore(MqttVersion with) {
    var script = connected(with);
    script.expectPublish("a").expectPublish("b").expectDisconnect().expectClose();
    engine.publish(qos0("a").build(), new Outcome<>(), now());
    engine.publish(qos1("b").build(), new Outcome<>(), now());
    disconnect();
    engine.failAll(new MqttException("end of the test", null));
  }

  @EachVersion
  void moreThanABatchGoesOutAsTheTransportTakesItAndDisconnectBehindIt(MqttVersion with) {
    ServerScript script = connected(with);
    List<Outcome<PublishResult>> outcomes = publishMoreThanABatch(script);
    engine.disconnect(new Disconnect(ReasonCode.SUCCESS), now());
    assertThat(engine.state()).isEqualTo(MqttEngine.State.DISCONNECTED);
    script.expectDisconnect().expectClose();
    for (int batches = 0; batches < 3; batches++) {
      assertThat(engine.hasOutgoing()).isTrue();
      assertThat(allocator.metric().usedDirectMemory())
          .as("of 1,000 messages of a kilobyte")
          .isLessThan(700_000);
      carryToServer();
    }
    carry();
    assertThat(isOpen()).isFalse();
    for (int i = 0; i < MESSAGES; i++) {
      if (i % 2 == 0) {
        outcomes.get(i).assertSuccess();
      } else {
        outcomes.get(i).assertOpen(); // nothing comes from the server any more
      }
    }
    assertThat(engine.session().queuedMessages()).isZero();
    engine.failAll(new MqttException("end of the test", null));
    assertThat(engine.session().heldBytes()).isZero();
  }

  @Test
  void whatTheTransportTakesNoMoreIsLostAtQos0AndRepeatedAtQos1() {
    connectProperties.set(io.bight.mqtt.Property.SESSION_EXPIRY_INTERVAL, 60L);
    cleanStart = false;
    connected();
    List<Outcome<PublishResult>> outcomes = publishMoreThanABatch(null);
    engine.disconnect(new Disconnect(ReasonCode.SUCCESS), now());
    cut();
    for (int i = 0; i < MESSAGES; i += 2) {
      outcomes.get(i).assertFailure("may be lost");
    }
    assertPublishedAtQos1(
        outcomes, server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(true)));
  }

  @Test
  void whatTheTransportTakesNoMoreIsPublishedAnewOnANewSession() {
    connected();
    List<Outcome<PublishResult>> outcomes = publishMoreThanABatch(null);
    engine.disconnect(new Disconnect(ReasonCode.SUCCESS), now());
    cut();
    assertPublishedAtQos1(outcomes, accepting());
  }

  @Test
  void whatIsRefusedBeforeDisconnectMayDisconnectItself() {
    ServerScript script =
        server
            .onConnection()
            .expectConnect()
            .sendConnack(c -> c.property(Property.MAXIMUM_PACKET_SIZE, 2_000));
    connect();
    publishMoreThanABatch(script);
    Outcome<PublishResult> refused = new Outcome<>();
    engine.publish(
        qos1("large").payload(new byte[3_000]).build(),
        refused.then(
            () -> {
              engine.disconnect(new Disconnect(ReasonCode.SUCCESS), now());
              engine.publish(qos1("late").build(), new Outcome<>(), now());
            }),
        now());
    engine.publish(qos1("after").build(), new Outcome<>(), now());
    script.expectPublish("after").expectDisconnect().expectClose();
    disconnect();
    refused.assertFailure("the server accepts 2000");
    assertThat(events.ends).hasSize(1);
    assertThat(engine.session().queuedMessages()).as("late").isOne();
    engine.failAll(new MqttException("end of the test", null));
    assertThat(engine.session().heldBytes()).isZero();
  }

  /** Connects again, and has the server acknowledge what was published at QoS 1. */
  private void assertPublishedAtQos1(List<Outcome<PublishResult>> outcomes, ServerScript script) {
    for (int i = 1; i < MESSAGES; i += 2) {
      script.expectPublish("t" + i).sendPuback();
    }
    connect();
    for (int i = 1; i < MESSAGES; i += 2) {
      outcomes.get(i).assertSuccess();
    }
    assertThat(engine.session().heldBytes()).isZero();
    assertThat(engine.session().unsentMessages()).isZero();
  }

  /** Publishes at QoS 0 and 1 by turns, and tells the script what comes, if there is one. */
  private List<Outcome<PublishResult>> publishMoreThanABatch(@Nullable ServerScript script) {
    List<Outcome<PublishResult>> outcomes = new ArrayList<>();
    for (int i = 0; i < MESSAGES; i++) {
      Publish.Builder message = i % 2 == 0 ? qos0("t" + i) : qos1("t" + i);
      Outcome<PublishResult> outcome = new Outcome<>();
      engine.publish(message.payload(new byte[1_000]).build(), outcome, now());
      outcomes.add(outcome);
      if (script != null) {
        script.expectPublish("t" + i);
      }
    }
    return outcomes;
  }

  @Test
  void reasonAndPropertiesAreSentIn5() {
    connected()
        .expect(
            PacketType.DISCONNECT,
            packet -> {
              assertThat(packet.reasonCode()).isEqualTo(4);
              assertThat(packet.properties().text(Property.REASON_STRING)).isEqualTo("bye");
            })
        .expectClose();
    engine.disconnect(
        new Disconnect(
            ReasonCode.DISCONNECT_WITH_WILL_MESSAGE,
            Properties.builder().set(io.bight.mqtt.Property.REASON_STRING, "bye").build()),
        now());
    carry();
  }

  @Test
  void willIsAskedForBefore5ByLeavingDisconnectOut() {
    connected(MqttVersion.MQTT_3_1_1).expectClose();
    disconnect(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE);
    assertThat(server.packets(PacketType.DISCONNECT)).isEmpty();
  }

  @Test
  void errorIsToldBefore5ByLeavingDisconnectOut() {
    connected(MqttVersion.MQTT_3_1_1).expectClose();
    disconnect(ReasonCode.UNSPECIFIED_ERROR);
    assertThat(server.packets(PacketType.DISCONNECT)).isEmpty();
  }

  @Test
  @Normative(v5 = "3.14.2-1")
  void reasonThatIsNoneOfDisconnectIsTheCallersMistake() {
    connected().expectDisconnect().expectClose();
    assertThatThrownBy(() -> disconnect(ReasonCode.GRANTED_QOS_2))
        .isInstanceOf(IllegalArgumentException.class);
    disconnect();
  }

  @Test
  void sessionExpiryOfZeroCannotBeRaisedOnDisconnect() {
    connected();
    Disconnect raising =
        new Disconnect(
            ReasonCode.SUCCESS,
            Properties.builder().set(io.bight.mqtt.Property.SESSION_EXPIRY_INTERVAL, 60L).build());
    assertThatThrownBy(() -> engine.disconnect(raising, now()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Session Expiry Interval");
    assertThat(engine.state()).isEqualTo(MqttEngine.State.CONNECTED);
  }

  @Test
  void sessionExpiryCanBeChangedOnDisconnect() {
    connectProperties.set(io.bight.mqtt.Property.SESSION_EXPIRY_INTERVAL, 10L);
    connected()
        .expect(
            PacketType.DISCONNECT,
            packet ->
                assertThat(packet.properties().number(Property.SESSION_EXPIRY_INTERVAL))
                    .isEqualTo(60));
    engine.disconnect(
        new Disconnect(
            ReasonCode.SUCCESS,
            Properties.builder().set(io.bight.mqtt.Property.SESSION_EXPIRY_INTERVAL, 60L).build()),
        now());
    carry();
  }

  @EachVersion
  void nothingIsSentWhenConnectHasNotLeftYet(MqttVersion with) {
    version = with;
    server.onConnection().expectClose();
    open();
    disconnect();
    assertEnded(By.USER, ReasonCode.SUCCESS);
    assertThat(server.packets()).isEmpty();
  }

  @EachVersion
  void disconnectFollowsConnectSoThatTheWillIsNotSent(MqttVersion with) {
    version = with;
    server.onConnection().expectConnect().expectDisconnect().expectClose();
    connect();
    disconnect();
    assertEnded(By.USER, ReasonCode.SUCCESS);
    assertThat(onlyEnd().established()).isFalse();
  }

  @Test
  void doesNothingWithoutAConnection() {
    disconnect();
    assertThat(events.ends).isEmpty();
  }

  @Test
  @Normative(v5 = "4.13.2-1")
  void serversDisconnectEndsTheConnectionWithItsReasonAndWords() {
    connected()
        .send(OutgoingPacket.disconnect(0x8E).property(Property.REASON_STRING, "another one came"))
        .expectClose();
    carry();
    assertEnded(By.SERVER, ReasonCode.SESSION_TAKEN_OVER, "session taken over", "another one came");
    assertThat(onlyEnd().established()).isTrue();
  }

  @Test
  void nothingAnswersTheServersDisconnect() {
    connected().sendDisconnect(0x8B).sendPublish("a", "too late").expectClose();
    carry();
    assertThat(server.packets()).hasSize(1);
    assertThat(events.messages).isEmpty();
  }

  @Test
  @Normative(v5 = "3.14.2-2")
  void serversDisconnectWithSessionExpiryIsRefused() {
    connected()
        .send(OutgoingPacket.disconnect(0).property(Property.SESSION_EXPIRY_INTERVAL, 5))
        .expectDisconnect(0x82)
        .expectClose();
    carry();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR);
  }

  @Test
  @Normative(v311 = {"4.8.0-1"})
  void serverMayNotDisconnectBefore5() {
    connected(MqttVersion.MQTT_3_1_1).sendBytes("E0 00").expectClose();
    carry();
    assertThat(onlyEnd().by()).isEqualTo(By.CLIENT);
  }

  @Test
  @Normative(v5 = {"3.14.2-3", "3.14.2-4"})
  void wordsAreLeftOutWhereTheServerTakesOnlySmallPackets() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.MAXIMUM_PACKET_SIZE, 20))
        .expect(
            PacketType.DISCONNECT,
            packet -> {
              assertThat(packet.reasonCode()).isEqualTo(0x80);
              assertThat(packet.bytes().length).isLessThanOrEqualTo(20);
              assertThat(packet.properties().asMap()).isEmpty();
            });
    connect();
    engine.disconnect(
        new Disconnect(
            ReasonCode.UNSPECIFIED_ERROR,
            Properties.builder()
                .set(io.bight.mqtt.Property.REASON_STRING, "a long explanation")
                .userProperty("more", "of it")
                .build()),
        now());
    carry();
  }

  @Test
  void lastMessagesAreNotOvertakenByWhatACompletionPublishes() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(connack -> connack.property(io.bight.testkit.Property.MAXIMUM_QOS, 1))
        .expectPublish("first")
        .expectPublish("second")
        .expectDisconnect();
    engine.publish(qos1("first").build(), new Outcome<>(), now());
    engine.publish(
        qos2("refused").build(),
        new Outcome<PublishResult>()
            .then(() -> engine.publish(qos1("second").build(), new Outcome<>(), now())),
        now());
    events.whenConnected = connack -> engine.disconnect(new Disconnect(ReasonCode.SUCCESS), now());
    connect();
  }
}
