// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.EngineOptions.SessionLoss;
import io.bight.testkit.PacketType;
import io.bight.testkit.Property;
import io.bight.testkit.ServerScript;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The server's Receive Maximum [MQTT 5.0, section 4.9] and its other limits. */
class ServerLimitsTest extends EngineFixture {
  private ServerScript connectedWith(Property property, Object value) {
    ServerScript script =
        server.onConnection().expectConnect().sendConnack(c -> c.property(property, value));
    connect();
    return script;
  }

  // ---- Receive Maximum

  @Test
  @Normative(v5 = {"3.3.4-7", "4.9.0-1", "4.9.0-2"})
  void neverMoreMessagesInFlightThanTheServersReceiveMaximum() {
    ServerScript script = connectedWith(Property.RECEIVE_MAXIMUM, 2);
    script.expectPublish("1").expectPublish("2").expectNothing(Duration.ofSeconds(5));
    List<Outcome<PublishResult>> outcomes = new ArrayList<>();
    for (int i = 1; i <= 4; i++) {
      outcomes.add(publish(i % 2 == 0 ? qos2("" + i) : qos1("" + i)));
    }
    advanceSeconds(5);
    assertThat(engine.sendQuota()).isZero();
    assertThat(engine.session().queuedMessages()).isEqualTo(2);
    script.together(more -> more.sendPuback(1).expectPublish("3"));
    carry();
    // PUBREC alone gives no quota back.
    script.together(more -> more.sendPubrec(2).expectPubrel(2));
    carry();
    assertThat(engine.sendQuota()).isZero();
    script.together(more -> more.sendPubcomp(2).expectPublish("4"));
    carry();
    script.together(more -> more.sendPuback(3).sendPubrec(4).expectPubrel(4).sendPubcomp(4));
    carry();
    outcomes.forEach(Outcome::assertSuccess);
    assertThat(engine.sendQuota()).isEqualTo(2);
    assertNothingInFlight();
  }

  @EachVersion
  void neverMoreMessagesUnderWayThanTheClientWantsWhateverTheServerAllows(MqttVersion with) {
    version = with;
    var options =
        new EngineOptions(
            Duration.ofSeconds(10),
            100,
            1 << 20,
            OverflowPolicy.REJECT,
            SessionLoss.REPUBLISH,
            0,
            2);
    engine = newEngine(options);
    ServerScript script = server.onConnection().expectConnect().sendConnack();
    script.expectPublish("1").expectPublish("2").expectNothing(Duration.ofSeconds(5));
    connect();
    List<Outcome<PublishResult>> outcomes = new ArrayList<>();
    for (int i = 1; i <= 4; i++) {
      outcomes.add(publish(qos2("" + i)));
    }
    advanceSeconds(5);
    assertThat(engine.sendQuota()).isZero();
    script.together(more -> more.sendPubrec(1).expectPubrel(1));
    carry();
    assertThat(engine.sendQuota()).isZero();
    cut(); // and on the next connection what is released counts as well
    ServerScript again =
        server
            .onConnection()
            .expectConnect()
            .sendConnack(connack -> connack.sessionPresent(true))
            .expectPubrel(1)
            .expectPublish("2")
            .expectNothing(Duration.ofSeconds(5));
    connect();
    advanceSeconds(5);
    again.together(more -> more.sendPubcomp(1).expectPublish("3"));
    carry();
    again.together(more -> more.sendPubrec(2).expectPubrel(2).sendPubcomp(2).expectPublish("4"));
    carry();
    again.together(more -> more.sendPubrec(3).expectPubrel(3).sendPubcomp(3));
    again.together(more -> more.sendPubrec(4).expectPubrel(4).sendPubcomp(4));
    carry();
    outcomes.forEach(Outcome::assertSuccess);
    assertThat(engine.sendQuota()).isEqualTo(2);
    assertNothingInFlight();
  }

  @Test
  void theServersReceiveMaximumHoldsAlsoWhereTheClientWouldSendMore() {
    var options =
        new EngineOptions(
            Duration.ofSeconds(10),
            100,
            1 << 20,
            OverflowPolicy.REJECT,
            SessionLoss.REPUBLISH,
            0,
            9);
    engine = newEngine(options);
    connectedWith(Property.RECEIVE_MAXIMUM, 3);
    assertThat(engine.sendQuota()).isEqualTo(3);
    assertThatThrownBy(
            () ->
                new EngineOptions(
                    Duration.ofSeconds(10), 1, 1, OverflowPolicy.REJECT, SessionLoss.FAIL, 0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sendMaximum");
  }

  @Test
  void negativeAcknowledgementsGiveTheQuotaBack() {
    ServerScript script = connectedWith(Property.RECEIVE_MAXIMUM, 1);
    script
        .expectPublish("1")
        .send(ack(PacketType.PUBACK, 1))
        .expectPublish("2")
        .send(ack(PacketType.PUBREC, 2))
        .expectPublish("3")
        .sendPuback();
    publish(qos1("1")).assertRefused(ReasonCode.NOT_AUTHORIZED);
    publish(qos2("2")).assertRefused(ReasonCode.NOT_AUTHORIZED);
    publish(qos1("3")).assertSuccess();
    assertThat(engine.sendQuota()).isOne();
  }

  private static io.bight.testkit.OutgoingPacket ack(PacketType type, int identifier) {
    return io.bight.testkit.OutgoingPacket.acknowledgement(type, identifier).reasonCode(0x87);
  }

  @Test
  void acknowledgementsForNothingGiveNoQuota() {
    connectedWith(Property.RECEIVE_MAXIMUM, 1).sendPuback(5).sendPubcomp(6).sendPuback(5);
    carry();
    assertThat(engine.sendQuota()).isOne();
  }

  @Test
  @Normative(v5 = {"3.3.4-8", "4.9.0-3"})
  void usedUpQuotaDelaysNothingButPublish() {
    keepAliveSeconds = 10;
    ServerScript script =
        connectedWith(Property.RECEIVE_MAXIMUM, 1).expectPublish("1").expectSubscribe("a");
    publish(qos1("1"));
    publish(qos1("2"));
    Outcome<SubscribeResult> subscribed = subscribe("a");
    script.together(
        more ->
            more.sendSuback()
                .expectUnsubscribe("a")
                .sendUnsuback()
                .sendPublish("b", "x", 2, 7)
                .expectPubrec(7)
                .sendPubrel(7)
                .expectPubcomp(7)
                .expectPingreq()
                .sendPingresp()
                .expectDisconnect()
                .expectClose());
    acknowledgeAtOnce();
    unsubscribe("a").assertSuccess();
    subscribed.assertSuccess();
    advanceSeconds(10);
    disconnect();
    engine.failAll(new MqttException("end of the test", null));
  }

  @Test
  void quotaOfTheNextConnectionCountsRepetitions() {
    connected().expectPublish("1").expectPublish("2").expectPublish("3");
    List<Outcome<PublishResult>> outcomes = new ArrayList<>();
    for (int i = 1; i <= 3; i++) {
      outcomes.add(publish(qos1("" + i)));
    }
    cut();
    ServerScript script =
        server
            .onConnection()
            .expectConnect()
            .sendConnack(c -> c.sessionPresent(true).property(Property.RECEIVE_MAXIMUM, 2))
            .expectPublish("1")
            .expectPublish("2")
            .expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
    outcomes.add(publish(qos1("4")));
    for (int i = 1; i <= 2; i++) {
      String next = "" + (i + 2);
      int acknowledged = i;
      script.together(more -> more.sendPuback(acknowledged).expectPublish(next));
      carry();
    }
    script.sendPuback(3).sendPuback(4);
    carry();
    outcomes.forEach(Outcome::assertSuccess);
    assertThat(engine.sendQuota()).isEqualTo(2);
  }

  @Test
  void releasedMessagesOfTheLastConnectionCountAgainstTheQuota() {
    connected()
        .expectPublish("1")
        .expectPublish("2")
        .sendPubrec(1)
        .sendPubrec(2)
        .expectPubrel(1)
        .expectPubrel(2);
    publish(qos2("1"));
    publish(qos2("2"));
    cut();
    ServerScript script =
        server
            .onConnection()
            .expectConnect()
            .sendConnack(c -> c.sessionPresent(true).property(Property.RECEIVE_MAXIMUM, 1))
            .expectPubrel(1)
            .expectPubrel(2)
            .sendPubcomp(1)
            .expectNothing(Duration.ofSeconds(1));
    connect();
    Outcome<PublishResult> third = publish(qos1("3"));
    advanceSeconds(1);
    assertThat(engine.sendQuota()).isZero();
    script.together(more -> more.sendPubcomp(2).expectPublish("3").sendPuback());
    carry();
    third.assertSuccess();
    assertThat(engine.sendQuota()).isOne();
  }

  // ---- the others

  @Test
  @Normative(v5 = "3.2.2-11")
  void messageAboveTheServersMaximumQosFails() {
    connectedWith(Property.MAXIMUM_QOS, 1).expectPublish("1").sendPuback();
    publish(qos2("2")).assertRefused(ReasonCode.QOS_NOT_SUPPORTED, "'2'", "QoS 1 at most");
    publish(qos1("1")).assertSuccess();
    assertNothingInFlight();
  }

  @Test
  @Normative(v5 = "3.2.2-14")
  void retainedMessageFailsWhereTheServerKeepsNone() {
    connectedWith(Property.RETAIN_AVAILABLE, 0);
    publish(qos0("a").retain(true)).assertRefused(ReasonCode.RETAIN_NOT_SUPPORTED, "retained");
  }

  @Test
  @Normative(v5 = "3.2.2-15")
  void messageLargerThanTheServerAcceptsFailsAndTheLargestAllowedDoesNot() {
    int overhead = 2 + 2 + 1 + 2 + 1; // fixed header, topic, identifier, no properties
    connectedWith(Property.MAXIMUM_PACKET_SIZE, 100)
        .expectPublish(publish -> assertThat(publish.bytes()).hasSize(100))
        .sendPuback();
    publish(qos1("a").payload(new byte[100 - overhead])).assertSuccess();
    publish(qos1("a").payload(new byte[101 - overhead]))
        .assertRefused(ReasonCode.PACKET_TOO_LARGE, "101 bytes", "accepts 100");
    assertNothingInFlight();
  }

  @Test
  void queuedMessageThatTheServerDoesNotTakeFailsAlone() {
    Outcome<PublishResult> first = publish(qos2("a"));
    Outcome<PublishResult> second = publish(qos1("b"));
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.MAXIMUM_QOS, 1))
        .expectPublish("b")
        .sendPuback();
    connect();
    first.assertRefused(ReasonCode.QOS_NOT_SUPPORTED);
    second.assertSuccess();
  }

  @Test
  void serverThatSaysNothingHasTheSpecificationsDefaults() {
    connected();
    assertThat(engine.serverLimits())
        .isEqualTo(
            new ServerLimits(
                65_535, io.bight.mqtt.Qos.EXACTLY_ONCE, true, 268_435_460, 0, true, true, true));
    assertThat(engine.sendQuota()).isEqualTo(65_535);
  }
}
