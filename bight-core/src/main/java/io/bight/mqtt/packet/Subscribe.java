// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Properties;
import java.util.List;

/**
 * Asks the server for messages [MQTT 5.0, section 3.8].
 *
 * @param packetIdentifier the identifier; 1 to 65,535
 * @param subscriptions at least one [MQTT-3.8.3-2]
 * @param properties Subscription Identifier and User Properties
 */
public record Subscribe(
    int packetIdentifier, List<Subscription> subscriptions, Properties properties)
    implements Packet {
  /**
   * Makes the packet.
   *
   * @param packetIdentifier the identifier; 1 to 65,535
   * @param subscriptions at least one [MQTT-3.8.3-2]
   * @param properties Subscription Identifier and User Properties
   */
  public Subscribe {
    subscriptions = List.copyOf(subscriptions);
  }

  @Override
  public PacketType type() {
    return PacketType.SUBSCRIBE;
  }
}
