// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttVersion;
import io.netty.buffer.ByteBuf;
import org.junit.jupiter.api.Test;

/** What is told to the store, and when: always before the bytes that tell it to the server. */
class SessionStoreTest extends EngineFixture {
  private void assertStored(String... calls) {
    assertThat(store.takeCalls()).containsExactly(calls);
  }

  @EachVersion
  void publishIsStoredAndCommittedBeforeItsBytesAreTaken(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b").sendPuback(1).sendPuback(2);
    store.takeCalls();
    engine.publish(qos1("a").build(), new Outcome<>(), now());
    engine.publish(qos1("b").build(), new Outcome<>(), now());
    assertStored("putOutgoing 1", "putOutgoing 2");
    ByteBuf batch = engine.takeOutgoing();
    assertStored("commit");
    wire().receive(batch);
    batch.release();
    carry();
    assertStored("removeOutgoing 1", "removeOutgoing 2");
  }

  @EachVersion
  void pubrecIsStoredBeforePubrelIsTaken(MqttVersion with) {
    var script = connected(with).expectPublish("a");
    publish(qos2("a"));
    store.takeCalls();
    script.sendPubrec();
    carryToClient();
    assertStored("putReleased 1");
    script.expectPubrel(1);
    carryToServer();
    assertStored("commit");
    script.sendPubcomp(1);
    carry();
    assertStored("removeOutgoing 1");
  }

  @Test
  void qos0IsNotStored() {
    connected().expectPublish("a");
    store.takeCalls();
    publish(qos0("a"));
    assertStored("commit");
  }

  @EachVersion
  void incomingQos2IsStoredBeforePubrecIsTaken(MqttVersion with) {
    var script = connected(with).sendPublish("a", "x", 2, 7);
    store.takeCalls();
    carry();
    assertStored(); // the application has not finished: the server shall send it again
    engine.acknowledge(
        events.messages.get(0),
        io.bight.mqtt.ReasonCode.SUCCESS,
        io.bight.mqtt.Properties.NONE,
        now());
    assertStored("putIncoming 7");
    script.expectPubrec(7);
    carry();
    assertStored("commit");
    script.together(more -> more.sendPubrel(7).expectPubcomp(7));
    carry();
    assertStored("removeIncoming 7", "commit");
  }

  @EachVersion
  void lostSessionIsForgotten(MqttVersion with) {
    connected(with);
    cut();
    store.takeCalls();
    resumed();
    assertStored("commit");
    cut();
    connected(with);
    assertStored("commit", "clear");
  }

  @Test
  void nothingIsCommittedWhenThereIsNothingToWrite() {
    connected();
    store.takeCalls();
    assertThat(engine.takeOutgoing()).isNull();
    assertStored();
  }
}
