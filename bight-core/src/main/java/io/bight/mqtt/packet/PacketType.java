// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import org.jspecify.annotations.Nullable;

/** The kinds of packets, numbered as in the fixed header [MQTT 5.0, section 2.1.2]. */
public enum PacketType {
  /** Connection request, from the client. */
  CONNECT(1),
  /** Answer to CONNECT, from the server. */
  CONNACK(2),
  /** A message, either way. */
  PUBLISH(3),
  /** Acknowledgement of a QoS 1 message. */
  PUBACK(4),
  /** First acknowledgement of a QoS 2 message: received. */
  PUBREC(5),
  /** Answer to PUBREC: release. */
  PUBREL(6),
  /** Last acknowledgement of a QoS 2 message: complete. */
  PUBCOMP(7),
  /** Subscribe request, from the client. */
  SUBSCRIBE(8),
  /** Answer to SUBSCRIBE, from the server. */
  SUBACK(9),
  /** Unsubscribe request, from the client. */
  UNSUBSCRIBE(10),
  /** Answer to UNSUBSCRIBE, from the server. */
  UNSUBACK(11),
  /** Sign of life, from the client. */
  PINGREQ(12),
  /** Answer to PINGREQ, from the server. */
  PINGRESP(13),
  /** Last packet of a connection. */
  DISCONNECT(14),
  /** A step of enhanced authentication; MQTT 5.0 only. */
  AUTH(15);

  private static final PacketType[] VALUES = values();

  private final int code;

  PacketType(int code) {
    this.code = code;
  }

  /**
   * Returns the number in the fixed header.
   *
   * @return 1 to 15
   */
  public int code() {
    return code;
  }

  /**
   * Finds the kind for its number.
   *
   * @param code the number in the fixed header
   * @return the kind, or null for 0 and for numbers above 15
   */
  public static @Nullable PacketType of(int code) {
    return code < 1 || code > 15 ? null : VALUES[code - 1];
  }
}
