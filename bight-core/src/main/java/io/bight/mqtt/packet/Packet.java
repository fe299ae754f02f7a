// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

/**
 * A control packet [MQTT 5.0, section 3]. One model serves all versions: a packet of an earlier
 * version has no properties, and its return codes are shown as the reason codes of the same
 * meaning. Packets are immutable.
 */
public sealed interface Packet
    permits Connect,
        Connack,
        Publish,
        Acknowledgement,
        Subscribe,
        Suback,
        Unsubscribe,
        Unsuback,
        Pingreq,
        Pingresp,
        Disconnect,
        Auth {
  /**
   * Returns the kind of this packet.
   *
   * @return the kind
   */
  PacketType type();
}
