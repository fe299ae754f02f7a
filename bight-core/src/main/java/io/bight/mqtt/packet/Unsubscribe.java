// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Properties;
import java.util.List;

/**
 * Ends subscriptions [MQTT 5.0, section 3.10].
 *
 * @param packetIdentifier the identifier; 1 to 65,535
 * @param topicFilters at least one [MQTT-3.10.3-2]
 * @param properties User Properties
 */
public record Unsubscribe(int packetIdentifier, List<String> topicFilters, Properties properties)
    implements Packet {
  /**
   * Makes the packet.
   *
   * @param packetIdentifier the identifier; 1 to 65,535
   * @param topicFilters at least one [MQTT-3.10.3-2]
   * @param properties User Properties
   */
  public Unsubscribe {
    topicFilters = List.copyOf(topicFilters);
  }

  @Override
  public PacketType type() {
    return PacketType.UNSUBSCRIBE;
  }
}
