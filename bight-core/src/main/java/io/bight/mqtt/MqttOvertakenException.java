// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

/**
 * A message was not sent, because a newer one on its topic took its place while it waited; see
 * {@link OfflinePolicy#LATEST_PER_TOPIC}. There is nothing to do.
 */
public class MqttOvertakenException extends MqttException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message which client, and which topic
   */
  public MqttOvertakenException(String message) {
    super(message, false); // nobody's mistake, and as frequent as publishes are
  }
}
