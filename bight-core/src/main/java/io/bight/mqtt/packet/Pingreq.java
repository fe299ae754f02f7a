// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

/** Sign of life from the client [MQTT 5.0, section 3.12]. */
public enum Pingreq implements Packet {
  /** The only one: the packet has no contents. */
  INSTANCE;

  @Override
  public PacketType type() {
    return PacketType.PINGREQ;
  }
}
