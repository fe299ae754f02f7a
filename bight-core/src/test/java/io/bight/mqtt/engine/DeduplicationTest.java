// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.EngineOptions.SessionLoss;
import io.bight.testkit.OutgoingPacket;
import io.bight.testkit.PacketType;
import io.bight.testkit.ServerScript;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** QoS 1 messages that the server repeats, with and without de-duplication; and given up ones. */
class DeduplicationTest extends EngineFixture {
  private static OutgoingPacket repeated(String topic, String payload, int qos, int identifier) {
    return OutgoingPacket.publish(topic, payload).qos(qos).packetIdentifier(identifier).dup(true);
  }

  private IncomingPublish message(int index) {
    return events.messages.get(index);
  }

  @BeforeEach
  void deduplicate() {
    engine = engineWithWindow(3);
  }

  private MqttEngine engineWithWindow(int window) {
    return newEngine(
        new EngineOptions(
            Duration.ofSeconds(10),
            10,
            10_000,
            OverflowPolicy.REJECT,
            SessionLoss.REPUBLISH,
            window,
            65_535));
  }

  /** The server sends a message, is answered, and the connection breaks. */
  private void deliveredAndCut(MqttVersion with, String topic, String payload, int identifier) {
    acknowledgeAtOnce();
    connected(with).sendPublish(topic, payload, 1, identifier).expectPuback(identifier);
    carry();
    cut();
  }

  @EachVersion
  void repetitionIsAcknowledgedButNotDelivered(MqttVersion with) {
    deliveredAndCut(with, "a", "x", 7);
    resumed()
        .send(repeated("a", "x", 1, 7))
        .expectPuback(7)
        .send(repeated("a", "x", 1, 7))
        .expectPuback(7);
    carry();
    assertThat(payloads()).containsExactly("x");
    assertThat(engine.unacknowledgedMessages()).isZero();
  }

  @EachVersion
  void withoutAWindowEveryRepetitionIsDelivered(MqttVersion with) {
    engine = engineWithWindow(0);
    deliveredAndCut(with, "a", "x", 7);
    resumed().send(repeated("a", "x", 1, 7)).expectPuback(7);
    carry();
    assertThat(payloads()).containsExactly("x", "x");
  }

  @EachVersion
  void anotherTopicPayloadOrIdentifierIsANewMessageThoughDupIsSet(MqttVersion with) {
    deliveredAndCut(with, "a", "x", 7);
    resumed()
        .send(repeated("b", "x", 1, 7))
        .expectPuback(7)
        .send(repeated("b", "y", 1, 7))
        .expectPuback(7)
        .send(repeated("b", "y", 1, 8))
        .expectPuback(8);
    carry();
    assertThat(payloads()).containsExactly("x", "x", "y", "y");
  }

  @Test
  void topicAndPayloadAreNotMixedUp() {
    deliveredAndCut(MqttVersion.MQTT_5, "ab", "c", 7);
    resumed().send(repeated("a", "bc", 1, 7)).expectPuback(7);
    carry();
    assertThat(payloads()).containsExactly("c", "bc");
  }

  @EachVersion
  void messageWithoutDupIsNeverSuppressedAndTakesThePlaceOfTheEarlierOne(MqttVersion with) {
    deliveredAndCut(with, "a", "x", 7);
    resumed()
        .sendPublish("a", "x", 1, 7)
        .expectPuback(7)
        .sendPublish("a", "y", 1, 7)
        .expectPuback(7)
        .send(repeated("a", "x", 1, 7)) // not what was last sent with 7
        .expectPuback(7);
    carry();
    assertThat(payloads()).containsExactly("x", "x", "y", "x");
  }

  @EachVersion
  void repetitionOfAMessageThatIsBeingWorkedOnIsAcknowledgedWithIt(MqttVersion with) {
    connected(with).sendPublish("a", "x", 1, 7).sendPublish("a", "y", 1, 8);
    carry();
    cut();
    ServerScript script = resumed();
    script.send(repeated("a", "x", 1, 7)).send(repeated("a", "y", 1, 8));
    carry();
    assertThat(payloads()).containsExactly("x", "y");
    assertThat(engine.unacknowledgedMessages()).isEqualTo(2);
    acknowledge(message(1)); // in MQTT's order, so it waits
    assertThat(engine.unacknowledgedMessages()).isEqualTo(2);
    script.together(more -> more.expectPuback(7).expectPuback(8));
    acknowledge(message(0));
    assertThat(engine.unacknowledgedMessages()).isZero();
  }

  @EachVersion
  void answerGivenBetweenTwoConnectionsIsSentForTheRepetition(MqttVersion with) {
    connected(with).sendPublish("a", "x", 1, 7);
    carry();
    cut();
    acknowledge(message(0));
    resumed().send(repeated("a", "x", 1, 7)).expectPuback(7);
    carry();
    assertThat(payloads()).containsExactly("x");
  }

  @Test
  void refusalIsRepeatedToo() {
    connected().sendPublish("a", "x", 1, 7);
    carry();
    cut();
    acknowledge(message(0), ReasonCode.NOT_AUTHORIZED);
    resumed()
        .send(repeated("a", "x", 1, 7))
        .expect(PacketType.PUBACK, puback -> assertThat(puback.reasonCode()).isEqualTo(0x87));
    carry();
    assertThat(payloads()).containsExactly("x");
  }

  @EachVersion
  void repetitionOnTheSameConnectionIsAnsweredOnce(MqttVersion with) {
    ServerScript script =
        connected(with).sendPublish("a", "x", 1, 7).send(repeated("a", "x", 1, 7));
    carry();
    assertThat(payloads()).containsExactly("x");
    script.expectPuback(7);
    acknowledge(message(0));
    assertThat(engine.unacknowledgedMessages()).isZero();
  }

  @EachVersion
  void messageBeyondTheWindowIsForgotten(MqttVersion with) {
    acknowledgeAtOnce();
    ServerScript script = connected(with);
    for (int i = 1; i <= 4; i++) {
      script.sendPublish("a", "" + i, 1, i).expectPuback(i);
    }
    carry();
    cut();
    ServerScript again = resumed();
    for (int i = 2; i <= 4; i++) {
      again.send(repeated("a", "" + i, 1, i)).expectPuback(i);
    }
    again.send(repeated("a", "1", 1, 1)).expectPuback(1);
    carry();
    assertThat(payloads()).containsExactly("1", "2", "3", "4", "1");
  }

  @Test
  void noMoreIsKeptThanTheWindowThoughIdentifiersAreUsedAgain() {
    acknowledgeAtOnce();
    ServerScript script = connected();
    for (int i = 0; i < 100; i++) {
      script.sendPublish("a", "" + i, 1, 1 + i % 7).expectPuback(1 + i % 7);
    }
    for (int i = 0; i < 5; i++) {
      script.sendPublish("a", "same", 1, 9).expectPuback(9);
    }
    carry();
    assertThat(engine.session().recent.size()).isOne(); // the last three had one identifier
    assertThat(events.messages).hasSize(105);
  }

  @EachVersion
  void allIsForgottenWhenTheServerHasLostTheSession(MqttVersion with) {
    deliveredAndCut(with, "a", "x", 7);
    connected(with).send(repeated("a", "x", 1, 7)).expectPuback(7);
    carry();
    assertThat(payloads()).containsExactly("x", "x");
  }

  @EachVersion
  void repetitionsGiveTheServerItsQuotaBack(MqttVersion with) {
    if (with == MqttVersion.MQTT_5) {
      connectProperties.set(io.bight.mqtt.Property.RECEIVE_MAXIMUM, 1);
    }
    deliveredAndCut(with, "a", "x", 7);
    ServerScript script = resumed();
    for (int i = 0; i < 5; i++) {
      script.send(repeated("a", "x", 1, 7)).expectPuback(7);
    }
    script.sendPublish("a", "y", 1, 8).expectPuback(8);
    carry();
    assertThat(payloads()).containsExactly("x", "y");
  }

  // ---- given up

  @EachVersion
  void abandonedMessageIsDeliveredAgainAtQos1(MqttVersion with) {
    connected(with).sendPublish("a", "x", 1, 7);
    carry();
    engine.abandon(message(0));
    cut();
    ServerScript script = resumed().send(repeated("a", "x", 1, 7));
    carry();
    assertThat(payloads()).containsExactly("x", "x");
    script.expectPuback(7);
    acknowledge(message(1));
    acknowledge(message(0)); // of the connection that is gone
    assertThat(engine.unacknowledgedMessages()).isZero();
  }

  @EachVersion
  void abandonedMessageIsDeliveredAgainAtQos2AndThenOnlyOnce(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7);
    carry();
    engine.abandon(message(0));
    cut();
    ServerScript script = resumed().send(repeated("a", "x", 2, 7));
    carry();
    assertThat(payloads()).containsExactly("x", "x");
    script.together(
        more ->
            more.expectPubrec(7)
                .send(repeated("a", "x", 2, 7))
                .expectPubrec(7)
                .sendPubrel(7)
                .expectPubcomp(7));
    acknowledge(message(1));
    assertThat(payloads()).containsExactly("x", "x");
    assertThat(engine.session().receivingMessages()).isZero();
  }

  @EachVersion
  void abandonedMessageMayBeAcknowledgedAllTheSame(MqttVersion with) {
    ServerScript script = connected(with).sendPublish("a", "x", 1, 7);
    carry();
    engine.abandon(message(0));
    script.expectPuback(7);
    acknowledge(message(0));
    cut();
    resumed().send(repeated("a", "x", 1, 7)).expectPuback(7);
    carry();
    assertThat(payloads()).containsExactly("x");
  }
}
