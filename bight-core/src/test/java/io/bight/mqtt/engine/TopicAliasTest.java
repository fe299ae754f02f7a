// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.Normative;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.testkit.OutgoingPacket;
import io.bight.testkit.Property;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Topic aliases that the server uses. */
class TopicAliasTest extends EngineFixture {
  @BeforeEach
  void tenAliases() {
    connectProperties.set(io.bight.mqtt.Property.TOPIC_ALIAS_MAXIMUM, 10);
  }

  private static OutgoingPacket aliased(String topic, int alias) {
    return OutgoingPacket.publish(topic, "x").property(Property.TOPIC_ALIAS, alias);
  }

  private void assertTopics(String... topics) {
    assertThat(events.messages)
        .extracting(message -> message.message().topic())
        .containsExactly(topics);
  }

  @Test
  @Normative(v5 = "3.3.2-10")
  void everyAliasUpToTheMaximumIsSetUsedAndSetAnew() {
    var script = connected();
    for (int alias = 1; alias <= 10; alias++) {
      script.send(aliased("topic/" + alias, alias));
    }
    script.send(aliased("", 10)).send(aliased("", 1)).send(aliased("new", 1)).send(aliased("", 1));
    carry();
    assertThat(events.messages).hasSize(14);
    assertThat(events.messages.subList(10, 14))
        .extracting(message -> message.message().topic())
        .containsExactly("topic/10", "topic/1", "new", "new");
  }

  @Test
  void applicationDoesNotSeeTheAlias() {
    connected()
        .send(aliased("a", 1))
        .send(aliased("", 1).property(Property.CONTENT_TYPE, "text/plain"));
    carry();
    assertThat(events.messages.get(0).message().properties().isEmpty()).isTrue();
    assertThat(events.messages.get(1).message().properties().size()).isOne();
  }

  @Test
  void unknownAliasEndsTheConnection() {
    connected().send(aliased("", 3)).expectDisconnect(0x82).expectClose();
    carry();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "alias 3", "without having set it");
  }

  @Test
  @Normative(v5 = {"3.3.2-11", "3.1.2-26"})
  void aliasAboveTheMaximumEndsTheConnectionWith94() {
    connected().send(aliased("a", 11)).expectDisconnect(0x94).expectClose();
    carry();
    assertEnded(By.CLIENT, ReasonCode.TOPIC_ALIAS_INVALID, "11", "10 is the highest");
    assertThat(events.messages).isEmpty();
  }

  @Test
  @Normative(v5 = "3.1.2-27")
  void anyAliasEndsTheConnectionWhereNoneWasAllowed() {
    connectProperties.set(io.bight.mqtt.Property.TOPIC_ALIAS_MAXIMUM, 0);
    connected().send(aliased("a", 1)).expectDisconnect(0x94).expectClose();
    carry();
    assertEnded(By.CLIENT, ReasonCode.TOPIC_ALIAS_INVALID);
  }

  @Test
  @Normative(v5 = "3.3.2-8")
  void aliasZeroEndsTheConnectionWith94() {
    connected().send(aliased("a", 0)).expectDisconnect(0x94).expectClose();
    carry();
    assertThat(onlyEnd().reasonCode()).isEqualTo(ReasonCode.TOPIC_ALIAS_INVALID);
  }

  @Test
  @Normative(v5 = "3.3.2-7")
  void aliasesEndWithTheConnection() {
    connected().send(aliased("a", 1)).send(aliased("", 1));
    carry();
    assertTopics("a", "a");
    cut();
    resumed().send(aliased("", 1)).expectDisconnect(0x82).expectClose();
    carry();
    assertTopics("a", "a");
  }
}
