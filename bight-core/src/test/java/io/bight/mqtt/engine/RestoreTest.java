// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.EngineOptions.SessionLoss;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.PacketType;
import io.bight.testkit.ServerScript;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A session that outlives its process. */
class RestoreTest extends RestartFixture {
  // ---- messages on their way out

  @EachVersion
  void whatWaitedIsSentInOrderAfterTheRestart(MqttVersion with) {
    version = with;
    publish(qos1("a"), "1");
    publish(qos2("b"), "2");
    publish(qos0("c"), "3");
    crash();
    assertThat(restored.keySet()).containsExactly("1", "2", "3");
    assertThat(engine.session().queuedMessages()).isEqualTo(3);
    connecting(false)
        .expectPublish(publish -> requireSent(publish, "a", 1, false))
        .expectPublish(publish -> requireSent(publish, "b", 2, false))
        .expectPublish("c")
        .sendPuback(1)
        .sendPubrec(2)
        .expectPubrel(2)
        .sendPubcomp(2);
    connect();
    restored.values().forEach(Outcome::assertSuccess);
    assertNothingInFlight();
    assertThat(disk.committedMessages()).isEmpty();
  }

  @EachVersion
  void whatWasSentIsRepeatedWithDupAndItsIdentifier(MqttVersion with) {
    connected(with)
        .expectPublish("a")
        .expectPublish("b")
        .expectPublish("c")
        .sendPubrec(2)
        .expectPubrel(2);
    publish(qos1("a"), "1");
    publish(qos2("b"), "2");
    publish(qos2("c"), "3");
    crash();
    connecting(true)
        .expectPubrel(2)
        .expectPublish(publish -> requireSent(publish, "a", 1, true))
        .expectPublish(publish -> requireSent(publish, "c", 3, true))
        .expectPublish(publish -> requireSent(publish, "new", 4, false))
        .sendPubcomp(2)
        .sendPuback(1)
        .sendPubrec(3)
        .expectPubrel(3)
        .sendPubcomp(3)
        .sendPuback(4);
    Outcome<PublishResult> fresh = publish(qos1("new"), "4");
    connect();
    restored.values().forEach(Outcome::assertSuccess);
    fresh.assertSuccess();
    assertNothingInFlight();
    assertThat(disk.committedMessages()).isEmpty();
  }

  @Test
  void whatWasNotCommittedIsNotThere() {
    publish(qos1("a"), "1");
    engine.publish(
        Publication.of(qos1("b").build(), OfflinePolicy.QUEUE, "2", new Outcome<>()), now());
    crash();
    assertThat(restored.keySet()).containsExactly("1");
    restart(new CrashingStore());
  }

  @Test
  void outcomeIsToldBeforeTheStoreForgets() {
    connected().expectPublish("a").sendPuback(1);
    Outcome<PublishResult> outcome = new Outcome<>();
    engine.publish(
        Publication.of(
            qos1("a").build(),
            OfflinePolicy.QUEUE,
            "1",
            outcome.then(
                () -> assertThat(disk.committedMessages()).containsExactly("a PUBLISHED"))),
        now());
    carry();
    outcome.assertSuccess();
    assertThat(disk.committedMessages()).isEmpty();
  }

  @EachVersion
  void afterALostSessionWhatWasReleasedIsDoneAndTheRestIsNew(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b").sendPubrec(1).expectPubrel(1);
    publish(qos2("a"), "1");
    publish(qos2("b"), "2");
    crash();
    connecting(false).expectPublish(publish -> requireSent(publish, "b", 1, false));
    connect();
    restored.get("1").assertSuccess();
    crash();
    assertThat(restored.keySet()).containsExactly("2");
    connecting(false)
        .expectPublish(publish -> requireSent(publish, "b", 1, false))
        .sendPubrec(1)
        .expectPubrel(1)
        .sendPubcomp(1);
    connect();
    restored.get("2").assertSuccess();
    assertNothingInFlight();
  }

  @Test
  void afterALostSessionWhatWasSentFailsWhereThatIsWanted() {
    options =
        new EngineOptions(
            Duration.ofSeconds(10), 10, 10_000, OverflowPolicy.REJECT, SessionLoss.FAIL, 0, 65_535);
    connected().expectPublish("a");
    publish(qos2("a"), "1");
    crash();
    connecting(false);
    connect();
    restored.get("1").assertFailure("session");
    assertNothingInFlight();
  }

  @EachVersion
  void whatIsSentWhileLostMessagesFailTakesNoneOfTheirIdentifiers(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b");
    publish(qos1("a"), "1");
    publish(qos1("b"), "2");
    options =
        new EngineOptions(
            Duration.ofSeconds(10),
            100,
            1 << 20,
            OverflowPolicy.REJECT,
            SessionLoss.FAIL,
            0,
            65_535);
    crash();
    publish(qos1("c"), "3");
    publish(qos1("d"), "4");
    restored.get("1").then(() -> engine.disconnect(new Disconnect(ReasonCode.SUCCESS), now()));
    connecting(false)
        .expectPublish(publish -> requireSent(publish, "c", 1, false))
        .expectPublish(publish -> requireSent(publish, "d", 3, false)) // 2 is stored for "b"
        .expectDisconnect();
    connect();
    restored.get("2").assertFailure("lost the session");
  }

  @Test
  void restoredMessagesExpireWhenTheirLifeIsOver() {
    publish(
        Publish.builder("a").qos(Qos.AT_LEAST_ONCE).messageExpiryInterval(Duration.ofSeconds(5)),
        "1");
    crash();
    time.advanceTo(now() + Duration.ofSeconds(6).toNanos());
    connecting(false);
    connect();
    restored.get("1").assertFailure("expired");
    assertThat(disk.committedMessages()).isEmpty();
  }

  @Test
  void closingLeavesWhatIsStoredAndSaysSo() {
    Outcome<PublishResult> kept = new Outcome<>();
    boolean[] told = {false};
    engine.publish(
        Publication.of(
            qos1("a").build(),
            OfflinePolicy.QUEUE,
            "1",
            new Completion<>() {
              @Override
              public void onSuccess(PublishResult result) {
                kept.onSuccess(result);
              }

              @Override
              public void onFailure(io.bight.mqtt.MqttException failure) {
                kept.onFailure(failure);
              }

              @Override
              public void onKept(io.bight.mqtt.MqttException failure) {
                told[0] = true;
              }
            }),
        now());
    engine.commit(now());
    engine.failAll(new MqttDisconnectedException("closed", null));
    engine.commit(now());
    kept.assertOpen();
    assertThat(told[0]).isTrue();
    assertThat(disk.committedMessages()).containsExactly("a QUEUED");
    assertNothingInFlight();
  }

  @EachVersion
  void afterACleanStartWhatWasInFlightIsPublishedAnew(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b").sendPubrec(2).expectPubrel(2);
    publish(qos1("a"), "1");
    publish(qos2("b"), "2");
    crash();
    cleanStart = true;
    connecting(false).expectPublish(publish -> requireSent(publish, "a", 1, false)).sendPuback(1);
    connect();
    restored.values().forEach(Outcome::assertSuccess); // the server had said that it has b
    assertNothingInFlight();
    assertThat(disk.committedMessages()).isEmpty();
  }

  /** What is released counts against the quota as well, so a repetition may have to wait. */
  @Test
  void moreThanTheReceiveMaximumGoesOutInOrderAsAcknowledgementsCome() {
    connected()
        .expectPublish("a")
        .expectPublish("b")
        .expectPublish("c")
        .sendPubrec(1)
        .expectPubrel(1);
    publish(qos2("a"), "1");
    publish(qos1("b"), "2");
    publish(qos2("c"), "3");
    crash();
    publish(qos1("d"), "4");
    ServerScript script =
        server
            .onConnection()
            .expectConnect()
            .sendConnack(
                connack ->
                    connack
                        .sessionPresent(true)
                        .property(io.bight.testkit.Property.RECEIVE_MAXIMUM, 1))
            .expectPubrel(1)
            .expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
    script
        .sendPubcomp(1)
        .expectPublish(publish -> requireSent(publish, "b", 2, true))
        .sendPuback(2)
        .expectPublish(publish -> requireSent(publish, "c", 3, true))
        .sendPubrec(3)
        .expectPubrel(3)
        .sendPubcomp(3)
        .expectPublish(publish -> requireSent(publish, "d", 1, false))
        .sendPuback(1);
    carry();
    restored.values().forEach(Outcome::assertSuccess);
    assertNothingInFlight();
  }

  @Test
  void identifiersInUseBeforeTheRestartAreNotTakenAgain() {
    connected().expectPublish("a").expectPublish("b").sendPuback(1);
    publish(qos1("a"), "1");
    publish(qos1("b"), "2");
    crash();
    connecting(true)
        .expectPublish(publish -> requireSent(publish, "b", 2, true))
        .expectPublish(publish -> requireSent(publish, "c", 1, false))
        .expectPublish(publish -> requireSent(publish, "d", 3, false))
        .sendPuback(2)
        .sendPuback(1)
        .sendPuback(3);
    publish(qos1("c"), "3");
    publish(qos1("d"), "4");
    connect();
    assertNothingInFlight();
  }

  @Test
  void disconnectMayEndTheSessionAtOnce() {
    connectProperties.set(Property.SESSION_EXPIRY_INTERVAL, 60L);
    server.onConnection().expectConnect().sendConnack().expectPublish("a").expectDisconnect();
    connect();
    publish(qos1("a"), "1");
    engine.disconnect(
        new Disconnect(
            ReasonCode.SUCCESS,
            Properties.builder().set(Property.SESSION_EXPIRY_INTERVAL, 0L).build()),
        now());
    carry();
    engine.commit(now());
    restart(disk.afterCrash());
    assertThat(engine.session().isExpired()).isTrue();
    connecting(false).expectPublish(publish -> requireSent(publish, "a", 1, false)).sendPuback(1);
    connect();
    restored.get("1").assertSuccess();
  }

  @Test
  void newMessagesWaitForAllRepetitions() {
    ServerScript script = connected();
    for (int i = 0; i < 3; i++) {
      script.expectPublish("old" + i);
    }
    for (int i = 0; i < 3; i++) {
      engine.publish(qos1("old" + i).payload(new byte[40_000]).build(), new Outcome<>(), now());
    }
    carry();
    cut();
    engine.publish(qos1("new").build(), new Outcome<>(), now());
    engine.commit(now());
    List<String> seen = new ArrayList<>();
    ServerScript again = connecting(true);
    for (int i = 0; i < 4; i++) {
      again.expect(PacketType.PUBLISH, p -> seen.add(p.topic() + (p.dup() ? " DUP" : "")));
    }
    connect();
    again.sendPuback(1).sendPuback(2).sendPuback(3).sendPuback(4);
    carry();
    assertThat(seen).containsExactly("old0 DUP", "old1 DUP", "old2 DUP", "new");
    assertThat(engine.sendQuota()).isEqualTo(65_535);
  }

  @Test
  void aCompletionOfARefusedMessageMayCancelAnother() {
    ServerScript script =
        server
            .onConnection()
            .expectConnect()
            .sendConnack(
                connack ->
                    connack
                        .property(io.bight.testkit.Property.MAXIMUM_QOS, 1)
                        .property(io.bight.testkit.Property.RECEIVE_MAXIMUM, 1))
            .expectPublish("a");
    boolean[] cancelled = {false};
    OutgoingPublish[] other = new OutgoingPublish[1];
    Outcome<PublishResult> first =
        new Outcome<PublishResult>().then(() -> cancelled[0] = engine.cancel(other[0]));
    Outcome<PublishResult> second = new Outcome<>();
    Outcome<PublishResult> a = new Outcome<>();
    Outcome<PublishResult> b = new Outcome<>();
    engine.publish(qos2("refused").build(), first, now());
    other[0] = engine.publish(qos2("refused").build(), second, now());
    engine.publish(qos1("a").build(), a, now());
    engine.publish(qos1("b").build(), b, now());
    engine.commit(now());
    connect();
    script.sendPuback(1).expectPublish("b").sendPuback(2);
    carry();
    a.assertSuccess();
    b.assertSuccess();
    first.assertFailure("QoS 1 at most");
    second.assertFailure("QoS 1 at most");
    assertThat(cancelled[0]).as("too late to cancel").isFalse();
    assertNothingInFlight();
    assertThat(disk.committedMessages()).isEmpty();
  }

  // ---- messages on their way in

  @EachVersion
  void whatWasHandledIsNotDeliveredAgain(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7);
    carry();
    engine.acknowledge(events.messages.get(0), ReasonCode.SUCCESS, Properties.NONE, now());
    crash(); // before PUBREC was written
    connecting(true)
        .together(more -> more.sendPublish("a", "x", 2, 7).expectPubrec(7))
        .sendPubrel(7)
        .expectPubcomp(7)
        .sendPublish("b", "y", 2, 7)
        .expectPubrec(7);
    acknowledgeAtOnce();
    connect();
    assertThat(payloads()).containsExactly("y");
  }

  @EachVersion
  void whatWasDeliveredAndNotHandledIsDeliveredAgain(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7);
    carry();
    crash();
    connecting(true).sendPublish("a", "x", 2, 7).expectPubrec(7);
    acknowledgeAtOnce();
    connect();
    assertThat(payloads()).containsExactly("x");
  }

  @EachVersion
  void pubrelForWhatWasHandledBeforeTheRestartIsAnswered(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    acknowledgeAtOnce();
    carry();
    crash();
    connecting(true).sendPubrel(7).expectPubcomp(7);
    connect();
    crash();
    assertThat(engine.session().receivingMessages()).isZero();
  }

  // ---- subscriptions

  @EachVersion
  void subscriptionsAreMadeAgainInANewSessionOnly(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback(1);
    subscribe("a").assertSuccess();
    crash();
    connecting(true).expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
    crash();
    connecting(false).expectSubscribe("a"); // and the answer does not come
    connect();
    crash();
    connecting(true).expectSubscribe("a").sendSuback(1);
    connect();
    crash();
    connecting(true).expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
  }

  @EachVersion
  void subscriptionsAskedForWithoutAConnectionAreMadeByTheNextProcess(MqttVersion with) {
    version = with;
    subscribe("a").assertOpen();
    subscribe("b").assertOpen();
    engine.commit(now());
    crash();
    connecting(false).expectSubscribe("a").sendSuback(1).expectSubscribe("b").sendSuback(1);
    connect();
    assertThat(engine.session().wantedTopicFilters()).containsExactly("a", "b");
    crash();
    connecting(false).expectSubscribe("a", "b").sendSuback(1, 1);
    connect();
  }

  @EachVersion
  void subscriptionWhoseAnswerACrashHasCutOffIsMadeAgainInTheSameSession(MqttVersion with) {
    connected(with).expectSubscribe("a");
    subscribe("a").assertOpen();
    crash();
    connecting(true).expectSubscribe("a").sendSuback(1);
    connect();
    crash();
    connecting(true).expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
  }

  @EachVersion
  void subscriptionsThatTheServerRefusesAreForgotten(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback(0x80).expectSubscribe("b");
    subscribe("a").assertRefused(ReasonCode.UNSPECIFIED_ERROR);
    subscribe("b").assertOpen();
    crash();
    connecting(false).expectSubscribe("b").sendSuback(0x80);
    connect();
    assertThat(events.resubscribeFailures).hasSize(1);
    crash();
    connecting(false).expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
  }

  @EachVersion
  void aSubscriptionOutlivesTheRefusalOfItsChange(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback(1).expectSubscribe("a").sendSuback(0x80);
    subscribe("a").assertSuccess();
    subscribe("a").assertRefused(ReasonCode.UNSPECIFIED_ERROR);
    crash();
    connecting(false).expectSubscribe("a").sendSuback(1);
    connect();
  }

  @EachVersion
  void anUnsubscribeWhoseAnswerACrashHasCutOffIsMadeAgain(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback(1).expectUnsubscribe("a");
    subscribe("a").assertSuccess();
    unsubscribe("a").assertOpen();
    crash();
    connecting(true).expectUnsubscribe("a"); // and no answer again
    connect();
    crash();
    connecting(false).expectUnsubscribe("a").sendUnsuback();
    connect();
    assertThat(engine.session().wantedTopicFilters()).isEmpty();
    crash();
    connecting(false).expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
  }

  @EachVersion
  void whatIsAskedForNowTakesThePlaceOfWhatAnEarlierProcessAskedFor(MqttVersion with) {
    version = with;
    subscribe("a");
    unsubscribe("b");
    unsubscribe("c");
    engine.commit(now());
    crash();
    Outcome<UnsubscribeResult> unsubscribed = unsubscribe("a");
    Outcome<SubscribeResult> subscribed = subscribe("b");
    engine.commit(now());
    connecting(true)
        .expectUnsubscribe("c")
        .sendUnsuback()
        .expectUnsubscribe("a")
        .sendUnsuback()
        .expectSubscribe("b")
        .sendSuback(1);
    connect();
    unsubscribed.assertSuccess();
    subscribed.assertSuccess();
    crash();
    connecting(false).expectSubscribe("b").sendSuback(1);
    connect();
  }

  @Test
  void aSubscriptionThatAClosedClientWasNotAnsweredIsMadeByTheNext() {
    Outcome<SubscribeResult> subscribed = subscribe("a");
    engine.commit(now());
    engine.failAll(new MqttDisconnectedException("closed", null));
    subscribed.assertFailure("closed");
    engine.commit(now());
    restart(disk.afterCrash());
    connecting(false).expectSubscribe("a").sendSuback(1);
    connect();
  }

  // ---- expiry

  @Test
  void anExpiredSessionAsksForANewOne() {
    connectProperties.set(Property.SESSION_EXPIRY_INTERVAL, 60L);
    connected().expectPublish("a");
    publish(qos1("a"), "1");
    cut();
    engine.commit(now());
    restart(disk.afterExpiry());
    assertThat(engine.session().isExpired()).isTrue();
    cleanStart = true;
    connecting(false).expectPublish(publish -> requireSent(publish, "a", 1, false)).sendPuback(1);
    connect();
    assertThat(engine.session().isExpired()).isFalse();
    restored.get("1").assertSuccess();
  }

  @Test
  void expiryInDisconnectMeansNothingBefore5() {
    version = MqttVersion.MQTT_3_1_1;
    server.onConnection().expectConnect().sendConnack().expectDisconnect();
    connect();
    engine.disconnect(
        new Disconnect(
            ReasonCode.SUCCESS,
            Properties.builder().set(Property.SESSION_EXPIRY_INTERVAL, 0L).build()),
        now());
    carry();
    engine.commit(now());
    crash();
    assertThat(engine.session().isExpired()).isFalse();
  }

  @Test
  void aRefusedConnectionLeavesTheStanding() {
    connectProperties.set(Property.SESSION_EXPIRY_INTERVAL, 60L);
    connected();
    cut();
    engine.commit(now());
    server
        .onConnection()
        .expectConnect()
        .sendConnack(connack -> connack.reasonCode(0x88))
        .expectClose();
    connect();
    engine.commit(now());
    assertThat(disk.load().standing()).isEqualTo(StoredSession.Standing.KNOWN);
  }
}
