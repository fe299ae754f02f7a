// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.Puback;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Pubrel;
import io.bight.mqtt.packet.Suback;
import io.bight.mqtt.packet.Subscribe;
import io.bight.mqtt.packet.Subscription;
import io.bight.mqtt.packet.Unsuback;
import io.bight.mqtt.packet.Unsubscribe;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The exact bytes of packets, and what the encoder does not write. */
class MqttEncoderTest {
  private static final String LONG = "x".repeat(65_536);

  private final MqttEncoder encoder = new MqttEncoder(MqttVersion.MQTT_5);
  private final MqttEncoder oldEncoder = new MqttEncoder(MqttVersion.MQTT_3_1_1);

  @Test
  void writesPublishOfTheSpecificationsExample() {
    // [MQTT 3.1.1, section 3.3.2.3]
    assertThat(hex(oldEncoder, publish("a/b", Qos.AT_LEAST_ONCE, 10)))
        .isEqualTo("32070003612f62000a");
  }

  @Test
  void writesPublishUnderTheTransmissionsIdentifierAndDup() {
    ByteBuf out = Unpooled.buffer();
    encoder.encodePublish(publish("a", Qos.AT_LEAST_ONCE, 9), 258, true, out);
    assertThat(ByteBufUtil.hexDump(out)).isEqualTo("3a0600016101" + "0200");
  }

  @Test
  void writesATopicAliasWithTheTopicTheFirstTime() {
    ByteBuf out = Unpooled.buffer();
    encoder.encodePublish(publish("a", Qos.AT_MOST_ONCE, 0), 0, false, 5, false, out);
    assertThat(ByteBufUtil.hexDump(out)).isEqualTo("3007000161" + "03230005");
  }

  @Test
  void leavesTheTopicOutOnceTheAliasIsKnown() {
    ByteBuf out = Unpooled.buffer();
    encoder.encodePublish(publish("a", Qos.AT_MOST_ONCE, 0), 0, false, 5, true, out);
    assertThat(ByteBufUtil.hexDump(out)).isEqualTo("30060000" + "03230005");
  }

  @Test
  void countsATopicAliasInTheLengthOfAMessage() {
    Publish message = publish("a", Qos.AT_LEAST_ONCE, 0);
    ByteBuf out = Unpooled.buffer();
    encoder.encodePublish(message, 1, false, 5, false, out);
    assertThat(encoder.encodedLength(message, 5)).isEqualTo(out.readableBytes());
  }

  @Test
  void tellsTheLengthOfAMessageThatHasNoIdentifierYet() {
    assertThat(encoder.encodedLength(publish("a", Qos.EXACTLY_ONCE, 0))).isEqualTo(8);
  }

  @Test
  void writesSuccessWithoutPropertiesInTwoBytes() {
    assertThat(hex(encoder, new Puback(1))).isEqualTo("40020001");
  }

  @Test
  void writesAReasonWithoutPropertiesInThreeBytes() {
    assertThat(hex(encoder, new Puback(1, ReasonCode.QUOTA_EXCEEDED, Properties.NONE)))
        .isEqualTo("4003000197");
  }

  @Test
  void leavesReasonAndPropertiesOutBefore50() {
    Properties properties = Properties.builder().set(Property.REASON_STRING, "why").build();
    assertThat(hex(oldEncoder, new Puback(1, ReasonCode.QUOTA_EXCEEDED, properties)))
        .isEqualTo("40020001");
  }

  @Test
  void writesTheFlagsOfPubrel() {
    assertThat(hex(encoder, new Pubrel(1))).isEqualTo("62020001");
  }

  @Test
  void writesANormalDisconnectInTwoBytes() {
    assertThat(hex(encoder, new Disconnect(ReasonCode.SUCCESS))).isEqualTo("e000");
  }

  @Test
  void writesADisconnectWithAReasonInThreeBytes() {
    assertThat(hex(encoder, new Disconnect(ReasonCode.PROTOCOL_ERROR))).isEqualTo("e00182");
  }

  @Test
  void writesTheReturnCodeOfTheSameMeaningBefore50() {
    assertThat(hex(oldEncoder, connack(ReasonCode.NOT_AUTHORIZED))).isEqualTo("20020005");
  }

  @Test
  void writesTheOneFailureOfSubackBefore50() {
    Suback suback =
        new Suback(
            1, List.of(ReasonCode.GRANTED_QOS_1, ReasonCode.NOT_AUTHORIZED), Properties.NONE);
    assertThat(hex(oldEncoder, suback)).isEqualTo("900400010180");
  }

  @Test
  void writesNoCodesOfUnsubackBefore50() {
    assertThat(hex(oldEncoder, new Unsuback(1, List.of(ReasonCode.SUCCESS), Properties.NONE)))
        .isEqualTo("b0020001");
  }

  record Unsendable(String what, MqttVersion version, Packet packet) {
    @Override
    public String toString() {
      return version + ": " + what;
    }
  }

  @ParameterizedTest
  @MethodSource("unsendables")
  void refusesWithoutWriting(Unsendable unsendable) {
    MqttEncoder its = new MqttEncoder(unsendable.version);
    ByteBuf out = Unpooled.buffer().writeByte(7);

    assertThatThrownBy(() -> its.encode(unsendable.packet, out))
        .isInstanceOf(IllegalArgumentException.class);

    assertThat(ByteBufUtil.hexDump(out)).isEqualTo("07");
  }

  static Stream<Unsendable> unsendables() {
    Properties alias = Properties.builder().set(Property.TOPIC_ALIAS, 1).build();
    Properties twice =
        Properties.builder()
            .add(Property.CONTENT_TYPE, "a")
            .add(Property.CONTENT_TYPE, "b")
            .build();
    Properties data = Properties.builder().set(Property.AUTHENTICATION_DATA, new byte[1]).build();
    return Stream.of(
        of("identifier 0", publish("a", Qos.AT_LEAST_ONCE, 0)),
        of("identifier 65536", publish("a", Qos.AT_LEAST_ONCE, 65_536)),
        of("identifier at QoS 0", publish("a", Qos.AT_MOST_ONCE, 1)),
        of("DUP at QoS 0", publish("a", Qos.AT_MOST_ONCE, true, 0, Properties.NONE)),
        of("no topic", publish("", Qos.AT_MOST_ONCE, 0)),
        of("a wildcard", publish("a/#", Qos.AT_MOST_ONCE, 0)),
        of("U+0000", publish("a\0", Qos.AT_MOST_ONCE, 0)),
        of("half a surrogate pair", publish("\ud800", Qos.AT_MOST_ONCE, 0)),
        of("a topic of 65,536 bytes", publish(LONG, Qos.AT_MOST_ONCE, 0)),
        of("65,538 bytes", publish("€".repeat(21_846), Qos.AT_MOST_ONCE, 0)),
        of("a property twice", publish("a", Qos.AT_MOST_ONCE, false, 0, twice)),
        of("a property of PUBLISH", new Connack(false, ReasonCode.SUCCESS, alias)),
        of("a long value", publish("a", Qos.AT_MOST_ONCE, false, 0, contentType(LONG))),
        of("U+0000 in a value", publish("a", Qos.AT_MOST_ONCE, false, 0, contentType("\0"))),
        of("PUBACK 0", new Puback(0)),
        of("PUBACK 0x92", new Puback(1, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND, Properties.NONE)),
        of("PUBREL 65536", new Pubrel(65_536)),
        of("no filters", new Subscribe(1, List.of(), Properties.NONE)),
        of("SUBSCRIBE 0", subscribe(0)),
        of("no filters to unsubscribe", new Unsubscribe(1, List.of(), Properties.NONE)),
        of("a wrong filter", new Unsubscribe(1, List.of("a#"), Properties.NONE)),
        of("UNSUBSCRIBE 0", new Unsubscribe(0, List.of("a"), Properties.NONE)),
        of("SUBACK without codes", new Suback(1, List.of(), Properties.NONE)),
        of("SUBACK 0x11", new Suback(1, List.of(ReasonCode.NO_SUBSCRIPTION_EXISTED), alias)),
        of("UNSUBACK without codes", new Unsuback(1, List.of(), Properties.NONE)),
        of("CONNACK 0x8D", connack(ReasonCode.KEEP_ALIVE_TIMEOUT)),
        of("session and error", new Connack(true, ReasonCode.BANNED, Properties.NONE)),
        of("DISCONNECT 0x10", new Disconnect(ReasonCode.NO_MATCHING_SUBSCRIBERS)),
        of("AUTH without method", new Auth(ReasonCode.CONTINUE_AUTHENTICATION)),
        of("data without method", connect(MqttVersion.MQTT_5, "c", true, 0, data)),
        of("keep alive 65536", connect(MqttVersion.MQTT_5, "c", true, 65_536, Properties.NONE)),
        of("another version", connect(MqttVersion.MQTT_3_1_1, "c", true, 0, Properties.NONE)),
        old("AUTH", new Auth(ReasonCode.SUCCESS)),
        old("CONNACK 0x8A", connack(ReasonCode.BANNED)),
        old(
            "no identifier in a kept session",
            connect(MqttVersion.MQTT_3_1_1, "", false, 0, Properties.NONE)),
        old(
            "a password alone",
            new Connect(
                MqttVersion.MQTT_3_1_1, "c", true, 0, null, null, new byte[1], Properties.NONE)));
  }

  @Test
  void refusesAPacketBeyondTheRemainingLength() {
    Subscription longest = new Subscription("x".repeat(65_535), Qos.AT_MOST_ONCE);
    Packet tooLong = new Subscribe(1, Collections.nCopies(4096, longest), Properties.NONE);
    ByteBuf out = Unpooled.buffer(16);
    assertThatThrownBy(() -> oldEncoder.encode(tooLong, out))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("268435455 is the most");
    assertThat(out.capacity()).isEqualTo(16);
  }

  @Test
  void refusesATopicAliasBesideTheMessagesOwn() {
    Properties alias = Properties.builder().set(Property.TOPIC_ALIAS, 1).build();
    Publish message = publish("a", Qos.AT_MOST_ONCE, false, 0, alias);
    assertThatThrownBy(() -> encoder.encodePublish(message, 0, false, 2, false, Unpooled.buffer()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("besides its own");
  }

  @Test
  void refusesATopicAliasBefore50() {
    Publish message = publish("a", Qos.AT_MOST_ONCE, 0);
    assertThatThrownBy(
            () -> oldEncoder.encodePublish(message, 0, false, 2, false, Unpooled.buffer()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("3.1.1");
  }

  private static Unsendable of(String what, Packet packet) {
    return new Unsendable(what, MqttVersion.MQTT_5, packet);
  }

  private static Unsendable old(String what, Packet packet) {
    return new Unsendable(what, MqttVersion.MQTT_3_1_1, packet);
  }

  private static Publish publish(String topic, Qos qos, int identifier) {
    return publish(topic, qos, false, identifier, Properties.NONE);
  }

  private static Publish publish(
      String topic, Qos qos, boolean dup, int identifier, Properties properties) {
    return new Publish(topic, new byte[0], qos, false, dup, identifier, properties);
  }

  private static Connack connack(ReasonCode reasonCode) {
    return new Connack(false, reasonCode, Properties.NONE);
  }

  private static Connect connect(
      MqttVersion version, String identifier, boolean clean, int keepAlive, Properties properties) {
    return new Connect(version, identifier, clean, keepAlive, null, null, null, properties);
  }

  private static Subscribe subscribe(int identifier) {
    return new Subscribe(
        identifier, List.of(new Subscription("a", Qos.AT_MOST_ONCE)), Properties.NONE);
  }

  private static Properties contentType(String value) {
    return Properties.builder().set(Property.CONTENT_TYPE, value).build();
  }

  private static String hex(MqttEncoder encoder, Packet packet) {
    ByteBuf out = Unpooled.buffer();
    encoder.encode(packet, out);
    return ByteBufUtil.hexDump(out);
  }
}
