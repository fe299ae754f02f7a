// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;

/**
 * A step of enhanced authentication [MQTT 5.0, section 3.15]. There is none before MQTT 5.0.
 *
 * @param reasonCode why it is sent
 * @param properties the properties
 */
public record Auth(ReasonCode reasonCode, Properties properties) implements Packet {
  /**
   * Makes the packet without properties.
   *
   * @param reasonCode why it is sent
   */
  public Auth(ReasonCode reasonCode) {
    this(reasonCode, Properties.NONE);
  }

  @Override
  public PacketType type() {
    return PacketType.AUTH;
  }
}
