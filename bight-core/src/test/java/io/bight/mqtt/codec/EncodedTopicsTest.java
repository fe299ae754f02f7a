// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class EncodedTopicsTest {
  private final EncodedTopics topics = new EncodedTopics();

  @ParameterizedTest
  @EnumSource(MqttVersion.class)
  void messagesAreEncodedAsWithoutTheCache(MqttVersion version) {
    MqttEncoder encoder = new MqttEncoder(version);
    for (String topic : new String[] {"a", "Küche/€/𝄞", "x".repeat(300), "a", "Küche/€/𝄞"}) {
      for (Qos qos : Qos.values()) {
        Publish message = Publish.builder(topic).payload("payload").qos(qos).retain(true).build();
        int packetIdentifier = qos == Qos.AT_MOST_ONCE ? 0 : 258;
        boolean dup = qos != Qos.AT_MOST_ONCE;
        ByteBuf expected = Unpooled.buffer();
        encoder.encodePublish(message, packetIdentifier, dup, expected);
        ByteBuf encoded = Unpooled.buffer();
        encoder.encodePublish(message, packetIdentifier, dup, topics, encoded);
        assertThat(encoded).as("%s at %s", topic, qos).isEqualTo(expected);
      }
    }
  }

  @Test
  void aMessageWithPropertiesIsEncodedAsWithoutTheCache() {
    MqttEncoder encoder = new MqttEncoder(MqttVersion.MQTT_5);
    Publish message = Publish.builder("a").contentType("text/plain").build();
    ByteBuf expected = Unpooled.buffer();
    encoder.encodePublish(message, 0, false, expected);
    ByteBuf encoded = Unpooled.buffer();
    encoder.encodePublish(message, 0, false, topics, encoded);
    assertThat(encoded).isEqualTo(expected);
  }

  @Test
  void whatCannotBeSentIsRefusedEachTimeAndLeavesTheBufferAsItWas() {
    MqttEncoder encoder = new MqttEncoder(MqttVersion.MQTT_5);
    ByteBuf out = Unpooled.buffer();
    for (String topic : new String[] {"a/+", "#", "", "\ud800", "x".repeat(65_536), "a/+"}) {
      Publish message = publish(topic);
      assertThatThrownBy(() -> encoder.encodePublish(message, 0, false, topics, out))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> encoder.encodePublish(publish("a"), 1, false, topics, out))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(out.readableBytes()).isZero();
  }

  @Test
  void thousandsOfTopicsAreToldApart() {
    Stream.iterate(0, i -> i + 1)
        .limit(5_000)
        .map(i -> "sensor/" + i % 2_500 + "/value")
        .forEach(
            topic ->
                assertThat(new String(topics.field(topic), 2, topic.length())).isEqualTo(topic));
  }

  private static Publish publish(String topic) {
    return new Publish(
        topic, new byte[1], Qos.AT_MOST_ONCE, false, false, 0, io.bight.mqtt.Properties.NONE);
  }
}
