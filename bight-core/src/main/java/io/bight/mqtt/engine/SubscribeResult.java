// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Subscription;
import java.util.List;

/**
 * The server's answer to a SUBSCRIBE that it granted.
 *
 * @param subscriptions what was asked for
 * @param reasonCodes what was granted, in the same order
 * @param properties the SUBACK's properties
 */
public record SubscribeResult(
    List<Subscription> subscriptions, List<ReasonCode> reasonCodes, Properties properties) {
  /**
   * Makes the result.
   *
   * @param subscriptions what was asked for
   * @param reasonCodes what was granted, in the same order
   * @param properties the SUBACK's properties
   */
  public SubscribeResult {
    subscriptions = List.copyOf(subscriptions);
    reasonCodes = List.copyOf(reasonCodes);
  }

  /**
   * Returns the QoS that the server granted for a topic filter; it may be lower than asked for.
   *
   * @param index the position of the topic filter in the SUBSCRIBE, from 0
   * @return the QoS granted
   */
  public Qos grantedQos(int index) {
    return Qos.of(reasonCodes.get(index).code());
  }
}
