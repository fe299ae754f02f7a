// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.mqtt.MqttConnAckMessage;
import io.netty.handler.codec.mqtt.MqttConnAckVariableHeader;
import io.netty.handler.codec.mqtt.MqttConnectReturnCode;
import io.netty.handler.codec.mqtt.MqttFixedHeader;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.handler.codec.mqtt.MqttMessageIdAndPropertiesVariableHeader;
import io.netty.handler.codec.mqtt.MqttProperties;
import io.netty.handler.codec.mqtt.MqttPubReplyMessageVariableHeader;
import io.netty.handler.codec.mqtt.MqttPublishMessage;
import io.netty.handler.codec.mqtt.MqttPublishVariableHeader;
import io.netty.handler.codec.mqtt.MqttQoS;
import io.netty.handler.codec.mqtt.MqttReasonCodeAndPropertiesVariableHeader;
import io.netty.handler.codec.mqtt.MqttSubAckMessage;
import io.netty.handler.codec.mqtt.MqttSubAckPayload;
import io.netty.handler.codec.mqtt.MqttUnsubAckMessage;
import io.netty.handler.codec.mqtt.MqttUnsubAckPayload;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * A packet that the server shall send, put together by a test. It is encoded for the version of the
 * connection it leaves on, by Netty's codec; properties and reason codes that the version does not
 * know are left out. What the codec refuses to encode, because MQTT forbids it, is sent as bytes:
 * {@link ServerScript#sendBytes(String)}.
 *
 * <pre>{@code
 * OutgoingPacket.publish("a/b", "21.5").qos(1).packetIdentifier(7).property(Property.TOPIC_ALIAS, 3)
 * }</pre>
 */
public final class OutgoingPacket {
  private final PacketType type;
  private final MqttProperties properties = new MqttProperties();
  private int packetIdentifier;
  private int[] reasonCodes = {};
  private boolean sessionPresent;
  private String topic = "";
  private byte[] payload = {};
  private int qos;
  private boolean dup;
  private boolean retain;

  OutgoingPacket(PacketType type) {
    this.type = type;
  }

  /**
   * A CONNACK that accepts: no session present, reason code 0.
   *
   * @return the packet
   */
  public static OutgoingPacket connack() {
    return new OutgoingPacket(PacketType.CONNACK);
  }

  /**
   * A PUBLISH at QoS 0.
   *
   * @param topic the topic name
   * @param payloadUtf8 the payload, sent as UTF-8
   * @return the packet
   */
  public static OutgoingPacket publish(String topic, String payloadUtf8) {
    return new OutgoingPacket(PacketType.PUBLISH).topic(topic).payload(payloadUtf8);
  }

  /**
   * A PUBACK, PUBREC, PUBREL or PUBCOMP.
   *
   * @param type which of the four
   * @param packetIdentifier what it answers
   * @return the packet
   */
  public static OutgoingPacket acknowledgement(PacketType type, int packetIdentifier) {
    return switch (type) {
      case PUBACK, PUBREC, PUBREL, PUBCOMP ->
          new OutgoingPacket(type).packetIdentifier(packetIdentifier);
      default -> throw new IllegalArgumentException("Acknowledges no PUBLISH: " + type);
    };
  }

  /**
   * A SUBACK.
   *
   * @param packetIdentifier the identifier of the SUBSCRIBE
   * @param reasonCodes one for each topic filter
   * @return the packet
   */
  public static OutgoingPacket suback(int packetIdentifier, int... reasonCodes) {
    return new OutgoingPacket(PacketType.SUBACK)
        .packetIdentifier(packetIdentifier)
        .reasonCodes(reasonCodes);
  }

  /**
   * An UNSUBACK. Its reason codes are left out before MQTT 5.0.
   *
   * @param packetIdentifier the identifier of the UNSUBSCRIBE
   * @param reasonCodes one for each topic filter
   * @return the packet
   */
  public static OutgoingPacket unsuback(int packetIdentifier, int... reasonCodes) {
    return new OutgoingPacket(PacketType.UNSUBACK)
        .packetIdentifier(packetIdentifier)
        .reasonCodes(reasonCodes);
  }

  /**
   * A PINGRESP.
   *
   * @return the packet
   */
  public static OutgoingPacket pingresp() {
    return new OutgoingPacket(PacketType.PINGRESP);
  }

  /**
   * A DISCONNECT from the server, which exists in MQTT 5.0 only.
   *
   * @param reasonCode why
   * @return the packet
   */
  public static OutgoingPacket disconnect(int reasonCode) {
    return new OutgoingPacket(PacketType.DISCONNECT).reasonCode(reasonCode);
  }

  /**
   * An AUTH, MQTT 5.0 only.
   *
   * @param reasonCode 0x18 to continue, 0 for success
   * @return the packet
   */
  public static OutgoingPacket auth(int reasonCode) {
    return new OutgoingPacket(PacketType.AUTH).reasonCode(reasonCode);
  }

  /**
   * What kind of packet it is.
   *
   * @return the type
   */
  public PacketType type() {
    return type;
  }

  /**
   * Sets the packet identifier.
   *
   * @param packetIdentifier 1 to 65535
   * @return this
   */
  public OutgoingPacket packetIdentifier(int packetIdentifier) {
    this.packetIdentifier = packetIdentifier;
    return this;
  }

  /**
   * Sets the reason code of any packet that has one.
   *
   * @param reasonCode 0 to 255
   * @return this
   */
  public OutgoingPacket reasonCode(int reasonCode) {
    return reasonCodes(reasonCode);
  }

  /**
   * Sets the reason codes of a SUBACK or UNSUBACK.
   *
   * @param reasonCodes one for each topic filter
   * @return this
   */
  public OutgoingPacket reasonCodes(int... reasonCodes) {
    this.reasonCodes = reasonCodes.clone();
    return this;
  }

  /**
   * Sets the Session Present flag of a CONNACK.
   *
   * @param sessionPresent whether the server claims to have kept the session
   * @return this
   */
  public OutgoingPacket sessionPresent(boolean sessionPresent) {
    this.sessionPresent = sessionPresent;
    return this;
  }

  /**
   * Sets the topic of a PUBLISH.
   *
   * @param topic the topic name
   * @return this
   */
  public OutgoingPacket topic(String topic) {
    this.topic = topic;
    return this;
  }

  /**
   * Sets the payload of a PUBLISH.
   *
   * @param utf8 the payload, sent as UTF-8
   * @return this
   */
  public OutgoingPacket payload(String utf8) {
    return payload(utf8.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Sets the payload of a PUBLISH.
   *
   * @param bytes the payload; copied
   * @return this
   */
  public OutgoingPacket payload(byte[] bytes) {
    payload = bytes.clone();
    return this;
  }

  /**
   * Sets the QoS of a PUBLISH; 1 and 2 also want a {@link #packetIdentifier(int)}.
   *
   * @param qos 0, 1 or 2
   * @return this
   */
  public OutgoingPacket qos(int qos) {
    this.qos = qos;
    return this;
  }

  /**
   * Sets the DUP flag of a PUBLISH.
   *
   * @param dup whether it says that it is sent again
   * @return this
   */
  public OutgoingPacket dup(boolean dup) {
    this.dup = dup;
    return this;
  }

  /**
   * Sets the RETAIN flag of a PUBLISH.
   *
   * @param retain whether it says that it was retained
   * @return this
   */
  public OutgoingPacket retain(boolean retain) {
    this.retain = retain;
    return this;
  }

  /**
   * Adds a property.
   *
   * @param property which
   * @param value a number, a String or a byte[], as the property demands
   * @return this
   */
  public OutgoingPacket property(Property property, Object value) {
    properties.add(property.toNetty(value));
    return this;
  }

  /**
   * Adds a user property.
   *
   * @param name its name
   * @param value its value
   * @return this
   */
  public OutgoingPacket userProperty(String name, String value) {
    properties.add(new MqttProperties.UserProperty(name, value));
    return this;
  }

  OutgoingPacket nettyProperty(MqttProperties.MqttProperty<?> property) {
    properties.add(property);
    return this;
  }

  MqttMessage toNetty() {
    MqttQoS headerQos = type == PacketType.PUBREL ? MqttQoS.AT_LEAST_ONCE : MqttQoS.valueOf(qos);
    MqttFixedHeader header = new MqttFixedHeader(type.toNetty(), dup, headerQos, retain, 0);
    byte firstReason = (byte) (reasonCodes.length == 0 ? 0 : reasonCodes[0]);
    return switch (type) {
      case CONNACK ->
          new MqttConnAckMessage(
              header,
              new MqttConnAckVariableHeader(
                  MqttConnectReturnCode.valueOf(firstReason), sessionPresent, properties));
      case PUBLISH ->
          new MqttPublishMessage(
              header,
              new MqttPublishVariableHeader(topic, packetIdentifier, properties),
              Unpooled.wrappedBuffer(payload));
      case PUBACK, PUBREC, PUBREL, PUBCOMP ->
          new MqttMessage(
              header,
              new MqttPubReplyMessageVariableHeader(packetIdentifier, firstReason, properties));
      case SUBACK ->
          new MqttSubAckMessage(
              header,
              new MqttMessageIdAndPropertiesVariableHeader(packetIdentifier, properties),
              new MqttSubAckPayload(reasonCodes));
      case UNSUBACK ->
          new MqttUnsubAckMessage(
              header,
              new MqttMessageIdAndPropertiesVariableHeader(packetIdentifier, properties),
              new MqttUnsubAckPayload(shorts(reasonCodes)));
      case DISCONNECT, AUTH ->
          new MqttMessage(
              header, new MqttReasonCodeAndPropertiesVariableHeader(firstReason, properties));
      case PINGRESP, PINGREQ -> new MqttMessage(header);
      case CONNECT, SUBSCRIBE, UNSUBSCRIBE ->
          throw new IllegalStateException("A server does not send " + type);
    };
  }

  /** In words, as the transcript has it. */
  @Override
  public String toString() {
    StringBuilder words = new StringBuilder(type.name());
    words.append(packetIdentifier == 0 ? "" : " id=" + packetIdentifier);
    if (type == PacketType.PUBLISH) {
      words.append(" qos=").append(qos).append(dup ? " dup" : "").append(retain ? " retain" : "");
      words.append(" '").append(topic).append("' ").append(payload.length).append(" B");
    }
    words.append(sessionPresent ? " session present" : "");
    for (int reasonCode : reasonCodes) {
      words.append(String.format(" 0x%02X", reasonCode));
    }
    ReceivedProperties view = new ReceivedProperties(properties);
    return view.asMap().isEmpty() ? words.toString() : words.append(' ').append(view).toString();
  }

  private static List<Short> shorts(int[] values) {
    return Arrays.stream(values).mapToObj(value -> (short) value).toList();
  }
}
