// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Property.Place;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.Topics;
import io.bight.mqtt.Utf8;
import io.bight.mqtt.packet.Acknowledgement;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.PacketType;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Suback;
import io.bight.mqtt.packet.Subscribe;
import io.bight.mqtt.packet.Unsuback;
import io.bight.mqtt.packet.Unsubscribe;
import io.netty.buffer.ByteBuf;

/**
 * Turns packets into bytes, for clients and servers. Has no state but the version, so that one
 * object may serve any number of connections and threads.
 *
 * <p>What a version before 5.0 has no place for is left out: properties, subscription options, and
 * all reasons but those of CONNACK and SUBACK. Whether a packet still says what was meant without
 * them is the caller's to judge: a DISCONNECT, for one, is then always a normal one.
 *
 * <p>A packet is checked before its first byte is written: an {@link IllegalArgumentException}
 * leaves the buffer as it was.
 */
public final class MqttEncoder {
  /** {@link #encodeSmallPublish} has found no room. */
  public static final int NO_ROOM = -1;

  /** {@link #encodeSmallPublish} does not take this message. */
  public static final int NOT_SMALL = -2;

  /** The property's identifier and its two bytes. */
  private static final int TOPIC_ALIAS_BYTES = 3;

  /**
   * What a small message has at most of payload, properties and topic name each, so that lengths
   * take two bytes at most.
   */
  private static final int SMALL = 2_048;

  /** First byte, remaining length, length of the topic name. */
  private static final int MOST_BEFORE_TOPIC = 5;

  /** Packet identifier, length of the properties. */
  private static final int MOST_BEHIND_TOPIC = 4;

  private final MqttVersion version;
  private final boolean hasProperties;

  /**
   * Makes an encoder.
   *
   * @param version the version to write
   */
  public MqttEncoder(MqttVersion version) {
    this.version = version;
    this.hasProperties = version.hasProperties();
  }

  /**
   * Returns the version that is written.
   *
   * @return the version
   */
  public MqttVersion version() {
    return version;
  }

  /**
   * Appends one packet.
   *
   * @param packet the packet
   * @param out where to append it; not changed if the packet is refused
   * @throws IllegalArgumentException if the packet cannot be encoded: a string or the whole is too
   *     long, a string is ill formed, a property or reason code does not belong on it, the packet
   *     identifier is 0, or the like
   */
  public void encode(Packet packet, ByteBuf out) {
    if (packet instanceof Publish publish) {
      encodePublish(publish, publish.packetIdentifier(), publish.dup(), out);
    } else if (packet instanceof Acknowledgement acknowledgement) {
      encodeAcknowledgement(
          acknowledgement.type(),
          acknowledgement.packetIdentifier(),
          acknowledgement.reasonCode(),
          acknowledgement.properties(),
          out);
    } else {
      PacketType type = packet.type();
      requirePacketIdentifier(packet);
      int remainingLength = requireRemainingLength(remainingLength(packet));
      begin(type, fixedFlags(type), remainingLength, out);
      writeBody(packet, out);
    }
  }

  /**
   * Returns how many bytes a packet takes, so that the receiver's Maximum Packet Size can be kept.
   *
   * @param packet the packet; its packet identifier may still be 0
   * @return the exact length, fixed header included
   * @throws IllegalArgumentException if the packet cannot be encoded
   */
  public int encodedLength(Packet packet) {
    return wholeLength(remainingLength(packet));
  }

  /**
   * Returns how many bytes a message takes on this connection, at most: a topic alias that is known
   * to the receiver makes it shorter.
   *
   * @param message the message; its own packet identifier and DUP do not count
   * @param topicAlias the topic alias that goes with it, or 0
   * @return the length, fixed header and topic name included
   * @throws IllegalArgumentException if the message cannot be encoded
   */
  public int encodedLength(Publish message, int topicAlias) {
    return wholeLength(
        publishLength(message, propertiesLength(message), topicAlias, message.topic()));
  }

  /**
   * Appends a message under this transmission's packet identifier and DUP flag; those of the
   * message do not count.
   *
   * @param message the message
   * @param packetIdentifier 1 to 65,535 at QoS 1 and 2, else 0
   * @param dup whether this repeats an earlier transmission
   * @param out where to append it; not changed if the message is refused
   * @throws IllegalArgumentException if the message cannot be encoded
   */
  public void encodePublish(Publish message, int packetIdentifier, boolean dup, ByteBuf out) {
    encodePublish(message, packetIdentifier, dup, 0, false, out);
  }

  /**
   * Puts a small message into an array, where it takes a fraction of the time that a buffer takes
   * with its checks at each step. For one who sends to the same topics again and again.
   *
   * @param message the message
   * @param packetIdentifier 1 to 65,535 at QoS 1 and 2, else 0
   * @param dup whether this repeats an earlier transmission
   * @param topics the topic names that the caller has sent to
   * @param out where to put it
   * @param from the index of its first byte
   * @return the index behind its last byte; or {@link #NO_ROOM}, so that it may be tried with more;
   *     or {@link #NOT_SMALL} if {@link #encodePublish} is to take it, since it is larger or has no
   *     topic name
   * @throws IllegalArgumentException if the message cannot be encoded
   */
  public int encodeSmallPublish(
      Publish message,
      int packetIdentifier,
      boolean dup,
      EncodedTopics topics,
      byte[] out,
      int from) {
    byte[] payload = message.payload();
    String topic = message.topic();
    if (payload.length > SMALL || topic.length() > SMALL || topic.isEmpty()) {
      return NOT_SMALL;
    }
    int propertiesLength = propertiesLength(message);
    if (propertiesLength > SMALL) {
      return NOT_SMALL;
    }
    int most = MOST_BEFORE_TOPIC + 3 * topic.length() + MOST_BEHIND_TOPIC + propertiesLength;
    if (most + payload.length > out.length - from) {
      return NO_ROOM;
    }
    requireTransmission(message.qos(), packetIdentifier, dup);
    byte[] field = topics.field(topic);
    int behindTopic = packetIdentifier == 0 ? 0 : 2;
    if (hasProperties) {
      behindTopic += PropertiesCodec.withLengthField(propertiesLength);
    }
    int remainingLength = field.length + behindTopic + payload.length;
    int index = from;
    out[index++] = (byte) (PacketType.PUBLISH.code() << 4 | flags(message, dup));
    index = VariableByteInteger.write(remainingLength, out, index);
    System.arraycopy(field, 0, out, index, field.length);
    index += field.length;
    if (packetIdentifier != 0) {
      out[index++] = (byte) (packetIdentifier >>> Byte.SIZE);
      out[index++] = (byte) packetIdentifier;
    }
    if (hasProperties) {
      index = VariableByteInteger.write(propertiesLength, out, index);
      index =
          PropertiesCodec.writeWithoutLength(message.properties(), propertiesLength, out, index);
    }
    System.arraycopy(payload, 0, out, index, payload.length);
    return index + payload.length;
  }

  private static int flags(Publish message, boolean dup) {
    return (dup ? 8 : 0) | message.qos().code() << 1 | (message.retain() ? 1 : 0);
  }

  /**
   * Appends a message under this transmission's packet identifier, DUP flag and topic alias; those
   * of the message do not count.
   *
   * @param message the message
   * @param packetIdentifier 1 to 65,535 at QoS 1 and 2, else 0
   * @param dup whether this repeats an earlier transmission
   * @param topicAlias 1 to 65,535, or 0 for none
   * @param topicKnown whether the receiver knows the alias already, so that the topic name is left
   *     out
   * @param out where to append it; not changed if the message is refused
   * @throws IllegalArgumentException if the message cannot be encoded, or carries a topic alias of
   *     its own besides this one
   */
  public void encodePublish(
      Publish message,
      int packetIdentifier,
      boolean dup,
      int topicAlias,
      boolean topicKnown,
      ByteBuf out) {
    requireTransmission(message.qos(), packetIdentifier, dup);
    String topic = topicAlias > 0 && topicKnown ? "" : message.topic();
    int propertiesLength = propertiesLength(message);
    int remainingLength =
        requireRemainingLength(publishLength(message, propertiesLength, topicAlias, topic));
    begin(PacketType.PUBLISH, flags(message, dup), remainingLength, out);
    Strings.write(topic, out);
    if (packetIdentifier != 0) {
      out.writeShort(packetIdentifier);
    }
    if (hasProperties) {
      if (topicAlias > 0) {
        VariableByteInteger.write(propertiesLength + TOPIC_ALIAS_BYTES, out);
        out.writeByte(Property.TOPIC_ALIAS.identifier());
        out.writeShort(topicAlias);
      } else {
        VariableByteInteger.write(propertiesLength, out);
      }
      PropertiesCodec.writeWithoutLength(message.properties(), propertiesLength, out);
    }
    out.writeBytes(message.payload());
  }

  /**
   * Appends PUBACK.
   *
   * @param packetIdentifier the identifier of the PUBLISH
   * @param reasonCode the outcome; left out before 5.0
   * @param properties the properties
   * @param out where to append it; not changed if the packet is refused
   * @throws IllegalArgumentException if the packet cannot be encoded
   */
  public void encodePuback(
      int packetIdentifier, ReasonCode reasonCode, Properties properties, ByteBuf out) {
    encodeAcknowledgement(PacketType.PUBACK, packetIdentifier, reasonCode, properties, out);
  }

  /**
   * Appends PUBREC.
   *
   * @param packetIdentifier the identifier of the PUBLISH
   * @param reasonCode the outcome; left out before 5.0
   * @param properties the properties
   * @param out where to append it; not changed if the packet is refused
   * @throws IllegalArgumentException if the packet cannot be encoded
   */
  public void encodePubrec(
      int packetIdentifier, ReasonCode reasonCode, Properties properties, ByteBuf out) {
    encodeAcknowledgement(PacketType.PUBREC, packetIdentifier, reasonCode, properties, out);
  }

  /**
   * Appends PUBREL.
   *
   * @param packetIdentifier the identifier of the PUBLISH
   * @param reasonCode the outcome; left out before 5.0
   * @param properties the properties
   * @param out where to append it; not changed if the packet is refused
   * @throws IllegalArgumentException if the packet cannot be encoded
   */
  public void encodePubrel(
      int packetIdentifier, ReasonCode reasonCode, Properties properties, ByteBuf out) {
    encodeAcknowledgement(PacketType.PUBREL, packetIdentifier, reasonCode, properties, out);
  }

  /**
   * Appends PUBCOMP.
   *
   * @param packetIdentifier the identifier of the PUBLISH
   * @param reasonCode the outcome; left out before 5.0
   * @param properties the properties
   * @param out where to append it; not changed if the packet is refused
   * @throws IllegalArgumentException if the packet cannot be encoded
   */
  public void encodePubcomp(
      int packetIdentifier, ReasonCode reasonCode, Properties properties, ByteBuf out) {
    encodeAcknowledgement(PacketType.PUBCOMP, packetIdentifier, reasonCode, properties, out);
  }

  private void encodeAcknowledgement(
      PacketType type,
      int packetIdentifier,
      ReasonCode reasonCode,
      Properties properties,
      ByteBuf out) {
    requirePacketIdentifier(type, packetIdentifier);
    if (reasonCode == ReasonCode.SUCCESS && properties.isEmpty()) { // as nearly all are
      int firstByte = type.code() << 4 | fixedFlags(type);
      out.writeInt(firstByte << 24 | 2 << Short.SIZE | packetIdentifier);
      return;
    }
    int remainingLength = acknowledgementLength(type, reasonCode, properties);
    begin(type, fixedFlags(type), requireRemainingLength(remainingLength), out);
    out.writeShort(packetIdentifier);
    if (hasProperties) {
      ReasonWriter.write(type, reasonCode, properties, out);
    }
  }

  private long remainingLength(Packet packet) {
    return switch (packet.type()) {
      case CONNECT -> ConnectWriter.length((Connect) packet, version);
      case CONNACK -> ConnectWriter.length((Connack) packet, version);
      case PUBLISH -> {
        Publish publish = (Publish) packet;
        yield publishLength(publish, propertiesLength(publish), 0, publish.topic());
      }
      case PUBACK, PUBREC, PUBREL, PUBCOMP -> {
        Acknowledgement acknowledgement = (Acknowledgement) packet;
        yield acknowledgementLength(
            acknowledgement.type(), acknowledgement.reasonCode(), acknowledgement.properties());
      }
      case SUBSCRIBE -> SubscriptionWriter.length((Subscribe) packet, version);
      case SUBACK -> SubscriptionWriter.length((Suback) packet, version);
      case UNSUBSCRIBE -> SubscriptionWriter.length((Unsubscribe) packet, version);
      case UNSUBACK -> SubscriptionWriter.length((Unsuback) packet, version);
      case PINGREQ, PINGRESP -> 0;
      case DISCONNECT -> disconnectLength((Disconnect) packet);
      case AUTH -> authLength((Auth) packet);
    };
  }

  private void writeBody(Packet packet, ByteBuf out) {
    switch (packet.type()) {
      case CONNECT -> ConnectWriter.write((Connect) packet, out);
      case CONNACK -> ConnectWriter.write((Connack) packet, version, out);
      case SUBSCRIBE -> SubscriptionWriter.write((Subscribe) packet, version, out);
      case SUBACK -> SubscriptionWriter.write((Suback) packet, version, out);
      case UNSUBSCRIBE -> SubscriptionWriter.write((Unsubscribe) packet, version, out);
      case UNSUBACK -> SubscriptionWriter.write((Unsuback) packet, version, out);
      case DISCONNECT -> {
        if (hasProperties) {
          Disconnect disconnect = (Disconnect) packet;
          ReasonWriter.write(
              PacketType.DISCONNECT, disconnect.reasonCode(), disconnect.properties(), out);
        }
      }
      case AUTH -> {
        Auth auth = (Auth) packet;
        ReasonWriter.write(PacketType.AUTH, auth.reasonCode(), auth.properties(), out);
      }
      default -> {} // the rest has no body, or ways of its own
    }
  }

  /** Checks the properties; returns their length, without a topic alias that goes with them. */
  private int propertiesLength(Publish message) {
    return hasProperties && !message.properties().isEmpty()
        ? PropertiesCodec.encodedLength(message.properties(), Place.PUBLISH)
        : 0;
  }

  private long publishLength(Publish message, int propertiesLength, int topicAlias, String topic) {
    requireTopic(message, topicAlias);
    long length = 2L + Utf8.requireEncodable(topic, "topic name") + message.payload().length;
    if (message.qos() != Qos.AT_MOST_ONCE) {
      length += 2;
    }
    if (hasProperties) {
      int aliasLength = topicAlias > 0 ? TOPIC_ALIAS_BYTES : 0;
      length += PropertiesCodec.withLengthField(propertiesLength + aliasLength);
    }
    return length;
  }

  private void requireTopic(Publish message, int topicAlias) {
    boolean hasAlias = hasProperties && message.properties().has(Property.TOPIC_ALIAS);
    if (topicAlias != 0 && (!hasProperties || hasAlias || topicAlias >>> 16 != 0)) {
      throw new IllegalArgumentException(
          "PUBLISH cannot have the topic alias "
              + topicAlias
              + (hasProperties ? hasAlias ? " besides its own" : "" : " in MQTT " + version));
    }
    String topic = message.topic();
    if (topic.isEmpty() && !hasAlias) {
      throw new IllegalArgumentException("PUBLISH has no topic name and no topic alias");
    }
    if (Topics.containsWildcard(topic)) { // [MQTT-3.3.2-2]
      throw new IllegalArgumentException("topic name '" + topic + "' has a wildcard");
    }
  }

  private int acknowledgementLength(PacketType type, ReasonCode reasonCode, Properties properties) {
    return hasProperties ? 2 + ReasonWriter.length(type, reasonCode, properties) : 2;
  }

  private int disconnectLength(Disconnect disconnect) {
    return hasProperties
        ? ReasonWriter.length(
            PacketType.DISCONNECT, disconnect.reasonCode(), disconnect.properties())
        : 0;
  }

  private int authLength(Auth auth) {
    if (!hasProperties) {
      throw new IllegalArgumentException("there is no AUTH in MQTT " + version);
    }
    boolean empty = auth.reasonCode() == ReasonCode.SUCCESS && auth.properties().isEmpty();
    if (!empty && !auth.properties().has(Property.AUTHENTICATION_METHOD)) {
      throw new IllegalArgumentException("AUTH has no Authentication Method");
    }
    return ReasonWriter.length(PacketType.AUTH, auth.reasonCode(), auth.properties());
  }

  private static void requireTransmission(Qos qos, int packetIdentifier, boolean dup) {
    if (qos != Qos.AT_MOST_ONCE) {
      requirePacketIdentifier(PacketType.PUBLISH, packetIdentifier);
    } else if (packetIdentifier != 0) { // [MQTT-2.2.1-2]
      throw new IllegalArgumentException(
          "PUBLISH at QoS 0 has the packet identifier " + packetIdentifier);
    } else if (dup) { // [MQTT-3.3.1-2]
      throw new IllegalArgumentException("PUBLISH at QoS 0 has DUP");
    }
  }

  private static void requirePacketIdentifier(Packet packet) {
    if (packet instanceof Subscribe subscribe) {
      requirePacketIdentifier(PacketType.SUBSCRIBE, subscribe.packetIdentifier());
    } else if (packet instanceof Suback suback) {
      requirePacketIdentifier(PacketType.SUBACK, suback.packetIdentifier());
    } else if (packet instanceof Unsubscribe unsubscribe) {
      requirePacketIdentifier(PacketType.UNSUBSCRIBE, unsubscribe.packetIdentifier());
    } else if (packet instanceof Unsuback unsuback) {
      requirePacketIdentifier(PacketType.UNSUBACK, unsuback.packetIdentifier());
    }
  }

  private static void requirePacketIdentifier(PacketType type, int packetIdentifier) {
    if (packetIdentifier < 1 || packetIdentifier > 0xFFFF) {
      throw new IllegalArgumentException(
          type + " has the packet identifier " + packetIdentifier + "; it is 1 to 65535");
    }
  }

  /** Makes room for the whole packet once and writes the fixed header. */
  private static void begin(PacketType type, int flags, int remainingLength, ByteBuf out) {
    out.ensureWritable(1 + VariableByteInteger.encodedLength(remainingLength) + remainingLength);
    out.writeByte(type.code() << 4 | flags);
    VariableByteInteger.write(remainingLength, out);
  }

  private static int fixedFlags(PacketType type) {
    return switch (type) {
      case PUBREL, SUBSCRIBE, UNSUBSCRIBE -> 2; // [MQTT-2.1.3-1]
      default -> 0;
    };
  }

  private static int requireRemainingLength(long remainingLength) {
    if (remainingLength > VariableByteInteger.MAXIMUM) {
      throw new IllegalArgumentException(
          "the packet's remaining length is "
              + remainingLength
              + "; "
              + VariableByteInteger.MAXIMUM
              + " is the most");
    }
    return (int) remainingLength;
  }

  private static int wholeLength(long remainingLength) {
    int length = requireRemainingLength(remainingLength);
    return 1 + VariableByteInteger.encodedLength(length) + length;
  }
}
