// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.util.Arrays;

/** Writes the packets of the server, by hand: the simulation's own codec. */
final class ServerWriter {
  static final int CONNACK = 2;
  static final int SUBACK = 9;
  static final int UNSUBACK = 11;
  static final int PINGRESP = 13;

  private byte[] bytes = new byte[64];
  private int size;

  byte[] bytes() {
    return bytes;
  }

  int size() {
    return size;
  }

  /** Begins a packet. */
  private void begin(int first, int remaining) {
    size = 0;
    if (bytes.length < remaining + 5) {
      bytes = Arrays.copyOf(bytes, 2 * remaining + 5);
    }
    put(first);
    int rest = remaining;
    while (rest >= 0x80) {
      put(rest & 0x7F | 0x80);
      rest >>= 7;
    }
    put(rest);
  }

  private void put(int value) {
    bytes[size++] = (byte) value;
  }

  private void putShort(int value) {
    put(value >> 8);
    put(value);
  }

  private void putInteger(long value) {
    putShort((int) (value >> 16) & 0xFFFF);
    putShort((int) value & 0xFFFF);
  }

  /** Writes CONNACK; a session expiry below 0 is left out. */
  void connack(
      boolean version5, boolean sessionPresent, int code, int receiveMaximum, long sessionExpiry) {
    boolean saysMaximum = version5 && code == 0 && receiveMaximum < 65_535;
    boolean saysExpiry = version5 && code == 0 && sessionExpiry >= 0;
    int properties = (saysMaximum ? 3 : 0) + (saysExpiry ? 5 : 0);
    begin(CONNACK << 4, version5 ? 3 + properties : 2);
    put(sessionPresent ? 1 : 0);
    put(code);
    if (version5) {
      put(properties);
    }
    if (saysMaximum) {
      put(0x21);
      putShort(receiveMaximum);
    }
    if (saysExpiry) {
      put(0x11);
      putInteger(sessionExpiry);
    }
  }

  void publish(boolean version5, InMessage message, boolean dup, int packetIdentifier) {
    int qos = message.qos;
    begin(
        ClientPacket.PUBLISH << 4 | (dup ? 8 : 0) | qos << 1,
        5 + (qos > 0 ? 2 : 0) + (version5 ? 1 : 0) + message.payloadBytes);
    putShort(3);
    put('t');
    put('/');
    put('0' + message.topic);
    if (qos > 0) {
      putShort(packetIdentifier);
    }
    if (version5) {
      put(0);
    }
    putInteger(message.number);
    for (int i = 4; i < message.payloadBytes; i++) {
      put(i);
    }
  }

  /** Writes PUBACK, PUBREC, PUBREL or PUBCOMP. */
  void acknowledgement(boolean version5, int type, int packetIdentifier, int reasonCode) {
    boolean says = version5 && reasonCode != 0;
    begin(type << 4 | (type == ClientPacket.PUBREL ? 2 : 0), says ? 3 : 2);
    putShort(packetIdentifier);
    if (says) {
      put(reasonCode);
    }
  }

  void suback(boolean version5, int packetIdentifier, int[] codes) {
    begin(SUBACK << 4, 2 + (version5 ? 1 : 0) + codes.length);
    putShort(packetIdentifier);
    if (version5) {
      put(0);
    }
    for (int code : codes) {
      put(code);
    }
  }

  void unsuback(boolean version5, int packetIdentifier, int[] codes) {
    begin(UNSUBACK << 4, 2 + (version5 ? 1 + codes.length : 0));
    putShort(packetIdentifier);
    if (version5) {
      put(0);
      for (int code : codes) {
        put(code);
      }
    }
  }

  void pingresp() {
    begin(PINGRESP << 4, 0);
  }

  void disconnect(int reasonCode) {
    begin(ClientPacket.DISCONNECT << 4, 1);
    put(reasonCode);
  }
}
