// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Subscription;
import io.bight.testkit.ServerScript;
import io.netty.buffer.ByteBuf;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is told to the store, and when: always before the bytes that tell it to the server. */
class SessionStoreTest extends EngineFixture {
  @Override
  SessionStore newStore() {
    return new RecordingStore();
  }

  private List<String> takeCalls() {
    return ((RecordingStore) store).takeCalls();
  }

  private void assertStored(String... calls) {
    List<String> told = takeCalls().stream().filter(call -> !call.equals("commit")).toList();
    assertThat(told).containsExactly(calls);
  }

  private void assertNothingCommittedYet(String... calls) {
    assertThat(takeCalls()).containsExactly(calls);
  }

  @EachVersion
  void publishIsStoredAndCommittedBeforeItsBytesAreTaken(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b").sendPuback(1).sendPuback(2);
    takeCalls();
    engine.publish(qos1("a").build(), new Outcome<>(), now());
    engine.publish(qos1("b").build(), new Outcome<>(), now());
    assertNothingCommittedYet("putOutgoing 0 a", "putOutgoing 1 b");
    ByteBuf batch = engine.takeOutgoing();
    assertThat(takeCalls())
        .startsWith("putPublished 0 as 1", "putPublished 1 as 2", "commit")
        .filteredOn(call -> !call.equals("commit"))
        .hasSize(2);
    wire().receive(batch);
    batch.release();
    carry();
    assertStored("removeOutgoing 0", "removeOutgoing 1");
  }

  @EachVersion
  void pubrecIsStoredBeforePubrelIsTaken(MqttVersion with) {
    var script = connected(with).expectPublish("a");
    publish(qos2("a"));
    takeCalls();
    script.sendPubrec();
    carryToClient();
    assertNothingCommittedYet("putReleased 0");
    script.expectPubrel(1);
    carryToServer();
    assertThat(takeCalls()).contains("commit");
    script.sendPubcomp(1);
    carry();
    assertStored("removeOutgoing 0");
  }

  @Test
  void qos0IsStoredOnlyWhileItWaitsForAConnection() {
    engine.publish(qos0("offline").build(), new Outcome<>(), now());
    assertStored("putOutgoing 0 offline");
    ServerScript script = accepting().expectPublish("offline");
    connect();
    assertStored("putConnecting", "clearIncoming", "putConnected 0", "removeOutgoing 0");
    script.expectPublish("a");
    publish(qos0("a"));
    assertStored();
  }

  @Test
  void whatMustNotOutlastAConnectionIsStoredOnceItIsSent() {
    connected().expectPublish("a").sendPuback(1);
    takeCalls();
    engine.publish(
        Publication.of(qos1("a").build(), OfflinePolicy.FAIL, null, new Outcome<>()), now());
    assertStored();
    carry();
    assertStored("putOutgoing 0 a", "putPublished 0 as 1", "removeOutgoing 0");
  }

  @Test
  void whatGoesOutBeforeDisconnectIsStoredWithOneCommitHoweverManyBatchesItTakes() {
    ServerScript script = connected();
    takeCalls();
    for (int i = 0; i < 2_000; i++) { // about twice as much as goes out with one commit else
      engine.publish(qos1("t" + i).payload(new byte[1_000]).build(), new Outcome<>(), now());
      script.expectPublish("t" + i);
    }
    script.expectDisconnect().expectClose();
    engine.disconnect(new Disconnect(ReasonCode.SUCCESS), now());
    assertThat(takeCalls())
        .contains("putPublished 1999 as 2000")
        .filteredOn(call -> call.equals("commit"))
        .hasSize(1);
    carry();
    assertThat(isOpen()).isFalse();
  }

  @Test
  void waitingMessagesAreCommittedWithoutAConnection() {
    engine.publish(qos1("a").build(), new Outcome<>(), now());
    assertNothingCommittedYet("putOutgoing 0 a");
    engine.commit(now());
    assertNothingCommittedYet("commit");
  }

  @Test
  void whatOvertakesTakesThePlaceAndWhatIsCancelledIsRemoved() {
    engine.publish(qos1("x").build(), new Outcome<>(), now());
    engine.publish(
        Publication.of(qos1("a").build(), OfflinePolicy.LATEST_PER_TOPIC, null, new Outcome<>()),
        now());
    engine.publish(qos1("b").build(), new Outcome<>(), now());
    OutgoingPublish newer =
        engine.publish(
            Publication.of(
                qos1("a").build(), OfflinePolicy.LATEST_PER_TOPIC, null, new Outcome<>()),
            now());
    assertStored("putOutgoing 0 x", "putOutgoing 1 a", "putOutgoing 2 b", "putOutgoing 1 a");
    assertThat(engine.cancel(newer)).isTrue();
    assertStored("removeOutgoing 1");
  }

  @EachVersion
  void incomingQos2IsStoredWhenHandledAndCommittedBeforePubrecIsTaken(MqttVersion with) {
    var script = connected(with).sendPublish("a", "x", 2, 7);
    takeCalls();
    carry();
    assertStored(); // the application has not finished: the server shall send it again
    engine.acknowledge(events.messages.get(0), ReasonCode.SUCCESS, Properties.NONE, now());
    assertNothingCommittedYet("putIncoming 7");
    script.expectPubrec(7);
    carry();
    assertThat(takeCalls()).startsWith("commit");
    script.together(more -> more.sendPubrel(7).expectPubcomp(7));
    carry();
    assertThat(takeCalls()).contains("removeIncoming 7", "commit");
  }

  @Test
  void whatIsHandledWhileAnEarlierMessageIsNotIsStoredAtOnce() {
    var script = connected().sendPublish("a", "x", 2, 7).sendPublish("b", "y", 2, 8);
    carry();
    takeCalls();
    engine.acknowledge(events.messages.get(1), ReasonCode.SUCCESS, Properties.NONE, now());
    assertNothingCommittedYet("putIncoming 8");
    script.expectPubrec(7).expectPubrec(8);
    acknowledge(events.messages.get(0));
    assertStored("putIncoming 7");
  }

  @Test
  void whatIsHandledBetweenTwoConnectionsIsStoredAtOnce() {
    connected().sendPublish("a", "x", 2, 7);
    carry();
    cut();
    takeCalls();
    engine.acknowledge(events.messages.get(0), ReasonCode.SUCCESS, Properties.NONE, now());
    assertNothingCommittedYet("putIncoming 7");
  }

  @Test
  void refusedQos2IsNotStored() {
    var script = connected().sendPublish("a", "x", 2, 7);
    carry();
    takeCalls();
    script.expectPubrec(7);
    acknowledge(events.messages.get(0), ReasonCode.QUOTA_EXCEEDED);
    assertStored();
  }

  @EachVersion
  void ofALostSessionOnlyWhatIsToBeSentAgainIsKept(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b").sendPubrec(1).expectPubrel(1);
    publish(qos2("a"));
    publish(qos1("b"));
    cut();
    takeCalls();
    accepting().expectPublish("b").sendPuback(3);
    connect();
    assertThat(takeCalls())
        .containsSubsequence(
            "putConnecting",
            "clearIncoming",
            "putQueuedAgain 1",
            "removeOutgoing 0",
            "putPublished 1 as 3",
            "commit",
            "removeOutgoing 1");
  }

  @EachVersion
  void subscriptionsAreStoredWhenAskedForWhenGrantedAndWhenLost(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback();
    subscribe("a");
    assertThat(takeCalls())
        .containsSubsequence("putSubscription a ASKED", "commit", "putSubscription a GRANTED");
    cut();
    accepting().expectSubscribe("a").sendSuback().expectUnsubscribe("a").sendUnsuback();
    connect();
    assertThat(takeCalls())
        .containsSubsequence("putSubscription a LOST", "commit", "putSubscription a GRANTED");
    unsubscribe("a");
    assertThat(takeCalls())
        .containsExactly("putSubscription a UNWANTED", "commit", "removeSubscription a", "commit");
  }

  @Test
  void expiryOfTheSessionIsWhatConnackOrConnectSaysAndDisconnectMayChangeIt() {
    connectProperties.set(Property.SESSION_EXPIRY_INTERVAL, 60L);
    server.onConnection().expectConnect().sendConnack().expectDisconnect();
    connect();
    assertThat(takeCalls()).contains("putConnected 60");
    engine.disconnect(
        new Disconnect(
            ReasonCode.SUCCESS,
            Properties.builder().set(Property.SESSION_EXPIRY_INTERVAL, 5L).build()),
        now());
    carry();
    assertThat(takeCalls()).contains("putEnded 5");
    server
        .onConnection()
        .expectConnect()
        .sendConnack(
            connack -> connack.property(io.bight.testkit.Property.SESSION_EXPIRY_INTERVAL, 30));
    connect();
    assertThat(takeCalls()).contains("putConnected 30");
    cut();
    assertThat(takeCalls()).contains("putEnded 30");
  }

  @Test
  void sessionBefore5LastsForEverOrAsLongAsTheConnection() {
    connected(MqttVersion.MQTT_3_1_1);
    assertThat(takeCalls()).contains("putConnected " + SessionStore.NEVER_EXPIRES);
    cut();
    assertThat(takeCalls()).contains("putEnded " + SessionStore.NEVER_EXPIRES);
    cleanStart = true;
    connected(MqttVersion.MQTT_3_1_1);
    assertThat(takeCalls()).contains("putConnected 0");
  }

  @Test
  void aCompletionWithinTheAcceptanceMayDisconnect() {
    connectProperties.set(Property.SESSION_EXPIRY_INTERVAL, 60L);
    Outcome<SubscribeResult> outcome = new Outcome<>();
    engine.subscribe(
        List.of(new Subscription("a/#", Qos.AT_MOST_ONCE)),
        Properties.NONE,
        outcome.then(() -> engine.disconnect(new Disconnect(ReasonCode.SUCCESS), now())),
        now());
    server
        .onConnection()
        .expectConnect()
        .sendConnack(
            connack ->
                connack.property(io.bight.testkit.Property.WILDCARD_SUBSCRIPTION_AVAILABLE, 0))
        .expectDisconnect();
    connect();
    assertThat(takeCalls()).containsSubsequence("putConnected 60", "putEnded 60");
  }

  @Test
  void nothingIsCommittedThatHasNotChanged() {
    connected().expectPublish("a").sendPuback(1);
    takeCalls();
    publish(qos1("a"));
    carry();
    assertThat(takeCalls())
        .containsExactly(
            "putOutgoing 0 a", "putPublished 0 as 1", "commit", "removeOutgoing 0", "commit");
  }

  @Test
  void whatIsQueuedWaitsUntilAllIsRepeatedThoughABatchIsFull() {
    connected().expectPublish("a").expectPublish("b");
    publish(qos1("a").payload(new byte[70_000]));
    publish(qos1("b"));
    cut();
    engine.publish(qos1("c").build(), new Outcome<>(), now());
    server
        .onConnection()
        .expectConnect()
        .sendConnack(connack -> connack.sessionPresent(true))
        .expectPublish("a")
        .expectPublish("b")
        .expectPublish("c")
        .sendPuback(1)
        .sendPuback(2)
        .sendPuback(3);
    connect();
    assertNothingInFlight();
  }
}
