// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

/**
 * A message was not accepted because the client's queue is full. Publish more slowly, wait for
 * earlier messages, or set a larger bound.
 */
public class MqttQueueFullException extends MqttException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message which bound was met
   */
  public MqttQueueFullException(String message) {
    super(message, null);
  }
}
