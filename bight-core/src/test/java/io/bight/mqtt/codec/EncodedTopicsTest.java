// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

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
        byte[] encoded = new byte[2_000];
        int end = encoder.encodeSmallPublish(message, packetIdentifier, dup, topics, encoded, 7);
        assertThat(Unpooled.wrappedBuffer(encoded, 7, end - 7))
            .as("%s at %s", topic, qos)
            .isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 100, 127, 128, 2_048})
  void payloadsOfAnySmallSizeAreEncodedAsWithoutTheCache(int size) {
    MqttEncoder encoder = new MqttEncoder(MqttVersion.MQTT_5);
    Publish message = Publish.builder("a").payload(new byte[size]).build();
    ByteBuf expected = Unpooled.buffer();
    encoder.encodePublish(message, 0, false, expected);
    byte[] encoded = new byte[2_100];
    int end = encoder.encodeSmallPublish(message, 0, false, topics, encoded, 0);
    assertThat(Unpooled.wrappedBuffer(encoded, 0, end)).isEqualTo(expected);
  }

  @ParameterizedTest
  @EnumSource(MqttVersion.class)
  void propertiesAreEncodedAsWithoutTheCache(MqttVersion version) {
    MqttEncoder encoder = new MqttEncoder(version);
    for (int length : new int[] {0, 1, 100, 127, 128, 1_900}) {
      Properties properties =
          Properties.builder()
              .set(Property.PAYLOAD_FORMAT_INDICATOR, 1)
              .set(Property.MESSAGE_EXPIRY_INTERVAL, 0xFEDC_BA98L)
              .set(Property.CONTENT_TYPE, "c".repeat(length))
              .set(Property.RESPONSE_TOPIC, "answers")
              .set(Property.CORRELATION_DATA, new byte[] {1, 0, -1})
              .set(Property.TOPIC_ALIAS, 0x1234)
              .userProperty("", "")
              .userProperty("name", version == MqttVersion.MQTT_5 ? "value \u007f" : "é")
              .add(Property.SUBSCRIPTION_IDENTIFIER, 0x7F)
              .add(Property.SUBSCRIPTION_IDENTIFIER, 268_435_455)
              .build();
      for (int payload : new int[] {0, 1, 2_048}) {
        Publish message =
            new Publish("a", new byte[payload], Qos.AT_LEAST_ONCE, true, false, 0, properties);
        ByteBuf expected = Unpooled.buffer();
        encoder.encodePublish(message, 258, true, expected);
        byte[] encoded = new byte[4_200];
        int end = encoder.encodeSmallPublish(message, 258, true, topics, encoded, 7);
        assertThat(Unpooled.wrappedBuffer(encoded, 7, end - 7)).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"\u007f", "\u0080", "é", "\u07ff", "€", "𝄞", "ascii and é"})
  void propertiesOfAnyCharactersAreEncodedAsWithoutTheCache(String text) {
    MqttEncoder encoder = new MqttEncoder(MqttVersion.MQTT_5);
    for (Publish message :
        List.of(
            Publish.builder("a").contentType(text).build(),
            Publish.builder("a").userProperty(text, "value").build(),
            Publish.builder("a").userProperty("name", text).responseTopic("answers").build())) {
      ByteBuf expected = Unpooled.buffer();
      encoder.encodePublish(message, 0, false, expected);
      assertThat(expected.readableBytes()).isEqualTo(encoder.encodedLength(message));
      assertThat(expected.toString(StandardCharsets.UTF_8)).contains(text);
      byte[] encoded = new byte[100];
      int end = encoder.encodeSmallPublish(message, 0, false, topics, encoded, 7);
      assertThat(Unpooled.wrappedBuffer(encoded, 7, end - 7)).isEqualTo(expected);
    }
  }

  @Test
  void propertiesThatAreNotSmallAreLeftToTheOtherWayAndWrongOnesRefused() {
    MqttEncoder encoder = new MqttEncoder(MqttVersion.MQTT_5);
    byte[] out = new byte[4_000];
    Publish large = Publish.builder("a").contentType("x".repeat(2_100)).build();
    assertThat(encoder.encodeSmallPublish(large, 0, false, topics, out, 0))
        .isEqualTo(MqttEncoder.NOT_SMALL);
    Properties notHere = Properties.builder().set(Property.RECEIVE_MAXIMUM, 1).build();
    Publish refused = new Publish("a", new byte[0], Qos.AT_MOST_ONCE, false, false, 0, notHere);
    assertThatThrownBy(() -> encoder.encodeSmallPublish(refused, 0, false, topics, out, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatIsNotSmallOrHasNoRoomIsLeftToTheOtherWay() {
    MqttEncoder encoder = new MqttEncoder(MqttVersion.MQTT_5);
    byte[] out = new byte[3_000];
    for (Publish message :
        List.of(
            Publish.builder("a").payload(new byte[2_049]).build(),
            Publish.builder("x".repeat(2_049)).build(),
            publish(""))) {
      assertThat(encoder.encodeSmallPublish(message, 0, false, topics, out, 0))
          .isEqualTo(MqttEncoder.NOT_SMALL);
    }
    assertThat(encoder.encodeSmallPublish(publish("a"), 0, false, topics, out, 2_995))
        .isEqualTo(MqttEncoder.NO_ROOM);
    Publish withProperties = Publish.builder("a").contentType("text/plain").build();
    assertThat(encoder.encodeSmallPublish(withProperties, 0, false, topics, out, 2_980))
        .isEqualTo(MqttEncoder.NO_ROOM);
    assertThat(out).containsOnly(0);
  }

  @Test
  void whatCannotBeSentIsRefusedEachTime() {
    MqttEncoder encoder = new MqttEncoder(MqttVersion.MQTT_5);
    byte[] out = new byte[1_000];
    for (String topic : new String[] {"a/+", "#", "\ud800", "a/+"}) {
      Publish message = publish(topic);
      assertThatThrownBy(() -> encoder.encodeSmallPublish(message, 0, false, topics, out, 0))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> encoder.encodeSmallPublish(publish("a"), 1, false, topics, out, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(out).containsOnly(0);
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

  @Test
  void namesThatWereSentAreKnownAndNoOthers() {
    assertThat(topics.has("Aa")).isFalse();
    topics.field("Aa");
    assertThat(topics.has(new String("Aa"))).isTrue();
    assertThat(topics.has("BB")).as("another one with the same hash").isFalse();
    for (String wrong : List.of("", "+", "a/#", "a\0b", "\ud800", "x".repeat(65_536))) {
      try {
        topics.field(wrong);
      } catch (IllegalArgumentException e) {
        // as it should; what is empty never gets here
      }
      assertThat(topics.has(wrong)).as(wrong).isEqualTo(wrong.isEmpty());
    }
  }

  @Test
  void anotherThreadNeverTakesANameForKnownThatIsNot() throws Exception {
    List<String> allowed = Stream.iterate(0, i -> i + 1).limit(200).map(i -> "a/" + i).toList();
    List<String> wrong = allowed.stream().map(topic -> topic + "/#").toList();
    AtomicBoolean sending = new AtomicBoolean(true);
    Thread sender =
        new Thread(
            () -> {
              while (sending.get()) {
                allowed.forEach(topics::field);
              }
            });
    sender.start();
    try {
      for (int seen = 0; seen < 1_000; ) {
        seen += (int) allowed.stream().filter(topics::has).count();
        assertThat(wrong).noneMatch(topics::has);
      }
    } finally {
      sending.set(false);
      sender.join();
    }
  }

  private static Publish publish(String topic) {
    return new Publish(
        topic, new byte[1], Qos.AT_MOST_ONCE, false, false, 0, io.bight.mqtt.Properties.NONE);
  }
}
