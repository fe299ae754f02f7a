// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Topics;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Makes a group; not safe for use by several threads. */
public final class MqttGroupBuilder {
  private static final AtomicInteger COUNT = new AtomicInteger();

  String name = "bight-group-" + COUNT.incrementAndGet();
  int loops = 1;
  int connectConcurrency = 100;
  boolean daemon = true;
  boolean nio;
  final List<Consumer<MqttClientBuilder>> common = new ArrayList<>();

  MqttGroupBuilder() {}

  /**
   * Sets the name, for messages and for the loops: a loop alone has this name, several have it with
   * {@code -1}, {@code -2} and so on.
   *
   * @param groupName the name; {@code bight-group-N} unless set
   * @return this builder
   */
  public MqttGroupBuilder name(String groupName) {
    name = Objects.requireNonNull(groupName, "name");
    return this;
  }

  /**
   * Sets over how many loops the clients are spread; 1 unless set. More than the processors have
   * cores bring nothing.
   *
   * @param count at least 1
   * @return this builder
   * @throws IllegalArgumentException if it is less
   */
  public MqttGroupBuilder loops(int count) {
    loops = requireAtLeastOne(count, "loops");
    return this;
  }

  /**
   * Sets how many clients may connect at a time, from the look-up of the name until CONNACK, and
   * how many may disconnect at a time when the group is closed; 100 unless set. The others wait for
   * their turn, which comes no later than the time limits of those before them.
   *
   * @param mostAtATime at least 1
   * @return this builder
   * @throws IllegalArgumentException if it is less
   */
  public MqttGroupBuilder connectConcurrency(int mostAtATime) {
    connectConcurrency = requireAtLeastOne(mostAtATime, "connect concurrency");
    return this;
  }

  private static int requireAtLeastOne(int count, String what) {
    if (count < 1) {
      throw new IllegalArgumentException(what + " must be at least 1, not " + count);
    }
    return count;
  }

  /**
   * Sets whether the threads of {@link MqttGroup#loopStart()} let the JVM end.
   *
   * @param isDaemon true, the default: the JVM may end while they run
   * @return this builder
   */
  public MqttGroupBuilder daemon(boolean isDaemon) {
    daemon = isDaemon;
    return this;
  }

  /**
   * Uses java.nio instead of the operating system's own selector.
   *
   * @return this builder
   */
  public MqttGroupBuilder nio() {
    nio = true;
    return this;
  }

  /**
   * Sets what all clients have in common: options and callbacks of every kind. What {@link
   * MqttGroup#add(String, Consumer)} sets for one client comes after it.
   *
   * @param options is given the builder of each client that is added
   * @return this builder
   */
  public MqttGroupBuilder eachClient(Consumer<MqttClientBuilder> options) {
    common.add(Objects.requireNonNull(options, "options"));
    return this;
  }

  /**
   * Adds a handler for every message of every client; {@link Message#client()} tells whose it is.
   *
   * @param handler is given each message, on the thread that drives the client's loop
   * @return this builder
   */
  public MqttGroupBuilder onMessage(Consumer<Message> handler) {
    return eachClient(client -> client.onMessage(handler));
  }

  /**
   * Adds a handler for the messages of every client that match a topic filter. Nothing is
   * subscribed.
   *
   * @param topicFilter the topic filter
   * @param handler is given each message that matches, on the thread that drives the client's loop
   * @return this builder
   * @throws IllegalArgumentException if the topic filter is not allowed
   */
  public MqttGroupBuilder onMessage(String topicFilter, Consumer<Message> handler) {
    Topics.requireFilter(topicFilter);
    return eachClient(client -> client.onMessage(topicFilter, handler));
  }

  /**
   * Adds a callback for accepted connections of every client.
   *
   * @param callback is told of each, on the thread that drives the client's loop
   * @return this builder
   */
  public MqttGroupBuilder onConnect(Consumer<ConnectEvent> callback) {
    return eachClient(client -> client.onConnect(callback));
  }

  /**
   * Adds a callback for attempts to connect of every client that failed.
   *
   * @param callback is told of each, on the thread that drives the client's loop
   * @return this builder
   */
  public MqttGroupBuilder onConnectFailure(Consumer<ConnectFailureEvent> callback) {
    return eachClient(client -> client.onConnectFailure(callback));
  }

  /**
   * Adds a callback for connections of every client that ended.
   *
   * @param callback is told of each, on the thread that drives the client's loop
   * @return this builder
   */
  public MqttGroupBuilder onDisconnect(Consumer<DisconnectEvent> callback) {
    return eachClient(client -> client.onDisconnect(callback));
  }

  /**
   * Adds a callback for what other callbacks of every client throw.
   *
   * @param callback is told of each, on the thread that drives the client's loop
   * @return this builder
   */
  public MqttGroupBuilder onCallbackError(Consumer<CallbackErrorEvent> callback) {
    return eachClient(client -> client.onCallbackError(callback));
  }

  /**
   * Makes the group.
   *
   * @return the group, without clients and driven by nobody
   */
  public MqttGroup build() {
    return new MqttGroup(this);
  }
}
