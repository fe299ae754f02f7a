// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttVersion;
import io.bight.testkit.OutgoingPacket;
import io.bight.testkit.ServerScript;

/** What follows when a CONNACK is lost that may have told of a new session. */
class UncertainSessionTest extends EngineFixture {
  private CrashingStore disk = (CrashingStore) store;

  @Override
  SessionStore newStore() {
    return new CrashingStore();
  }

  private ServerScript resuming() {
    return server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(true));
  }

  private void loseConnack() {
    server.onConnection().expectConnect();
    connect();
    cut();
  }

  private void crash() {
    cut();
    disk = disk.afterCrash();
    engine = newEngine(EngineOptions.DEFAULT, disk);
    engine.restore(message -> new Outcome<>(), now());
  }

  @EachVersion
  void subscriptionsAreMadeAgainEvenIfTheProcessDiesBeforeTheAnswer(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback(1);
    subscribe("a").assertSuccess();
    cut();
    loseConnack();
    resuming().expectSubscribe("a"); // and no answer
    connect();
    engine.commit(now());
    crash();
    resuming().expectSubscribe("a").sendSuback(1);
    connect();
    cut();
    resuming();
    connect();
  }

  @EachVersion
  void repetitionWithAnotherContentIsAnotherMessage(MqttVersion with) {
    acknowledgeAtOnce();
    connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    carry();
    cut();
    loseConnack();
    // In the session that has begun unnoticed, the first transmission of this one was lost.
    resuming()
        .send(OutgoingPacket.publish("a", "y").qos(2).packetIdentifier(7).dup(true))
        .expectPubrec(7);
    connect();
    assertThat(payloads()).containsExactly("x", "y");
  }

  @EachVersion
  void repetitionWithTheSameContentIsTheSameMessage(MqttVersion with) {
    acknowledgeAtOnce();
    connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    carry();
    cut();
    loseConnack();
    resuming()
        .send(OutgoingPacket.publish("a", "x").qos(2).packetIdentifier(7).dup(true))
        .expectPubrec(7);
    connect();
    assertThat(payloads()).containsExactly("x");
  }
}
