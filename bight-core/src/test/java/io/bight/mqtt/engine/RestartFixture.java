// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ServerScript;
import java.util.LinkedHashMap;
import java.util.Map;

/** An engine with a store, whose process may be killed and begun anew at any point. */
abstract class RestartFixture extends EngineFixture {
  /** The outcomes of restored messages, by tag. */
  final Map<String, Outcome<PublishResult>> restored = new LinkedHashMap<>();

  CrashingStore disk = (CrashingStore) store;
  EngineOptions options = EngineOptions.DEFAULT;

  @Override
  SessionStore newStore() {
    return new CrashingStore();
  }

  final Outcome<PublishResult> publish(Publish.Builder message, String tag) {
    Outcome<PublishResult> outcome = new Outcome<>();
    engine.publish(Publication.of(message.build(), OfflinePolicy.QUEUE, tag, outcome), now());
    if (isOpen()) {
      carry();
    } else {
      engine.commit(now());
    }
    return outcome;
  }

  /** The process is killed; another one begins with what was committed. */
  final void crash() {
    CrashingStore left = disk.afterCrash();
    if (isOpen()) {
      cut();
    }
    restart(left);
  }

  final void restart(CrashingStore left) {
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

  final ServerScript connecting(boolean sessionPresent) {
    return server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(sessionPresent));
  }

  static void requireSent(ReceivedPacket publish, String topic, int identifier, boolean dup) {
    assertThat(publish.topic()).isEqualTo(topic);
    assertThat(publish.packetIdentifier()).isEqualTo(identifier);
    assertThat(publish.dup()).as("DUP").isEqualTo(dup);
  }
}
