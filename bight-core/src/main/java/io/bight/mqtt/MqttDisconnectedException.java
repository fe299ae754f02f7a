// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * What was asked for cannot be done, or its outcome cannot be known, because the connection or the
 * client has ended.
 */
public class MqttDisconnectedException extends MqttException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message what ended, and what it means for the call
   * @param cause what ended the connection, or null
   */
  public MqttDisconnectedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
