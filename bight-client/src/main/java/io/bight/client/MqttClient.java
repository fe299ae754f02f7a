// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.Topics;
import io.bight.mqtt.engine.IncomingPublish;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.SubscribeResult;
import io.bight.mqtt.engine.UnsubscribeResult;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Subscription;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An MQTT client for versions 3.1, 3.1.1 and 5.0. Everything it does on the network happens on the
 * thread that drives its {@link MqttLoop}; a client that is not given a loop has one of its own,
 * and the methods to drive it are here too.
 *
 * <pre>{@code
 * try (MqttClient client = MqttClient.builder("mqtt://localhost")
 *     .clientId("kitchen-display")
 *     .onConnect(event -> event.client().subscribe("house/#", Qos.AT_LEAST_ONCE))
 *     .onMessage(message -> System.out.println(message.topic() + " " + message.payloadUtf8()))
 *     .build()) {
 *   client.connect();
 *   client.loopForever();
 * }
 * }</pre>
 *
 * <p>All methods may be called by any thread and inside callbacks; {@link #connect()}, which waits,
 * is refused inside callbacks, where {@link #connectAsync()} is meant. Callbacks and subscriptions
 * outlast connections: a client may be disconnected and connected again.
 */
public final class MqttClient implements AutoCloseable {
  /** Where a client stands. */
  public enum State {
    /** There is no connection, and none is wanted. */
    DISCONNECTED,
    /** A connection is being made. */
    CONNECTING,
    /** The server has accepted the connection. */
    CONNECTED,
    /** The connection is lost or could not be made; the next attempt is planned. */
    RECONNECTING,
    /** The client has been closed. */
    CLOSED
  }

  private static final Duration DEFAULT_CLOSE_TIMEOUT = Duration.ofSeconds(5);

  private final MqttLoop loop;
  private final boolean ownsLoop;
  private final Callbacks callbacks;
  private final ClientWorker worker;
  private final Subscriber subscriber;
  private final ClientStatus status;
  private final OfflinePolicy offlinePolicy;

  MqttClient(
      MqttLoop loop,
      boolean ownsLoop,
      ClientOptions options,
      Callbacks callbacks,
      SessionStore store) {
    this.loop = loop;
    this.ownsLoop = ownsLoop;
    this.callbacks = callbacks;
    this.status = new ClientStatus(loop, options);
    this.offlinePolicy = options.offlinePolicy();
    if (options.callbackExecutor() != null) {
      callbacks.moveEventsTo(new EventLane(options.callbackExecutor(), this::describe));
    }
    this.worker = new ClientWorker(this, loop, options, callbacks, store);
    this.subscriber = new Subscriber(this, loop, callbacks, worker);
    loop.add(this);
  }

  /**
   * Starts a client.
   *
   * @param uri where the server is, as {@code mqtt://host} or {@code
   *     mqtt://user:password@host:1883}
   * @return a builder with the specification's defaults
   * @throws IllegalArgumentException if the URI is not valid
   */
  public static MqttClientBuilder builder(String uri) {
    return new MqttClientBuilder(uri);
  }

  /**
   * Starts a client.
   *
   * @param uri where the server is
   * @return a builder with the specification's defaults
   * @throws IllegalArgumentException if the URI is not one of an MQTT server
   */
  public static MqttClientBuilder builder(URI uri) {
    return new MqttClientBuilder(uri.toString());
  }

  // ---- connecting

  /**
   * Connects and waits until the server has accepted. Drives the loop meanwhile if nobody else
   * does. Does nothing if the client is connected.
   *
   * @return what the server answered
   * @throws io.bight.mqtt.MqttConnectException if the connection could not be made; with {@link
   *     ReconnectPolicy#alsoFirstConnect()} it keeps trying instead
   * @throws IllegalStateException if called inside a callback
   */
  public ConnectEvent connect() {
    return connectAsync().await();
  }

  /**
   * Connects as {@link #connect()} does, but does not wait longer than a time; the attempt goes on.
   *
   * @param timeout how long to wait at most
   * @return what the server answered
   * @throws io.bight.mqtt.MqttTimeoutException if the time passed first
   * @throws io.bight.mqtt.MqttConnectException if the connection could not be made
   * @throws IllegalStateException if called inside a callback
   */
  public ConnectEvent connect(Duration timeout) {
    return connectAsync().await(timeout);
  }

  /**
   * Connects, without waiting.
   *
   * @return completes when the server has accepted the connection
   */
  public MqttFuture<ConnectEvent> connectAsync() {
    status.onConnectAsked(); // first: else loopForever could take the client for ended
    var future = new RequestFuture<ConnectEvent>(this, "connecting");
    worker.submit(
        Command.of(
            nowNanos -> {
              worker.connect(future);
              status.onConnectTaken();
            },
            future::onFailure));
    return future;
  }

  /**
   * Disconnects in order and waits until it is done: what may be sent is sent, then DISCONNECT. No
   * reconnect follows. Inside a callback it does not wait.
   */
  public void disconnect() {
    MqttFuture<Void> future = disconnectAsync();
    if (!loop.inLoop()) {
      future.await();
    }
  }

  /**
   * Disconnects in order, without waiting.
   *
   * @return completes when the connection is closed
   */
  public MqttFuture<Void> disconnectAsync() {
    return disconnectAsync(ReasonCode.SUCCESS);
  }

  /**
   * Disconnects in order with a reason, without waiting.
   *
   * @param reasonCode what the server is told, with MQTT 5.0; {@link
   *     ReasonCode#DISCONNECT_WITH_WILL_MESSAGE} makes it publish the will
   * @return completes when the connection is closed
   */
  public MqttFuture<Void> disconnectAsync(ReasonCode reasonCode) {
    var future = new RequestFuture<Void>(this, "disconnecting");
    Disconnect disconnect = new Disconnect(reasonCode);
    worker.submit(
        Command.of(
            nowNanos -> worker.disconnect(disconnect, future, nowNanos),
            failure -> future.complete(null)));
    return future;
  }

  /**
   * Disconnects in order with a DISCONNECT of the program's own, without waiting [MQTT 5.0, section
   * 3.14]: with a reason in words, with User Properties, or with another Session Expiry Interval
   * than CONNECT had. Zero ends the session with the connection: what is in flight is published
   * anew, or fails, on the next one. Before 5.0 nothing but the reason counts.
   *
   * @param disconnect the packet
   * @return completes when the connection is closed; fails with the connection left as it is, where
   *     the packet cannot be sent or sets a Session Expiry Interval although CONNECT had none
   */
  public MqttFuture<Void> disconnectAsync(Disconnect disconnect) {
    Objects.requireNonNull(disconnect, "disconnect");
    var future = new RequestFuture<Void>(loop, "disconnecting " + describe());
    worker.submit(
        Command.of(nowNanos -> worker.disconnect(disconnect, future, nowNanos), future::onFailure));
    return future;
  }

  // ---- publishing

  /**
   * Publishes a message. What happens to it while it cannot be sent says the client's {@link
   * MqttClientBuilder#offlinePolicy}: unless set it waits in the queue.
   *
   * @param message the message
   * @return completes at QoS 0 when it has been written, at QoS 1 and 2 when the server has
   *     acknowledged it. It has failed already, and {@link #onPublished} is not told, where another
   *     thread than the driver publishes and the message is refused at once
   */
  public MqttFuture<PublishResult> publish(Publish message) {
    return publish(message, offlinePolicy);
  }

  /**
   * Publishes a message with a policy of its own for the time while it cannot be sent.
   *
   * @param message the message
   * @param offlinePolicy whether it waits
   * @return as {@link #publish(Publish)}
   */
  public MqttFuture<PublishResult> publish(Publish message, OfflinePolicy offlinePolicy) {
    return publishTagged(message, offlinePolicy, null);
  }

  /**
   * Publishes a message that the program knows by a tag. With a {@link
   * MqttClientBuilder#sessionStore} the tag is kept with the message, so that {@link #onPublished}
   * tells of the right one even if another process published it.
   *
   * @param message the message
   * @param tag what {@link PublishEvent#tag()} and {@link #restoredPublishes()} show; never sent
   * @return as {@link #publish(Publish)}
   * @throws IllegalArgumentException if the tag is longer than 65,535 bytes in UTF-8
   */
  public MqttFuture<PublishResult> publish(Publish message, String tag) {
    return publish(message, offlinePolicy, tag);
  }

  /**
   * Publishes a message that the program knows by a tag, with a policy of its own.
   *
   * @param message the message
   * @param offlinePolicy whether it waits
   * @param tag what {@link PublishEvent#tag()} and {@link #restoredPublishes()} show; never sent
   * @return as {@link #publish(Publish)}
   * @throws IllegalArgumentException if the tag is longer than 65,535 bytes in UTF-8
   */
  public MqttFuture<PublishResult> publish(
      Publish message, OfflinePolicy offlinePolicy, String tag) {
    return publishTagged(message, offlinePolicy, OptionChecks.requireString(tag, "tag"));
  }

  private MqttFuture<PublishResult> publishTagged(
      Publish message, OfflinePolicy offlinePolicy, @Nullable String tag) {
    PublishFuture future = worker.gate().futureOf(message, offlinePolicy, tag);
    worker.gate().enter(future);
    return future;
  }

  /**
   * Returns the messages that the session store had when this client was built and that are not
   * done: published by an earlier process. They are sent or repeated without being asked for, and
   * {@link #onPublished} tells of each when it is done. The store forgets a message only after that
   * callback has returned, unless callbacks run on an executor of their own. So a message that is
   * not among these when the client is built, and of whose end the program was not told, was never
   * stored: it may be published again.
   *
   * @return the messages in the order in which they are sent; empty without a store. May be asked
   *     for by any thread
   */
  public List<StoredPublish> restoredPublishes() {
    return worker.restored();
  }

  /**
   * Publishes text in UTF-8.
   *
   * @param topic the topic name
   * @param payload the text
   * @param qos the quality of service
   * @return as {@link #publish(Publish)}
   * @throws IllegalArgumentException if the topic name is not allowed
   */
  public MqttFuture<PublishResult> publish(String topic, String payload, Qos qos) {
    return publish(topic, payload, qos, false);
  }

  /**
   * Publishes text in UTF-8.
   *
   * @param topic the topic name
   * @param payload the text
   * @param qos the quality of service
   * @param retain whether the server keeps it for later subscribers
   * @return as {@link #publish(Publish)}
   * @throws IllegalArgumentException if the topic name is not allowed
   */
  public MqttFuture<PublishResult> publish(String topic, String payload, Qos qos, boolean retain) {
    return publish(worker.messageOf(topic, payload.getBytes(StandardCharsets.UTF_8), qos, retain));
  }

  /**
   * Publishes bytes.
   *
   * @param topic the topic name
   * @param payload the bytes, copied
   * @param qos the quality of service
   * @return as {@link #publish(Publish)}
   * @throws IllegalArgumentException if the topic name is not allowed
   */
  public MqttFuture<PublishResult> publish(String topic, byte[] payload, Qos qos) {
    return publish(worker.messageOf(topic, payload.clone(), qos, false));
  }

  /**
   * Publishes messages, one after the other, with one future for all of them: less work than a
   * future for each, and they are kept until all have ended. They do not stand or fall together:
   * what happens to each is as with {@link #publish(Publish)}, and {@link #onPublished} is told of
   * each as there. If there is not room for all, those that fit are taken and {@link
   * MqttClientBuilder#overflowPolicy} says what becomes of the others. So with {@link
   * io.bight.mqtt.OverflowPolicy#BLOCK} this call waits, for as many as there are while room is
   * made; once it has waited in vain, it waits no more.
   *
   * @param messages the messages, in the order in which they are sent
   * @return completes when all messages have ended, with success if all of them have succeeded;
   *     else fails with an {@link MqttBatchException} that tells which have not. Cancelling it
   *     takes back what has not been sent
   * @throws NullPointerException if one of the messages is null; none is published then
   */
  public MqttFuture<Void> publishAll(List<Publish> messages) {
    return publishAll(messages, offlinePolicy);
  }

  /**
   * Publishes messages with one future, and with a policy of their own for the time while they
   * cannot be sent.
   *
   * @param messages the messages, in the order in which they are sent
   * @param offlinePolicy whether they wait
   * @return as {@link #publishAll(List)}
   * @throws NullPointerException if one of the messages is null; none is published then
   */
  public MqttFuture<Void> publishAll(List<Publish> messages, OfflinePolicy offlinePolicy) {
    Objects.requireNonNull(offlinePolicy, "offlinePolicy");
    PublishBatch batch = new PublishBatch(worker, List.copyOf(messages));
    batch.publish(offlinePolicy);
    return batch;
  }

  // ---- subscribing

  /**
   * Subscribes. Without a connection it is done when there is one, and again on every new session.
   *
   * @param topicFilter the topic filter
   * @param qos the highest QoS at which the server may send
   * @return completes when the server has granted it
   * @throws IllegalArgumentException if the topic filter is not allowed
   */
  public MqttFuture<SubscribeResult> subscribe(String topicFilter, Qos qos) {
    return subscribe(List.of(new Subscription(topicFilter, qos)));
  }

  /**
   * Subscribes, and handles the messages that match the topic filter. The handler is there before
   * the server learns of the subscription, and stays until {@link #unsubscribe}.
   *
   * @param topicFilter the topic filter
   * @param qos the highest QoS at which the server may send
   * @param handler is given each message that matches
   * @return completes when the server has granted it
   * @throws IllegalArgumentException if the topic filter is not allowed
   */
  public MqttFuture<SubscribeResult> subscribe(
      String topicFilter, Qos qos, Consumer<Message> handler) {
    return subscriber.subscribe(new Subscription(topicFilter, qos), handler, null);
  }

  /**
   * Subscribes, and handles the messages that match the topic filter in a way of its own; else as
   * {@link #subscribe(String, Qos, Consumer)}.
   *
   * @param topicFilter the topic filter
   * @param qos the highest QoS at which the server may send
   * @param handler is given each message that matches
   * @param handling how it is given them
   * @return completes when the server has granted it
   * @throws IllegalArgumentException if the topic filter is not allowed
   */
  public MqttFuture<SubscribeResult> subscribe(
      String topicFilter, Qos qos, Consumer<Message> handler, MessageHandling handling) {
    return subscriber.subscribe(
        new Subscription(topicFilter, qos), handler, Objects.requireNonNull(handling, "handling"));
  }

  /**
   * Subscribes to several topic filters in one SUBSCRIBE.
   *
   * @param subscriptions at least one
   * @return completes when the server has granted all; fails if it refuses one
   * @throws IllegalArgumentException if there is none
   */
  public MqttFuture<SubscribeResult> subscribe(List<Subscription> subscriptions) {
    return subscribe(subscriptions, Properties.NONE);
  }

  /**
   * Subscribes to several topic filters in one SUBSCRIBE with properties.
   *
   * @param subscriptions at least one
   * @param properties Subscription Identifier and User Properties
   * @return completes when the server has granted all; fails if it refuses one
   * @throws IllegalArgumentException if there is none
   */
  public MqttFuture<SubscribeResult> subscribe(
      List<Subscription> subscriptions, Properties properties) {
    return subscriber.subscribe(subscriptions, properties);
  }

  /**
   * Unsubscribes. Handlers that were given to {@link #subscribe(String, Qos, Consumer)} are
   * removed.
   *
   * @param topicFilters at least one
   * @return completes when the server has answered
   * @throws IllegalArgumentException if there is none, or one is not allowed
   */
  public MqttFuture<UnsubscribeResult> unsubscribe(String... topicFilters) {
    return subscriber.unsubscribe(List.of(topicFilters));
  }

  // ---- callbacks

  /**
   * Adds a handler for every message, whatever it was subscribed by. May be added before
   * connecting.
   *
   * @param handler is given each message
   * @return removes it
   */
  public Registration onMessage(Consumer<Message> handler) {
    return subscriber.addHandler(new MessageHandler(null, handler, null));
  }

  /**
   * Adds a handler for the messages that match a topic filter. It is local: nothing is subscribed.
   *
   * @param topicFilter the topic filter; the share name of a shared subscription is passed over
   * @param handler is given each message that matches
   * @return removes it
   * @throws IllegalArgumentException if the topic filter is not allowed
   */
  public Registration onMessage(String topicFilter, Consumer<Message> handler) {
    return subscriber.addHandler(
        new MessageHandler(Topics.requireFilter(topicFilter), handler, null));
  }

  /**
   * Adds a handler for the messages that match a topic filter, with a handling of its own. It is
   * local: nothing is subscribed.
   *
   * @param topicFilter the topic filter; the share name of a shared subscription is passed over
   * @param handler is given each message that matches
   * @param handling how it is given them
   * @return removes it; messages that wait for it are still handled
   * @throws IllegalArgumentException if the topic filter is not allowed
   */
  public Registration onMessage(
      String topicFilter, Consumer<Message> handler, MessageHandling handling) {
    Objects.requireNonNull(handling, "handling");
    return subscriber.addHandler(
        new MessageHandler(Topics.requireFilter(topicFilter), handler, handling));
  }

  /**
   * Makes an inbox: messages that match a topic filter wait in it until a thread of the program
   * takes them. It is local: nothing is subscribed.
   *
   * @param topicFilter the topic filter; the share name of a shared subscription is passed over
   * @param capacity how many messages may wait in it before the client takes no more from the
   *     server
   * @return the inbox, to be closed when no longer needed
   * @throws IllegalArgumentException if the topic filter is not allowed, or the capacity is less
   *     than 1
   */
  public Inbox inbox(String topicFilter, int capacity) {
    Inbox inbox =
        new Inbox(this, loop, worker.delivery(), Topics.requireFilter(topicFilter), capacity);
    inbox.setRegistration(subscriber.addHandler(inbox.handler()));
    if (state() == State.CLOSED) {
      inbox.close();
    }
    return inbox;
  }

  /**
   * Adds a callback for messages that are given up because their handler threw each time, as {@link
   * MessageHandling#attempts} tells.
   *
   * @param callback is told of each, on the thread of the handler
   * @return removes it
   */
  public Registration onDeadLetter(Consumer<DeadLetterEvent> callback) {
    return callbacks.add(EventKind.DEAD_LETTER, callback);
  }

  /**
   * Adds a callback for accepted connections.
   *
   * @param callback is told of each
   * @return removes it
   */
  public Registration onConnect(Consumer<ConnectEvent> callback) {
    return callbacks.add(EventKind.CONNECT, callback);
  }

  /**
   * Adds a callback for attempts to connect that failed.
   *
   * @param callback is told of each
   * @return removes it
   */
  public Registration onConnectFailure(Consumer<ConnectFailureEvent> callback) {
    return callbacks.add(EventKind.CONNECT_FAILURE, callback);
  }

  /**
   * Adds a callback for connections that ended, once for each.
   *
   * @param callback is told of each
   * @return removes it
   */
  public Registration onDisconnect(Consumer<DisconnectEvent> callback) {
    return callbacks.add(EventKind.DISCONNECT, callback);
  }

  /**
   * Adds a callback for what other callbacks throw.
   *
   * @param callback is told of each
   * @return removes it
   */
  public Registration onCallbackError(Consumer<CallbackErrorEvent> callback) {
    return callbacks.add(EventKind.CALLBACK_ERROR, callback);
  }

  /**
   * Adds a callback for publishes that are done, once for each; it comes before the publish's
   * future completes.
   *
   * @param callback is told of each
   * @return removes it
   */
  public Registration onPublished(Consumer<PublishEvent> callback) {
    return callbacks.add(EventKind.PUBLISHED, callback);
  }

  /**
   * Adds a callback for subscribes that are done, once for each call.
   *
   * @param callback is told of each
   * @return removes it
   */
  public Registration onSubscribed(Consumer<SubscribeEvent> callback) {
    return callbacks.add(EventKind.SUBSCRIBED, callback);
  }

  /**
   * Adds a callback for unsubscribes that are done, once for each call.
   *
   * @param callback is told of each
   * @return removes it
   */
  public Registration onUnsubscribed(Consumer<SubscribeEvent> callback) {
    return callbacks.add(EventKind.UNSUBSCRIBED, callback);
  }

  /**
   * Adds a callback for sockets that are opened and closed, below MQTT.
   *
   * @param callback is told of each
   * @return removes it
   */
  public Registration onTransport(Consumer<TransportEvent> callback) {
    return callbacks.add(EventKind.TRANSPORT, callback);
  }

  /**
   * Adds a callback for every packet that is sent or received, in words, as {@code >> PUBLISH id=7
   * qos=1 'a/b' 12 B}; secrets are not shown. The same lines go to the logger {@code io.bight.wire}
   * at debug.
   *
   * @param callback is given each line, in a later task of the loop
   * @return removes it
   */
  public Registration onPacket(Consumer<String> callback) {
    return callbacks.add(EventKind.PACKET, callback);
  }

  void acknowledge(IncomingPublish incoming, ReasonCode reasonCode, Properties properties) {
    worker.submit(
        Command.of(
            nowNanos -> worker.acknowledge(incoming, reasonCode, properties, nowNanos),
            failure -> {}));
  }

  // ---- driving

  /**
   * Runs one turn of the loop, as {@link MqttLoop#loop}.
   *
   * @param timeout how long to wait at most when there is nothing to do
   * @return true if something was done
   * @throws IllegalStateException if another thread is driving
   */
  public boolean loop(Duration timeout) {
    return loop.loop(timeout);
  }

  /**
   * Drives the loop on a thread of its own, as {@link MqttLoop#loopStart}.
   *
   * @throws IllegalStateException if somebody is driving
   */
  public void loopStart() {
    loop.loopStart();
  }

  /**
   * Drives the loop on this thread until the end, as {@link MqttLoop#loopForever}.
   *
   * @throws IllegalStateException if somebody is driving
   */
  public void loopForever() {
    loop.loopForever();
  }

  /** Ends whoever drives the loop, as {@link MqttLoop#loopStop}. */
  public void loopStop() {
    loop.loopStop();
  }

  /**
   * Returns the loop that this client is on.
   *
   * @return the loop it was given, or its own
   */
  public MqttLoop loop() {
    return loop;
  }

  // ---- state

  /**
   * Returns where the client stands.
   *
   * @return the state at this moment
   */
  public State state() {
    return status.state();
  }

  /**
   * Tells whether the server has accepted the connection and it has not ended. A connection whose
   * loop has not made a turn for one and a half keep alives does not count: nobody drives, or a
   * callback does not return, and the server will have given the client up.
   *
   * @return true while connected
   */
  public boolean isConnected() {
    return status.isConnected();
  }

  /**
   * Returns the client identifier.
   *
   * @return the one that was set or made, or that the server assigned; empty until it did
   */
  public String clientId() {
    return status.clientIdentifier();
  }

  /**
   * Returns the URI of the server that the client is connected to, or was last.
   *
   * @return the URI the client was built with, unless {@link MqttClientBuilder#beforeConnect} has
   *     set another one; without user name and password
   */
  public String server() {
    return status.server().toString();
  }

  /**
   * Tells in words what the client is doing: state, driver, the callback that runs and the last
   * ones that were slow, session, what is waiting, the last losses. For people; the form may
   * change. May be called by any thread at any time, also when the loop is stuck, so the numbers
   * are those of a moment and may not fit together exactly.
   *
   * @return several lines
   */
  public String diagnostics() {
    return toString() + "\n  loop: " + loop.diagnostics() + worker.diagnostics();
  }

  /** Returns the client identifier, the server and the state. */
  @Override
  public String toString() {
    return "MqttClient[" + describe() + ", " + state() + "]";
  }

  /** Names the client and its server, for messages. Shows no secret. */
  String describe() {
    return status.describe();
  }

  ClientStatus status() {
    return status;
  }

  /** Makes the client one of a group; called before anything is asked of it. */
  void join(MqttGroup group) {
    worker.join(group);
  }

  void onCallbackThrew(Throwable error) {
    if (loop.inLoop()) {
      worker.onCallbackThrew(error);
    } else {
      loop.executeOnLoop(() -> worker.onCallbackThrew(error));
    }
  }

  /** Tells whether the program has asked for a connection, and it has ended for good. */
  boolean hasEnded() {
    return status.wasConnectAsked() && !status.isConnectOnTheWay() && worker.isResting();
  }

  /** Tells whether the client makes no progress without a driver. */
  boolean needsDriver() {
    return status.isConnectOnTheWay() || !worker.isResting();
  }

  // ---- the end

  /** Closes as {@link #close(Duration)} does, within 5 s. */
  @Override
  public void close() {
    close(DEFAULT_CLOSE_TIMEOUT);
  }

  /**
   * Disconnects in order and ends the client for good; what still waits fails. A loop of its own is
   * closed too. Legal in every state and on every thread; inside a callback it returns at once, and
   * the driver does the rest when the callback returns. A second call does nothing.
   *
   * @param timeout how long to wait at most
   */
  public void close(Duration timeout) {
    if (ownsLoop) {
      loop.close(timeout);
      return;
    }
    MqttFuture<Void> future = closeAsync();
    if (!loop.inLoop()) {
      Runnable abort = () -> worker.submit(Command.of(nowNanos -> worker.abort(), failure -> {}));
      loop.driving().endWithin(timeout, future, abort);
    }
  }

  /** The loop is closed, and nobody drives it any more. */
  void onLoopTerminated() {
    worker.closeStore();
  }

  MqttFuture<Void> closeAsync() {
    var future = new RequestFuture<Void>(this, "closing");
    worker.submit(
        Command.of(nowNanos -> worker.close(future, nowNanos), failure -> future.complete(null)));
    return future;
  }
}
