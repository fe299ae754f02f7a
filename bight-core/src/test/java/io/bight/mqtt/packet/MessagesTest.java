// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.RetainHandling;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What users build: messages, wills and subscriptions. */
class MessagesTest {
  @Test
  void buildsAMessageOfDefaults() {
    Publish publish = Publish.builder("a/b").build();

    assertThat(publish.topic()).isEqualTo("a/b");
    assertThat(publish.payload()).isEmpty();
    assertThat(publish.qos()).isEqualTo(Qos.AT_MOST_ONCE);
    assertThat(publish.retain()).isFalse();
    assertThat(publish.dup()).isFalse();
    assertThat(publish.packetIdentifier()).isZero();
    assertThat(publish.properties()).isSameAs(Properties.NONE);
  }

  @Test
  void buildsAMessageWithEverything() {
    Publish publish =
        Publish.builder("a")
            .payload("21.5 °C")
            .qos(Qos.EXACTLY_ONCE)
            .retain(true)
            .messageExpiryInterval(Duration.ofMinutes(1))
            .payloadIsUtf8()
            .contentType("text/plain")
            .responseTopic("answers")
            .correlationData(new byte[] {1, 2})
            .userProperty("k", "v")
            .build();

    assertThat(publish.payload()).isEqualTo("21.5 °C".getBytes(StandardCharsets.UTF_8));
    assertThat(publish.qos()).isEqualTo(Qos.EXACTLY_ONCE);
    assertThat(publish.retain()).isTrue();
    Properties properties = publish.properties();
    assertThat(properties.get(Property.MESSAGE_EXPIRY_INTERVAL)).isEqualTo(60L);
    assertThat(properties.get(Property.PAYLOAD_FORMAT_INDICATOR)).isEqualTo(1);
    assertThat(properties.get(Property.CONTENT_TYPE)).isEqualTo("text/plain");
    assertThat(properties.get(Property.RESPONSE_TOPIC)).isEqualTo("answers");
    assertThat(properties.get(Property.CORRELATION_DATA)).containsExactly(1, 2);
    assertThat(properties.userProperties()).hasSize(1);
  }

  @Test
  void copiesThePayload() {
    byte[] bytes = {1};
    ByteBuffer buffer = ByteBuffer.wrap(new byte[] {9, 1, 9}, 1, 1);

    Publish fromArray = Publish.builder("a").payload(bytes).build();
    Publish fromBuffer = Publish.builder("a").payload(buffer).build();
    bytes[0] = 2;

    assertThat(fromArray.payload()).containsExactly(1);
    assertThat(fromBuffer.payload()).containsExactly(1);
    assertThat(buffer.remaining()).isEqualTo(1);
    assertThat(fromArray).isEqualTo(fromBuffer).hasSameHashCodeAs(fromBuffer);
  }

  @Test
  void refusesWhatCannotBeSent() {
    Publish.Builder builder = Publish.builder("a");
    assertThatThrownBy(() -> Publish.builder("a/+")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.responseTopic("a/#"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.contentType("\0"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.userProperty("\ud800", ""))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.messageExpiryInterval(Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.messageExpiryInterval(Duration.ofSeconds(1L << 32)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void doesNotShowPayloads() {
    Publish publish = Publish.builder("a").payload("secret").qos(Qos.AT_LEAST_ONCE).build();
    assertThat(publish).hasToString("Publish['a', 6 B, qos=1]");
  }

  @Test
  void doesNotShowPasswords() {
    byte[] password = "secret".getBytes(StandardCharsets.UTF_8);
    Connect connect =
        new Connect(MqttVersion.MQTT_5, "c", true, 0, null, "u", password, Properties.NONE);
    assertThat(connect.toString()).doesNotContain("secret").contains("password=***");
  }

  @Test
  void refusesNoLocalOnASharedSubscription() {
    Subscription shared = new Subscription("$share/group/a", Qos.AT_LEAST_ONCE);
    assertThatThrownBy(shared::withNoLocal)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("$share/group/a");
  }

  @Test
  void changesOneSubscriptionOptionAtATime() {
    Subscription subscription =
        new Subscription("a", Qos.AT_LEAST_ONCE)
            .withNoLocal()
            .withRetainAsPublished()
            .withRetainHandling(RetainHandling.DO_NOT_SEND);
    assertThat(subscription)
        .isEqualTo(
            new Subscription("a", Qos.AT_LEAST_ONCE, true, true, RetainHandling.DO_NOT_SEND));
  }

  @Test
  void refusesAWillThatIsTooLong() {
    assertThatThrownBy(
            () -> new Will("a", new byte[65_536], Qos.AT_MOST_ONCE, false, Properties.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("65536");
  }

  @Test
  void findsEveryPacketTypeByItsNumber() {
    for (PacketType type : PacketType.values()) {
      assertThat(PacketType.of(type.code())).isSameAs(type);
    }
    assertThat(PacketType.of(0)).isNull();
    assertThat(PacketType.of(16)).isNull();
  }
}
