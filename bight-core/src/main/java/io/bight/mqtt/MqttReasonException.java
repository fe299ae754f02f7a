// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * A publish, subscribe or unsubscribe was refused: by the server with a negative acknowledgement,
 * or before sending, because the server has said that it does not support it.
 */
public class MqttReasonException extends MqttException {
  private static final long serialVersionUID = 1L;

  private final ReasonCode reasonCode;
  private final @Nullable String reasonString;

  /**
   * Makes the exception.
   *
   * @param message what was refused, why, and what to do
   * @param reasonCode the reason
   * @param reasonString the server's own words, or null
   */
  public MqttReasonException(String message, ReasonCode reasonCode, @Nullable String reasonString) {
    super(message, null);
    this.reasonCode = reasonCode;
    this.reasonString = reasonString;
  }

  /**
   * Returns the reason.
   *
   * @return the reason
   */
  public ReasonCode reasonCode() {
    return reasonCode;
  }

  /**
   * Returns the server's own words [MQTT 5.0, Reason String].
   *
   * @return the words, or null if there are none
   */
  public @Nullable String reasonString() {
    return reasonString;
  }
}
