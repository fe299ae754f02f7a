// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.RetainHandling;
import io.bight.mqtt.packet.Subscription;
import io.bight.testkit.ServerScript;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What the engine says, and what it keeps back, while its store fails. */
class FailingStoreTest extends RestartFixture {
  /** With 5.0 the server is told that it is not its fault. */
  private static void expectEnd(ServerScript script, MqttVersion with) {
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x83);
    } else {
      script.expectClose();
    }
  }

  private void repair() {
    disk.fails = false;
    time.advanceTo(now() + SessionKeeper.RETRY_NANOS);
  }

  private void connectAndBeEndedForTheStore() {
    events.ends.clear();
    connect();
    assertEnded(
        ConnectionEnd.By.CLIENT, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, "the disk is full");
  }

  @EachVersion
  void pubrelIsNotRepeatedBeforeItsPubrecIsStored(MqttVersion with) {
    connected(with).expectPublish("a").sendPubrec(1).together(more -> expectEnd(more, with));
    Outcome<PublishResult> outcome = new Outcome<>();
    engine.publish(qos2("a").build(), outcome, now());
    carryToServer();
    disk.fails = true;
    carry();
    connecting(true).together(more -> expectEnd(more, with));
    connectAndBeEndedForTheStore();
    assertThat(disk.committedMessages()).containsExactly("a PUBLISHED");
    repair();
    connecting(true).expectPubrel(1).sendPubcomp(1);
    connect();
    outcome.assertSuccess();
  }

  @EachVersion
  void pubcompIsNotRepeatedBeforeItsPubrelIsStored(MqttVersion with) {
    acknowledgeAtOnce();
    ServerScript script = connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    carry();
    disk.fails = true;
    script.sendPubrel(7).together(more -> expectEnd(more, with));
    carry();
    connecting(true).sendPubrel(7).together(more -> expectEnd(more, with));
    connectAndBeEndedForTheStore();
    assertThat(disk.afterCrash().load().incoming()).containsExactly(7);
    repair();
    connecting(true).sendPubrel(7).expectPubcomp(7);
    connect();
    assertThat(disk.afterCrash().load().incoming()).isEmpty();
  }

  @EachVersion
  void storedQos0MessageIsNotSentBeforeTheStoreForgetsIt(MqttVersion with) {
    version = with;
    Outcome<PublishResult> first = new Outcome<>();
    engine.publish(qos0("a").payload("1").build(), first, now());
    engine.commit(now());
    disk.fails = true;
    ServerScript script = accepting().expectNothing(Duration.ofMillis(500));
    connect();
    Outcome<PublishResult> second = publish(qos0("a").payload("2")); // and it does not overtake
    advanceSeconds(0.5);
    first.assertOpen();
    second.assertOpen();
    disk.fails = false;
    script
        .expectPublish(publish -> assertThat(publish.payloadUtf8()).isEqualTo("1"))
        .expectPublish(publish -> assertThat(publish.payloadUtf8()).isEqualTo("2"));
    advanceSeconds(1);
    first.assertSuccess();
    second.assertSuccess();
    assertThat(disk.committedMessages()).isEmpty();
  }

  @EachVersion
  void qos0MessageBehindWhatCannotBeStoredIsSentAtOnce(MqttVersion with) {
    ServerScript script = connected(with);
    disk.fails = true;
    Outcome<PublishResult> stored = new Outcome<>();
    engine.publish(qos1("a").build(), stored, now());
    script.expectPublish("b");
    publish(qos0("b")).assertSuccess();
    stored.assertFailure("the disk is full");
  }

  @EachVersion
  void messageThatHasExpiredAndCannotBeStoredEndsOnce(MqttVersion with) {
    ServerScript script = connected(with);
    disk.fails = true;
    publish(qos1("a").messageExpiryInterval(Duration.ZERO)).assertFailure("expired");
    publish(qos1("b")).assertFailure("the disk is full");
    disk.fails = false;
    advanceSeconds(1.1);
    script.expectPublish("c").sendPuback(1);
    publish(qos1("c")).assertSuccess();
    assertNothingInFlight();
  }

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
                StoredSubscription.State.GRANTED));
    assertThat(kept.standing())
        .isEqualTo(
            with == MqttVersion.MQTT_5
                ? StoredSession.Standing.EXPIRED
                : StoredSession.Standing.KNOWN);
    restart(new CrashingStore());
  }

  @Test
  void aStoreThatHasFailedIsTriedAgainInTimeWithoutAConnection() {
    connected();
    cut();
    Outcome<PublishResult> kept = publish(qos1("a"), "1");
    disk.fails = true;
    publish(qos1("b"), "2").assertFailure("the disk is full");
    assertThat(engine.nextDeadlineNanos()).isEqualTo(now() + SessionKeeper.RETRY_NANOS);
    advanceSeconds(1.5); // in vain
    assertThat(events.storeRecoveries).isZero();
    disk.fails = false;
    advanceSeconds(1);
    assertThat(events.storeRecoveries).isOne();
    assertThat(engine.nextDeadlineNanos()).isEqualTo(MqttEngine.NO_DEADLINE);
    kept.assertOpen();
    crash();
    assertThat(restored).containsOnlyKeys("1");
    restart(new CrashingStore());
  }

  @Test
  void aStoreThatHasFailedIsTriedAgainInTimeWhileConnackIsAwaited() {
    disk.fails = true;
    publish(qos1("a"), "1").assertFailure("the disk is full");
    server.onConnection().expectConnect();
    connect();
    assertThat(engine.nextDeadlineNanos()).isEqualTo(now() + SessionKeeper.RETRY_NANOS);
    disk.fails = false;
    advanceSeconds(1.1);
    assertThat(events.storeRecoveries).isOne();
  }

  private Outcome<PublishResult> latest(String topic, String payload) {
    Outcome<PublishResult> outcome = new Outcome<>();
    engine.publish(
        Publication.of(
            qos1(topic).payload(payload).build(), OfflinePolicy.LATEST_PER_TOPIC, payload, outcome),
        now());
    engine.commit(now());
    return outcome;
  }

  @EachVersion
  void aNewerValueThatCannotBeStoredWaitsInPlaceOfTheStoredOne(MqttVersion with) {
    version = with;
    Outcome<PublishResult> first = latest("a", "1");
    disk.fails = true;
    Outcome<PublishResult> second = latest("a", "2");
    first.assertFailure("a newer one");
    second.assertOpen();
    latest("a", "3").assertFailure("the disk is full"); // as everything until the store works
    latest("b", "4").assertFailure("the disk is full");
    accepting().expectNothing(Duration.ofMillis(500));
    connect();
    advanceSeconds(0.5);
    cut();
    second.assertOpen(); // not sent before it is stored
    repair();
    accepting()
        .expectPublish(publish -> assertThat(publish.payloadUtf8()).isEqualTo("2"))
        .sendPuback(1);
    connect();
    second.assertSuccess();
    assertThat(disk.committedMessages()).isEmpty();
  }

  @Test
  void ofAValueThatWaitsToBeStoredTheNextProcessHasTheOneBefore() {
    latest("a", "1");
    disk.fails = true;
    Outcome<PublishResult> second = latest("a", "2");
    crash();
    assertThat(restored).containsOnlyKeys("1");
    engine.failAll(new MqttDisconnectedException("closed", null));
    second.assertOpen();
  }

  @Test
  void aValueThatWaitsToBeStoredFailsWithTheClient() {
    latest("a", "1");
    disk.fails = true;
    Outcome<PublishResult> second = latest("a", "2");
    engine.failAll(new MqttDisconnectedException("closed", null));
    second.assertFailure("closed");
    assertThat(disk.afterCrash().committedMessages()).containsExactly("a QUEUED");
  }

  @Test
  void aStoreThatWorksAgainIsToldWhatIsAskedAndNotAnswered() {
    connected().expectSubscribe("a").sendSuback(1).expectUnsubscribe("a").expectSubscribe("b");
    subscribe("a");
    disk.fails = true;
    unsubscribe("a");
    subscribe("b");
    disk.fails = false;
    advanceSeconds(1.1);
    assertThat(disk.afterCrash().load().subscriptions())
        .extracting(kept -> kept.subscription().topicFilter() + " " + kept.state())
        .containsExactly("a UNWANTED", "b ASKED");
    restart(new CrashingStore());
  }

  @Test
  void whatMustNotOutlastAConnectionFailsAtOnceWhileTheStoreDoesNotWork() {
    connected();
    disk.fails = true;
    publish(qos1("x"), "1").assertFailure("the disk is full");
    Outcome<PublishResult> outcome = new Outcome<>();
    engine.publish(Publication.of(qos1("a").build(), OfflinePolicy.FAIL, null, outcome), now());
    outcome.assertFailure("the disk is full");
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
