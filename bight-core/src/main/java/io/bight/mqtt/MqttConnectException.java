// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import org.jspecify.annotations.Nullable;

/** No connection could be made, or the server refused it. */
public class MqttConnectException extends MqttException {
  private static final long serialVersionUID = 1L;

  private final @Nullable ReasonCode reasonCode;

  /**
   * Makes the exception.
   *
   * @param message why, to which server, and what to do
   * @param reasonCode the server's reason, or null if the connection failed before it gave one
   * @param cause what was thrown underneath, or null
   */
  public MqttConnectException(
      String message, @Nullable ReasonCode reasonCode, @Nullable Throwable cause) {
    super(message, cause);
    this.reasonCode = reasonCode;
  }

  /**
   * Returns the server's reason in CONNACK.
   *
   * @return the reason, or null if the connection failed before the server gave one
   */
  public @Nullable ReasonCode reasonCode() {
    return reasonCode;
  }
}
