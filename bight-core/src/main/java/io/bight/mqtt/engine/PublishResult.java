// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import org.jspecify.annotations.Nullable;

/**
 * The end of a successful publish: at QoS 0 the message has been written to the transport, at QoS 1
 * and 2 the server has taken responsibility for it.
 *
 * @param qos the quality of service it was sent with
 * @param reasonCode success, or no matching subscribers where the server tells
 * @param properties the acknowledgement's properties
 */
public record PublishResult(Qos qos, ReasonCode reasonCode, Properties properties) {
  private static final PublishResult[] PLAIN = {
    new PublishResult(Qos.AT_MOST_ONCE, ReasonCode.SUCCESS, Properties.NONE),
    new PublishResult(Qos.AT_LEAST_ONCE, ReasonCode.SUCCESS, Properties.NONE),
    new PublishResult(Qos.EXACTLY_ONCE, ReasonCode.SUCCESS, Properties.NONE)
  };

  /** Returns a result; the common one is shared, since there is one for each message. */
  static PublishResult of(Qos qos, ReasonCode reasonCode, Properties properties) {
    return reasonCode == ReasonCode.SUCCESS && properties.isEmpty()
        ? PLAIN[qos.code()]
        : new PublishResult(qos, reasonCode, properties);
  }

  /**
   * Returns the server's own words about the outcome.
   *
   * @return the Reason String, or null if there is none
   */
  public @Nullable String reasonString() {
    return properties.get(Property.REASON_STRING);
  }
}
