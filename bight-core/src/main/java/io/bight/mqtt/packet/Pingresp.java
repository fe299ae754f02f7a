// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

/** The server's answer to PINGREQ [MQTT 5.0, section 3.13]. */
public enum Pingresp implements Packet {
  /** The only one: the packet has no contents. */
  INSTANCE;

  @Override
  public PacketType type() {
    return PacketType.PINGRESP;
  }
}
