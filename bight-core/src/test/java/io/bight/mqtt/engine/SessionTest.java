// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.EngineOptions.SessionLoss;
import io.bight.mqtt.engine.OutgoingPublish.Progress;
import io.bight.testkit.Property;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ServerScript;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What becomes of messages in flight when the connection does not last. */
class SessionTest extends EngineFixture {
  private static void requireRepetition(ReceivedPacket publish, String topic, int identifier) {
    assertThat(publish.topic()).isEqualTo(topic);
    assertThat(publish.dup()).as("DUP").isTrue();
    assertThat(publish.packetIdentifier()).isEqualTo(identifier);
  }

  private static void requireNew(ReceivedPacket publish, String topic) {
    assertThat(publish.topic()).isEqualTo(topic);
    assertThat(publish.dup()).as("DUP").isFalse();
  }

  private ServerScript reconnecting(boolean sessionPresent) {
    return server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(sessionPresent));
  }

  // ---- the server has kept the session

  @EachVersion
  @Normative(
      v311 = {"2.3.1-3", "3.3.1-1", "3.1.2-4", "4.1.0-1", "4.1.0-2", "4.4.0-1", "4.6.0-1"},
      v5 = {"3.3.1-1", "3.1.2-23", "4.1.0-1", "4.4.0-1", "4.6.0-1"})
  void unacknowledgedPublishesAreRepeatedInOrderWithDup(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b").expectPublish("c");
    Outcome<PublishResult> first = publish(qos1("a"));
    Outcome<PublishResult> second = publish(qos2("b"));
    Outcome<PublishResult> third = publish(qos1("c"));
    cut();
    reconnecting(true)
        .expectPublish(publish -> requireRepetition(publish, "a", 1))
        .expectPublish(publish -> requireRepetition(publish, "b", 2))
        .expectPublish(publish -> requireRepetition(publish, "c", 3))
        .sendPuback(1)
        .sendPubrec(2)
        .sendPuback(3)
        .expectPubrel(2)
        .sendPubcomp(2);
    connect();
    first.assertSuccess();
    second.assertSuccess();
    third.assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void acknowledgedPublishesAreNotRepeated(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b").sendPuback(1);
    publish(qos1("a"));
    Outcome<PublishResult> second = publish(qos1("b"));
    cut();
    reconnecting(true)
        .expectPublish(publish -> requireRepetition(publish, "b", 2))
        .sendPuback(2)
        .expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
    second.assertSuccess();
  }

  @EachVersion
  @Normative(
      v311 = "4.3.3-1",
      v5 = {"4.3.3-6", "4.4.0-1", "4.6.0-4"})
  void afterPubrecOnlyPubrelIsRepeatedInTheOrderOfPubrec(MqttVersion with) {
    connected(with)
        .expectPublish("a")
        .expectPublish("b")
        .sendPubrec(2)
        .sendPubrec(1)
        .expectPubrel(2)
        .expectPubrel(1);
    Outcome<PublishResult> first = publish(qos2("a"));
    Outcome<PublishResult> second = publish(qos2("b"));
    cut();
    reconnecting(true)
        .expectPubrel(2)
        .expectPubrel(1)
        .sendPubcomp(2)
        .sendPubcomp(1)
        .expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
    first.assertSuccess();
    second.assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void pubrelComesBeforeRepetitionsAndTheseBeforeWhatIsNew(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b").sendPubrec(1).expectPubrel(1);
    publish(qos2("a"));
    publish(qos1("b"));
    cut();
    engine.publish(qos1("new").build(), new Outcome<>(), now());
    reconnecting(true)
        .expectPubrel(1)
        .expectPublish(publish -> requireRepetition(publish, "b", 2))
        .expectPublish(publish -> requireNew(publish, "new"))
        .sendPubcomp(1)
        .sendPuback(2)
        .sendPuback(3);
    connect();
    assertNothingInFlight();
  }

  @Test
  @Normative(v5 = "4.4.0-1")
  void nothingIsRepeatedOnALiveConnection() {
    connected().expectPublish("a").expectNothing(Duration.ofHours(1)).sendPuback(1);
    publish(qos1("a"));
    advance(Duration.ofHours(1));
    assertNothingInFlight();
  }

  @EachVersion
  void messagesAreRepeatedOverManyConnections(MqttVersion with) {
    connected(with).expectPublish("a");
    Outcome<PublishResult> published = publish(qos1("a"));
    for (int i = 0; i < 3; i++) {
      cut();
      reconnecting(true).expectPublish(publish -> requireRepetition(publish, "a", 1));
      connect();
    }
    cut();
    reconnecting(true).expectPublish(publish -> requireRepetition(publish, "a", 1)).sendPuback();
    connect();
    published.assertSuccess();
  }

  @Test
  void disconnectMayComeInTheMiddleOfRepetition() {
    connected().expectPublish("a").expectPublish("b");
    Outcome<PublishResult> first = publish(qos1("a"));
    Outcome<PublishResult> second = publish(qos1("b"));
    cut();
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.sessionPresent(true).property(Property.RECEIVE_MAXIMUM, 1))
        .expectPublish(publish -> requireRepetition(publish, "a", 1))
        .expectDisconnect()
        .expectClose();
    connect();
    disconnect();
    reconnecting(true)
        .expectPublish(publish -> requireRepetition(publish, "a", 1))
        .expectPublish(publish -> requireRepetition(publish, "b", 2))
        .sendPuback(1)
        .sendPuback(2);
    connect();
    first.assertSuccess();
    second.assertSuccess();
  }

  // ---- the server has lost the session

  @EachVersion
  @Normative(
      v311 = "3.1.2-6",
      v5 = {"3.2.2-5", "3.1.2-4"})
  void lostSessionPublishesAgainAsNewByDefault(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b");
    Outcome<PublishResult> first = publish(qos1("a"));
    Outcome<PublishResult> second = publish(qos2("b"));
    cut();
    engine.publish(qos1("new").build(), new Outcome<>(), now());
    reconnecting(false)
        .expectPublish(publish -> requireNew(publish, "a"))
        .expectPublish(publish -> requireNew(publish, "b"))
        .expectPublish(publish -> requireNew(publish, "new"))
        .sendPuback(3)
        .sendPubrec(4)
        .expectPubrel(4)
        .sendPubcomp(4)
        .sendPuback(5);
    connect();
    first.assertSuccess();
    second.assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void lostSessionFailsMessagesInFlightWhenChosen(MqttVersion with) {
    engine =
        newEngine(
            new EngineOptions(
                Duration.ofSeconds(10),
                10,
                10_000,
                OverflowPolicy.REJECT,
                SessionLoss.FAIL,
                0,
                65_535));
    connected(with).expectPublish("a").expectPublish("b");
    Outcome<PublishResult> first = publish(qos1("a"));
    Outcome<PublishResult> second = publish(qos2("b"));
    cut();
    Outcome<PublishResult> queued = new Outcome<>();
    engine.publish(qos1("new").build(), queued, now());
    reconnecting(false).expectPublish(publish -> requireNew(publish, "new")).sendPuback();
    connect();
    assertThat(first.assertFailure("'a'", "lost the session", "not known"))
        .isInstanceOf(MqttDisconnectedException.class);
    second.assertFailure("'b'");
    queued.assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void lostSessionCompletesWhatTheServerHadTaken(MqttVersion with) {
    connected(with).expectPublish("a").sendPubrec().expectPubrel(1);
    Outcome<PublishResult> published = publish(qos2("a"));
    cut();
    reconnecting(false).expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
    published.assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void sessionOfTheServerMayBeThereOnTheFirstConnect(MqttVersion with) {
    version = with;
    reconnecting(true);
    connect();
    assertThat(events.connacks.get(0).sessionPresent()).isTrue();
    assertThat(engine.state()).isEqualTo(MqttEngine.State.CONNECTED);
  }

  @Test
  void serverOf31HasTheSessionThoughItCannotSaySo() {
    connected(MqttVersion.MQTT_3_1).expectPublish("a");
    Outcome<PublishResult> published = publish(qos1("a"));
    cut();
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .expectPublish(publish -> requireRepetition(publish, "a", 1))
        .sendPuback();
    connect();
    published.assertSuccess();
  }

  @Test
  void serverOf31HasNoSessionAfterACleanStart() {
    cleanStart = true;
    connected(MqttVersion.MQTT_3_1).expectPublish("a");
    Outcome<PublishResult> published = publish(qos1("a"));
    cut();
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .expectPublish(publish -> requireNew(publish, "a"))
        .sendPuback();
    connect();
    published.assertSuccess();
  }

  // ---- narrower limits on the next connection

  @Test
  void repetitionThatTheServerWouldNotTakeAnyMoreFails() {
    connected().expectPublish("a").expectPublish("b");
    Outcome<PublishResult> first = publish(qos1("a").payload(new byte[100]));
    Outcome<PublishResult> second = publish(qos1("b"));
    cut();
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.sessionPresent(true).property(Property.MAXIMUM_PACKET_SIZE, 50))
        .expectPublish(publish -> requireRepetition(publish, "b", 2))
        .sendPuback();
    connect();
    first.assertRefused(ReasonCode.PACKET_TOO_LARGE, "'a'");
    second.assertSuccess();
    assertNothingInFlight();
  }

  // ---- the end

  @EachVersion
  void failAllFailsWhatIsQueuedAndInFlight(MqttVersion with) {
    var script = connected(with);
    script.expectPublish("a").expectPublish("b").sendPubrec().expectPubrel(2);
    Outcome<PublishResult> published = publish(qos1("a"));
    Outcome<PublishResult> released = publish(qos2("b"));
    cut();
    Outcome<PublishResult> queued = publish(qos1("c"));
    Outcome<SubscribeResult> subscribed = subscribe("d");
    Outcome<UnsubscribeResult> unsubscribed = unsubscribe("e");
    engine.failAll(new MqttException("closed", null));
    published.assertFailure("closed");
    released.assertFailure("closed");
    queued.assertFailure("closed");
    subscribed.assertFailure("closed");
    unsubscribed.assertFailure("closed");
    assertNothingInFlight();
  }

  @Test
  void failAllMayBeCalledWhileConnectedAndRepeating() {
    connected().expectPublish("a").expectPublish("b");
    publish(qos1("a"));
    publish(qos1("b"));
    cut();
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.sessionPresent(true).property(Property.RECEIVE_MAXIMUM, 1))
        .expectPublish("a")
        .expectNothing(Duration.ofSeconds(1));
    connect();
    engine.failAll(new MqttException("closed", null));
    advanceSeconds(1);
    assertNothingInFlight();
  }

  @Test
  void failAllEndsThoughCompletionsAskAnew() {
    Outcome<PublishResult> again = new Outcome<>();
    Outcome<SubscribeResult> subscribeAgain = new Outcome<>();
    engine.publish(
        qos1("a").build(),
        new Outcome<PublishResult>().then(() -> engine.publish(qos1("a").build(), again, now())),
        now());
    engine.subscribe(
        java.util.List.of(
            new io.bight.mqtt.packet.Subscription("a", io.bight.mqtt.Qos.AT_MOST_ONCE)),
        io.bight.mqtt.Properties.NONE,
        new Outcome<SubscribeResult>()
            .then(
                () ->
                    engine.subscribe(
                        java.util.List.of(
                            new io.bight.mqtt.packet.Subscription(
                                "b", io.bight.mqtt.Qos.AT_MOST_ONCE)),
                        io.bight.mqtt.Properties.NONE,
                        subscribeAgain,
                        now())),
        now());
    engine.failAll(new MqttException("closed", null));
    again.assertOpen();
    subscribeAgain.assertOpen();
  }

  @Test
  void progressCanBeSeen() {
    connected().expectPublish("a");
    Tracked message = new Tracked(qos1("a")).publish(engine, now());
    carry();
    assertThat(message.entry).isNull();
    assertThat(engine.session()).asString().contains("published=1", "queued=0", "held=202 B");
    cut();
    OutgoingPublish entry = message.entry;
    assertThat(entry.progress()).isEqualTo(Progress.PUBLISHED);
    assertThat(entry).hasToString("Publish['a', 0 B, qos=1] PUBLISHED id=1");
    assertThat(engine.session()).asString().contains("published=1", "queued=0", "held=202 B");
  }
}
