// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import java.util.Arrays;

/**
 * The properties of one packet, read front to back and never past their end. In an array of their
 * own: many short strings one by one out of a buffer cost several times as much.
 */
final class PropertyReader {
  private final PacketReader packet;
  private final byte[] bytes;
  private int index;

  /**
   * Begins to read.
   *
   * @param packet whose properties they are, for messages
   * @param bytes the properties, without their length
   */
  PropertyReader(PacketReader packet, byte[] bytes) {
    this.packet = packet;
    this.bytes = bytes;
  }

  boolean isAtEnd() {
    return index == bytes.length;
  }

  int unsignedByte(String what) throws MqttDecodeException {
    return bytes[skip(1, what)] & 0xFF;
  }

  int unsignedShort(String what) throws MqttDecodeException {
    int from = skip(2, what);
    return ((bytes[from] & 0xFF) << Byte.SIZE) | (bytes[from + 1] & 0xFF);
  }

  long unsignedInt(String what) throws MqttDecodeException {
    int from = skip(4, what);
    int value = 0;
    for (int i = from; i < from + 4; i++) {
      value = (value << Byte.SIZE) | (bytes[i] & 0xFF);
    }
    return Integer.toUnsignedLong(value);
  }

  int variableByteInteger(String what) throws MqttDecodeException {
    long read =
        packet.requireVariableByteInteger(
            VariableByteInteger.read(bytes, index, bytes.length), what);
    index += VariableByteInteger.size(read);
    return VariableByteInteger.value(read);
  }

  /** Reads bytes with their length before them. */
  byte[] binary(String what) throws MqttDecodeException {
    int length = unsignedShort(what);
    int from = skip(length, what);
    return Arrays.copyOfRange(bytes, from, from + length);
  }

  String string(String what) throws MqttDecodeException {
    int length = unsignedShort(what);
    int from = skip(length, what);
    return packet.text(bytes, from, from + length, what);
  }

  /** Goes on behind the next bytes, and returns where they begin. */
  private int skip(int length, String what) throws MqttDecodeException {
    int from = index;
    if (bytes.length - from < length) {
      throw packet.cutOff(what, length, bytes.length - from);
    }
    index = from + length;
    return from;
  }
}
