// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * A session cannot be kept where it is to outlive the process: the disk is full, the directory is
 * read-only, in use by another process, or that of another client. A message that could not be
 * stored has not been sent.
 */
public class MqttStoreException extends MqttException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message what could not be stored or read, where, and what to do
   * @param cause what was thrown underneath, or null
   */
  public MqttStoreException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
