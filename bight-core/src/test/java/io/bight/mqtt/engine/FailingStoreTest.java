// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.ReasonCode;
import io.bight.testkit.ServerScript;
import java.time.Duration;

/** What the engine says, and what it keeps back, while its store fails. */
class FailingStoreTest extends EngineFixture {
  /** With 5.0 the server is told that it is not its fault. */
  private static void expectEnd(ServerScript script, MqttVersion with) {
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x83);
    } else {
      script.expectClose();
    }
  }

  private final CrashingStore disk = (CrashingStore) store;

  @Override
  SessionStore newStore() {
    return new CrashingStore();
  }

  private ServerScript connecting(boolean sessionPresent) {
    return server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(sessionPresent));
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
}
