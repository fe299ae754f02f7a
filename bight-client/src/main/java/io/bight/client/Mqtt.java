// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * One-liners for scripts and tests: each connects, does one thing, and disconnects, on the calling
 * thread. A program that does more than one thing keeps an {@link MqttClient}.
 */
public final class Mqtt {
  private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

  private Mqtt() {}

  /**
   * Publishes text in UTF-8 at QoS 1, within 30 s.
   *
   * @param uri where the server is
   * @param topic the topic name
   * @param payload the text
   * @throws io.bight.mqtt.MqttException if it could not be published
   */
  public static void publish(String uri, String topic, String payload) {
    publish(
        uri,
        Publish.builder(topic).payload(payload).qos(Qos.AT_LEAST_ONCE).build(),
        DEFAULT_TIMEOUT);
  }

  /**
   * Publishes a message.
   *
   * @param uri where the server is
   * @param message the message
   * @param timeout how long it may take in all
   * @throws io.bight.mqtt.MqttException if it could not be published, or not in time
   */
  public static void publish(String uri, Publish message, Duration timeout) {
    long deadline = MqttLoop.deadlineAfter(timeout);
    try (MqttClient client = oneShot(uri).build()) {
      client.connect(MqttLoop.timeUntil(deadline));
      client.publish(message).await(MqttLoop.timeUntil(deadline));
    }
  }

  /**
   * Waits for one message.
   *
   * @param uri where the server is
   * @param topicFilter what to subscribe to, at QoS 1
   * @param timeout how long to wait in all
   * @return the first message that arrives, a retained one included
   * @throws io.bight.mqtt.MqttTimeoutException if none arrived in time
   * @throws io.bight.mqtt.MqttException if the server could not be connected or subscribed to
   */
  public static Message receive(String uri, String topicFilter, Duration timeout) {
    long deadline = MqttLoop.deadlineAfter(timeout);
    CompletableFuture<Message> first = new CompletableFuture<>();
    try (MqttClient client = oneShot(uri).onMessage(first::complete).build()) {
      client.connect(MqttLoop.timeUntil(deadline));
      client.subscribe(topicFilter, Qos.AT_LEAST_ONCE).await(MqttLoop.timeUntil(deadline));
      return client.await(
          first, MqttLoop.timeUntil(deadline), "a message for '" + topicFilter + "'");
    }
  }

  private static MqttClientBuilder oneShot(String uri) {
    return MqttClient.builder(uri).reconnect(ReconnectPolicy.never());
  }
}
