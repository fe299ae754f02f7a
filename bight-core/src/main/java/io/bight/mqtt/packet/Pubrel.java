// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;

/**
 * Releases the packet identifier of a QoS 2 message [MQTT 5.0, section 3.6].
 *
 * @param packetIdentifier the identifier of the PUBLISH; 1 to 65,535
 * @param reasonCode the outcome; always success before MQTT 5.0
 * @param properties Reason String and User Properties
 */
public record Pubrel(int packetIdentifier, ReasonCode reasonCode, Properties properties)
    implements Acknowledgement {
  /**
   * Makes the packet without properties, with the reason "success".
   *
   * @param packetIdentifier the identifier of the PUBLISH
   */
  public Pubrel(int packetIdentifier) {
    this(packetIdentifier, ReasonCode.SUCCESS, Properties.NONE);
  }

  @Override
  public PacketType type() {
    return PacketType.PUBREL;
  }
}
