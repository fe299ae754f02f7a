// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.TlsContext;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Property;
import io.bight.mqtt.Topics;
import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.SessionStoreOpener;
import io.bight.mqtt.packet.Publish;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Makes an {@link MqttClient}. Options carry the specification's names and defaults, and a value
 * that is not allowed is refused when it is set. Not safe for use by several threads.
 */
public final class MqttClientBuilder {
  private final GivenOptions given;
  private final Callbacks callbacks = new Callbacks();
  private @Nullable MqttLoop loop;

  MqttClientBuilder(String uri) {
    this.given = new GivenOptions(ServerAddress.parse(uri));
  }

  // ---- who and where

  /**
   * Puts the client on a loop that it shares with others. Without it the client has a loop of its
   * own, which is closed with it.
   *
   * @param shared the loop
   * @return this builder
   */
  public MqttClientBuilder loop(MqttLoop shared) {
    loop = Objects.requireNonNull(shared, "loop");
    return this;
  }

  /**
   * Sets the client identifier [MQTT 5.0, section 3.1.3.1]. A random one unless set. Two clients
   * with the same identifier throw each other off the server.
   *
   * @param identifier the identifier; empty: the server assigns one
   * @return this builder
   * @throws IllegalArgumentException if it cannot be sent as a string
   */
  public MqttClientBuilder clientId(String identifier) {
    given.clientIdentifier = OptionChecks.requireString(identifier, "client identifier");
    return this;
  }

  /**
   * Sets the version of the protocol; 5.0 unless set.
   *
   * @param mqttVersion the version
   * @return this builder
   */
  public MqttClientBuilder version(MqttVersion mqttVersion) {
    given.version = Objects.requireNonNull(mqttVersion, "version");
    return this;
  }

  /**
   * Sets user name and password. They may also stand in the URI.
   *
   * @param name the user name
   * @param secret the password, or null for none; never shown or logged
   * @return this builder
   * @throws IllegalArgumentException if the user name cannot be sent as a string
   */
  public MqttClientBuilder credentials(String name, @Nullable String secret) {
    return credentials(name, secret == null ? null : secret.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Sets user name and password.
   *
   * @param name the user name
   * @param secret the password, copied, or null for none; never shown or logged
   * @return this builder
   * @throws IllegalArgumentException if the user name cannot be sent as a string, or the password
   *     is longer than 65,535 bytes
   */
  public MqttClientBuilder credentials(String name, byte @Nullable [] secret) {
    given.userName = OptionChecks.requireString(name, "user name");
    given.password = OptionChecks.copyOfPassword(secret);
    return this;
  }

  // ---- transport

  /**
   * Sets what TLS trusts and presents, for {@code mqtts://} and {@code wss://}; the JDK's default
   * unless set. {@link #tls} also takes PEM files, and can do without the JDK's engine. Of the two
   * the later call counts.
   *
   * @param context the context, initialized
   * @return this builder
   */
  public MqttClientBuilder sslContext(SSLContext context) {
    given.tls = TlsContext.of(context);
    return this;
  }

  /**
   * Sets how TLS is done, for {@code mqtts://} and {@code wss://}: whom to trust, what to present,
   * and by which engine. Of this and {@link #sslContext} the later call counts.
   *
   * @param options the options; clients that have the same share them
   * @return this builder
   */
  public MqttClientBuilder tls(TlsOptions options) {
    given.tls = options.context();
    return this;
  }

  /**
   * Accepts a certificate that is for another host: whoever has any trusted certificate can then
   * read and change everything. For tests only.
   *
   * @return this builder
   */
  public MqttClientBuilder insecureSkipHostNameVerification() {
    given.verifyHostName = false;
    return this;
  }

  /**
   * Adds a header to the request that opens a WebSocket, for {@code ws://} and {@code wss://}.
   *
   * @param name its name
   * @param value its value
   * @return this builder
   */
  public MqttClientBuilder webSocketHeader(String name, String value) {
    given.webSocketHeaders.put(
        Objects.requireNonNull(name, "name"), Objects.requireNonNull(value, "value"));
    return this;
  }

  /**
   * Sets how long the handshakes of TLS and WebSocket may take, each; 10 s unless set.
   *
   * @param timeout positive
   * @return this builder
   * @throws IllegalArgumentException if it is not positive
   */
  public MqttClientBuilder handshakeTimeout(Duration timeout) {
    given.handshakeTimeout = OptionChecks.requirePositive(timeout, "handshake timeout");
    return this;
  }

  // ---- session

  /**
   * Sets whether an earlier session is discarded [MQTT 5.0, section 3.1.2.4]; true unless set, or
   * false with a {@link #sessionStore}. With 5.0 it speaks of the first connection only. Before 5.0
   * it is Clean Session, and false also keeps the session when the client disconnects.
   *
   * @param clean false to go on with an earlier session
   * @return this builder
   */
  public MqttClientBuilder cleanStart(boolean clean) {
    given.cleanStart = clean;
    return this;
  }

  /**
   * Sets how long the server keeps the session after the connection has ended [MQTT 5.0, section
   * 3.1.2.11.2]; not at all unless set, or for ever with a {@link #sessionStore}. Not sent before
   * 5.0.
   *
   * @param interval whole seconds; 4,294,967,295 s or more: for ever
   * @return this builder
   * @throws IllegalArgumentException if it is negative
   */
  public MqttClientBuilder sessionExpiryInterval(Duration interval) {
    given.properties.set(
        Property.SESSION_EXPIRY_INTERVAL, OptionChecks.sessionExpirySeconds(interval));
    return this;
  }

  /**
   * Keeps the session where it outlives the process: messages that wait or are unacknowledged, QoS
   * 2 messages that were handled, subscriptions. The next client with this store goes on with all
   * of it. Needs a client identifier. See {@link MqttClient#restoredPublishes()}.
   *
   * @param store opens the store when the client is built; the client closes it
   * @return this builder
   */
  public MqttClientBuilder sessionStore(SessionStoreOpener store) {
    given.sessionStore = Objects.requireNonNull(store, "sessionStore");
    return this;
  }

  /**
   * Sets what happens to unacknowledged messages when the server has lost the session; they are
   * published again unless set.
   *
   * @param choice publish again, or fail
   * @return this builder
   */
  public MqttClientBuilder sessionLoss(EngineOptions.SessionLoss choice) {
    given.sessionLoss = Objects.requireNonNull(choice, "sessionLoss");
    return this;
  }

  /**
   * Sets the message that the server publishes when it loses this client [MQTT 5.0, section
   * 3.1.2.5]. Its payload, QoS, RETAIN flag and properties are the will's.
   *
   * @param message the will
   * @return this builder
   * @throws IllegalArgumentException if its payload is longer than 65,535 bytes
   */
  public MqttClientBuilder will(Publish message) {
    return will(message, Duration.ZERO);
  }

  /**
   * Sets the message that the server publishes some time after it has lost this client.
   *
   * @param message the will
   * @param delay the Will Delay Interval in whole seconds; not sent before 5.0
   * @return this builder
   * @throws IllegalArgumentException if its payload is longer than 65,535 bytes or the delay
   *     negative
   */
  public MqttClientBuilder will(Publish message, Duration delay) {
    given.will = OptionChecks.willOf(message, delay);
    return this;
  }

  /**
   * Sets the longest pause between two packets of the client [MQTT 5.0, section 3.1.2.10]; 60 s
   * unless set. A dead connection is found within one and a half times as long.
   *
   * @param interval 1 to 65,535 whole seconds; zero: no keep alive
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   */
  public MqttClientBuilder keepAlive(Duration interval) {
    given.keepAliveSeconds = OptionChecks.keepAliveSeconds(interval);
    return this;
  }

  // ---- limits

  /**
   * Sets how many QoS 1 and 2 messages the server may send before it waits for acknowledgements
   * [MQTT 5.0, section 3.1.2.11.3]; 65,535 unless set.
   *
   * @param messages 1 to 65,535
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   */
  public MqttClientBuilder receiveMaximum(int messages) {
    given.properties.set(Property.RECEIVE_MAXIMUM, messages);
    return this;
  }

  /**
   * Sets how many QoS 1 and 2 messages may be under way at most, sent and not acknowledged in full;
   * further ones wait. Unless set there is no limit but the server's Receive Maximum [MQTT 5.0,
   * section 3.2.2.3.3], which holds in any case. A server of MQTT 3.1 and 3.1.1 cannot tell the
   * client its limit: set it where that server has one. Mosquitto 2.0.11 has one, {@code
   * max_inflight_messages}, 20 unless configured: with more QoS 2 messages under way it ends
   * connections, or confirms messages and delivers them to nobody.
   *
   * <p>A small number costs speed on a slow network: at most so many messages are sent per round
   * trip.
   *
   * @param messages 1 to 65,535
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   */
  public MqttClientBuilder sendMaximum(int messages) {
    given.sendMaximum = OptionChecks.requireSendMaximum(messages);
    return this;
  }

  /**
   * Sets the largest packet that the server may send [MQTT 5.0, section 3.1.2.11.4]; no limit
   * unless set.
   *
   * @param bytes 1 to 4,294,967,295
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   */
  public MqttClientBuilder maximumPacketSize(long bytes) {
    given.properties.set(Property.MAXIMUM_PACKET_SIZE, bytes);
    return this;
  }

  /**
   * Sets how many topic aliases the server may use [MQTT 5.0, section 3.1.2.11.5]; none unless set.
   *
   * @param aliases 0 to 65,535
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   */
  public MqttClientBuilder topicAliasMaximum(int aliases) {
    given.properties.set(Property.TOPIC_ALIAS_MAXIMUM, aliases);
    return this;
  }

  /**
   * Adds a user property to CONNECT.
   *
   * @param name its name
   * @param value its value
   * @return this builder
   */
  public MqttClientBuilder userProperty(String name, String value) {
    given.properties.userProperty(
        OptionChecks.requireString(name, "user property name"),
        OptionChecks.requireString(value, "user property value"));
    return this;
  }

  /**
   * Sets what happens to messages while they cannot be sent; {@link OfflinePolicy#QUEUE} unless
   * set. A message may have a policy of its own: {@link MqttClient#publish(Publish,
   * OfflinePolicy)}.
   *
   * @param policy whether they wait
   * @return this builder
   */
  public MqttClientBuilder offlinePolicy(OfflinePolicy policy) {
    given.offlinePolicy = Objects.requireNonNull(policy, "offlinePolicy");
    return this;
  }

  /**
   * Sets how much room there is for messages, from the call of {@code publish} until they are done.
   * {@link #overflowPolicy} says what happens beyond it.
   *
   * <p>The bytes are those of the heap: topic, payload and properties, and 200 B for the objects
   * that carry a message, or 280 B with {@link OfflinePolicy#LATEST_PER_TOPIC}. Messages in flight
   * count for the bytes, but not for the number. With {@link OverflowPolicy#DROP_OLDEST} and {@link
   * OfflinePolicy#LATEST_PER_TOPIC} the bounds may be exceeded until the driver has dropped what is
   * to go, by an eighth, or by 1,024 messages of 1 MiB together where that is more.
   *
   * @param messages how many may wait to be sent; 1,000,000 unless set
   * @param bytes how many bytes all may take that wait, are being written or are in flight; 64 MiB
   *     unless set
   * @return this builder
   * @throws IllegalArgumentException if one is not positive; for a client that is not to queue at
   *     all there is {@link OfflinePolicy#FAIL}
   */
  public MqttClientBuilder queueMaximum(int messages, long bytes) {
    OptionChecks.requireQueueMaximum(messages, bytes);
    given.queueMaximumMessages = messages;
    given.queueMaximumBytes = bytes;
    return this;
  }

  /**
   * Sets what happens to a message for which there is no room; {@link OverflowPolicy#REJECT} unless
   * set.
   *
   * @param policy the policy
   * @return this builder
   */
  public MqttClientBuilder overflowPolicy(OverflowPolicy policy) {
    given.overflowPolicy = Objects.requireNonNull(policy, "overflowPolicy");
    return this;
  }

  /**
   * Sets how long {@link OverflowPolicy#BLOCK} lets {@code publish} wait for room; without a limit
   * unless set. After it the message is refused with {@link io.bight.mqtt.MqttQueueFullException}.
   *
   * @param timeout how long; zero: not at all
   * @return this builder
   * @throws IllegalArgumentException if it is negative
   */
  public MqttClientBuilder blockTimeout(Duration timeout) {
    given.blockTimeout = OptionChecks.requireNotNegative(timeout);
    return this;
  }

  /**
   * Sets how long an attempt to open a transport may take, for each address; 10 s unless set.
   *
   * @param timeout 1 ms to 24 days
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   */
  public MqttClientBuilder connectTimeout(Duration timeout) {
    given.connectTimeout = OptionChecks.requirePositive(timeout, "connect timeout");
    return this;
  }

  /**
   * Sets how long the server may take to answer CONNECT; 10 s unless set.
   *
   * @param timeout 1 ms to 24 days
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   */
  public MqttClientBuilder connackTimeout(Duration timeout) {
    given.connackTimeout = OptionChecks.requirePositive(timeout, "CONNACK timeout");
    return this;
  }

  // ---- behaviour

  /**
   * Sets when to connect again; {@link ReconnectPolicy#exponential()} unless set.
   *
   * @param policy the policy
   * @return this builder
   */
  public MqttClientBuilder reconnect(ReconnectPolicy policy) {
    given.reconnect = Objects.requireNonNull(policy, "reconnect");
    return this;
  }

  /**
   * Asks the program before every attempt to connect, the first included, what to send and where
   * to: credentials, TLS material, the server, headers of a WebSocket and more. A second call
   * replaces the first, and {@link #beforeConnectAsync} too.
   *
   * <p>An attempt whose hook throws fails with that as its cause; {@code onConnectFailure} is told,
   * and the {@link ReconnectPolicy} says when the next one follows. Since each attempt may differ,
   * no refusal counts as final: after a wrong password too, the delays grow as after any failure.
   *
   * @param hook is given each attempt, on the thread that drives, and must not block
   * @return this builder
   */
  public MqttClientBuilder beforeConnect(Consumer<ConnectAttempt> hook) {
    Objects.requireNonNull(hook, "hook");
    given.beforeConnect =
        attempt -> {
          hook.accept(attempt);
          return null;
        };
    return this;
  }

  /**
   * Asks the program as {@link #beforeConnect} does, and waits for it: for a token that comes from
   * elsewhere, say. The loop goes on meanwhile. The attempt fails if the stage fails, or does not
   * complete within the {@link #connectTimeout}. When the client is disconnected or closed first,
   * what becomes of the stage makes no difference; it is not cancelled, since others may wait for
   * it too.
   *
   * @param hook is given each attempt, on the thread that drives; the stage that it returns may be
   *     completed by any thread
   * @return this builder
   */
  public MqttClientBuilder beforeConnectAsync(
      Function<ConnectAttempt, ? extends CompletionStage<?>> hook) {
    Objects.requireNonNull(hook, "hook");
    given.beforeConnect =
        attempt -> Objects.requireNonNull(hook.apply(attempt), "beforeConnectAsync returned null");
    return this;
  }

  /**
   * Leaves it to the program to acknowledge messages, by {@link Message#acknowledge()}.
   *
   * @return this builder
   */
  public MqttClientBuilder manualAcknowledgement() {
    given.manualAcknowledgement = true;
    return this;
  }

  /**
   * Keeps QoS 1 messages that the server repeats from the handlers, as far as that can be known
   * [MQTT 5.0, section 4.3.2]. A message with DUP is a repetition if it has the packet identifier,
   * the topic and the payload of one that the handlers were given among the last ones. It is
   * acknowledged like that one, or together with it where the program still works on it.
   *
   * <p>What it cannot do: it ends with the client, and with the session on the server; a message
   * that a handler threw on without its being acknowledged comes again; and a new message that
   * equals an earlier one, identifier included, is taken for its repetition if its first
   * transmission was lost. Without DUP nothing is ever held back.
   *
   * <p>It takes about 150 bytes for each message of the window, however long the payload, and a
   * SHA-256 of each payload.
   *
   * @param messages how many of the last messages are looked through, at least as many as the
   *     server may have unacknowledged ({@link #receiveMaximum}); 0, the default: none
   * @return this builder
   * @throws IllegalArgumentException if it is not 0 to 65,535
   */
  public MqttClientBuilder deduplicationWindow(int messages) {
    given.deduplicationWindow = OptionChecks.requireDeduplicationWindow(messages);
    return this;
  }

  /**
   * Sets what happens when a callback throws, apart from being logged and reported; {@link
   * CallbackErrorPolicy#CONTINUE} unless set.
   *
   * @param policy what happens
   * @return this builder
   */
  public MqttClientBuilder callbackErrorPolicy(CallbackErrorPolicy policy) {
    given.callbackErrorPolicy = Objects.requireNonNull(policy, "callbackErrorPolicy");
    return this;
  }

  /**
   * Moves all callbacks to an executor: message handlers as {@link MessageHandling#on} tells, one
   * after the other, unless {@link #messageHandling} says otherwise; and the callbacks for events,
   * also one after the other, beside them. {@code onCallbackError} comes on the thread of the
   * callback that threw, and stages of futures stay on the thread that drives. In callbacks that
   * run there, calls that wait are allowed.
   *
   * @param executor runs the callbacks; the program's, never shut down by the client
   * @return this builder
   */
  public MqttClientBuilder callbackExecutor(Executor executor) {
    given.callbackExecutor = Objects.requireNonNull(executor, "executor");
    return this;
  }

  /**
   * Sets how message handlers are given their messages; {@link MessageHandling#onLoop()} unless set
   * here or by {@link #callbackExecutor}. Handlers may be added with a handling of their own.
   *
   * @param handling where, in what order, how many at once
   * @return this builder
   */
  public MqttClientBuilder messageHandling(MessageHandling handling) {
    given.messageHandling = Objects.requireNonNull(handling, "handling");
    given.messageHandlingIsSet = true;
    return this;
  }

  /**
   * Has the server publish the will also when the client is closed in order.
   *
   * @return this builder
   */
  public MqttClientBuilder publishWillOnClose() {
    given.publishWillOnClose = true;
    return this;
  }

  // ---- callbacks

  /**
   * Adds a handler for every message.
   *
   * @param handler is given each message, on the thread that drives
   * @return this builder
   */
  public MqttClientBuilder onMessage(Consumer<Message> handler) {
    callbacks.addMessageHandler(new MessageHandler(null, handler, null));
    return this;
  }

  /**
   * Adds a handler for the messages that match a topic filter. It is local: nothing is subscribed.
   *
   * @param topicFilter the topic filter
   * @param handler is given each message that matches, on the thread that drives
   * @return this builder
   * @throws IllegalArgumentException if the topic filter is not allowed
   */
  public MqttClientBuilder onMessage(String topicFilter, Consumer<Message> handler) {
    callbacks.addMessageHandler(
        new MessageHandler(Topics.requireFilter(topicFilter), handler, null));
    return this;
  }

  /**
   * Adds a handler for the messages that match a topic filter, with a handling of its own. It is
   * local: nothing is subscribed.
   *
   * @param topicFilter the topic filter
   * @param handler is given each message that matches
   * @param handling how it is given them
   * @return this builder
   * @throws IllegalArgumentException if the topic filter is not allowed
   */
  public MqttClientBuilder onMessage(
      String topicFilter, Consumer<Message> handler, MessageHandling handling) {
    callbacks.addMessageHandler(
        new MessageHandler(
            Topics.requireFilter(topicFilter),
            handler,
            Objects.requireNonNull(handling, "handling")));
    return this;
  }

  /**
   * Adds a callback for messages that are given up because their handler threw each time.
   *
   * @param callback is told of each, on the thread of the handler
   * @return this builder
   */
  public MqttClientBuilder onDeadLetter(Consumer<DeadLetterEvent> callback) {
    callbacks.add(EventKind.DEAD_LETTER, callback);
    return this;
  }

  /**
   * Adds a callback for accepted connections.
   *
   * @param callback is told of each, on the thread that drives
   * @return this builder
   */
  public MqttClientBuilder onConnect(Consumer<ConnectEvent> callback) {
    callbacks.add(EventKind.CONNECT, callback);
    return this;
  }

  /**
   * Adds a callback for attempts to connect that failed.
   *
   * @param callback is told of each, on the thread that drives
   * @return this builder
   */
  public MqttClientBuilder onConnectFailure(Consumer<ConnectFailureEvent> callback) {
    callbacks.add(EventKind.CONNECT_FAILURE, callback);
    return this;
  }

  /**
   * Adds a callback for connections that ended, once for each.
   *
   * @param callback is told of each, on the thread that drives
   * @return this builder
   */
  public MqttClientBuilder onDisconnect(Consumer<DisconnectEvent> callback) {
    callbacks.add(EventKind.DISCONNECT, callback);
    return this;
  }

  /**
   * Adds a callback for what other callbacks throw.
   *
   * @param callback is told of each, on the thread that drives
   * @return this builder
   */
  public MqttClientBuilder onCallbackError(Consumer<CallbackErrorEvent> callback) {
    callbacks.add(EventKind.CALLBACK_ERROR, callback);
    return this;
  }

  /**
   * Adds a callback for publishes that are done, once for each; it comes before the publish's
   * future completes.
   *
   * @param callback is told of each, on the thread that drives
   * @return this builder
   */
  public MqttClientBuilder onPublished(Consumer<PublishEvent> callback) {
    callbacks.add(EventKind.PUBLISHED, callback);
    return this;
  }

  /**
   * Adds a callback for subscribes that are done, once for each call.
   *
   * @param callback is told of each, on the thread that drives
   * @return this builder
   */
  public MqttClientBuilder onSubscribed(Consumer<SubscribeEvent> callback) {
    callbacks.add(EventKind.SUBSCRIBED, callback);
    return this;
  }

  /**
   * Adds a callback for unsubscribes that are done, once for each call.
   *
   * @param callback is told of each, on the thread that drives
   * @return this builder
   */
  public MqttClientBuilder onUnsubscribed(Consumer<SubscribeEvent> callback) {
    callbacks.add(EventKind.UNSUBSCRIBED, callback);
    return this;
  }

  /**
   * Adds a callback for sockets that are opened and closed, below MQTT.
   *
   * @param callback is told of each, on the thread that drives
   * @return this builder
   */
  public MqttClientBuilder onTransport(Consumer<TransportEvent> callback) {
    callbacks.add(EventKind.TRANSPORT, callback);
    return this;
  }

  /**
   * Adds a callback for every packet that is sent or received, in words, as {@code >> PUBLISH id=7
   * qos=1 'a/b' 12 B}; secrets are not shown. The same lines go to the logger {@code io.bight.wire}
   * at debug.
   *
   * @param callback is given each line, on the thread that drives
   * @return this builder
   */
  public MqttClientBuilder onPacket(Consumer<String> callback) {
    callbacks.add(EventKind.PACKET, callback);
    return this;
  }

  // ---- the client

  /**
   * Makes the client. It is not connected.
   *
   * @return the client
   * @throws IllegalArgumentException if options contradict each other
   * @throws IllegalStateException if the loop is closed
   * @throws io.bight.mqtt.MqttStoreException if the session store cannot be opened: its directory
   *     is in use, or that of another client, or cannot be written
   */
  public MqttClient build() {
    return build(loop);
  }

  /** Makes the client on a group's loop. */
  MqttClient buildFor(MqttLoop groupLoop) {
    if (loop != null) {
      throw new IllegalArgumentException(
          "a client of a group runs on one of the group's loops, so it cannot be given the loop '"
              + loop.name()
              + "'");
    }
    return build(groupLoop);
  }

  private MqttClient build(@Nullable MqttLoop shared) {
    ClientOptions options = given.toOptions();
    SessionStore store = given.openStore(options);
    String identifier = options.clientIdentifier();
    MqttLoop own = null;
    MqttClient client = null;
    try {
      MqttLoop used = shared;
      if (used == null) {
        own = MqttLoop.create(identifier.isEmpty() ? "bight-client" : identifier);
        used = own;
      }
      client = new MqttClient(used, own != null, options, callbacks.copy(), store);
      return client;
    } finally {
      if (client == null) {
        release(store, own);
      }
    }
  }

  /** Lets go of what a client would have had that could not be made. */
  private static void release(SessionStore store, @Nullable MqttLoop own) {
    try (store) {
      if (own != null) {
        own.close();
      }
    }
  }
}
