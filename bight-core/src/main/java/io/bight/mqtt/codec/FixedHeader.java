// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.PacketType;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * The first two to five bytes of a packet: kind, flags and length [MQTT 5.0, section 2.1]. Owned by
 * one decoder; holds the header read last. Judges all that can be judged before the rest arrives.
 */
final class FixedHeader {
  private final boolean forServer;
  private final int maximumPacketSizeBytes;

  private PacketType type = PacketType.CONNECT;
  private int flags;
  private long length;
  private int missing;

  FixedHeader(boolean forServer, int maximumPacketSizeBytes) {
    this.forServer = forServer;
    this.maximumPacketSizeBytes = maximumPacketSizeBytes;
  }

  /**
   * Reads the fixed header if the whole packet is there, and moves the reader index behind it.
   *
   * @return false, without a move, if the packet is not whole yet
   */
  boolean read(ByteBuf in, @Nullable MqttVersion version) throws MqttDecodeException {
    int available = in.readableBytes();
    missing = 1;
    if (available == 0) {
      return false;
    }
    int start = in.readerIndex();
    int first = in.getUnsignedByte(start);
    flags = first & 0x0F;
    type = typeOf(first >> 4, version);
    requireFlags(version);
    length = VariableByteInteger.read(in, start + 1, start + available);
    if (length == VariableByteInteger.INCOMPLETE) {
      return false;
    }
    if (length == VariableByteInteger.TOO_LONG) {
      throw refused(ReasonCode.MALFORMED_PACKET, "remaining length has more than four bytes");
    }
    int headerSize = 1 + VariableByteInteger.size(length);
    requireLength(headerSize, version);
    missing = remainingLength() - (available - headerSize);
    if (missing > 0) {
      return false;
    }
    in.skipBytes(headerSize);
    return true;
  }

  /** Returns how many bytes more the packet has, at least, that was not whole. */
  int missing() {
    return missing;
  }

  PacketType type() {
    return type;
  }

  int remainingLength() {
    return VariableByteInteger.value(length);
  }

  Qos qos() {
    return Qos.of(flags >> 1 & 3);
  }

  boolean dup() {
    return (flags & 8) != 0;
  }

  boolean retain() {
    return (flags & 1) != 0;
  }

  /** Only 5.0 asks for the fewest bytes [MQTT-1.5.5-1]; before CONNECT is read nobody knows. */
  void requireMinimalLength(@Nullable MqttVersion version) throws MqttDecodeException {
    if (version == MqttVersion.MQTT_5 && !VariableByteInteger.isMinimal(length)) {
      throw refused(
          ReasonCode.MALFORMED_PACKET,
          "remaining length " + remainingLength() + " has more bytes than it needs");
    }
  }

  private PacketType typeOf(int code, @Nullable MqttVersion version) throws MqttDecodeException {
    PacketType found = PacketType.of(code);
    if (found == null) {
      throw new MqttDecodeException(
          ReasonCode.MALFORMED_PACKET, "fixed header: packet type 0 is reserved");
    }
    type = found;
    if (found == PacketType.AUTH && version != null && !version.hasProperties()) {
      throw refused(ReasonCode.MALFORMED_PACKET, "packet type 15 is reserved in MQTT " + version);
    }
    if (forServer) {
      requireFromClient(found, version);
    } else {
      requireFromServer(found, version);
    }
    return found;
  }

  private void requireFromClient(PacketType found, @Nullable MqttVersion version)
      throws MqttDecodeException {
    if (version == null && found != PacketType.CONNECT) {
      throw refused(ReasonCode.PROTOCOL_ERROR, "the first packet is not CONNECT"); // [MQTT-3.1.0-1]
    }
    if (version != null && found == PacketType.CONNECT) {
      throw refused(ReasonCode.PROTOCOL_ERROR, "this is the second"); // [MQTT-3.1.0-2]
    }
    switch (found) {
      case CONNACK, SUBACK, UNSUBACK, PINGRESP ->
          throw refused(ReasonCode.PROTOCOL_ERROR, "a client sent a packet of servers");
      default -> {}
    }
  }

  private void requireFromServer(PacketType found, @Nullable MqttVersion version)
      throws MqttDecodeException {
    switch (found) {
      case CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ ->
          throw refused(ReasonCode.PROTOCOL_ERROR, "a server sent a packet of clients");
      case DISCONNECT -> {
        if (version != MqttVersion.MQTT_5) {
          throw refused(
              ReasonCode.PROTOCOL_ERROR, "a server sent a packet of clients in MQTT " + version);
        }
      }
      default -> {}
    }
  }

  /** [MQTT-2.1.3-1], [MQTT-3.3.1-2], [MQTT-3.3.1-4]. */
  private void requireFlags(@Nullable MqttVersion version) throws MqttDecodeException {
    if (type == PacketType.PUBLISH) {
      int qos = flags >> 1 & 3;
      if (qos == 3) {
        throw refused(ReasonCode.MALFORMED_PACKET, "QoS is 3");
      }
      if (qos == 0 && dup()) {
        throw refused(ReasonCode.MALFORMED_PACKET, "DUP is set at QoS 0");
      }
      return;
    }
    int expected =
        switch (type) {
          case PUBREL, SUBSCRIBE, UNSUBSCRIBE -> 2;
          default -> 0;
        };
    // In 3.1 these three are QoS 1 messages, which may be repeated with DUP.
    boolean repeated = version == MqttVersion.MQTT_3_1 && expected == 2 && flags == 0x0A;
    if (flags != expected && !repeated) {
      throw refused(
          ReasonCode.MALFORMED_PACKET,
          "fixed header flags are " + bits(flags) + ", not " + bits(expected));
    }
  }

  private void requireLength(int headerSize, @Nullable MqttVersion version)
      throws MqttDecodeException {
    requireMinimalLength(version);
    int remaining = remainingLength();
    // An int is enough: the length is below 2^28.
    if (headerSize + remaining > maximumPacketSizeBytes) {
      throw refused(
          ReasonCode.PACKET_TOO_LARGE,
          "the packet has "
              + (headerSize + remaining)
              + " bytes, more than "
              + maximumPacketSizeBytes);
    }
    int least = leastLength(version);
    if (remaining < least || (remaining > least && isExact(version))) {
      throw refused(
          ReasonCode.MALFORMED_PACKET,
          "remaining length is "
              + remaining
              + (remaining < least ? ", below " : ", above ")
              + least);
    }
  }

  private int leastLength(@Nullable MqttVersion version) {
    int propertyLength = version == MqttVersion.MQTT_5 ? 1 : 0;
    return switch (type) {
      case CONNECT -> 12; // "MQTT", version, flags, keep alive, empty client identifier
      case CONNACK -> 2 + propertyLength;
      case PUBLISH -> 2 + (qos() == Qos.AT_MOST_ONCE ? 0 : 2) + propertyLength;
      case PUBACK, PUBREC, PUBREL, PUBCOMP -> 2;
      case SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK -> 2 + propertyLength;
      case PINGREQ, PINGRESP, DISCONNECT, AUTH -> 0;
    };
  }

  /** Tells whether packets of this kind have one length only. */
  private boolean isExact(@Nullable MqttVersion version) {
    return switch (type) {
      case PINGREQ, PINGRESP -> true;
      case CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK, DISCONNECT ->
          version != MqttVersion.MQTT_5;
      case CONNECT, PUBLISH, SUBSCRIBE, SUBACK, UNSUBSCRIBE, AUTH -> false;
    };
  }

  private MqttDecodeException refused(ReasonCode reasonCode, String text) {
    return new MqttDecodeException(reasonCode, type + ": " + text);
  }

  private static String bits(int flags) {
    return Integer.toBinaryString(flags | 0x10).substring(1);
  }
}
