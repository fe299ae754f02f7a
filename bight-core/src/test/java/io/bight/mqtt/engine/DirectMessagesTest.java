// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.engine.DirectMessages.Direct;
import io.bight.testkit.ServerScript;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Messages that are in flight without an entry in the session, and how they get one. */
class DirectMessagesTest extends EngineFixture {
  private final PacketIdentifiers<Object> identifiers = new PacketIdentifiers<>();
  private final DirectMessages direct = new DirectMessages(identifiers);

  private ServerScript reconnecting() {
    return server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(true));
  }

  private Tracked take(int place) {
    Tracked message = new Tracked(qos2("a"));
    direct.add(identifiers.take(message), place);
    return message;
  }

  @Test
  void knowsWhatEachIdentifierStandsFor() {
    Tracked first = take(0);
    identifiers.take("a request");
    Tracked third = take(1);
    assertThat(direct.get(1)).isSameAs(first);
    assertThat(direct.get(2)).isNull();
    assertThat(direct.get(3)).isSameAs(third);
    assertThat(direct.get(60_000)).isNull();
    direct.remove(1);
    assertThat(direct.get(1)).isNull();
    assertThat(direct.size()).isOne();
  }

  @Test
  void areTakenOutWithTheirPlacesAndInTheOrderOfPubrec() {
    List<Tracked> all = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      all.add(take(i));
    }
    for (int identifier : new int[] {900, 7, 500, 8, 1_000}) {
      direct.release(identifier);
    }
    direct.remove(500);
    direct.remove(1_000);
    direct.release(1);
    direct.remove(900);
    assertThat(direct.published()).isEqualTo(994);
    assertThat(direct.released()).isEqualTo(3);
    assertThat(direct.takeReleased()).extracting(Direct::packetIdentifier).containsExactly(7, 8, 1);
    assertThat(direct.released()).isZero();
    assertThat(direct.takeReleased()).isEmpty();
    List<Direct> rest = direct.takePublished();
    assertThat(rest).hasSize(994).doesNotHaveDuplicates();
    assertThat(rest)
        .allMatch(one -> one.publication() == all.get((int) one.place()))
        .allMatch(one -> one.place() == one.packetIdentifier() - 1);
    assertThat(direct.size()).isZero();
    assertThat(identifiers.used()).as("they are still in flight").isEqualTo(1_000);
  }

  @EachVersion
  @Normative(v311 = "4.6.0-4", v5 = "4.6.0-4")
  void pubrelsAreRepeatedInTheOrderOfPubrecWhetherThereWasAnEntryOrNot(MqttVersion with) {
    connected(with).expectPublish("a");
    Tracked first = new Tracked(qos2("a")).publish(engine, now());
    carry();
    assertThat(first.entry).isNull();
    cut();
    assertThat(first.entry).isNotNull();
    reconnecting()
        .expectPublish("a")
        .expectPublish("b")
        .sendPubrec(2)
        .sendPubrec(1)
        .expectPubrel(2)
        .expectPubrel(1);
    connect();
    Tracked second = new Tracked(qos2("b")).publish(engine, now());
    assertThat(second.entry).isNull();
    carry();
    assertThat(engine.session()).asString().contains("published=0", "released=2");
    cut();
    reconnecting().expectPubrel(2).expectPubrel(1).sendPubcomp(1).sendPubcomp(2);
    connect();
    first.outcome.assertSuccess();
    second.outcome.assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void quotaIsGivenBackByEachKindOfEnd(MqttVersion with) {
    connected(with)
        .expectPublish("a")
        .expectPublish("b")
        .sendPuback(1)
        .sendPubrec(2)
        .expectPubrel(2)
        .sendPubcomp(2);
    int quota = engine.sendQuota();
    new Tracked(qos1("a")).publish(engine, now());
    new Tracked(qos2("b")).publish(engine, now());
    assertThat(engine.sendQuota()).isEqualTo(quota - 2);
    carry();
    assertThat(engine.sendQuota()).isEqualTo(quota);
    assertNothingInFlight();
  }

  @Test
  void failWithTheClient() {
    connected().expectPublish("a").expectPublish("b").sendPubrec(2).expectPubrel(2);
    Outcome<PublishResult> first = publish(qos1("a"));
    Outcome<PublishResult> second = publish(qos2("b"));
    carry();
    engine.failAll(new MqttException("closed", null));
    first.assertFailure("closed");
    second.assertFailure("closed");
    assertNothingInFlight();
  }

  @Test
  void messageWithPropertiesOfAnotherConnectionIsCountedAsItWasGiven() {
    connected().expectPublish("a").sendPuback(1);
    Properties foreign = Properties.builder().set(Property.TOPIC_ALIAS, 3).build();
    Tracked message = new Tracked(qos1("a").build().withProperties(foreign));
    message.publish(engine, now());
    carry();
    message.outcome.assertSuccess();
    assertNothingInFlight();
  }
}
