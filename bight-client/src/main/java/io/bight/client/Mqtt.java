// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.PublishResult;
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
      String what = "publishing to '" + message.topic() + "'";
      CompletableFuture<PublishResult> published = new CompletableFuture<>();
      failWhenLost(client, published, what);
      client.connect(MqttLoop.timeUntil(deadline));
      MqttFuture<PublishResult> publishing = client.publish(message);
      passFailureOn(publishing, published);
      publishing.thenAccept(published::complete);
      client.await(published, MqttLoop.timeUntil(deadline), what);
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
   * @throws io.bight.mqtt.MqttException if the server could not be connected or subscribed to, or
   *     the connection was lost
   */
  public static Message receive(String uri, String topicFilter, Duration timeout) {
    long deadline = MqttLoop.deadlineAfter(timeout);
    CompletableFuture<Message> first = new CompletableFuture<>();
    try (MqttClient client = oneShot(uri).onMessage(first::complete).build()) {
      String what = "a message for '" + topicFilter + "'";
      failWhenLost(client, first, what);
      client.connect(MqttLoop.timeUntil(deadline));
      passFailureOn(client.subscribe(topicFilter, Qos.AT_LEAST_ONCE), first);
      return client.await(first, MqttLoop.timeUntil(deadline), what);
    }
  }

  /** It never reconnects, so nothing more will come. */
  private static void failWhenLost(MqttClient client, CompletableFuture<?> future, String what) {
    client.onDisconnect(
        event ->
            future.completeExceptionally(
                new MqttDisconnectedException(
                    client.describe()
                        + " waited for "
                        + what
                        + " and was disconnected: "
                        + event.message(),
                    event.cause().orElse(null))));
  }

  private static <T> void passFailureOn(CompletableFuture<T> from, CompletableFuture<?> to) {
    from.whenComplete(
        (result, failure) -> {
          if (failure != null) {
            to.completeExceptionally(failure);
          }
        });
  }

  private static MqttClientBuilder oneShot(String uri) {
    return MqttClient.builder(uri).reconnect(ReconnectPolicy.never());
  }
}
