// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * Something went wrong between this program and an MQTT server. The subclasses are cut by what a
 * program can do about it; the message names what happened, the client, the server and the remedy.
 */
public class MqttException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message what happened and what to do
   * @param cause what was thrown underneath, or null
   */
  public MqttException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /**
   * Makes an exception that may come in thousands, and whose stack would show nothing of interest.
   *
   * @param message what happened and what to do
   * @param withStackTrace whether it has a stack trace, which costs more than all the rest
   */
  protected MqttException(String message, boolean withStackTrace) {
    super(message, null, true, withStackTrace);
  }
}
