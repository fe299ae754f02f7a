// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

/**
 * A blocking call's time limit passed before the answer came. What was asked for may still happen;
 * its future stays usable.
 */
public class MqttTimeoutException extends MqttException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message what was waited for, and for how long
   */
  public MqttTimeoutException(String message) {
    super(message, null);
  }
}
