// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import java.util.List;

/**
 * The server's answer to SUBSCRIBE [MQTT 5.0, section 3.9].
 *
 * @param packetIdentifier the identifier of the SUBSCRIBE; 1 to 65,535
 * @param reasonCodes a QoS granted or a failure for each topic filter, in the order of the
 *     SUBSCRIBE
 * @param properties Reason String and User Properties
 */
public record Suback(int packetIdentifier, List<ReasonCode> reasonCodes, Properties properties)
    implements Packet {
  /**
   * Makes the packet.
   *
   * @param packetIdentifier the identifier of the SUBSCRIBE; 1 to 65,535
   * @param reasonCodes a QoS granted or a failure for each topic filter, in the order of the
   *     SUBSCRIBE
   * @param properties Reason String and User Properties
   */
  public Suback {
    reasonCodes = List.copyOf(reasonCodes);
  }

  @Override
  public PacketType type() {
    return PacketType.SUBACK;
  }
}
