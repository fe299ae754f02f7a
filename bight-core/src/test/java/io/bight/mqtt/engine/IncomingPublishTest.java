// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.testkit.OutgoingPacket;
import io.bight.testkit.PacketType;
import io.bight.testkit.Property;
import io.bight.testkit.ServerScript;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** PUBLISH from the server, and the client's acknowledgements. */
class IncomingPublishTest extends EngineFixture {
  private static OutgoingPacket repeated(String topic, String payload, int qos, int identifier) {
    return OutgoingPacket.publish(topic, payload).qos(qos).packetIdentifier(identifier).dup(true);
  }

  private IncomingPublish message(int index) {
    return events.messages.get(index);
  }

  // ---- QoS 0 and 1

  @EachVersion
  @Normative(v311 = "3.3.4-1", v5 = "3.3.4-1")
  void qos0IsDeliveredWithoutAnswer(MqttVersion with) {
    connected(with).sendPublish("a", "x").expectNothing(Duration.ofSeconds(1));
    advanceSeconds(1);
    assertThat(payloads()).containsExactly("x");
    assertThat(message(0).message().topic()).isEqualTo("a");
    assertThat(message(0).isAnswered()).isTrue();
    acknowledge(message(0)); // changes nothing
    assertThat(engine.unacknowledgedMessages()).isZero();
  }

  @EachVersion
  @Normative(
      v311 = {"3.3.4-1", "4.3.2-2", "2.3.1-6"},
      v5 = {"3.3.4-1", "4.3.2-4", "2.2.1-5"})
  void qos1IsAcknowledgedWhenTheApplicationHasFinished(MqttVersion with) {
    var script = connected(with).sendPublish("a", "x", 1, 7);
    carry();
    assertThat(message(0).isAnswered()).isFalse();
    assertThat(message(0)).asString().endsWith("unacknowledged");
    assertThat(engine.unacknowledgedMessages()).isOne();
    script.expectPuback(7);
    acknowledge(message(0));
    assertThat(engine.unacknowledgedMessages()).isZero();
    acknowledge(message(0)); // a second time changes nothing
  }

  @EachVersion
  @Normative(v311 = "4.3.2-2", v5 = "4.3.2-5")
  void afterPubackTheIdentifierMeansANewMessageEvenWithDup(MqttVersion with) {
    acknowledgeAtOnce();
    connected(with)
        .sendPublish("a", "x", 1, 7)
        .expectPuback(7)
        .send(repeated("a", "y", 1, 7))
        .expectPuback(7);
    carry();
    assertThat(payloads()).containsExactly("x", "y");
  }

  @EachVersion
  @Normative(v311 = "4.5.0-2", v5 = "4.5.0-2")
  void everyMessageIsAcknowledgedWhateverItsTopic(MqttVersion with) {
    acknowledgeAtOnce();
    connected(with).sendPublish("never/asked/for", "x", 1, 3).expectPuback(3);
    carry();
  }

  @EachVersion
  @Normative(
      v311 = {"4.6.0-2", "4.6.0-3"},
      v5 = {"4.6.0-2", "4.6.0-3"})
  void acknowledgementsKeepTheOrderOfArrivalHoweverTheApplicationAnswers(MqttVersion with) {
    var script =
        connected(with)
            .sendPublish("a", "1", 1, 11)
            .sendPublish("a", "2", 2, 12)
            .sendPublish("a", "3", 1, 13)
            .sendPublish("a", "4", 2, 14);
    carry();
    acknowledge(message(3));
    acknowledge(message(1));
    acknowledge(message(2));
    assertThat(engine.unacknowledgedMessages()).isEqualTo(4);
    script.together(
        more -> more.expectPuback(11).expectPubrec(12).expectPuback(13).expectPubrec(14));
    acknowledge(message(0));
    assertThat(engine.unacknowledgedMessages()).isZero();
  }

  // ---- QoS 2

  @EachVersion
  @Normative(
      v311 = {"3.3.4-1", "4.3.3-2"},
      v5 = {"3.3.4-1", "4.3.3-8", "4.3.3-11", "4.3.3-12"})
  void qos2IsReceivedReleasedAndComplete(MqttVersion with) {
    acknowledgeAtOnce();
    connected(with)
        .sendPublish("a", "x", 2, 7)
        .expectPubrec(7)
        .sendPubrel(7)
        .expectPubcomp(7)
        .sendPublish("a", "y", 2, 7)
        .expectPubrec(7)
        .sendPubrel(7)
        .expectPubcomp(7);
    carry();
    assertThat(payloads()).containsExactly("x", "y");
    assertThat(engine.session().receivingMessages()).isZero();
  }

  @EachVersion
  @Normative(v311 = "4.3.3-2", v5 = "4.3.3-10")
  void repetitionBeforePubrelIsAnsweredButNotDelivered(MqttVersion with) {
    acknowledgeAtOnce();
    connected(with)
        .sendPublish("a", "x", 2, 7)
        .expectPubrec(7)
        .send(repeated("a", "x", 2, 7))
        .expectPubrec(7)
        .sendPubrel(7)
        .expectPubcomp(7);
    carry();
    assertThat(payloads()).containsExactly("x");
  }

  @EachVersion
  @Normative(v311 = "4.3.3-2", v5 = "4.3.3-10")
  void repetitionOnTheNextConnectionIsAnsweredButNotDelivered(MqttVersion with) {
    acknowledgeAtOnce();
    connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    carry();
    cut();
    resumed()
        .send(repeated("a", "x", 2, 7))
        .together(more -> more.expectPubrec(7).sendPubrel(7).expectPubcomp(7));
    carry();
    assertThat(payloads()).containsExactly("x");
    assertThat(engine.session().receivingMessages()).isZero();
  }

  @EachVersion
  void answerGivenBetweenTwoConnectionsIsSentOnTheNext(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7);
    carry();
    cut();
    acknowledge(message(0));
    resumed()
        .send(repeated("a", "x", 2, 7))
        .together(more -> more.expectPubrec(7).sendPubrel(7).expectPubcomp(7));
    carry();
    assertThat(payloads()).containsExactly("x");
  }

  @Test
  void refusalGivenBetweenTwoConnectionsIsSentOnTheNext() {
    connected().sendPublish("a", "x", 2, 7);
    carry();
    cut();
    acknowledge(message(0), ReasonCode.NOT_AUTHORIZED);
    resumed()
        .send(repeated("a", "x", 2, 7))
        .together(
            more ->
                more.expect(PacketType.PUBREC, p -> assertThat(p.reasonCode()).isEqualTo(0x87)));
    carry();
    assertThat(payloads()).containsExactly("x");
    assertThat(engine.session().receivingMessages()).isZero();
  }

  @EachVersion
  void messageThatWasGivenBackIsDeliveredAgainOnTheNextConnection(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7);
    carry();
    engine.abandon(message(0));
    cut();
    var script = resumed().send(repeated("a", "x", 2, 7));
    carry();
    assertThat(payloads()).containsExactly("x", "x");
    script.together(more -> more.expectPubrec(7).sendPubrel(7).expectPubcomp(7));
    acknowledge(message(1));
    assertThat(engine.session().receivingMessages()).isZero();
  }

  @EachVersion
  void messageThatWasGivenBackAndIsAnsweredAfterAllIsNotDeliveredAgain(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    carry();
    engine.abandon(message(0));
    acknowledge(message(0));
    carry();
    cut();
    resumed()
        .send(repeated("a", "x", 2, 7))
        .together(more -> more.expectPubrec(7).sendPubrel(7).expectPubcomp(7));
    carry();
    assertThat(payloads()).containsExactly("x");
  }

  @EachVersion
  void answerGivenLateGoesOutOnTheNewConnection(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7);
    carry();
    cut();
    ServerScript script = resumed();
    script.send(repeated("a", "x", 2, 7)).sendPublish("a", "y", 1, 8);
    carry();
    assertThat(payloads()).containsExactly("x", "y");
    acknowledge(message(1));
    script.together(more -> more.expectPubrec(7).expectPuback(8).sendPubrel(7).expectPubcomp(7));
    acknowledge(message(0));
  }

  @EachVersion
  void answerGivenOnTheNewConnectionBeforeTheRepetitionComes(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7);
    carry();
    cut();
    ServerScript script = resumed();
    acknowledge(message(0));
    script.together(
        more -> more.send(repeated("a", "x", 2, 7)).expectPubrec(7).sendPubrel(7).expectPubcomp(7));
    carry();
    assertThat(payloads()).containsExactly("x");
  }

  @EachVersion
  void qos1AnsweredLateHasNoMeaningOnTheNewConnection(MqttVersion with) {
    connected(with).sendPublish("a", "x", 1, 7);
    carry();
    cut();
    var script = resumed().send(repeated("a", "x", 1, 7));
    carry();
    acknowledge(message(0));
    assertThat(payloads()).containsExactly("x", "x");
    script.expectPuback(7);
    acknowledge(message(1));
  }

  @EachVersion
  void lostSessionForgetsWhatWasBeingReceived(MqttVersion with) {
    acknowledgeAtOnce();
    connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    carry();
    cut();
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .sendPublish("a", "y", 2, 7)
        .expectPubrec(7)
        .sendPubrel(7)
        .expectPubcomp(7);
    connect();
    assertThat(payloads()).containsExactly("x", "y");
  }

  @EachVersion
  void lateAnswerToALostSessionDoesNotAnswerItsSuccessor(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7);
    carry();
    cut();
    var script = connected(with).sendPublish("a", "y", 2, 7);
    carry();
    acknowledge(message(0));
    assertThat(engine.unacknowledgedMessages()).isOne();
    script.together(more -> more.expectPubrec(7).sendPubrel(7).expectPubcomp(7));
    acknowledge(message(1));
  }

  @EachVersion
  void pubrelOnTheNextConnectionIsAnswered(MqttVersion with) {
    acknowledgeAtOnce();
    connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    carry();
    cut();
    resumed().together(more -> more.sendPubrel(7).expectPubcomp(7));
    carry();
    assertThat(engine.session().receivingMessages()).isZero();
  }

  @Test
  @Normative(v5 = {"4.3.3-11", "3.7.2-1"})
  void pubrelForAnUnknownIdentifierIsAnsweredWith92() {
    connected()
        .sendPubrel(9)
        .expect(
            PacketType.PUBCOMP,
            pubcomp -> {
              assertThat(pubcomp.packetIdentifier()).isEqualTo(9);
              assertThat(pubcomp.reasonCode()).isEqualTo(0x92);
            });
    carry();
  }

  @Test
  void pubrelForAnUnknownIdentifierIsAnsweredBefore5() {
    connected(MqttVersion.MQTT_3_1_1).sendPubrel(9).expectPubcomp(9);
    carry();
  }

  @EachVersion
  void pubrelBeforePubrecEndsTheConnection(MqttVersion with) {
    var script = connected(with).sendPublish("a", "x", 2, 7).sendPubrel(7);
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x82);
    }
    script.expectClose();
    carry();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "PUBREL", "7", "before it was sent PUBREC");
  }

  @EachVersion
  void pubrelBeforePubrecThatWaitsForItsTurnEndsTheConnection(MqttVersion with) {
    var script = connected(with).sendPublish("a", "x", 1, 6).sendPublish("a", "y", 2, 7);
    carry();
    acknowledge(message(1));
    script.sendPubrel(7);
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x82);
    }
    script.expectClose();
    carry();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "PUBREL");
  }

  // ---- saying no

  @Test
  @Normative(v5 = "3.4.2-1")
  void applicationMayRefuseQos1With5() {
    var script = connected().sendPublish("a", "x", 1, 7);
    carry();
    script.expect(
        PacketType.PUBACK,
        puback -> {
          assertThat(puback.reasonCode()).isEqualTo(0x99);
          assertThat(puback.properties().text(Property.REASON_STRING)).isEqualTo("no JSON");
        });
    engine.acknowledge(
        message(0),
        ReasonCode.PAYLOAD_FORMAT_INVALID,
        Properties.builder().set(io.bight.mqtt.Property.REASON_STRING, "no JSON").build(),
        now());
    carry();
  }

  @Test
  @Normative(v5 = {"4.3.3-9", "3.5.2-1"})
  void afterARefusedQos2TheIdentifierMeansANewMessage() {
    var script = connected().sendPublish("a", "x", 2, 7);
    carry();
    script.together(
        more ->
            more.expect(
                    PacketType.PUBREC, pubrec -> assertThat(pubrec.reasonCode()).isEqualTo(0x87))
                .sendPublish("a", "y", 2, 7));
    acknowledge(message(0), ReasonCode.NOT_AUTHORIZED);
    assertThat(payloads()).containsExactly("x", "y");
    script.together(more -> more.expectPubrec(7).sendPubrel(7).expectPubcomp(7));
    acknowledge(message(1));
  }

  @Test
  void refusalBefore5IsAnOrdinaryAcknowledgement() {
    var script =
        connected(MqttVersion.MQTT_3_1_1).sendPublish("a", "x", 1, 7).sendPublish("a", "y", 2, 8);
    carry();
    script.together(more -> more.expectPuback(7).expectPubrec(8).sendPubrel(8).expectPubcomp(8));
    engine.acknowledge(message(0), ReasonCode.NOT_AUTHORIZED, Properties.NONE, now());
    acknowledge(message(1), ReasonCode.NOT_AUTHORIZED);
  }

  @Test
  void reasonThatIsNoneOfPubackIsTheCallersMistakeAndChangesNothing() {
    var script = connected().sendPublish("a", "x", 1, 7);
    carry();
    assertThatThrownBy(() -> acknowledge(message(0), ReasonCode.SERVER_BUSY))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(message(0).isAnswered()).isFalse();
    script.expectPuback(7);
    acknowledge(message(0));
  }

  @Test
  @Normative(v5 = {"3.4.2-2", "3.4.2-3", "3.5.2-2", "3.5.2-3"})
  void wordsAreLeftOutOfAcknowledgementsWhereTheServerTakesOnlySmallPackets() {
    var script =
        server
            .onConnection()
            .expectConnect()
            .sendConnack(c -> c.property(Property.MAXIMUM_PACKET_SIZE, 12))
            .sendPublish("a", "x", 1, 7)
            .sendPublish("a", "y", 2, 8);
    connect();
    script.together(
        more ->
            more.expect(PacketType.PUBACK, IncomingPublishTest::requireSmallRefusal)
                .expect(PacketType.PUBREC, IncomingPublishTest::requireSmallRefusal));
    Properties words =
        Properties.builder()
            .set(io.bight.mqtt.Property.REASON_STRING, "a long explanation")
            .userProperty("and", "more")
            .build();
    engine.acknowledge(message(0), ReasonCode.NOT_AUTHORIZED, words, now());
    engine.acknowledge(message(1), ReasonCode.NOT_AUTHORIZED, words, now());
    carry();
  }

  private static void requireSmallRefusal(io.bight.testkit.ReceivedPacket packet) {
    assertThat(packet.reasonCode()).isEqualTo(0x87);
    assertThat(packet.bytes().length).isLessThanOrEqualTo(12);
  }

  @Test
  @Normative(v5 = {"3.6.2-2", "3.6.2-3", "3.7.2-2", "3.7.2-3"})
  void pubrelAndPubcompNeverCarryWords() {
    acknowledgeAtOnce();
    connected()
        .expectPublish("b")
        .sendPubrec(1)
        .expect(PacketType.PUBREL, p -> assertThat(p.properties().asMap()).isEmpty())
        .sendPubcomp(1)
        .sendPublish("a", "x", 2, 7)
        .expectPubrec(7)
        .sendPubrel(7)
        .expect(PacketType.PUBCOMP, p -> assertThat(p.properties().asMap()).isEmpty());
    publish(qos2("b"));
  }

  // ---- the client's own limits

  @Test
  @Normative(v5 = "3.3.4-9")
  void serverThatExceedsOurReceiveMaximumIsDisconnectedWith93() {
    connectProperties.set(io.bight.mqtt.Property.RECEIVE_MAXIMUM, 2);
    connected()
        .sendPublish("a", "1", 1, 1)
        .sendPublish("a", "0", 0, 0)
        .sendPublish("a", "2", 2, 2)
        .sendPublish("a", "3", 1, 3)
        .expectDisconnect(0x93)
        .expectClose();
    carry();
    assertEnded(By.CLIENT, ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, "more than 2 messages");
    assertThat(payloads()).containsExactly("1", "0", "2");
  }

  @Test
  void acknowledgementsGiveTheServerItsQuotaBack() {
    connectProperties.set(io.bight.mqtt.Property.RECEIVE_MAXIMUM, 1);
    acknowledgeAtOnce();
    var script = connected();
    for (int i = 1; i <= 5; i++) {
      script.sendPublish("a", "x", 1, i).expectPuback(i);
      script.sendPublish("a", "x", 2, i).expectPubrec(i).sendPubrel(i).expectPubcomp(i);
    }
    carry();
    assertThat(events.messages).hasSize(10);
  }

  @Test
  void refusedQos2GivesTheServerItsQuotaBack() {
    connectProperties.set(io.bight.mqtt.Property.RECEIVE_MAXIMUM, 1);
    events.whenMessage =
        message -> engine.acknowledge(message, ReasonCode.QUOTA_EXCEEDED, Properties.NONE, now());
    var script = connected();
    for (int i = 1; i <= 5; i++) {
      script.sendPublish("a", "x", 2, i).expect(PacketType.PUBREC);
    }
    carry();
    assertThat(events.messages).hasSize(5);
  }

  @Test
  void qos2CountsAgainstOurReceiveMaximumUntilPubcomp() {
    connectProperties.set(io.bight.mqtt.Property.RECEIVE_MAXIMUM, 1);
    acknowledgeAtOnce();
    connected()
        .sendPublish("a", "x", 2, 1)
        .expectPubrec(1)
        .sendPublish("a", "y", 2, 2)
        .expectDisconnect(0x93)
        .expectClose();
    carry();
  }

  @Test
  void ourReceiveMaximumIsRenewedWithTheConnection() {
    connectProperties.set(io.bight.mqtt.Property.RECEIVE_MAXIMUM, 1);
    connected().sendPublish("a", "x", 2, 1);
    carry();
    cut();
    var script = resumed().send(repeated("a", "x", 2, 1));
    carry();
    script.together(
        more ->
            more.expectPubrec(1)
                .sendPubrel(1)
                .expectPubcomp(1)
                .sendPublish("a", "y", 1, 2)
                .expectPuback(2));
    acknowledgeAtOnce();
    acknowledge(message(0));
    assertThat(payloads()).containsExactly("x", "y");
  }

  @Test
  void receiveMaximumBefore5IsNotHeldAgainstTheServer() {
    version = MqttVersion.MQTT_3_1_1;
    var script = server.onConnection().expectConnect().sendConnack();
    for (int i = 1; i <= 100; i++) {
      script.sendPublish("a", "x", 1, i);
    }
    connect();
    assertThat(engine.unacknowledgedMessages()).isEqualTo(100);
  }

  @EachVersion
  @Normative(v5 = "3.1.2-24")
  void packetLargerThanWeAcceptEndsTheConnectionWith95(MqttVersion with) {
    connectProperties.set(io.bight.mqtt.Property.MAXIMUM_PACKET_SIZE, 100L);
    var script = connected(with).sendPublish("a", "x".repeat(80)).sendPublish("a", "x".repeat(100));
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x95).expectClose();
    }
    carry();
    if (with == MqttVersion.MQTT_5) {
      assertEnded(By.CLIENT, ReasonCode.PACKET_TOO_LARGE);
      assertThat(events.messages).hasSize(1);
    } else {
      assertThat(events.messages).hasSize(2); // the server was never told
    }
  }

  @Test
  @Normative(v5 = "4.3.3-13")
  void qos2IsFinishedThoughTheMessageHasExpiredMeanwhile() {
    var script =
        connected()
            .send(
                OutgoingPacket.publish("a", "x")
                    .qos(2)
                    .packetIdentifier(7)
                    .property(Property.MESSAGE_EXPIRY_INTERVAL, 1));
    carry();
    advanceSeconds(60);
    script.together(more -> more.expectPubrec(7).sendPubrel(7).expectPubcomp(7));
    acknowledge(message(0));
  }
}
