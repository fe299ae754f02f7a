// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.OutgoingPacket;
import io.bight.testkit.PacketType;
import io.bight.testkit.Property;
import io.netty.buffer.ByteBuf;
import org.junit.jupiter.api.Test;

/** PUBLISH from the client, at each QoS, on one connection. */
class OutgoingPublishTest extends EngineFixture {
  // ---- QoS 0

  @EachVersion
  @Normative(
      v311 = {"2.3.1-5", "3.3.1-2", "4.3.1-1"},
      v5 = {"2.2.1-2", "3.3.1-2", "4.3.1-1"})
  void qos0HasNoPacketIdentifierAndNoDup(MqttVersion with) {
    connected(with)
        .expectPublish(
            publish -> {
              assertThat(publish.qos()).isZero();
              assertThat(publish.dup()).isFalse();
              assertThat(publish.payloadUtf8()).isEqualTo("21.5");
            });
    assertThat(publish(qos0("a").payload("21.5")).assertSuccess().qos())
        .isEqualTo(Qos.AT_MOST_ONCE);
    assertNothingInFlight();
  }

  @EachVersion
  void qos0IsDoneOnlyWhenTheTransportHasTakenIt(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b");
    Outcome<PublishResult> first = new Outcome<>();
    Outcome<PublishResult> second = new Outcome<>();
    engine.publish(qos0("a").build(), first, now());
    ByteBuf batch = engine.takeOutgoing();
    engine.publish(qos0("b").build(), second, now());
    ByteBuf nextBatch = engine.takeOutgoing();
    first.assertOpen();
    wire().receive(batch);
    batch.release();
    engine.outgoingWritten();
    first.assertSuccess();
    second.assertOpen();
    wire().receive(nextBatch);
    nextBatch.release();
    engine.outgoingWritten();
    second.assertSuccess();
    engine.outgoingWritten(); // one too many changes nothing
  }

  @EachVersion
  void batchWithoutQos0CompletesNone(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b");
    publish(qos0("a")).assertSuccess();
    publish(qos1("b"));
    Outcome<PublishResult> third = new Outcome<>();
    engine.publish(qos0("c").build(), third, now());
    engine.outgoingWritten();
    third.assertOpen();
    cut();
    third.assertFailure("may be lost");
    engine.failAll(new MqttException("end of the test", null));
  }

  @EachVersion
  void onlyTheQos0OfTheWrittenBatchIsDone(MqttVersion with) {
    connected(with).swallow();
    Outcome<PublishResult> first = new Outcome<>();
    Outcome<PublishResult> third = new Outcome<>();
    engine.publish(qos0("a").build(), first, now());
    ByteBuf batch = engine.takeOutgoing();
    engine.publish(qos1("b").build(), new Outcome<>(), now());
    ByteBuf secondBatch = engine.takeOutgoing();
    engine.publish(qos0("c").build(), third, now());
    ByteBuf thirdBatch = engine.takeOutgoing();
    engine.outgoingWritten();
    engine.outgoingWritten();
    first.assertSuccess();
    third.assertOpen();
    engine.outgoingWritten();
    third.assertSuccess();
    batch.release();
    secondBatch.release();
    thirdBatch.release();
    engine.failAll(new MqttException("end of the test", null));
  }

  @EachVersion
  void qos0OfTheLastBatchIsDoneWhenItIsWrittenAfterDisconnect(MqttVersion with) {
    connected(with).expectPublish("a").expectDisconnect().expectClose();
    Outcome<PublishResult> published = new Outcome<>();
    engine.publish(qos0("a").build(), published, now());
    engine.disconnect(new io.bight.mqtt.packet.Disconnect(ReasonCode.SUCCESS), now());
    published.assertOpen();
    carry();
    published.assertSuccess();
  }

  @EachVersion
  void qos0ThatWasNotWrittenFailsWithTheConnection(MqttVersion with) {
    connected(with);
    Outcome<PublishResult> inBatch = new Outcome<>();
    engine.publish(qos0("a").build(), inBatch, now());
    cut();
    assertThat(inBatch.assertFailure("QoS 0", "'a'", "may be lost"))
        .isInstanceOf(MqttDisconnectedException.class);
  }

  @Test
  void completionOfQos0MayCloseTheConnection() {
    connected().expectPublish("a").expectPublish("b");
    Outcome<PublishResult> first = new Outcome<PublishResult>().then(this::cut);
    Outcome<PublishResult> second = new Outcome<>();
    engine.publish(qos0("a").build(), first, now());
    engine.publish(qos0("b").build(), second, now());
    carryToServer();
    first.assertSuccess();
    second.assertFailure("may be lost");
  }

  // ---- QoS 1

  @EachVersion
  @Normative(
      v311 = {"2.3.1-1", "2.3.1-2", "2.3.1-3", "4.3.2-1"},
      v5 = {"2.2.1-3", "4.3.2-1", "4.3.2-2", "4.3.2-3"})
  void qos1IsUnacknowledgedUntilPuback(MqttVersion with) {
    var script =
        connected(with)
            .expectPublish(
                publish -> {
                  assertThat(publish.qos()).isEqualTo(1);
                  assertThat(publish.dup()).isFalse();
                  assertThat(publish.packetIdentifier()).isEqualTo(1);
                });
    Outcome<PublishResult> published = new Outcome<>();
    engine.publish(qos1("a").build(), published, now());
    carry();
    published.assertOpen();
    assertThat(engine.session()).asString().contains("published=1");
    assertThat(engine.session().inFlightMessages()).isOne();
    assertThat(engine.session().packetIdentifiersInUse()).isOne();
    script.sendPuback();
    carry();
    assertThat(published.assertSuccess().qos()).isEqualTo(Qos.AT_LEAST_ONCE);
    assertNothingInFlight();
  }

  @Test
  void resultOfQos1CarriesWhatTheServerSaid() {
    connected()
        .expectPublish("a")
        .send(
            OutgoingPacket.acknowledgement(PacketType.PUBACK, 1)
                .reasonCode(0x10)
                .property(Property.REASON_STRING, "nobody listens"));
    PublishResult result = publish(qos1("a")).assertSuccess();
    assertThat(result.reasonCode()).isEqualTo(ReasonCode.NO_MATCHING_SUBSCRIBERS);
    assertThat(result.reasonString()).isEqualTo("nobody listens");
  }

  @Test
  @Normative(v5 = "4.4.0-2")
  void negativePubackFailsTheMessageForGood() {
    connected()
        .expectPublish("a")
        .send(
            OutgoingPacket.acknowledgement(PacketType.PUBACK, 1)
                .reasonCode(0x87)
                .property(Property.REASON_STRING, "not yours"));
    publish(qos1("a")).assertRefused(ReasonCode.NOT_AUTHORIZED, "'a'", "not yours");
    assertNothingInFlight();
    cut();
    resumed();
    assertThat(server.packets(PacketType.PUBLISH)).hasSize(1);
  }

  @EachVersion
  void acknowledgementsMayComeInAnyOrder(MqttVersion with) {
    connected(with)
        .expectPublish("a")
        .expectPublish("b")
        .expectPublish("c")
        .sendPuback(3)
        .sendPuback(1)
        .sendPuback(2);
    Outcome<PublishResult> first = publish(qos1("a"));
    Outcome<PublishResult> second = publish(qos1("b"));
    publish(qos1("c")).assertSuccess();
    first.assertSuccess();
    second.assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void pubackForNothingIsIgnored(MqttVersion with) {
    connected(with).sendPuback(77).sendPubcomp(78);
    carry();
    assertThat(engine.state()).isEqualTo(MqttEngine.State.CONNECTED);
  }

  @EachVersion
  @Normative(v311 = "4.8.0-1", v5 = "4.13.1-1")
  void pubackForQos2EndsTheConnection(MqttVersion with) {
    var script = connected(with).expectPublish("a").sendPuback(1);
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x82);
    }
    script.expectClose();
    publish(qos2("a")).assertOpen();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "Puback", "does not answer what was sent");
    engine.failAll(new MqttException("end of the test", null));
  }

  @EachVersion
  void pubrecForQos1EndsTheConnection(MqttVersion with) {
    var script = connected(with).expectPublish("a").sendPubrec(1);
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x82);
    }
    script.expectClose();
    publish(qos1("a")).assertOpen();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "Pubrec");
    engine.failAll(new MqttException("end of the test", null));
  }

  // ---- QoS 2

  @EachVersion
  @Normative(
      v311 = {"2.3.1-6", "4.3.3-1"},
      v5 = {"2.2.1-5", "4.3.3-1", "4.3.3-2", "4.3.3-3", "4.3.3-4", "4.3.3-5"})
  void qos2IsUnacknowledgedUntilPubcomp(MqttVersion with) {
    var script =
        connected(with)
            .expectPublish(
                publish -> {
                  assertThat(publish.qos()).isEqualTo(2);
                  assertThat(publish.dup()).isFalse();
                  assertThat(publish.packetIdentifier()).isEqualTo(1);
                });
    Outcome<PublishResult> published = new Outcome<>();
    engine.publish(qos2("a").build(), published, now());
    carry();
    assertThat(engine.session()).asString().contains("published=1", "released=0");
    script.together(more -> more.sendPubrec().expectPubrel(1));
    carry();
    assertThat(engine.session()).asString().contains("published=0", "released=1");
    published.assertOpen();
    assertThat(engine.session().packetIdentifiersInUse()).isOne();
    script.sendPubcomp();
    carry();
    assertThat(published.assertSuccess().qos()).isEqualTo(Qos.EXACTLY_ONCE);
    assertNothingInFlight();
  }

  @Test
  @Normative(v5 = {"4.4.0-2", "4.3.3-4"})
  void negativePubrecEndsQos2WithoutPubrel() {
    connected()
        .expectPublish("a")
        .send(OutgoingPacket.acknowledgement(PacketType.PUBREC, 1).reasonCode(0x97));
    publish(qos2("a")).assertRefused(ReasonCode.QUOTA_EXCEEDED, "'a'");
    assertNothingInFlight();
  }

  @EachVersion
  void repeatedPubrecIsAnsweredWithPubrelAgain(MqttVersion with) {
    connected(with)
        .expectPublish("a")
        .sendPubrec()
        .expectPubrel(1)
        .sendPubrec()
        .expectPubrel(1)
        .sendPubcomp();
    publish(qos2("a")).assertSuccess();
    assertNothingInFlight();
  }

  @Test
  @Normative(v5 = "3.6.2-1")
  void pubrecForAnUnknownIdentifierIsAnsweredWith92() {
    connected()
        .sendPubrec(9)
        .expect(
            PacketType.PUBREL,
            pubrel -> {
              assertThat(pubrel.packetIdentifier()).isEqualTo(9);
              assertThat(pubrel.reasonCode()).isEqualTo(0x92);
            })
        .send(OutgoingPacket.acknowledgement(PacketType.PUBCOMP, 9).reasonCode(0x92));
    carry();
    assertThat(engine.state()).isEqualTo(MqttEngine.State.CONNECTED);
  }

  @Test
  void pubrecForAnUnknownIdentifierIsAnsweredWithPubrelBefore5() {
    connected(MqttVersion.MQTT_3_1_1).sendPubrec(9).expectPubrel(9).sendPubcomp(9);
    carry();
    assertThat(engine.state()).isEqualTo(MqttEngine.State.CONNECTED);
  }

  @Test
  void pubcompWithUnknownIdentifierIsASuccess() {
    connected()
        .expectPublish("a")
        .sendPubrec()
        .expectPubrel(1)
        .send(OutgoingPacket.acknowledgement(PacketType.PUBCOMP, 1).reasonCode(0x92));
    publish(qos2("a")).assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void pubcompBeforePubrecEndsTheConnection(MqttVersion with) {
    var script = connected(with).expectPublish("a").sendPubcomp(1);
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x82);
    }
    script.expectClose();
    publish(qos2("a"));
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "Pubcomp");
    engine.failAll(new MqttException("end of the test", null));
  }

  @EachVersion
  @Normative(v311 = "4.6.0-4", v5 = "4.6.0-4")
  void pubrelKeepsTheOrderOfPubrec(MqttVersion with) {
    connected(with)
        .expectPublish("a")
        .expectPublish("b")
        .sendPubrec(2)
        .sendPubrec(1)
        .expectPubrel(2)
        .expectPubrel(1)
        .sendPubcomp(1)
        .sendPubcomp(2);
    Outcome<PublishResult> first = publish(qos2("a"));
    publish(qos2("b")).assertSuccess();
    first.assertSuccess();
  }

  // ---- any

  @Test
  @Normative(v5 = {"3.3.4-6", "3.2.2-18", "3.2.2-17", "3.3.2-9", "3.3.2-8", "3.1.2-27"})
  void messagePassedOnLosesWhatBelongedToTheOtherConnection() {
    connected()
        .expectPublish(
            publish -> {
              assertThat(publish.properties().asMap()).hasSize(1);
              assertThat(publish.properties().text(Property.CONTENT_TYPE)).isEqualTo("text/plain");
            });
    publish(
            new Publish(
                "a",
                new byte[0],
                Qos.AT_MOST_ONCE,
                false,
                false,
                0,
                Properties.builder()
                    .set(io.bight.mqtt.Property.TOPIC_ALIAS, 3)
                    .set(io.bight.mqtt.Property.CONTENT_TYPE, "text/plain")
                    .add(io.bight.mqtt.Property.SUBSCRIPTION_IDENTIFIER, 4)
                    .build()))
        .assertSuccess();
  }

  @Test
  void allPropertiesOfAMessageArrive() {
    connected()
        .expectPublish(
            publish -> {
              assertThat(publish.retain()).isTrue();
              assertThat(publish.properties().text(Property.RESPONSE_TOPIC)).isEqualTo("answer");
              assertThat(publish.properties().binary(Property.CORRELATION_DATA))
                  .containsExactly(1, 2);
              assertThat(publish.properties().userProperties()).hasSize(1);
            })
        .sendPuback();
    publish(
            qos1("ask")
                .retain(true)
                .responseTopic("answer")
                .correlationData(new byte[] {1, 2})
                .userProperty("k", "v"))
        .assertSuccess();
  }

  @Test
  void propertiesAreLeftOutBefore5() {
    connected(MqttVersion.MQTT_3_1_1).expectPublish("ask").sendPuback();
    publish(qos1("ask").responseTopic("answer")).assertSuccess();
  }

  @Test
  void messageThatCannotBeEncodedFailsAlone() {
    connected().expectPublish("good").sendPuback();
    publish(
            new Publish(
                "bad",
                new byte[0],
                Qos.AT_LEAST_ONCE,
                false,
                false,
                0,
                Properties.builder().set(io.bight.mqtt.Property.SERVER_KEEP_ALIVE, 3).build()))
        .assertFailure("cannot publish to 'bad'");
    publish(qos1("good")).assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void messageWithAnImpossibleTopicFailsAndLeavesNothingBehind(MqttVersion with) {
    connected(with).expectPublish("good").sendPuback();
    for (Qos qos : Qos.values()) {
      publish(new Publish("a/#", new byte[0], qos, false, false, 0, Properties.NONE))
          .assertFailure("cannot publish to 'a/#'", "wildcard");
    }
    publish(qos1("good")).assertSuccess();
    assertNothingInFlight();
    assertThat(engine.sendQuota()).isEqualTo(65_535);
  }

  @EachVersion
  void publishesBeforeConnackWaitForIt(MqttVersion with) {
    version = with;
    var script = server.onConnection().expectConnect();
    connect();
    Outcome<PublishResult> published = publish(qos1("a"));
    assertThat(engine.session().queuedMessages()).isOne();
    script.together(more -> more.sendConnack().expectPublish("a").sendPuback());
    carry();
    published.assertSuccess();
    assertNothingInFlight();
  }

  @Test
  void largeBurstLeavesInBatchesOfBoundedSize() {
    var script = connected();
    for (int i = 0; i < 120; i++) {
      script.expectPublish("a" + i);
    }
    for (int i = 0; i < 120; i++) {
      engine.publish(qos0("a" + i).payload(new byte[10_000]).build(), new Outcome<>(), now());
    }
    assertThat(engine.session().queuedMessages()).isPositive();
    int batches = 0;
    for (ByteBuf batch; (batch = engine.takeOutgoing()) != null; batches++) {
      assertThat(batch.readableBytes()).as("two segments").isLessThan(2 * 65_483);
      wire().receive(batch);
      batch.release();
      engine.outgoingWritten();
    }
    assertThat(batches).isEqualTo(10);
  }
}
