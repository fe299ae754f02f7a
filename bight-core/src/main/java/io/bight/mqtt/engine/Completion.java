// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;

/**
 * Is told the outcome of a command, exactly once, on the driver's thread, as the last statement of
 * the state change; it may issue any command.
 *
 * @param <T> what a success brings
 */
public interface Completion<T> {
  /**
   * The command succeeded.
   *
   * @param result its result
   */
  void onSuccess(T result);

  /**
   * The command failed.
   *
   * @param failure why
   */
  void onFailure(MqttException failure);

  /**
   * The client ends while the command is in its session store, which the next client with this
   * store goes on with: whether it will succeed is open.
   *
   * @param failure why nothing more is heard of it here
   */
  default void onKept(MqttException failure) {
    onFailure(failure);
  }
}
