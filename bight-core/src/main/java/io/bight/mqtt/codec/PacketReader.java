// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.Topics;
import io.bight.mqtt.Utf8;
import io.bight.mqtt.packet.PacketType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/**
 * The bytes of one packet behind its fixed header, read front to back and never past their end.
 * Owned by one decoder and used for all its packets. All bytes of the packet are there when it is
 * read, so a length that passes {@link #require} is safe to allocate.
 */
final class PacketReader {
  private static final byte[] NO_BYTES = new byte[0];
  private static final int SCRATCH_BYTES = 256;

  private final TopicCache topicCache = new TopicCache();
  private ByteBuf in = Unpooled.EMPTY_BUFFER;
  private PacketType type = PacketType.CONNECT;
  private int end;
  private byte[] scratch = NO_BYTES;

  /** Turns to the next packet: {@code length} bytes from the reader index on. */
  void begin(ByteBuf packet, PacketType packetType, int length) {
    in = packet;
    type = packetType;
    end = packet.readerIndex() + length;
  }

  /** Lets go of the buffer, which belongs to the caller. */
  void finish() {
    in = Unpooled.EMPTY_BUFFER;
  }

  int remaining() {
    return end - in.readerIndex();
  }

  int unsignedByte(String what) throws MqttDecodeException {
    require(1, what);
    return in.readUnsignedByte();
  }

  int unsignedShort(String what) throws MqttDecodeException {
    require(2, what);
    return in.readUnsignedShort();
  }

  int variableByteInteger(String what) throws MqttDecodeException {
    long read =
        requireVariableByteInteger(VariableByteInteger.read(in, in.readerIndex(), end), what);
    in.skipBytes(VariableByteInteger.size(read));
    return VariableByteInteger.value(read);
  }

  /** Checks what {@link VariableByteInteger} has read. */
  long requireVariableByteInteger(long read, String what) throws MqttDecodeException {
    if (read == VariableByteInteger.INCOMPLETE) {
      throw malformed(what + " is cut off by the end of the packet");
    }
    if (read == VariableByteInteger.TOO_LONG) {
      throw malformed(what + " has more than four bytes");
    }
    if (!VariableByteInteger.isMinimal(read)) {
      throw malformed(
          what
              + " "
              + VariableByteInteger.value(read)
              + " has "
              + VariableByteInteger.size(read)
              + " bytes, more than it needs");
    }
    return read;
  }

  /** Reads a packet identifier, which is never 0 [MQTT-2.2.1-3], [MQTT-2.2.1-4]. */
  int packetIdentifier() throws MqttDecodeException {
    int packetIdentifier = unsignedShort("packet identifier");
    if (packetIdentifier == 0) {
      throw protocolError("packet identifier is 0");
    }
    return packetIdentifier;
  }

  /** Reads bytes with their length before them. */
  byte[] binary(String what) throws MqttDecodeException {
    return bytes(unsignedShort(what), what);
  }

  /** Reads bytes, an array of its own. */
  byte[] bytes(int length, String what) throws MqttDecodeException {
    require(length, what);
    return bytes(length);
  }

  /** Reads all that is left. */
  byte[] rest() {
    return bytes(remaining());
  }

  String string(String what) throws MqttDecodeException {
    int length = unsignedShort(what);
    require(length, what);
    byte[] bytes = arrayWith(length);
    int from = arrayIndex();
    in.skipBytes(length);
    return text(bytes, from, from + length, what);
  }

  /** Reads a topic name, from the cache if it was seen before; it may be empty. */
  String topicName(String what) throws MqttDecodeException {
    int length = unsignedShort(what);
    require(length, what);
    int index = in.readerIndex();
    int hash = TopicCache.hash(in, index, length);
    String topic = topicCache.find(hash, in, index, length);
    if (topic == null) {
      byte[] bytes = arrayWith(length);
      int from = arrayIndex();
      topic = text(bytes, from, from + length, what);
      requireNoWildcard(topic, what);
      topicCache.put(hash, topic, in, index, length);
    }
    in.skipBytes(length);
    return topic;
  }

  /** Checks that a topic name has no wildcard [MQTT-3.3.2-2], [MQTT-3.3.2-14]. */
  void requireNoWildcard(String topic, String what) throws MqttDecodeException {
    // "Topic Name invalid" is for names that are "correctly formed, but not accepted"; this is not.
    if (Topics.containsWildcard(topic)) {
      throw malformed(what + " '" + topic + "' has a wildcard");
    }
  }

  /** Reads a topic filter in its right form [MQTT-4.7.1-1], [MQTT-4.7.1-2], [MQTT-4.8.2-1]. */
  String topicFilter() throws MqttDecodeException {
    String topicFilter = string("topic filter");
    try {
      return Topics.requireFilter(topicFilter);
    } catch (IllegalArgumentException e) {
      throw malformed(String.valueOf(e.getMessage()));
    }
  }

  void require(int length, String what) throws MqttDecodeException {
    if (remaining() < length) {
      throw cutOff(what, length, remaining());
    }
  }

  MqttDecodeException cutOff(String what, int length, int remaining) {
    return malformed(
        what
            + " needs "
            + length
            + " bytes, but the packet or its properties end after "
            + remaining);
  }

  /** The bytes cannot be read as the specification says. */
  MqttDecodeException malformed(String text) {
    return refused(ReasonCode.MALFORMED_PACKET, text);
  }

  /** The bytes can be read, but what they say is not allowed. */
  MqttDecodeException protocolError(String text) {
    return refused(ReasonCode.PROTOCOL_ERROR, text);
  }

  MqttDecodeException refused(ReasonCode reasonCode, String text) {
    return new MqttDecodeException(reasonCode, type + ": " + text);
  }

  private byte[] bytes(int length) {
    if (length == 0) {
      return NO_BYTES;
    }
    byte[] bytes = new byte[length];
    in.readBytes(bytes);
    return bytes;
  }

  /** Returns an array that holds the next bytes from {@link #arrayIndex} on. */
  private byte[] arrayWith(int length) {
    if (in.hasArray()) {
      return in.array();
    }
    if (scratch.length < length) {
      scratch = new byte[Math.max(length, SCRATCH_BYTES)];
    }
    in.getBytes(in.readerIndex(), scratch, 0, length);
    return scratch;
  }

  private int arrayIndex() {
    return in.hasArray() ? in.arrayOffset() + in.readerIndex() : 0;
  }

  /** Returns the string that bytes are, if they are one. */
  String text(byte[] bytes, int from, int to, String what) throws MqttDecodeException {
    int wrong = Utf8.indexOfIllFormed(bytes, from, to);
    if (wrong >= 0) {
      throw malformed(
          what
              + (bytes[wrong] == 0 ? " holds U+0000" : " is not well-formed UTF-8")
              + " at byte "
              + (wrong - from));
    }
    return new String(bytes, from, to - from, StandardCharsets.UTF_8);
  }
}
