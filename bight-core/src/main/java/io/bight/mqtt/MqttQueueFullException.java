// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

/**
 * A message or a request was not sent, because there was no room for all that waits; see {@link
 * OverflowPolicy}. Publish more slowly, wait for earlier messages, or set a larger bound.
 */
public class MqttQueueFullException extends MqttException {
  private static final long serialVersionUID = 1L;

  private final boolean dropped;

  /**
   * Makes the exception of what was refused.
   *
   * @param message which bound was met
   */
  public MqttQueueFullException(String message) {
    this(message, false);
  }

  /**
   * Makes the exception.
   *
   * @param message which bound was met
   * @param dropped whether a policy dropped the message
   */
  public MqttQueueFullException(String message, boolean dropped) {
    super(message, !dropped); // what drops it is not who published it
    this.dropped = dropped;
  }

  /**
   * Tells whether {@link OverflowPolicy#DROP_OLDEST} or {@link OverflowPolicy#DROP_NEWEST} dropped
   * the message, which means that the loss was planned for.
   *
   * @return true if it was dropped, false if it was refused
   */
  public boolean isDropped() {
    return dropped;
  }
}
