// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;

/**
 * The server's answer to CONNECT [MQTT 5.0, section 3.2].
 *
 * @param sessionPresent whether the server resumes a session
 * @param reasonCode whether the connection is accepted
 * @param properties the server's limits and more
 */
public record Connack(boolean sessionPresent, ReasonCode reasonCode, Properties properties)
    implements Packet {
  @Override
  public PacketType type() {
    return PacketType.CONNACK;
  }
}
