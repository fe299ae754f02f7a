// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttOvertakenException;
import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.engine.EngineOptions.SessionLoss;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.Property;
import io.bight.testkit.ServerScript;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What waits while it cannot be sent, what is overtaken, what is dropped, and what fails. */
class OfflinePolicyTest extends EngineFixture {
  /** What an empty message with a topic of one character counts for. */
  private static final int SMALLEST = 200 + 2;

  private static final int SMALLEST_LATEST = SMALLEST + 80;

  private long published;

  private void bound(int messages, long bytes, OverflowPolicy overflowPolicy) {
    engine =
        newEngine(
            new EngineOptions(
                Duration.ofSeconds(10),
                messages,
                bytes,
                overflowPolicy,
                SessionLoss.REPUBLISH,
                0,
                65_535));
  }

  private Outcome<PublishResult> publish(Publish.Builder message, OfflinePolicy policy) {
    Outcome<PublishResult> outcome = new Outcome<>();
    enter(message, policy, outcome);
    carry();
    return outcome;
  }

  private OutgoingPublish enter(
      Publish.Builder message, OfflinePolicy policy, Outcome<PublishResult> outcome) {
    published++;
    return engine.publish(Publication.of(message.build(), policy, null, outcome), now());
  }

  private Outcome<PublishResult> queue(String topic) {
    return publish(qos1(topic), OfflinePolicy.QUEUE);
  }

  private Outcome<PublishResult> latest(String topic, String payload) {
    return publish(qos1(topic).payload(payload), OfflinePolicy.LATEST_PER_TOPIC);
  }

  private static void assertDropped(Outcome<?> outcome) {
    assertThat(outcome.assertFailure("dropped", "client 'test'"))
        .isInstanceOfSatisfying(
            MqttQueueFullException.class, full -> assertThat(full.isDropped()).isTrue());
  }

  private static void assertOvertaken(Outcome<?> outcome) {
    assertThat(outcome.assertFailure("client 'test'", "newer"))
        .isInstanceOf(MqttOvertakenException.class);
  }

  /** Connects; the server acknowledges what comes and must be sent just this, in this order. */
  private void connectAndExpect(String... topicsAndPayloads) {
    ServerScript script = accepting();
    List<String> sent = new ArrayList<>();
    for (int i = 0; i < topicsAndPayloads.length; i++) {
      script
          .expectPublish(publish -> sent.add(publish.topic() + publish.payloadUtf8()))
          .sendPuback();
    }
    script.expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
    assertThat(sent).containsExactly(topicsAndPayloads);
    assertNothingInFlight();
  }

  @AfterEach
  void allThatEnteredTheQueueHasLeftItOnce() {
    engine.failAll(new MqttException("end of the test", null));
    assertThat(engine.session().heldBytes()).isZero();
    if (published > 0) {
      assertThat(engine.session().leftMessages()).isEqualTo(published);
    }
  }

  // ---- overflow

  @Test
  void rejectRefusesTheNewMessageAtTheExactBounds() {
    bound(2, 3 * SMALLEST, OverflowPolicy.REJECT);
    queue("a");
    queue("b");
    assertThat(queue("c").assertFailure("2 messages wait", "202 B", "client 'test'"))
        .isInstanceOfSatisfying(
            MqttQueueFullException.class, full -> assertThat(full.isDropped()).isFalse());
    connectAndExpect("a", "b");
  }

  @ParameterizedTest
  @EnumSource(OverflowPolicy.class)
  void messageAsLargeAsTheBoundEntersAndALargerOneDoesNot(OverflowPolicy policy) {
    bound(10, SMALLEST + 100, policy);
    publish(qos1("a").payload(new byte[101]), OfflinePolicy.QUEUE).assertFailure("303 B", "302 B");
    publish(qos1("a").payload(new byte[100]), OfflinePolicy.QUEUE).assertOpen();
    assertThat(engine.session().heldBytes()).isEqualTo(SMALLEST + 100);
    publish(qos1("b").payload(new byte[101]), OfflinePolicy.QUEUE).assertFailure();
    assertThat(engine.session().queuedMessages()).as("the first is not dropped for it").isOne();
  }

  @Test
  void dropNewestKeepsThoseThatWait() {
    bound(2, 1_000_000, OverflowPolicy.DROP_NEWEST);
    queue("a");
    queue("b");
    assertDropped(queue("c"));
    connectAndExpect("a", "b");
  }

  @Test
  void blockRefusesInTheEngineWhichCannotWait() {
    bound(1, 1_000_000, OverflowPolicy.BLOCK);
    queue("a");
    assertThat(queue("b").assertFailure("refused")).isInstanceOf(MqttQueueFullException.class);
    connectAndExpect("a");
  }

  @Test
  void dropOldestKeepsTheNewestByCount() {
    bound(2, 1_000_000, OverflowPolicy.DROP_OLDEST);
    Outcome<PublishResult> first = queue("a");
    Outcome<PublishResult> second = queue("b");
    queue("c").assertOpen();
    assertDropped(first);
    second.assertOpen();
    queue("d").assertOpen();
    assertDropped(second);
    connectAndExpect("c", "d");
  }

  @Test
  void dropOldestDropsAsManyAsTheBytesNeedAndNoMore() {
    bound(100, 4 * SMALLEST, OverflowPolicy.DROP_OLDEST);
    Outcome<PublishResult> first = queue("a");
    Outcome<PublishResult> second = queue("b");
    Outcome<PublishResult> third = queue("c");
    publish(qos1("d").payload(new byte[SMALLEST]), OfflinePolicy.QUEUE).assertOpen();
    assertDropped(first);
    second.assertOpen();
    publish(qos1("e").payload(new byte[1]), OfflinePolicy.QUEUE).assertOpen();
    assertDropped(second);
    assertDropped(third);
    assertThat(engine.session().heldBytes()).isEqualTo(3 * SMALLEST + 1);
    assertThat(engine.session().queuedMessages()).isEqualTo(2);
  }

  @Test
  void dropOldestNeverDropsWhatIsInFlight() {
    bound(10, 3 * SMALLEST, OverflowPolicy.DROP_OLDEST);
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.RECEIVE_MAXIMUM, 2))
        .expectPublish("a")
        .expectPublish("b");
    connect();
    Outcome<PublishResult> first = queue("a");
    Outcome<PublishResult> second = queue("b");
    Outcome<PublishResult> third = queue("c");
    Outcome<PublishResult> fourth = queue("d");
    assertDropped(third);
    // All that could be dropped would not make room: nothing is, but the new one.
    assertDropped(publish(qos1("e").payload(new byte[1]), OfflinePolicy.QUEUE));
    first.assertOpen();
    second.assertOpen();
    fourth.assertOpen();
  }

  @Test
  void inFlightMessagesCountForTheBytesButNotForTheCount() {
    bound(1, 3 * SMALLEST, OverflowPolicy.REJECT);
    connected().expectPublish("a").expectPublish("b").expectPublish("c").sendPuback(1);
    queue("a");
    queue("b");
    publish(qos1("x").payload(new byte[1]), OfflinePolicy.QUEUE).assertFailure("2 in flight");
    queue("c");
    assertThat(engine.session().heldBytes()).as("after the PUBACK").isEqualTo(2 * SMALLEST);
  }

  @Test
  void whatWaitsAgainAfterALostSessionIsNotDroppedNorCountedAsWaiting() {
    bound(1, 1_000_000, OverflowPolicy.DROP_OLDEST);
    connected().expectPublish("a").expectPublish("b");
    queue("a");
    queue("b");
    cut();
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.RECEIVE_MAXIMUM, 1))
        .expectPublish("a");
    connect();
    Outcome<PublishResult> waits = queue("c");
    waits.assertOpen();
    queue("d").assertOpen();
    assertDropped(waits);
    assertThat(engine.session().queuedMessages()).as("b and d").isEqualTo(2);
  }

  @Test
  void droppedMessagesCompletionMayPublishAgain() {
    bound(1, 1_000_000, OverflowPolicy.DROP_OLDEST);
    Outcome<PublishResult> again = new Outcome<>();
    Outcome<PublishResult> first =
        new Outcome<PublishResult>().then(() -> enter(qos1("again"), OfflinePolicy.QUEUE, again));
    enter(qos1("a"), OfflinePolicy.QUEUE, first);
    Outcome<PublishResult> second = queue("b");
    assertDropped(first);
    assertDropped(second);
    connectAndExpect("again");
  }

  @Test
  void messageTakenBackMakesRoom() {
    bound(1, SMALLEST, OverflowPolicy.REJECT);
    OutgoingPublish entry = enter(qos1("a"), OfflinePolicy.QUEUE, new Outcome<>());
    queue("b").assertFailure();
    assertThat(engine.cancel(entry)).isTrue();
    queue("b").assertOpen();
    connectAndExpect("b");
  }

  @Test
  void messageOfAFailedClientCannotBeTakenBackFromWithinAnotherOnesCompletion() {
    OutgoingPublish[] second = new OutgoingPublish[1];
    Outcome<PublishResult> first =
        new Outcome<PublishResult>().then(() -> assertThat(engine.cancel(second[0])).isFalse());
    enter(qos1("a"), OfflinePolicy.QUEUE, first);
    Outcome<PublishResult> told = new Outcome<>();
    second[0] = enter(qos1("b"), OfflinePolicy.QUEUE, told);
    engine.failAll(new MqttException("closed", null));
    first.assertFailure("closed");
    told.assertFailure("closed");
    assertNothingInFlight();
  }

  @Test
  void expiredMessageIsNotSentWhateverThePolicy() {
    Outcome<PublishResult> expired =
        publish(
            qos1("a").messageExpiryInterval(Duration.ofSeconds(5)), OfflinePolicy.LATEST_PER_TOPIC);
    queue("b");
    advanceSeconds(6);
    connectAndExpect("b");
    expired.assertFailure("expired");
  }

  // ---- latest per topic

  @EachVersion
  void onlyTheNewestOfEachTopicWaitsAndKeepsItsPlace(MqttVersion with) {
    version = with;
    Outcome<PublishResult> overtaken = latest("a", "1");
    latest("b", "1");
    Outcome<PublishResult> also = latest("a", "2");
    assertOvertaken(overtaken);
    Outcome<PublishResult> newest = latest("a", "3");
    assertOvertaken(also);
    assertThat(engine.session().heldBytes()).isEqualTo(2 * (SMALLEST_LATEST + 1));
    connectAndExpect("a3", "b1");
    newest.assertSuccess();
  }

  @Test
  void latestDoesNotOvertakeMessagesThatAreToBeQueuedAndKeepsTheOrderOfItsTopic() {
    Outcome<PublishResult> overtaken = latest("a", "1");
    publish(qos1("a").payload("2"), OfflinePolicy.QUEUE);
    latest("b", "1");
    latest("a", "3").assertOpen();
    assertOvertaken(overtaken);
    connectAndExpect("a2", "b1", "a3");
  }

  @Test
  void latestIsSentAtOnceWhileTheServerTakesIt() {
    connected().expectPublish("a").expectPublish("a").sendPuback(1).sendPuback(2);
    latest("a", "1");
    latest("a", "2").assertSuccess();
  }

  @Test
  void latestThatWaitsForQuotaIsOvertakenAndWhatIsInFlightIsNot() {
    List<String> sent = new ArrayList<>();
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.RECEIVE_MAXIMUM, 1))
        .expectPublish(publish -> sent.add(publish.payloadUtf8()))
        .expectNothing(Duration.ofSeconds(1))
        .sendPuback(1)
        .expectPublish(publish -> sent.add(publish.payloadUtf8()))
        .sendPuback();
    connect();
    Outcome<PublishResult> inFlight = latest("a", "1");
    Outcome<PublishResult> overtaken = latest("a", "2");
    latest("a", "3");
    inFlight.assertOpen();
    assertOvertaken(overtaken);
    advanceSeconds(1);
    assertThat(sent).containsExactly("1", "3");
    assertNothingInFlight();
  }

  @Test
  void latestOvertakesInAFullQueue() {
    bound(2, 2 * (SMALLEST_LATEST + 1), OverflowPolicy.REJECT);
    latest("a", "1");
    latest("b", "1");
    latest("a", "2").assertOpen();
    latest("c", "1").assertFailure("refused");
    latest("b", "12").assertFailure("refused"); // one byte too many, so the one before stays
    connectAndExpect("a2", "b1");
  }

  @Test
  void latestThatIsLargerThanTheOneBeforeMakesTheOldestLeave() {
    bound(10, 3 * (SMALLEST_LATEST + 1), OverflowPolicy.DROP_OLDEST);
    Outcome<PublishResult> oldest = latest("a", "1");
    Outcome<PublishResult> overtaken = latest("b", "1");
    latest("c", "1");
    latest("b", "12").assertOpen();
    assertDropped(oldest);
    assertOvertaken(overtaken);
    connectAndExpect("b12", "c1");
  }

  @Test
  void latestWhosePlaceIsTheOldestIsOvertakenNotDropped() {
    bound(10, 2 * (SMALLEST_LATEST + 1), OverflowPolicy.DROP_OLDEST);
    Outcome<PublishResult> overtaken = latest("a", "1");
    Outcome<PublishResult> dropped = latest("b", "1");
    latest("a", "x".repeat(SMALLEST_LATEST)).assertOpen();
    assertOvertaken(overtaken);
    assertDropped(dropped);
    assertThat(engine.session().queuedMessages()).isOne();
  }

  @Test
  void latestThatWasTakenBackIsNotOvertaken() {
    OutgoingPublish entry = enter(qos1("a"), OfflinePolicy.LATEST_PER_TOPIC, new Outcome<>());
    engine.cancel(entry);
    latest("a", "2");
    connectAndExpect("a2");
  }

  // ---- fail

  @EachVersion
  void failDoesNotWaitForAConnection(MqttVersion with) {
    version = with;
    assertThat(publish(qos0("a"), OfflinePolicy.FAIL).assertFailure("not connected", "'a'"))
        .isInstanceOf(MqttDisconnectedException.class);
    server.onConnection().expectConnect().sendConnack().expectNothing(Duration.ofSeconds(1));
    open();
    carryToServer();
    publishWhileConnecting();
    carry();
    advanceSeconds(1);
    assertNothingInFlight();
  }

  private void publishWhileConnecting() {
    assertThat(engine.state()).isEqualTo(MqttEngine.State.CONNECTING);
    Outcome<PublishResult> outcome = new Outcome<>();
    enter(qos0("a"), OfflinePolicy.FAIL, outcome);
    outcome.assertFailure("not connected");
  }

  @Test
  void failIsSentWhileConnected() {
    connected().expectPublish("a").sendPuback();
    publish(qos1("a"), OfflinePolicy.FAIL).assertSuccess();
  }

  @Test
  void failThatWaitsForQuotaFailsWithTheConnectionAndTheRestIsSentLater() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.RECEIVE_MAXIMUM, 1))
        .expectPublish("a")
        .sendPuback(1)
        .expectPublish("b");
    connect();
    queue("a");
    queue("b");
    Outcome<PublishResult> stale = publish(qos1("stale"), OfflinePolicy.FAIL);
    queue("c");
    Outcome<PublishResult> alsoStale = publish(qos0("stale"), OfflinePolicy.FAIL);
    stale.assertOpen();
    cut();
    assertThat(stale.assertFailure("before", "could be sent"))
        .isInstanceOf(MqttDisconnectedException.class);
    alsoStale.assertFailure("could be sent");
    connectAndExpect("b", "c");
  }

  @Test
  void failThatIsInFlightIsSentAgainOnAResumedSession() {
    connected().expectPublish("a");
    Outcome<PublishResult> inFlight = publish(qos1("a"), OfflinePolicy.FAIL);
    cut();
    inFlight.assertOpen();
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.sessionPresent(true))
        .expectPublish("a")
        .sendPuback();
    connect();
    inFlight.assertSuccess();
    assertNothingInFlight();
  }

  @Test
  void failThatIsInFlightIsNotPublishedAgainOnANewSession() {
    connected().expectPublish("a").expectPublish("b");
    Outcome<PublishResult> inFlight = publish(qos1("a"), OfflinePolicy.FAIL);
    queue("b");
    cut();
    connectAndExpect("b");
    assertThat(inFlight.assertFailure("not known")).isInstanceOf(MqttDisconnectedException.class);
  }

  @Test
  void failThatCouldNotBeSentBeforeDisconnectFails() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.RECEIVE_MAXIMUM, 1))
        .expectPublish("a")
        .expectDisconnect()
        .expectClose();
    connect();
    Outcome<PublishResult> sent = publish(qos1("a"), OfflinePolicy.FAIL);
    Outcome<PublishResult> waits = publish(qos1("b"), OfflinePolicy.FAIL);
    waits.then(() -> assertThat(engine.state()).isEqualTo(MqttEngine.State.DISCONNECTED));
    disconnect();
    waits.assertFailure("could be sent");
    sent.assertOpen();
  }
}
