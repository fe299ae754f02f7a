// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import java.util.List;

/**
 * The server's answer to an UNSUBSCRIBE.
 *
 * @param topicFilters what was asked for
 * @param reasonCodes the outcomes in the same order; empty before MQTT 5.0
 * @param properties the UNSUBACK's properties
 */
public record UnsubscribeResult(
    List<String> topicFilters, List<ReasonCode> reasonCodes, Properties properties) {
  /**
   * Makes the result.
   *
   * @param topicFilters what was asked for
   * @param reasonCodes the outcomes in the same order; empty before MQTT 5.0
   * @param properties the UNSUBACK's properties
   */
  public UnsubscribeResult {
    topicFilters = List.copyOf(topicFilters);
    reasonCodes = List.copyOf(reasonCodes);
  }
}
