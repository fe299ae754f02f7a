// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

/** A callback of the program has thrown. */
public final class CallbackErrorEvent {
  private final MqttClient client;
  private final String callback;
  private final Throwable error;

  CallbackErrorEvent(MqttClient client, String callback, Throwable error) {
    this.client = client;
    this.callback = callback;
    this.error = error;
  }

  /**
   * Returns the client whose callback it is.
   *
   * @return the client
   */
  public MqttClient client() {
    return client;
  }

  /**
   * Returns which callback it was, and for a message its topic.
   *
   * @return as {@code onMessage for 'house/door'}; {@code the executor of message handlers} where
   *     that refused to run them
   */
  public String callback() {
    return callback;
  }

  /**
   * Returns what it threw.
   *
   * @return the exception or error; an {@link io.bight.mqtt.MqttException} that tells what waits
   *     where the executor refused
   */
  public Throwable error() {
    return error;
  }

  /** Returns the client, the callback and what it threw. */
  @Override
  public String toString() {
    return "CallbackErrorEvent[" + client.describe() + ", " + callback + ": " + error + "]";
  }
}
