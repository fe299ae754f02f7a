// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.util.ArrayList;
import java.util.List;

/**
 * A packet of the client as the simulation reads it: by a small reader of its own, so that a
 * mistake of the encoder shows.
 */
final class ClientPacket {
  static final int CONNECT = 1;
  static final int PUBLISH = 3;
  static final int PUBACK = 4;
  static final int PUBREC = 5;
  static final int PUBREL = 6;
  static final int PUBCOMP = 7;
  static final int SUBSCRIBE = 8;
  static final int UNSUBSCRIBE = 10;
  static final int PINGREQ = 12;
  static final int DISCONNECT = 14;
  static final int AUTH = 15;

  private static final String[] NAMES = {
    "0",
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "AUTH"
  };

  int type;

  /** Where it ends in the bytes of its link. */
  long end;

  int packetIdentifier;
  int reasonCode;

  // PUBLISH
  boolean dup;
  int qos;
  int topic;

  /** The number of the message, which its payload begins with. */
  int number;

  // CONNECT
  boolean version5;
  boolean cleanStart;
  int keepAliveSeconds;
  int receiveMaximum = 65_535;

  /** CONNECT and DISCONNECT; below 0: not said. */
  long sessionExpirySeconds = -1;

  // SUBSCRIBE and UNSUBSCRIBE: topics and the QoS asked for
  final List<int[]> filters = new ArrayList<>(0);

  /** Reads the packets of one connection. */
  static final class Reader {
    private byte[] bytes = new byte[0];
    private int at;
    private int end;
    private boolean version5;

    /** Reads all packets of a batch, which holds whole packets only. */
    List<ClientPacket> read(byte[] batch, long before) {
      bytes = batch;
      at = 0;
      List<ClientPacket> packets = new ArrayList<>(4);
      while (at < batch.length) {
        ClientPacket packet = next();
        packet.end = before + at;
        packets.add(packet);
      }
      return packets;
    }

    private ClientPacket next() {
      ClientPacket packet = new ClientPacket();
      int first = bytes[at++] & 0xFF;
      packet.type = first >> 4;
      int remaining = variableByteInteger();
      end = at + remaining;
      if (end > bytes.length) {
        throw new Violation("a batch ends in the middle of a packet");
      }
      int flags = first & 15;
      if (packet.type == PUBLISH) {
        readPublish(packet, flags);
      } else {
        boolean reserved =
            packet.type == PUBREL || packet.type == SUBSCRIBE || packet.type == UNSUBSCRIBE;
        if (flags != (reserved ? 2 : 0)) {
          throw new Violation("the flags of " + packet + " are " + flags);
        }
        readBody(packet);
      }
      if (at != end) {
        throw new Violation(packet + " has " + (end - at) + " bytes more than it should");
      }
      return packet;
    }

    private void readBody(ClientPacket packet) {
      switch (packet.type) {
        case CONNECT -> readConnect(packet);
        case PUBACK, PUBREC, PUBREL, PUBCOMP -> {
          packet.packetIdentifier = identifier();
          if (at < end) {
            packet.reasonCode = bytes[at++] & 0xFF;
            if (at < end) {
              properties(packet);
            }
          }
        }
        case SUBSCRIBE, UNSUBSCRIBE -> {
          packet.packetIdentifier = identifier();
          if (version5) {
            properties(packet);
          }
          while (at < end) {
            int topic = topic();
            packet.filters.add(new int[] {topic, packet.type == SUBSCRIBE ? bytes[at++] & 3 : 0});
          }
        }
        case DISCONNECT -> {
          if (at < end) {
            packet.reasonCode = bytes[at++] & 0xFF;
            if (at < end) {
              properties(packet);
            }
          }
        }
        case PINGREQ -> {}
        default -> throw new Violation("a client does not send " + packet);
      }
    }

    private void readConnect(ClientPacket packet) {
      at += 2 + unsignedShort(at); // protocol name
      version5 = bytes[at++] == 5;
      packet.version5 = version5;
      packet.cleanStart = (bytes[at++] & 2) != 0;
      packet.keepAliveSeconds = unsignedShort(at);
      at += 2;
      if (version5) {
        properties(packet);
      }
      at += 2 + unsignedShort(at); // client identifier
    }

    private void readPublish(ClientPacket packet, int flags) {
      packet.dup = (flags & 8) != 0;
      packet.qos = (flags >> 1) & 3;
      packet.topic = topic();
      if (packet.qos > 0) {
        packet.packetIdentifier = identifier();
      }
      if (version5) {
        properties(packet);
      }
      packet.number = integer(at);
      at = end;
    }

    private void properties(ClientPacket packet) {
      int length = variableByteInteger();
      int behind = at + length;
      while (at < behind) {
        int property = bytes[at++];
        switch (property) {
          case 0x11 -> {
            packet.sessionExpirySeconds = integer(at) & 0xFFFF_FFFFL;
            at += 4;
          }
          case 0x21 -> {
            packet.receiveMaximum = unsignedShort(at);
            at += 2;
          }
          case 0x02 -> at += 4; // Message Expiry Interval
          default -> throw new Violation("nobody asked for property " + property);
        }
      }
    }

    private int topic() {
      int length = unsignedShort(at);
      int topic = Topics.indexOf(bytes, at + 2, length);
      at += 2 + length;
      return topic;
    }

    private int identifier() {
      int identifier = unsignedShort(at);
      at += 2;
      if (identifier == 0) {
        throw new Violation("a packet identifier is 0 [MQTT-2.2.1-3]");
      }
      return identifier;
    }

    private int variableByteInteger() {
      int value = 0;
      int shift = 0;
      int next;
      do {
        next = bytes[at++];
        value |= (next & 0x7F) << shift;
        shift += 7;
      } while (next < 0);
      return value;
    }

    private int unsignedShort(int position) {
      return (bytes[position] & 0xFF) << 8 | (bytes[position + 1] & 0xFF);
    }

    private int integer(int position) {
      return unsignedShort(position) << 16 | unsignedShort(position + 2);
    }
  }

  static String name(int type) {
    return NAMES[type];
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(name(type));
    if (type == PUBLISH) {
      text.append(" message ").append(number).append(" QoS ").append(qos);
      text.append(dup ? " DUP" : "").append(" to ").append(Topics.name(topic));
    } else if (type == CONNECT) {
      text.append(cleanStart ? " clean start" : "");
    }
    filters.forEach(filter -> text.append(' ').append(Topics.name(filter[0])));
    if (packetIdentifier != 0) {
      text.append(" id ").append(packetIdentifier);
    }
    if (reasonCode != 0) {
      text.append(" reason ").append(reasonCode);
    }
    return text.toString();
  }
}
