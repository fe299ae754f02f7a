// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;

/**
 * The last packet of a connection [MQTT 5.0, section 3.14]. Before 5.0 only clients send it,
 * without a reason.
 *
 * @param reasonCode why it is sent
 * @param properties the properties
 */
public record Disconnect(ReasonCode reasonCode, Properties properties) implements Packet {
  /**
   * Makes the packet without properties.
   *
   * @param reasonCode why it is sent
   */
  public Disconnect(ReasonCode reasonCode) {
    this(reasonCode, Properties.NONE);
  }

  @Override
  public PacketType type() {
    return PacketType.DISCONNECT;
  }
}
