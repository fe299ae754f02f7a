// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttTimeoutException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.packet.Publish;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;

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
    long deadline = Deadline.after(timeout);
    try (MqttClient client = oneShot(uri).build()) {
      String what = "publishing to '" + message.topic() + "'";
      CompletableFuture<PublishResult> published = new CompletableFuture<>();
      failWhenLost(client, published, what);
      client.connectAsync().awaitUntil(deadline, timeout);
      MqttFuture<PublishResult> publishing = client.publish(message);
      passFailureOn(publishing, published);
      publishing.thenAccept(published::complete);
      await(client, published, deadline, timeout, what);
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
    long deadline = Deadline.after(timeout);
    CompletableFuture<Message> first = new CompletableFuture<>();
    try (MqttClient client = oneShot(uri).onMessage(first::complete).build()) {
      String what = "a message for '" + topicFilter + "'";
      failWhenLost(client, first, what);
      client.connectAsync().awaitUntil(deadline, timeout);
      passFailureOn(client.subscribe(topicFilter, Qos.AT_LEAST_ONCE), first);
      return await(client, first, deadline, timeout, "waiting for " + what);
    }
  }

  /**
   * Publishes many messages over one connection, as fast as the server takes them, and waits until
   * it has acknowledged all. A message that the server refuses does not stop the others.
   *
   * @param uri where the server is
   * @param messages the messages, of any QoS; read as they are sent, so they may be made on the way
   * @param timeout how long it may take in all
   * @return how many were published
   * @throws io.bight.mqtt.MqttTimeoutException if not all were published in time
   * @throws io.bight.mqtt.MqttDisconnectedException if the connection was lost on the way
   * @throws io.bight.mqtt.MqttException if the server could not be connected to, or refused
   *     messages; in all cases the text names the first that were not published
   */
  public static int publishAll(String uri, Iterable<Publish> messages, Duration timeout) {
    return PublishAll.run(oneShot(uri), messages, timeout);
  }

  /**
   * Handles the messages that arrive within a time, on the calling thread. Connects again if the
   * connection is lost on the way.
   *
   * @param uri where the server is
   * @param topicFilter what to subscribe to, at QoS 2, so that each message comes as it was
   *     published
   * @param duration how long in all
   * @param handler is given each message; what it throws ends the call and is thrown by it
   * @return how many messages were handled
   * @throws io.bight.mqtt.MqttException if the server could not be connected or subscribed to
   */
  public static int subscribe(
      String uri, String topicFilter, Duration duration, Consumer<Message> handler) {
    return subscribeWhile(
        uri,
        topicFilter,
        duration,
        message -> {
          handler.accept(message);
          return true;
        });
  }

  /**
   * Handles messages until the handler has had enough or the time has passed, as {@link #subscribe}
   * does otherwise.
   *
   * @param uri where the server is
   * @param topicFilter what to subscribe to, at QoS 2
   * @param duration how long in all, at most
   * @param handler is given each message and returns whether it wants more
   * @return how many messages were handled
   * @throws io.bight.mqtt.MqttException if the server could not be connected or subscribed to
   */
  public static int subscribeWhile(
      String uri, String topicFilter, Duration duration, Predicate<Message> handler) {
    long deadline = Deadline.after(duration);
    CompletableFuture<Void> enough = new CompletableFuture<>();
    AtomicInteger handled = new AtomicInteger();
    Consumer<Message> untilEnough =
        message -> {
          if (!enough.isDone()) { // what came along with the last one is not wanted
            boolean more = handler.test(message);
            handled.incrementAndGet();
            if (!more) {
              enough.complete(null);
            }
          }
        };
    MqttClientBuilder builder =
        MqttClient.builder(uri)
            .onMessage(untilEnough)
            .callbackErrorPolicy(CallbackErrorPolicy.STOP_LOOP);
    try (MqttClient client = builder.build()) {
      client.connectAsync().awaitUntil(deadline, duration);
      client.subscribe(topicFilter, Qos.EXACTLY_ONCE).awaitUntil(deadline, duration);
      try {
        await(client, enough, deadline, duration, "waiting for enough messages");
      } catch (MqttTimeoutException e) {
        return handled.get(); // the time has passed, as it was to
      }
      return handled.get();
    }
  }

  /**
   * Waits for several messages.
   *
   * @param uri where the server is
   * @param topicFilter what to subscribe to, at QoS 2
   * @param count how many messages
   * @param timeout how long to wait in all
   * @return the first {@code count} messages that arrive, retained ones included
   * @throws IllegalArgumentException if {@code count} is less than 1
   * @throws MqttTimeoutException if fewer arrived in time
   * @throws io.bight.mqtt.MqttException if the server could not be connected or subscribed to
   */
  public static List<Message> receive(String uri, String topicFilter, int count, Duration timeout) {
    if (count < 1) {
      throw new IllegalArgumentException("count must be at least 1, not " + count);
    }
    List<Message> messages = new ArrayList<>();
    subscribeWhile(
        uri,
        topicFilter,
        timeout,
        message -> {
          messages.add(message);
          return messages.size() < count;
        });
    if (messages.size() < count) {
      throw new MqttTimeoutException(
          messages.size()
              + " of "
              + Count.of(count, "message")
              + " for '"
              + topicFilter
              + "' arrived within "
              + timeout.toMillis()
              + " ms");
    }
    return messages;
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

  /**
   * Waits for something that a callback completes, driving if nobody else does.
   *
   * @param limit what the program has set, for messages
   */
  private static <T> T await(
      MqttClient client,
      CompletableFuture<T> future,
      long deadlineNanos,
      Duration limit,
      String what) {
    MqttFuture<T> waited = new RequestFuture<>(client, what + " by");
    future.whenComplete(
        (result, failure) -> {
          if (failure == null) {
            waited.complete(result);
          } else {
            waited.completeExceptionally(failure);
          }
        });
    return waited.awaitUntil(deadlineNanos, limit);
  }
}
