// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttVersion;
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
}
