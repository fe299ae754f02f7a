// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A subscribe or an unsubscribe that the program asked for is done. */
public final class SubscribeEvent {
  private final MqttClient client;
  private final List<String> topicFilters;
  private final @Nullable MqttException failure;

  SubscribeEvent(MqttClient client, List<String> topicFilters, @Nullable MqttException failure) {
    this.client = client;
    this.topicFilters = topicFilters;
    this.failure = failure;
  }

  /**
   * Returns the client that asked.
   *
   * @return the client
   */
  public MqttClient client() {
    return client;
  }

  /**
   * Returns what it was about.
   *
   * @return the topic filters
   */
  public List<String> topicFilters() {
    return topicFilters;
  }

  /**
   * Returns why it failed.
   *
   * @return the failure, or empty if the server granted all
   */
  public Optional<MqttException> failure() {
    return Optional.ofNullable(failure);
  }

  /** Returns the client, the topic filters and the outcome. */
  @Override
  public String toString() {
    return "SubscribeEvent["
        + client.describe()
        + ", "
        + topicFilters
        + (failure == null ? "" : ": " + failure.getMessage())
        + "]";
  }
}
