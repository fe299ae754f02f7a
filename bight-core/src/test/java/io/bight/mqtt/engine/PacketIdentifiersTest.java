// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.Normative;
import io.bight.testkit.PacketType;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Packet identifiers: by themselves, and as messages and requests share them. */
class PacketIdentifiersTest extends EngineFixture {
  private final PacketIdentifiers<String> identifiers = new PacketIdentifiers<>();

  @Test
  @Normative(v311 = "2.3.1-1", v5 = "2.2.1-3")
  void goFrom1To65535EachOnceAndNeverZero() {
    Set<Integer> taken = new HashSet<>();
    for (int i = 0; i < 65_535; i++) {
      int identifier = identifiers.take("x");
      if (identifier < 1 || identifier > 65_535 || !taken.add(identifier)) {
        throw new AssertionError("took " + identifier);
      }
    }
    assertThat(identifiers.isExhausted()).isTrue();
    assertThat(identifiers.used()).isEqualTo(65_535);
    assertThatThrownBy(() -> identifiers.take("one more"))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void onlyFreeOneOfAllIsFound() {
    for (int i = 0; i < 65_535; i++) {
      identifiers.take("x");
    }
    identifiers.release(31_234);
    assertThat(identifiers.take("y")).isEqualTo(31_234);
    assertThat(identifiers.get(31_234)).isEqualTo("y");
  }

  @Test
  @Normative(
      v311 = "2.3.1-2",
      v5 = {"2.2.1-3", "4.3.2-1", "4.3.3-1"})
  void goRoundAndPassOverThoseInUse() {
    int kept = identifiers.take("kept");
    for (int i = 0; i < 200_000; i++) {
      int identifier = identifiers.take("x");
      if (identifier == kept || identifier < 1 || identifier > 65_535) {
        throw new AssertionError("took " + identifier);
      }
      identifiers.release(identifier);
    }
    assertThat(identifiers.get(kept)).isEqualTo("kept");
    assertThat(identifiers.used()).isOne();
  }

  @Test
  void storedOneKeepsItsNumber() {
    identifiers.takeStored(65_535, "stored");
    assertThat(identifiers.get(65_535)).isEqualTo("stored");
    assertThatThrownBy(() -> identifiers.takeStored(65_535, "again"))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void freeOneStandsForNothingAndCannotBeFreed() {
    assertThat(identifiers.get(5)).isNull();
    assertThat(identifiers.get(65_535)).isNull();
    assertThatThrownBy(() -> identifiers.release(5)).isInstanceOf(IllegalStateException.class);
  }

  // ---- in the engine

  @Test
  void messagesAndRequestsShareThem() {
    connected()
        .expect(PacketType.PUBLISH, p -> assertThat(p.packetIdentifier()).isEqualTo(1))
        .expect(PacketType.SUBSCRIBE, p -> assertThat(p.packetIdentifier()).isEqualTo(2))
        .expect(PacketType.UNSUBSCRIBE, p -> assertThat(p.packetIdentifier()).isEqualTo(3))
        .expect(PacketType.PUBLISH, p -> assertThat(p.packetIdentifier()).isEqualTo(4))
        .sendPuback(1)
        .sendSuback()
        .sendUnsuback()
        .sendPubrec(4)
        .expectPubrel(4)
        .sendPubcomp(4);
    publish(qos1("a"));
    subscribe("b");
    unsubscribe("c");
    publish(qos2("d"));
    assertNothingInFlight();
  }

  @Test
  @Normative(v311 = "2.3.1-3")
  void identifierOfAMessageInFlightIsNotUsedAgain() {
    var script = connected().expectPublish("slow");
    publish(qos2("slow"));
    for (int i = 0; i < 100; i++) {
      script
          .expectPublish(publish -> assertThat(publish.packetIdentifier()).isNotEqualTo(1))
          .sendPuback();
      publish(qos1("fast")).assertSuccess();
    }
    assertThat(engine.session().packetIdentifiersInUse()).isOne();
    engine.failAll(new MqttException("end of the test", null));
  }

  @Test
  void requestWaitsWhileAllAreInUseAndGoesFirstWhenOneIsFree() {
    for (int i = 0; i < 65_534; i++) {
      engine.session().packetIdentifiers.take("in use");
    }
    var script =
        connected()
            .expectPublish(publish -> assertThat(publish.packetIdentifier()).isEqualTo(65_535));
    Outcome<PublishResult> last = publish(qos1("last"));
    Outcome<PublishResult> waiting = publish(qos1("waiting"));
    Outcome<SubscribeResult> subscribed = subscribe("b");
    assertThat(engine.session().queuedMessages()).isOne();
    script.together(
        more ->
            more.sendPuback(65_535)
                .expect(
                    PacketType.SUBSCRIBE,
                    subscribe -> assertThat(subscribe.packetIdentifier()).isEqualTo(65_535)));
    carry();
    last.assertSuccess();
    assertThat(engine.session().queuedMessages()).isOne();
    script.together(more -> more.sendSuback().expectPublish("waiting").sendPuback());
    carry();
    subscribed.assertSuccess();
    waiting.assertSuccess();
    assertThat(engine.session().packetIdentifiersInUse()).isEqualTo(65_534);
  }
}
