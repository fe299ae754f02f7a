// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.RetainHandling;
import io.bight.mqtt.engine.EngineOptions.SessionLoss;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Subscription;
import io.bight.testkit.PacketType;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ServerScript;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A session that outlives its process, and one that cannot be stored. */
class RestoreTest extends EngineFixture {
  /** The outcomes of restored messages, by tag. */
  private final Map<String, Outcome<PublishResult>> restored = new LinkedHashMap<>();

  private CrashingStore disk = (CrashingStore) store;
  private EngineOptions options = EngineOptions.DEFAULT;

  @Override
  SessionStore newStore() {
    return new CrashingStore();
  }

  private Outcome<PublishResult> publish(Publish.Builder message, String tag) {
    Outcome<PublishResult> outcome = new Outcome<>();
    engine.publish(message.build(), OfflinePolicy.QUEUE, tag, outcome, now());
    if (isOpen()) {
      carry();
    } else {
      engine.commit(now());
    }
    return outcome;
  }

  /** The process is killed; another one begins with what was committed. */
  private void crash() {
    CrashingStore left = disk.afterCrash();
    if (isOpen()) {
      cut();
    }
    restart(left);
  }

  private void restart(CrashingStore left) {
    disk = left;
    engine = newEngine(options, disk);
    events.messages.clear();
    restored.clear();
    engine.restore(
        message -> {
          Outcome<PublishResult> outcome = new Outcome<>();
          restored.put(String.valueOf(message.tag()), outcome);
          return outcome;
        },
        now());
  }

  private ServerScript connecting(boolean sessionPresent) {
    return server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(sessionPresent));
  }

  private static void requireSent(
      ReceivedPacket publish, String topic, int identifier, boolean dup) {
    assertThat(publish.topic()).isEqualTo(topic);
    assertThat(publish.packetIdentifier()).isEqualTo(identifier);
    assertThat(publish.dup()).as("DUP").isEqualTo(dup);
  }

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
    engine.publish(qos1("b").build(), OfflinePolicy.QUEUE, "2", new Outcome<>(), now());
    crash();
    assertThat(restored.keySet()).containsExactly("1");
    restart(new CrashingStore());
  }

  @Test
  void outcomeIsToldBeforeTheStoreForgets() {
    connected().expectPublish("a").sendPuback(1);
    Outcome<PublishResult> outcome = new Outcome<>();
    engine.publish(
        qos1("a").build(),
        OfflinePolicy.QUEUE,
        "1",
        outcome.then(() -> assertThat(disk.committedMessages()).containsExactly("a PUBLISHED")),
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
            Duration.ofSeconds(10), 10, 10_000, OverflowPolicy.REJECT, SessionLoss.FAIL, 0);
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
            Duration.ofSeconds(10), 100, 1 << 20, OverflowPolicy.REJECT, SessionLoss.FAIL, 0);
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
        },
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

  // ---- a server that began a new session without our knowledge

  @EachVersion
  void afterACrashBetweenConnectAndConnackSubscriptionsAreMadeAgain(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback(1);
    subscribe("a").assertSuccess();
    cut();
    server.onConnection().expectConnect(); // it had lost the session, and begins one
    connect();
    crash();
    connecting(true)
        .expect(
            PacketType.SUBSCRIBE,
            packet -> {
              assertThat(packet.topicFilters()).containsExactly("a");
              if (with == MqttVersion.MQTT_5) {
                assertThat(packet.subscriptions().get(0).retainHandling()).isEqualTo(1);
              }
            })
        .sendSuback(1);
    connect();
    crash();
    connecting(false)
        .expect(
            PacketType.SUBSCRIBE,
            packet -> {
              assertThat(packet.topicFilters()).containsExactly("a");
              assertThat(packet.subscriptions().get(0).retainHandling()).isEqualTo(0);
            });
    connect();
  }

  @EachVersion
  void afterALostConnackSubscriptionsAreMadeAgainInTheSameProcess(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback(1);
    subscribe("a").assertSuccess();
    cut();
    server.onConnection().expectConnect();
    connect();
    cut();
    connecting(true).expectSubscribe("a").sendSuback(1);
    connect();
    cut();
    connecting(true).expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
  }

  @EachVersion
  void identifiersFromBeforeMayMeanNewMessagesThen(MqttVersion with) {
    acknowledgeAtOnce();
    connected(with)
        .sendPublish("a", "x", 2, 7)
        .expectPubrec(7)
        .sendPublish("a", "y", 2, 8)
        .expectPubrec(8);
    carry();
    cut();
    server.onConnection().expectConnect();
    connect();
    crash();
    connecting(true)
        .sendPublish("new", "z", 2, 7) // DUP is 0: never sent before
        .expectPubrec(7)
        .send(
            io.bight.testkit.OutgoingPacket.publish("a", "y").qos(2).packetIdentifier(8).dup(true))
        .expectPubrec(8);
    connect();
    assertThat(payloads()).containsExactly("z");
  }

  @EachVersion
  void anIdentifierThatMeansANewMessageIsNotHandledUntilThatOneIs(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    carry();
    acknowledge(events.messages.get(0));
    cut();
    server.onConnection().expectConnect();
    connect();
    crash();
    connecting(true).sendPublish("new", "z", 2, 7);
    connect();
    engine.commit(now());
    crash(); // before the new message is handled
    connecting(true)
        .send(
            io.bight.testkit.OutgoingPacket.publish("new", "z")
                .qos(2)
                .packetIdentifier(7)
                .dup(true));
    connect();
    assertThat(payloads()).containsExactly("z");
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

  // ---- a store that fails

  @EachVersion
  void whatCannotBeStoredFailsAndIsNotSentAndTheConnectionLasts(MqttVersion with) {
    ServerScript script = connected(with).expectPublish("before");
    Outcome<PublishResult> before = publish(qos1("before"), "0");
    disk.fails = true;
    Outcome<PublishResult> first = publish(qos1("a"), "1");
    assertThat(first.assertFailure("'a'", "stored", "the disk is full"))
        .isInstanceOf(MqttStoreException.class);
    publish(qos2("b"), "2").assertFailure("'b'", "the disk is full");
    script.expectPublish("zero");
    publish(qos0("zero").build()).assertSuccess();
    assertThat(events.storeFailures).hasSize(1);
    before.assertOpen();
    disk.fails = false;
    publish(qos1("too early"), "3").assertFailure("the disk is full");
    advanceSeconds(1.1);
    assertThat(events.storeRecoveries).isOne();
    script.expectPublish("after").sendPuback(1).sendPuback(3);
    publish(qos1("after"), "4").assertSuccess();
    before.assertSuccess();
    assertNothingInFlight();
    assertThat(disk.committedMessages()).isEmpty();
  }

  @Test
  void whatWaitsForAConnectionAndCannotBeStoredFails() {
    publish(qos1("a"), "1");
    disk.fails = true;
    publish(qos1("b"), "2").assertFailure("'b'", "the disk is full");
    publish(qos1("c"), "3").assertFailure("'c'", "the disk is full");
    disk.fails = false;
    time.advanceTo(now() + SessionKeeper.RETRY_NANOS);
    publish(qos1("d"), "4");
    crash();
    assertThat(restored.keySet()).containsExactly("1", "4");
    restart(new CrashingStore());
  }

  @Test
  void deadlineOfTheStoreIsServedWithoutABatch() {
    connected();
    disk.fails = true;
    publish(qos1("a"), "1").assertFailure("the disk is full");
    for (int second = 1; second <= 3; second++) {
      long deadline = engine.nextDeadlineNanos();
      assertThat(deadline - now()).isEqualTo(SessionKeeper.RETRY_NANOS);
      disk.fails = second < 3;
      time.advanceTo(deadline);
      engine.handleTimeout(now()); // and nothing is taken, since the transport takes nothing
    }
    assertThat(engine.nextDeadlineNanos()).isEqualTo(MqttEngine.NO_DEADLINE);
    assertThat(events.storeRecoveries).isOne();
  }

  @EachVersion
  void whatIsStoredWaitsUntilItsIdentifierCanBe(MqttVersion with) {
    publish(qos1("a"), "1");
    publish(qos2("b"), "2");
    disk.fails = true;
    ServerScript script = connected(with);
    assertThat(engine.session().queuedMessages()).isEqualTo(2);
    script
        .expectPublish(publish -> requireSent(publish, "a", 1, false))
        .expectPublish(publish -> requireSent(publish, "b", 2, false))
        .sendPuback(1)
        .sendPubrec(2)
        .expectPubrel(2)
        .sendPubcomp(2);
    disk.fails = false;
    advanceSeconds(1.1);
    assertNothingInFlight();
  }

  @EachVersion
  void aStepOfQos2ThatCannotBeStoredIsNotTakenAndEndsTheConnection(MqttVersion with) {
    ServerScript script = connected(with).expectPublish("a").sendPubrec(1);
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x83);
    } else {
      script.expectClose();
    }
    Outcome<PublishResult> outcome = new Outcome<>();
    engine.publish(qos2("a").build(), outcome, now());
    carryToServer();
    disk.fails = true;
    carry();
    assertEnded(
        ConnectionEnd.By.CLIENT, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, "the disk is full");
    outcome.assertOpen();
    disk.fails = false;
    time.advanceTo(now() + SessionKeeper.RETRY_NANOS);
    connecting(true).expectPubrel(1).sendPubcomp(1);
    connect();
    outcome.assertSuccess();
    assertThat(disk.committedMessages()).isEmpty();
  }

  @EachVersion
  void aStoreThatComesBackIsToldTheWholeSession(MqttVersion with) {
    ServerScript script =
        connected(with)
            .expectSubscribe("s")
            .sendSuback(1)
            .expectPublish("a")
            .expectPublish("b")
            .sendPubrec(3)
            .expectPubrel(3)
            .sendPublish("in", "x", 2, 7)
            .expectPubrec(7);
    acknowledgeAtOnce();
    subscribe("s");
    publish(qos1("a"), "1");
    publish(qos2("b"), "2");
    disk.fails = true;
    publish(qos1("lost"), "3").assertFailure("the disk is full");
    disk.fails = false;
    script.expectPublish("c");
    advanceSeconds(1.1);
    publish(qos1("c"), "4");
    crash();
    assertThat(disk.committedMessages())
        .containsExactly("a PUBLISHED", "b RELEASED", "c PUBLISHED");
    StoredSession kept = disk.load();
    assertThat(kept.incoming()).containsExactly(7);
    assertThat(kept.subscriptions())
        .containsExactly(
            new StoredSubscription(
                new Subscription("s", Qos.AT_LEAST_ONCE, false, false, RetainHandling.SEND),
                0,
                true));
    assertThat(kept.standing())
        .isEqualTo(
            with == MqttVersion.MQTT_5
                ? StoredSession.Standing.EXPIRED
                : StoredSession.Standing.KNOWN);
    restart(new CrashingStore());
  }

  // ---- found by review

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

  @EachVersion
  void anIdentifierThatMeansANewMessageIsForgottenBeforeTheHandlerIsCalled(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    carry();
    acknowledge(events.messages.get(0));
    cut();
    server.onConnection().expectConnect();
    connect();
    crash();
    CrashingStore[] killed = new CrashingStore[1];
    events.whenMessage = message -> killed[0] = disk.afterCrash();
    connecting(true).sendPublish("new", "z", 2, 7);
    connect();
    events.whenMessage = message -> {};
    cut();
    restart(killed[0]);
    connecting(true)
        .send(
            io.bight.testkit.OutgoingPacket.publish("new", "z")
                .qos(2)
                .packetIdentifier(7)
                .dup(true));
    connect();
    assertThat(payloads()).containsExactly("z");
  }

  @Test
  void whatMustNotOutlastAConnectionFailsAtOnceWhileTheStoreDoesNotWork() {
    connected();
    disk.fails = true;
    publish(qos1("x"), "1").assertFailure("the disk is full");
    Outcome<PublishResult> outcome = new Outcome<>();
    engine.publish(qos1("a").build(), OfflinePolicy.FAIL, null, outcome, now());
    outcome.assertFailure("the disk is full");
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

  @Test
  void whatIsNotCommittedWhenTheClientEndsIsCommittedThenOrFails() {
    Outcome<PublishResult> kept = new Outcome<>();
    engine.publish(qos1("a").build(), kept, now());
    engine.failAll(new MqttDisconnectedException("closed", null));
    assertThat(disk.committedMessages()).containsExactly("a QUEUED");
    restart(new CrashingStore());
    disk.fails = true;
    Outcome<PublishResult> lost = new Outcome<>();
    engine.publish(qos1("b").build(), lost, now());
    engine.failAll(new MqttDisconnectedException("closed", null));
    lost.assertFailure("stored", "the disk is full");
  }

  @EachVersion
  void pubrelThatWasStoredIsRepeatedThoughTheStoreDoesNotWork(MqttVersion with) {
    connected(with).expectPublish("a").sendPubrec(1).expectPubrel(1);
    Outcome<PublishResult> outcome = publish(qos2("a"), "1");
    cut();
    disk.fails = true;
    connecting(true).expectPubrel(1).sendPubcomp(1);
    connect();
    outcome.assertSuccess();
    assertThat(events.ends).hasSize(1);
  }
}
