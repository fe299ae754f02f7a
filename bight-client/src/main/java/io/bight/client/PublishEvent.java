// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.packet.Publish;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A publish is done: written at QoS 0, acknowledged at QoS 1 and 2, or failed. */
public final class PublishEvent {
  private final MqttClient client;
  private final Publish message;
  private final @Nullable PublishResult result;
  private final @Nullable MqttException failure;

  PublishEvent(
      MqttClient client,
      Publish message,
      @Nullable PublishResult result,
      @Nullable MqttException failure) {
    this.client = client;
    this.message = message;
    this.result = result;
    this.failure = failure;
  }

  /**
   * Returns the client that published.
   *
   * @return the client
   */
  public MqttClient client() {
    return client;
  }

  /**
   * Returns the message, the same object as was given to {@code publish} where one was.
   *
   * @return the message
   */
  public Publish message() {
    return message;
  }

  /**
   * Returns the outcome.
   *
   * @return the result, or empty if it failed
   */
  public Optional<PublishResult> result() {
    return Optional.ofNullable(result);
  }

  /**
   * Returns why it failed.
   *
   * @return the failure, or empty if it succeeded
   */
  public Optional<MqttException> failure() {
    return Optional.ofNullable(failure);
  }

  /** Returns the client, the message and the outcome. */
  @Override
  public String toString() {
    return "PublishEvent["
        + client.describe()
        + ", "
        + message
        + ": "
        + (failure == null ? result : failure.getMessage())
        + "]";
  }
}
