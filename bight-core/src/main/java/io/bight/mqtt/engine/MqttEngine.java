// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Pingreq;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Subscription;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The MQTT protocol of one client, without I/O. Commands, bytes and the time go in; bytes, events
 * and the next deadline come out. It has no thread, lock, clock or socket of its own: one driver at
 * a time calls it, and a test drives it on virtual time.
 *
 * <pre>
 *                    connectionOpened               CONNACK: success
 *   DISCONNECTED ---------------------&gt; CONNECTING ------------------&gt; CONNECTED
 *        ^                                  |                              |
 *        +---- refused, closed, timed out --+                              |
 *        +---- disconnect, DISCONNECT, closed, malformed, silent ----------+
 * </pre>
 *
 * <p>Bytes are pulled: after each call, write what {@link #takeOutgoing} returns. Events are pushed
 * to the {@link EngineListener}, each as the last statement of its state change. When {@link
 * #wantsClose()}, close the transport once everything is written; then call {@link
 * #connectionClosed}.
 */
public final class MqttEngine {
  /** How far the connection is. */
  public enum State {
    /** There is no connection. */
    DISCONNECTED,
    /** CONNECT was sent, CONNACK is awaited. */
    CONNECTING,
    /** The server has accepted the connection. */
    CONNECTED
  }

  /** What {@link #nextDeadlineNanos()} returns when there is no deadline. */
  public static final long NO_DEADLINE = Long.MAX_VALUE;

  // As long as the client lives
  private final Supplier<String> description;
  private final EngineOptions options;
  private final EngineListener listener;
  private final ByteBufAllocator allocator;
  private final SessionStore store;
  private final SessionKeeper keeper;
  private final SentPackets sent;
  private final Session session;
  private final OutgoingMessages outgoing;
  private final PublishSender sender;
  private final IncomingMessages incoming;
  private final Requests requests;
  private final ReceivedBytes received;

  /** The time of the latest call. */
  private long nowNanos;

  // As long as a connection
  private @Nullable ConnectionState connection;

  /** A connection that has ended, but whose last bytes are not written or transport not closed. */
  private @Nullable ConnectionState ending;

  /**
   * Makes the engine of a client.
   *
   * @param description names client and server in messages, as {@code client 'kitchen' of
   *     mqtt://localhost}
   * @param options what the specification leaves open
   * @param store where the session is kept
   * @param allocator makes the buffers
   * @param listener is told what happens
   */
  public MqttEngine(
      Supplier<String> description,
      EngineOptions options,
      SessionStore store,
      ByteBufAllocator allocator,
      EngineListener listener) {
    this.description = description;
    this.options = options;
    this.listener = listener;
    this.allocator = allocator;
    this.store = store;
    this.session = new Session(options.deduplicationWindow());
    this.sent = new SentPackets(listener);
    this.keeper = new SessionKeeper(store, session, description, listener);
    this.outgoing = new OutgoingMessages(this, session, keeper, options);
    this.sender = outgoing.sender();
    this.incoming = new IncomingMessages(this, session, keeper, listener);
    this.requests = new Requests(this, session, keeper, listener);
    ServerPackets serverPackets =
        new ServerPackets(this, session, keeper, options, listener, outgoing, incoming, requests);
    this.received = new ReceivedBytes(this, listener, serverPackets);
  }

  /**
   * Takes over the session that the store has kept. Called once, before anything else.
   *
   * @param completions returns whom to tell of a message's outcome
   * @param nowNanos the time
   */
  public void restore(
      Function<StoredPublish, Completion<PublishResult>> completions, long nowNanos) {
    this.nowNanos = nowNanos;
    StoredSession kept = store.load();
    kept.outgoing().forEach(message -> outgoing.restore(message, completions.apply(message)));
    incoming.restore(kept.incoming());
    requests.restore(kept.subscriptions());
    session.isUncertain = kept.standing() == StoredSession.Standing.UNCERTAIN;
    session.isExpired = kept.standing() == StoredSession.Standing.EXPIRED;
  }

  // ---- state

  /**
   * Returns how far the connection is.
   *
   * @return the state
   */
  public State state() {
    if (connection == null) {
      return State.DISCONNECTED;
    }
    return connection.accepted ? State.CONNECTED : State.CONNECTING;
  }

  /**
   * Returns the part of the state that outlives connections.
   *
   * @return the session
   */
  public Session session() {
    return session;
  }

  /**
   * Returns what the server has said that it accepts.
   *
   * @return its limits, or null while not connected
   */
  public @Nullable ServerLimits serverLimits() {
    return connection == null ? null : connection.limits;
  }

  /**
   * Returns how many messages have arrived and are not acknowledged.
   *
   * @return the number of messages on this connection
   */
  public int unacknowledgedMessages() {
    return connection == null ? 0 : connection.unacknowledged.size();
  }

  /**
   * Returns how many QoS 1 and 2 messages may be sent before an acknowledgement must come, by the
   * server's Receive Maximum and by {@link EngineOptions#sendMaximum}.
   *
   * @return the send quota [MQTT 5.0, section 4.9]; 0 while not connected
   */
  public int sendQuota() {
    return connection == null ? 0 : connection.sendQuota;
  }

  /**
   * Tells whether a topic name is one of those sent lately, and so need not be checked again. Any
   * thread may ask at any time.
   *
   * @param topic the topic name
   * @return whether it is known to be allowed; false tells nothing
   */
  public boolean hasSent(String topic) {
    return sender.hasSent(topic);
  }

  // ---- the transport

  /**
   * A transport is there: CONNECT goes out.
   *
   * @param connect what to ask of the server
   * @param nowNanos the time
   * @throws IllegalStateException if the last connection is not closed
   * @throws IllegalArgumentException if CONNECT cannot be encoded
   */
  public void connectionOpened(Connect connect, long nowNanos) {
    if (connection != null || ending != null) {
      throw new IllegalStateException(describe() + ": the last connection is not closed");
    }
    this.nowNanos = nowNanos;
    ConnectionState opened =
        new ConnectionState(connect, allocator, nowNanos, options.connackTimeout().toNanos());
    try {
      sent.send(opened, connect);
    } catch (IllegalArgumentException e) {
      opened.release();
      throw e;
    }
    received.setPaused(false);
    connection = opened;
    keeper.putConnecting();
  }

  /**
   * Bytes have arrived. Those that end in the middle of a packet are kept until the rest comes.
   *
   * @param bytes the bytes; read to their end, still the caller's to release
   * @param nowNanos the time
   */
  public void receive(ByteBuf bytes, long nowNanos) {
    this.nowNanos = nowNanos;
    ConnectionState current = connection;
    if (current == null) {
      bytes.skipBytes(bytes.readableBytes()); // what follows the end of a connection means nothing
      return;
    }
    if (bytes.isReadable()) {
      current.keepAlive.onReceived(nowNanos);
    }
    received.receive(current, bytes);
  }

  /**
   * Lets packets wait from now on, the rest of those that have arrived included: what a callback
   * calls when the driver is to stop. Stop reading from the transport too. Meanwhile the server's
   * silence does not count against it.
   */
  public void pauseReceiving() {
    received.setPaused(true);
    if (connection != null) {
      connection.keepAlive.onReceivingPaused();
    }
  }

  /**
   * Handles the packets that have waited, and those to come.
   *
   * @param nowNanos the time
   */
  public void resumeReceiving(long nowNanos) {
    if (received.isPaused()) {
      received.setPaused(false);
      if (connection != null) {
        connection.keepAlive.onReceivingResumed(nowNanos);
      }
      receive(Unpooled.EMPTY_BUFFER, nowNanos);
    }
  }

  /**
   * The transport is closed, by either side.
   *
   * @param cause what went wrong, or null if the other side closed it in order
   * @param nowNanos the time
   */
  public void connectionClosed(@Nullable Throwable cause, long nowNanos) {
    this.nowNanos = nowNanos;
    ConnectionState current = connection;
    if (current != null) {
      String what = cause == null ? "the server closed the connection" : "the connection broke";
      end(
          current,
          new ConnectionEnd(
              cause == null ? By.SERVER : By.NETWORK,
              current.accepted,
              null,
              what
                  + (current.accepted ? "" : " before it answered CONNECT")
                  + (cause == null ? "" : ": " + cause.getMessage()),
              Properties.NONE,
              cause));
    }
    ConnectionState ended = ending;
    if (ended != null) {
      ending = null;
      ended.release();
      sender.onTransportClosed(ended, cause);
    }
  }

  /**
   * Returns all bytes to be written since the last call; what they tell is in the store before.
   * Call again while the transport takes more.
   *
   * @return the bytes, the caller's to release, or null if there are none
   */
  public @Nullable ByteBuf takeOutgoing() {
    ConnectionState current = connection;
    if (current == null) {
      current = ending;
      if (current != null && current.hasLast()) {
        sender.fillLast(current);
        sent.sendDisconnect(current);
      }
    } else if (current.accepted) {
      requests.sendWaiting(current);
      sender.fillBatch(current);
    }
    boolean stored = sender.commit();
    if (current == null || current.outgoingBytes() == 0) {
      return null;
    }
    if (stored) {
      current.batchDepends = false;
    } else if (current.batchDepends) {
      onBatchNotStored(current);
      if (current.outgoingBytes() == 0) {
        return null;
      }
    }
    current.keepAlive.onSent(nowNanos);
    return current.takeOutgoing();
  }

  /**
   * Has the store make last at once what it was told, in the middle of handling a packet.
   *
   * @return false if the connection has ended, because it could not or because of a completion
   */
  boolean isStored(ConnectionState current) {
    if (!sender.commit()) {
      onBatchNotStored(current);
    }
    return connection == current;
  }

  /** What the batch says must not be said: the server asks again on the next connection. */
  private void onBatchNotStored(ConnectionState current) {
    current.dropOutgoing();
    if (connection == current) {
      if (current.accepted && current.isVersion5()) {
        sent.send(current, new Disconnect(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR));
      }
      MqttStoreException failure = keeper.failure();
      end(
          current,
          new ConnectionEnd(
              By.CLIENT,
              current.accepted,
              ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
              "a step of a QoS 2 message could not be stored"
                  + (failure == null ? "" : ": " + failure.getMessage()),
              Properties.NONE,
              failure));
    }
  }

  /**
   * Makes last what the store was told, and fails messages that it cannot keep; {@link
   * #takeOutgoing} does it too. To be called after commands while there is no transport.
   *
   * @param nowNanos the time
   */
  public void commit(long nowNanos) {
    this.nowNanos = nowNanos;
    sender.commit();
    if (connection != null) {
      connection.askForPacketsAgain(); // its batch may have to wait for long
    }
  }

  /**
   * Tells whether {@link #takeOutgoing} would return bytes of what has had its turn already.
   *
   * @return true if there are bytes to write
   */
  public boolean hasOutgoing() {
    ConnectionState current = connection != null ? connection : ending;
    return current != null && (current.outgoingBytes() > 0 || current.hasLast());
  }

  /** The transport has written the oldest batch that was taken: its QoS 0 messages are done. */
  public void outgoingWritten() {
    ConnectionState current = connection != null ? connection : ending;
    if (current != null) {
      outgoing.ends().written(current.takeWritten());
    }
  }

  /**
   * Tells whether the connection has ended and its transport is to be closed when all is written.
   *
   * @return true from the end until {@link #connectionClosed}
   */
  public boolean wantsClose() {
    return ending != null;
  }

  // ---- time

  /**
   * Returns when {@link #handleTimeout} is to be called. While a connection is in one state and the
   * store works it only moves later, so a timer that fires early looks again, and nothing needs to
   * be rescheduled for each packet. Look once more after {@link EngineListener#onConnected}, {@link
   * EngineListener#onStoreFailure}, {@link #pauseReceiving} and {@link #resumeReceiving}. A store
   * that has failed has a deadline also while there is no connection.
   *
   * @return a time on the same clock as {@code nowNanos}, or {@link #NO_DEADLINE}
   */
  public long nextDeadlineNanos() {
    long deadline = NO_DEADLINE;
    if (connection != null) {
      deadline =
          connection.accepted
              ? connection.keepAlive.deadlineNanos()
              : connection.connackDeadlineNanos;
    }
    long retry = keeper.retryDeadlineNanos();
    return retry == NO_DEADLINE || (deadline != NO_DEADLINE && deadline - retry < 0)
        ? deadline
        : retry;
  }

  /**
   * Serves the deadlines that have passed; does nothing if none has.
   *
   * @param nowNanos the time
   */
  public void handleTimeout(long nowNanos) {
    this.nowNanos = nowNanos;
    if (keeper.retryDeadlineNanos() != NO_DEADLINE) {
      sender.commit(); // does nothing before it is time
    }
    ConnectionState current = connection;
    if (current == null) {
      return;
    }
    if (!current.accepted) {
      if (nowNanos - current.connackDeadlineNanos >= 0) {
        current.dropOutgoing();
        end(
            current,
            new ConnectionEnd(
                By.NETWORK,
                false,
                null,
                "the server did not answer CONNECT within "
                    + text(options.connackTimeout())
                    + "; is it an MQTT server?",
                Properties.NONE,
                null));
      }
    } else if (current.keepAlive.isPeerDead(nowNanos)) {
      Duration silence = Duration.ofNanos(current.keepAlive.silenceNanos(nowNanos));
      // Nobody reads a DISCONNECT, and waiting until it is written would keep the dead transport.
      current.dropOutgoing();
      end(
          current,
          new ConnectionEnd(
              By.NETWORK,
              true,
              ReasonCode.KEEP_ALIVE_TIMEOUT,
              "nothing was received for " + text(silence) + ", not even an answer to PINGREQ",
              Properties.NONE,
              null));
    } else if (current.keepAlive.isPingDue(nowNanos)) {
      current.keepAlive.onPing(nowNanos);
      sent.send(current, Pingreq.INSTANCE);
    }
  }

  // ---- commands

  /**
   * Sends a message, or queues it until it may be sent.
   *
   * @param message the message
   * @param completion is told the outcome
   * @param nowNanos the time
   * @return the entry by which the message can be cancelled and looked at, or null if it had its
   *     turn at once; then it cannot be cancelled later either
   */
  public @Nullable OutgoingPublish publish(
      Publish message, Completion<PublishResult> completion, long nowNanos) {
    return publish(Publication.of(message, OfflinePolicy.QUEUE, null, completion), nowNanos);
  }

  /**
   * Sends a message, or does with it what its policy says where it cannot be sent at once.
   *
   * @param publication the message, and who is told the outcome
   * @param nowNanos the time
   * @return the entry by which the message can be cancelled and looked at, or null if it had its
   *     turn at once; should it need one later, {@link Publication#onEntry} is told
   */
  public @Nullable OutgoingPublish publish(Publication publication, long nowNanos) {
    this.nowNanos = nowNanos;
    int heapBytes = OutgoingPublish.heapBytesOf(publication);
    Publication own = publication;
    long expiresAtNanos = OutgoingPublish.NEVER;
    if (!publication.message().properties().isEmpty()) {
      own = OutgoingMessages.withoutForeignProperties(publication);
      Long expiry = own.message().properties().get(Property.MESSAGE_EXPIRY_INTERVAL);
      if (expiry != null) {
        expiresAtNanos = nowNanos + TimeUnit.SECONDS.toNanos(expiry);
      }
    }
    // Without an entry nothing is known of a message but what the publication says.
    if (own == publication
        && expiresAtNanos == OutgoingPublish.NEVER
        && outgoing.publishDirectly(publication, heapBytes)) {
      return null;
    }
    OutgoingPublish publish = OutgoingPublish.of(own, heapBytes, expiresAtNanos);
    outgoing.publish(publish);
    return publish;
  }

  /**
   * Takes back a message that has not been sent. Its completion is not told.
   *
   * @param publish what {@link #publish} returned, null included
   * @return true if it will not be sent, false if it is too late
   */
  public boolean cancel(@Nullable OutgoingPublish publish) {
    return publish != null && outgoing.cancel(publish);
  }

  /**
   * Subscribes, now or when connected. On a new session it is done again without being asked.
   *
   * @param subscriptions at least one
   * @param properties Subscription Identifier and User Properties
   * @param completion is told the outcome; a refusal of one topic filter is a failure
   * @param nowNanos the time
   */
  public void subscribe(
      List<Subscription> subscriptions,
      Properties properties,
      Completion<SubscribeResult> completion,
      long nowNanos) {
    this.nowNanos = nowNanos;
    requests.subscribe(subscriptions, properties, completion);
  }

  /**
   * Unsubscribes, now or when connected.
   *
   * @param topicFilters at least one
   * @param properties User Properties
   * @param completion is told the outcome
   * @param nowNanos the time
   */
  public void unsubscribe(
      List<String> topicFilters,
      Properties properties,
      Completion<UnsubscribeResult> completion,
      long nowNanos) {
    this.nowNanos = nowNanos;
    requests.unsubscribe(topicFilters, properties, completion);
  }

  /**
   * The application has finished with a message. Acknowledgements leave in the order of arrival, so
   * this one may wait for earlier messages. A second call changes nothing.
   *
   * @param message the message
   * @param reasonCode success, or with MQTT 5.0 why the application refuses it
   * @param properties Reason String and User Properties, left out where they do not fit
   * @param nowNanos the time
   */
  public void acknowledge(
      IncomingPublish message, ReasonCode reasonCode, Properties properties, long nowNanos) {
    this.nowNanos = nowNanos;
    incoming.acknowledge(message, reasonCode, properties);
  }

  /**
   * The application has finished with a message: what {@link EngineListener#onMessage} calls, at
   * the time of the call that it is part of.
   *
   * @param message the message
   * @param reasonCode success, or with MQTT 5.0 why the application refuses it
   * @param properties Reason String and User Properties, left out where they do not fit
   */
  public void acknowledge(IncomingPublish message, ReasonCode reasonCode, Properties properties) {
    incoming.acknowledge(message, reasonCode, properties);
  }

  /**
   * The application will not answer a message, since it could not handle it. If the server repeats
   * the message on another connection, the application is given it again.
   *
   * @param message the message; may be acknowledged all the same
   */
  public void abandon(IncomingPublish message) {
    message.abandoned = true;
  }

  /**
   * Sends a step of enhanced authentication, or begins a new one on a live connection [MQTT 5.0,
   * section 4.12].
   *
   * @param auth the packet, with the authentication method of CONNECT
   * @param nowNanos the time
   * @throws IllegalStateException if CONNECT named no authentication method [MQTT-4.12.0-7] or
   *     there is no connection
   * @throws IllegalArgumentException if the method is not that of CONNECT [MQTT-4.12.0-5], or the
   *     packet cannot be encoded
   */
  public void authenticate(Auth auth, long nowNanos) {
    this.nowNanos = nowNanos;
    ConnectionState current = connection;
    if (current == null || !current.connectProperties.has(Property.AUTHENTICATION_METHOD)) {
      throw new IllegalStateException(
          describe() + " cannot send AUTH without a connection whose CONNECT names a method");
    }
    String method = current.connectProperties.get(Property.AUTHENTICATION_METHOD);
    String given = auth.properties().get(Property.AUTHENTICATION_METHOD);
    if (!Objects.equals(method, given)) {
      throw new IllegalArgumentException(
          "AUTH has the authentication method '" + given + "', and CONNECT '" + method + "'");
    }
    sent.send(current, auth);
  }

  /**
   * Ends the connection in order: what may be sent of the queue goes out, then DISCONNECT. Does
   * nothing when there is no connection.
   *
   * @param disconnect the last packet. Before MQTT 5.0 it cannot say anything but success: with
   *     another reason it is left out, upon which the server publishes the will
   * @param nowNanos the time
   * @throws IllegalArgumentException if the packet cannot be encoded, or sets a Session Expiry
   *     Interval although that of CONNECT was 0 [MQTT 5.0, section 3.14.2.2.2]
   */
  public void disconnect(Disconnect disconnect, long nowNanos) {
    this.nowNanos = nowNanos;
    requireSendable(disconnect);
    ConnectionState current = connection;
    if (current == null) {
      return;
    }
    if (current.accepted) {
      sender.sendLast(current);
      if (connection != current) {
        return;
      }
    }
    if (current.isVersion5()) {
      current.sessionExpirySeconds =
          disconnect
              .properties()
              .get(Property.SESSION_EXPIRY_INTERVAL, current.sessionExpirySeconds);
    }
    if (current.accepted || current.hasHandedOver()) {
      // After CONNECT the server may be about to accept: without DISCONNECT it would send the will.
      current.disconnect = disconnect;
      sent.sendDisconnect(current);
    } else {
      current.dropOutgoing();
    }
    end(
        current,
        new ConnectionEnd(
            By.USER,
            current.accepted,
            disconnect.reasonCode(),
            "disconnected by the program",
            Properties.NONE,
            null));
  }

  /**
   * Checks what {@link #disconnect} would refuse, and changes nothing.
   *
   * @param disconnect the packet
   * @throws IllegalArgumentException if it could not be sent on the connection there is
   */
  public void requireSendable(Disconnect disconnect) {
    ConnectionState current = connection;
    if (current == null || !current.isVersion5()) {
      return;
    }
    current.encoder.encodedLength(disconnect);
    if (disconnect.properties().get(Property.SESSION_EXPIRY_INTERVAL, 0L) != 0
        && current.connectProperties.get(Property.SESSION_EXPIRY_INTERVAL, 0L) == 0) {
      throw new IllegalArgumentException(
          "DISCONNECT cannot set a Session Expiry Interval when that of CONNECT was 0");
    }
  }

  /**
   * The client ends for good: all that still waits fails. The store keeps what was in flight.
   *
   * @param failure what to tell
   */
  public void failAll(MqttException failure) {
    keeper.tryOnceMore();
    if (!sender.commit()) {
      keeper.giveUpUnstored();
    }
    requests.failAll(failure);
    outgoing.failAll(failure);
  }

  // ---- for the parts of the engine

  String describe() {
    return description.get();
  }

  long nowNanos() {
    return nowNanos;
  }

  /** Returns what appends packets to the batch. */
  SentPackets sent() {
    return sent;
  }

  @Nullable ConnectionState connectionOrNull() {
    return connection;
  }

  ConnectionState connection() {
    if (connection == null) {
      throw new IllegalStateException(describe() + " is not connected");
    }
    return connection;
  }

  /** The server broke the protocol: the connection ends with the reason for it [MQTT-4.13.1-1]. */
  void refuse(ConnectionState current, ReasonCode reasonCode, String message) {
    if (connection != current) {
      return;
    }
    if (current.accepted && current.isVersion5()) {
      sent.send(current, new Disconnect(reasonCode));
    }
    end(
        current,
        new ConnectionEnd(By.CLIENT, current.accepted, reasonCode, message, Properties.NONE, null));
  }

  /** The one way in which a connection ends. */
  void end(ConnectionState current, ConnectionEnd end) {
    connection = null;
    ending = current;
    current.releaseRest();
    if (current.accepted) {
      if (!session.hasUncertain()) {
        keeper.putEnded(current.sessionExpirySeconds);
      }
    } else if (current.hasHandedOver() && !isRefusal(end)) {
      session.isUncertain = true;
    } else if (!session.isUncertain) {
      keeper.putNotConnected();
    }
    List<OutgoingPublish> stale = outgoing.onConnectionEnded();
    requests.onConnectionEnded();
    listener.onConnectionEnded(end);
    outgoing.failStale(stale);
  }

  /** Tells whether the server has answered CONNECT, with a no: it has touched no session. */
  private static boolean isRefusal(ConnectionEnd end) {
    return end.by() == By.SERVER && end.reasonCode() != null;
  }

  private static String text(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + " s"
        : duration.toMillis() + " ms";
  }
}
