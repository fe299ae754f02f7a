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
  private final @Nullable String tag;
  private final @Nullable PublishResult result;
  private final @Nullable MqttException failure;

  PublishEvent(
      MqttClient client,
      Publish message,
      @Nullable String tag,
      @Nullable PublishResult result,
      @Nullable MqttException failure) {
    this.client = client;
    this.message = message;
    this.tag = tag;
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
   * Returns the message: the object that was given to {@code publish}, or one that was read from
   * the session store if another process published it. Then its payload may be empty, since a QoS 2
   * message is kept without it once the server has it.
   *
   * @return the message
   */
  public Publish message() {
    return message;
  }

  /**
   * Returns what the program knows the message by.
   *
   * @return the tag that it was published with, or empty
   */
  public Optional<String> tag() {
    return Optional.ofNullable(tag);
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
        + (tag == null ? "" : " '" + tag + "'")
        + ": "
        + (failure == null ? result : failure.getMessage())
        + "]";
  }
}
