// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import java.util.List;

/**
 * The server's answer to UNSUBSCRIBE [MQTT 5.0, section 3.11].
 *
 * @param packetIdentifier the identifier of the UNSUBSCRIBE; 1 to 65,535
 * @param reasonCodes an outcome for each topic filter, in the order of the UNSUBSCRIBE; empty
 *     before MQTT 5.0, whose servers do not tell
 * @param properties Reason String and User Properties
 */
public record Unsuback(int packetIdentifier, List<ReasonCode> reasonCodes, Properties properties)
    implements Packet {
  /**
   * Makes the packet.
   *
   * @param packetIdentifier the identifier of the UNSUBSCRIBE; 1 to 65,535
   * @param reasonCodes an outcome for each topic filter, in the order of the UNSUBSCRIBE; empty
   *     before MQTT 5.0, whose servers do not tell
   * @param properties Reason String and User Properties
   */
  public Unsuback {
    reasonCodes = List.copyOf(reasonCodes);
  }

  @Override
  public PacketType type() {
    return PacketType.UNSUBACK;
  }
}
