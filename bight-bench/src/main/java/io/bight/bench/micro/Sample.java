// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.codec.MqttEncoder;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.PacketType;
import io.bight.mqtt.packet.Pingreq;
import io.bight.mqtt.packet.Pingresp;
import io.bight.mqtt.packet.Puback;
import io.bight.mqtt.packet.Pubcomp;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Pubrec;
import io.bight.mqtt.packet.Pubrel;
import io.bight.mqtt.packet.Suback;
import io.bight.mqtt.packet.Subscribe;
import io.bight.mqtt.packet.Subscription;
import io.bight.mqtt.packet.Unsuback;
import io.bight.mqtt.packet.Unsubscribe;
import io.bight.mqtt.packet.Will;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A packet of a version, and what the wire says for it.
 *
 * @param version the version
 * @param packet the packet
 */
record Sample(MqttVersion version, Packet packet) {
  static final String TOPIC = "site/12/line/7/state";
  private static final int IDENTIFIER = 4_711;

  static Sample publish(Form form, int qos, int payloadBytes) {
    Properties properties =
        form != Form.V5_PROPERTIES
            ? Properties.NONE
            : Properties.builder()
                .set(Property.RESPONSE_TOPIC, "site/12/answers")
                .set(Property.CORRELATION_DATA, bytes(8))
                .set(Property.MESSAGE_EXPIRY_INTERVAL, 3_600L)
                .set(Property.CONTENT_TYPE, "application/json")
                .userProperty("source", "line-7")
                .userProperty("trace", "0af7651916cd43dd")
                .build();
    return new Sample(
        form.version(),
        new Publish(
            TOPIC,
            bytes(payloadBytes),
            Qos.of(qos),
            false,
            false,
            qos == 0 ? 0 : IDENTIFIER,
            properties));
  }

  static Sample of(Form form, PacketType type) {
    boolean rich = form == Form.V5_PROPERTIES;
    Properties reason =
        rich
            ? Properties.builder()
                .set(Property.REASON_STRING, "as the operator wishes")
                .userProperty("source", "line-7")
                .build()
            : Properties.NONE;
    Properties user =
        rich ? Properties.builder().userProperty("source", "line-7").build() : Properties.NONE;
    Packet packet =
        switch (type) {
          case CONNECT -> connect(form, user);
          case CONNACK ->
              new Connack(
                  true,
                  ReasonCode.SUCCESS,
                  rich
                      ? Properties.builder()
                          .set(Property.RECEIVE_MAXIMUM, 1_000)
                          .set(Property.TOPIC_ALIAS_MAXIMUM, 10)
                          .set(Property.SERVER_KEEP_ALIVE, 60)
                          .set(Property.REASON_STRING, "as the operator wishes")
                          .build()
                      : Properties.NONE);
          case PUBLISH -> publish(form, 1, 64).packet;
          case PUBACK ->
              new Puback(
                  IDENTIFIER,
                  rich ? ReasonCode.NO_MATCHING_SUBSCRIBERS : ReasonCode.SUCCESS,
                  reason);
          case PUBREC ->
              new Pubrec(
                  IDENTIFIER,
                  rich ? ReasonCode.NO_MATCHING_SUBSCRIBERS : ReasonCode.SUCCESS,
                  reason);
          case PUBREL ->
              new Pubrel(
                  IDENTIFIER,
                  rich ? ReasonCode.PACKET_IDENTIFIER_NOT_FOUND : ReasonCode.SUCCESS,
                  reason);
          case PUBCOMP ->
              new Pubcomp(
                  IDENTIFIER,
                  rich ? ReasonCode.PACKET_IDENTIFIER_NOT_FOUND : ReasonCode.SUCCESS,
                  reason);
          case SUBSCRIBE ->
              new Subscribe(
                  IDENTIFIER,
                  List.of(
                      new Subscription("site/12/+/7/state", Qos.AT_LEAST_ONCE),
                      new Subscription("site/13/#", Qos.EXACTLY_ONCE)),
                  rich
                      ? user.toBuilder().set(Property.SUBSCRIPTION_IDENTIFIER, 7).build()
                      : Properties.NONE);
          case SUBACK ->
              new Suback(
                  IDENTIFIER, List.of(ReasonCode.GRANTED_QOS_1, ReasonCode.GRANTED_QOS_2), reason);
          case UNSUBSCRIBE ->
              new Unsubscribe(IDENTIFIER, List.of("site/12/+/7/state", "site/13/#"), user);
          case UNSUBACK ->
              new Unsuback(
                  IDENTIFIER,
                  form == Form.V3_1_1
                      ? List.of()
                      : List.of(ReasonCode.SUCCESS, ReasonCode.NO_SUBSCRIPTION_EXISTED),
                  reason);
          case PINGREQ -> Pingreq.INSTANCE;
          case PINGRESP -> Pingresp.INSTANCE;
          case DISCONNECT ->
              new Disconnect(rich ? ReasonCode.SERVER_SHUTTING_DOWN : ReasonCode.SUCCESS, reason);
          case AUTH ->
              new Auth(
                  ReasonCode.CONTINUE_AUTHENTICATION,
                  reason.toBuilder()
                      .set(Property.AUTHENTICATION_METHOD, "SCRAM-SHA-256")
                      .set(Property.AUTHENTICATION_DATA, bytes(32))
                      .build());
        };
    return new Sample(form.version(), packet);
  }

  private static Connect connect(Form form, Properties user) {
    boolean rich = form == Form.V5_PROPERTIES;
    return new Connect(
        form.version(),
        "line-7-controller",
        false,
        60,
        new Will("site/12/line/7/gone", bytes(8), Qos.AT_LEAST_ONCE, true, Properties.NONE),
        "line-7",
        "a long password".getBytes(StandardCharsets.UTF_8),
        rich
            ? user.toBuilder()
                .set(Property.SESSION_EXPIRY_INTERVAL, 3_600L)
                .set(Property.RECEIVE_MAXIMUM, 1_000)
                .build()
            : Properties.NONE);
  }

  private static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) ('a' + i % 26);
    }
    return bytes;
  }

  /** Tells whether a server sends it, and a client decodes it. */
  boolean isFromServer() {
    return switch (packet.type()) {
      case CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ -> false;
      case DISCONNECT -> version == MqttVersion.MQTT_5;
      default -> true;
    };
  }

  /** Returns how many bytes it has on the wire. */
  int size() {
    return new MqttEncoder(version).encodedLength(packet);
  }

  /** Returns the packet's bytes, in a buffer like those that a socket is read into. */
  ByteBuf encoded() {
    ByteBuf bytes = PooledByteBufAllocator.DEFAULT.directBuffer(2_048);
    new MqttEncoder(version).encode(packet, bytes);
    return bytes;
  }
}
