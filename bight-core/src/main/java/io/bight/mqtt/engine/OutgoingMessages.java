// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.EngineOptions.SessionLoss;
import io.bight.mqtt.engine.OutgoingPublish.Progress;
import io.bight.mqtt.packet.Publish;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Messages on their way out: queued, sent, acknowledged, repeated [MQTT 5.0, sections 4.3, 4.4,
 * 4.9]. The part of the engine that fills the batch with PUBLISH and PUBREL.
 */
final class OutgoingMessages {
  /** A batch of this size is worth a write; what does not fit waits for the next. */
  static final int BATCH_BYTES = 64 * 1024;

  private static final int FIXED_HEADER_AND_LENGTHS = 16;

  private final MqttEngine engine;
  private final Session session;
  private final SessionStore store;
  private final EngineOptions options;
  private final PublishFailures failures;

  OutgoingMessages(MqttEngine engine, Session session, SessionStore store, EngineOptions options) {
    this.engine = engine;
    this.session = session;
    this.store = store;
    this.options = options;
    this.failures = new PublishFailures(engine.describe(), session, options);
  }

  // ---- commands

  void publish(OutgoingPublish publish) {
    session.heldBytes += publish.heapBytes();
    if (publish.offlinePolicy() == OfflinePolicy.FAIL && !isConnected()) {
      fail(publish, failures.notConnected(publish.message()));
      return;
    }
    OutgoingQueue queue = session.queue;
    boolean sendNow = queue.isEmpty() && canSendNow(publish);
    OutgoingPublish overtaken = queue.overtakenBy(publish);
    List<OutgoingPublish> dropped = List.of();
    if (!hasRoom(sendNow, overtaken)) {
      if (options.overflowPolicy() != OverflowPolicy.DROP_OLDEST || !canMakeRoom()) {
        fail(publish, failures.queueFull(publish));
        return;
      }
      dropped = makeRoom(overtaken);
    }
    if (sendNow) {
      send(engine.connection(), publish);
      return;
    }
    queue.add(publish);
    // What leaves has left before anyone is told.
    if (overtaken != null) {
      done(overtaken);
      overtaken.completion().onFailure(failures.overtaken(overtaken.message()));
    }
    for (OutgoingPublish oldest : dropped) {
      oldest.completion().onFailure(failures.dropped(oldest.message()));
    }
  }

  /** Takes back a message that has not been sent; returns false if it is too late for that. */
  boolean cancel(OutgoingPublish publish) {
    if (publish.progress != Progress.QUEUED) {
      return false;
    }
    session.queue.remove(publish);
    done(publish);
    return true;
  }

  private boolean isConnected() {
    ConnectionState connection = engine.connectionOrNull();
    return connection != null && connection.accepted;
  }

  private boolean canSendNow(OutgoingPublish publish) {
    ConnectionState connection = engine.connectionOrNull();
    return connection != null
        && connection.accepted
        && connection.repeatNext == null
        && connection.outgoingBytes() < BATCH_BYTES
        && hasQuota(connection, publish.message().qos());
  }

  // ---- room

  /** Tells whether a message that is held already may stay; the one it overtakes makes room. */
  private boolean hasRoom(boolean sendNow, @Nullable OutgoingPublish overtaken) {
    OutgoingQueue queue = session.queue;
    long freed = overtaken == null ? 0 : overtaken.heapBytes();
    return session.heldBytes - freed <= options.queueMaximumBytes()
        && (sendNow
            || overtaken != null
            || queue.unsentMessages() < options.queueMaximumMessages());
  }

  /** Tells whether there were room if nothing waited. What was sent is not dropped. */
  private boolean canMakeRoom() {
    return session.heldBytes - session.queue.unsentBytes() <= options.queueMaximumBytes()
        && options.queueMaximumMessages() > 0
        && session.queue.unsentMessages() > 0;
  }

  /** Drops the oldest until there is room; they are still to be told. */
  private List<OutgoingPublish> makeRoom(@Nullable OutgoingPublish overtaken) {
    List<OutgoingPublish> dropped = new ArrayList<>();
    OutgoingPublish leaving = overtaken;
    OutgoingPublish oldest;
    while (!hasRoom(false, leaving) && (oldest = session.queue.oldestUnsent()) != null) {
      session.queue.remove(oldest);
      done(oldest);
      if (oldest == leaving) {
        leaving = null; // overtaken in any case
      } else {
        dropped.add(oldest);
      }
    }
    return dropped;
  }

  // ---- filling the batch

  /** Appends what may be sent now: repetitions first, then the queue in order. */
  void fillBatch(ConnectionState connection) {
    while (connection.repeatNext != null && connection.outgoingBytes() < BATCH_BYTES) {
      if (connection.sendQuota <= 0) {
        return;
      }
      repeat(connection, connection.repeatNext);
      if (engine.connectionOrNull() != connection) {
        return; // a completion ended the connection
      }
    }
    sendQueued(connection, BATCH_BYTES);
  }

  /** Appends all queued messages that the quota allows, however long the batch becomes. */
  void fillLastBatch(ConnectionState connection) {
    if (connection.repeatNext == null) {
      sendQueued(connection, Integer.MAX_VALUE);
    }
  }

  private void sendQueued(ConnectionState connection, int batchBytes) {
    OutgoingPublish publish;
    while (connection.outgoingBytes() < batchBytes
        && (publish = session.queue.first()) != null
        && hasQuota(connection, publish.message().qos())) {
      session.queue.remove(publish);
      send(connection, publish);
      if (engine.connectionOrNull() != connection) {
        return; // a completion ended the connection
      }
    }
  }

  private boolean hasQuota(ConnectionState connection, Qos qos) {
    return qos == Qos.AT_MOST_ONCE
        || (connection.sendQuota > 0 && !session.packetIdentifiers.isExhausted());
  }

  private void send(ConnectionState connection, OutgoingPublish publish) {
    Publish message = publish.message();
    if (publish.expires()) {
      long secondsToLive = publish.secondsToLive(engine.nowNanos());
      if (secondsToLive <= 0) {
        fail(publish, failures.expired(message));
        return;
      }
      message = withExpiry(message, secondsToLive);
    }
    MqttException refusal = refusalOf(connection, message);
    if (refusal != null) {
      fail(publish, refusal);
      return;
    }
    boolean atMostOnce = message.qos() == Qos.AT_MOST_ONCE;
    int packetIdentifier = atMostOnce ? 0 : session.packetIdentifiers.take(publish);
    try {
      encode(connection, message, packetIdentifier, false);
    } catch (IllegalArgumentException e) {
      if (!atMostOnce) {
        session.packetIdentifiers.release(packetIdentifier);
      }
      fail(publish, failures.unencodable(message, e));
      return;
    }
    publish.progress = Progress.PUBLISHED;
    leaveQueue(publish);
    if (atMostOnce) {
      sentAtMostOnce(connection).add(publish);
      connection.atMostOnceInBatch++;
      return;
    }
    publish.packetIdentifier = packetIdentifier;
    session.published.add(publish);
    store.putOutgoing(packetIdentifier, message);
    takeQuota(connection, publish);
  }

  private void repeat(ConnectionState connection, OutgoingPublish publish) {
    connection.repeatNext = publish.next;
    Publish message = publish.message();
    if (publish.expires()) {
      // Once sent it is not dropped any more [MQTT-4.3.3-7], but what is left of its life is told.
      message = withExpiry(message, Math.max(1, publish.secondsToLive(engine.nowNanos())));
    }
    MqttException refusal = refusalOf(connection, message);
    if (refusal != null) { // the server has come back with narrower limits
      session.published.remove(publish);
      forget(publish);
      publish.completion().onFailure(refusal);
      return;
    }
    takeQuota(connection, publish);
    // The first transmission may have reached the server: DUP is set [MQTT-3.3.1-1].
    encode(connection, message, publish.packetIdentifier, true);
  }

  private void encode(
      ConnectionState connection, Publish message, int packetIdentifier, boolean dup) {
    ByteBuf out = connection.outgoing();
    connection.encoder.encodePublish(message, packetIdentifier, dup, out);
    engine.onPublishEncoded(message, packetIdentifier, dup);
  }

  private static void takeQuota(ConnectionState connection, OutgoingPublish publish) {
    connection.sendQuota--;
    publish.holdsQuota = true;
  }

  private static void returnQuota(ConnectionState connection, OutgoingPublish publish) {
    if (publish.holdsQuota) {
      connection.sendQuota++;
      publish.holdsQuota = false;
    }
  }

  /** Returns why the server would not take a message, or null if nothing speaks against it. */
  private @Nullable MqttException refusalOf(ConnectionState connection, Publish message) {
    ServerLimits limits = connection.limits;
    if (limits == null) {
      return null;
    }
    if (message.qos().code() > limits.maximumQos().code()) {
      return failures.refusal(
          message,
          ReasonCode.QOS_NOT_SUPPORTED,
          "the server accepts QoS " + limits.maximumQos().code() + " at most [MQTT-3.2.2-11]");
    }
    if (message.retain() && !limits.retainAvailable()) {
      return failures.refusal(
          message,
          ReasonCode.RETAIN_NOT_SUPPORTED,
          "the server does not keep retained messages [MQTT-3.2.2-14]");
    }
    // A character takes three bytes at most; only near the limit is the length computed exactly.
    long atMost =
        FIXED_HEADER_AND_LENGTHS + 3L * message.topic().length() + message.payload().length;
    if (atMost <= limits.maximumPacketSizeBytes() && message.properties().isEmpty()) {
      return null;
    }
    long exact;
    try {
      exact = connection.encoder.encodedLength(message, 0);
    } catch (IllegalArgumentException e) {
      return failures.unencodable(message, e);
    }
    return exact <= limits.maximumPacketSizeBytes()
        ? null
        : failures.refusal(
            message,
            ReasonCode.PACKET_TOO_LARGE,
            "the packet would have "
                + exact
                + " bytes and the server accepts "
                + limits.maximumPacketSizeBytes()
                + " [MQTT-3.2.2-15]");
  }

  private static Publish withExpiry(Publish message, long seconds) {
    Long interval = message.properties().get(Property.MESSAGE_EXPIRY_INTERVAL);
    if (interval == null || interval == seconds) {
      return message;
    }
    Properties properties =
        message.properties().toBuilder().set(Property.MESSAGE_EXPIRY_INTERVAL, seconds).build();
    return message.withProperties(properties);
  }

  private static ArrayDeque<OutgoingPublish> sentAtMostOnce(ConnectionState connection) {
    if (connection.sentAtMostOnce == null) {
      connection.sentAtMostOnce = new ArrayDeque<>();
    }
    return connection.sentAtMostOnce;
  }

  // ---- acknowledgements

  /** PUBACK ends a QoS 1 message [MQTT-4.3.2-3]; returns false if it answers a QoS 2 message. */
  boolean onPuback(
      ConnectionState connection, int packetIdentifier, ReasonCode reason, Properties properties) {
    if (!(session.packetIdentifiers.get(packetIdentifier) instanceof OutgoingPublish publish)) {
      return true; // late or unknown: nothing waits for it
    }
    if (publish.message().qos() != Qos.AT_LEAST_ONCE) {
      return false;
    }
    leavePublished(connection, publish);
    complete(connection, publish, reason, properties);
    return true;
  }

  /** PUBREC moves a QoS 2 message on [MQTT-4.3.3-4]; returns false if it answers QoS 1. */
  boolean onPubrec(
      ConnectionState connection, int packetIdentifier, ReasonCode reason, Properties properties) {
    if (!(session.packetIdentifiers.get(packetIdentifier) instanceof OutgoingPublish publish)) {
      encodePubrel(connection, packetIdentifier, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND);
      return true;
    }
    if (publish.message().qos() != Qos.EXACTLY_ONCE) {
      return false;
    }
    if (publish.progress == Progress.RELEASED) {
      encodePubrel(connection, packetIdentifier, ReasonCode.SUCCESS);
      return true;
    }
    leavePublished(connection, publish);
    if (reason.isError()) {
      complete(connection, publish, reason, properties); // [MQTT-4.4.0-2]
      return true;
    }
    publish.progress = Progress.RELEASED;
    session.released.add(publish);
    store.putReleased(packetIdentifier);
    encodePubrel(connection, packetIdentifier, ReasonCode.SUCCESS);
    return true;
  }

  /** PUBCOMP ends a QoS 2 message [MQTT-4.3.3-5]; returns false if PUBREC is still to come. */
  boolean onPubcomp(
      ConnectionState connection, int packetIdentifier, ReasonCode reason, Properties properties) {
    if (!(session.packetIdentifiers.get(packetIdentifier) instanceof OutgoingPublish publish)) {
      return true;
    }
    if (publish.progress != Progress.RELEASED) {
      return false;
    }
    session.released.remove(publish);
    // "Packet identifier not found" is no failure: the server completed the message earlier.
    complete(
        connection,
        publish,
        reason == ReasonCode.PACKET_IDENTIFIER_NOT_FOUND ? ReasonCode.SUCCESS : reason,
        properties);
    return true;
  }

  private void leavePublished(ConnectionState connection, OutgoingPublish publish) {
    if (connection.repeatNext == publish) {
      connection.repeatNext = publish.next;
    }
    session.published.remove(publish);
  }

  private void encodePubrel(ConnectionState connection, int packetIdentifier, ReasonCode reason) {
    connection.encoder.encodePubrel(
        packetIdentifier, reason, Properties.NONE, connection.outgoing());
    engine.onPubrelEncoded(packetIdentifier, reason);
  }

  /** The end of every acknowledged message, QoS 1 and 2 alike. */
  private void complete(
      ConnectionState connection,
      OutgoingPublish publish,
      ReasonCode reason,
      Properties properties) {
    returnQuota(connection, publish);
    forget(publish);
    if (reason.isError()) {
      String reasonString = properties.get(Property.REASON_STRING);
      publish
          .completion()
          .onFailure(failures.negativeAcknowledgement(publish.message(), reason, reasonString));
    } else {
      publish.completion().onSuccess(PublishResult.of(publish.message().qos(), reason, properties));
    }
  }

  private void forget(OutgoingPublish publish) {
    session.packetIdentifiers.release(publish.packetIdentifier);
    store.removeOutgoing(publish.packetIdentifier);
    publish.packetIdentifier = 0;
    done(publish);
  }

  private void leaveQueue(OutgoingPublish publish) {
    if (!publish.wasSent) {
      publish.wasSent = true;
      session.leaveQueue();
    }
  }

  /** A message has come to its end, whatever that is: it takes no room any more. */
  private void done(OutgoingPublish publish) {
    if (publish.progress != Progress.DONE) {
      publish.progress = Progress.DONE;
      leaveQueue(publish);
      session.free(publish.heapBytes());
    }
  }

  private void fail(OutgoingPublish publish, MqttException failure) {
    done(publish);
    publish.completion().onFailure(failure);
  }

  /** The transport has taken the oldest QoS 0 messages that were in a batch. */
  void onWritten(ConnectionState connection, int messages) {
    ArrayDeque<OutgoingPublish> sent = connection.sentAtMostOnce;
    OutgoingPublish publish;
    // A completion may end the connection, and with it what is left of these.
    for (int i = 0; i < messages && sent != null && (publish = sent.poll()) != null; i++) {
      done(publish);
      publish
          .completion()
          .onSuccess(PublishResult.of(Qos.AT_MOST_ONCE, ReasonCode.SUCCESS, Properties.NONE));
    }
  }

  // ---- connections and sessions

  /**
   * The session goes on: PUBREL is repeated now, PUBLISH as the quota allows [MQTT-4.4.0-1]. What
   * is released counts against the quota as well, since its PUBLISH is not complete [MQTT-3.3.4-7].
   */
  void onSessionResumed(ConnectionState connection) {
    for (OutgoingPublish publish = session.released.first();
        publish != null;
        publish = publish.next) {
      takeQuota(connection, publish);
      encodePubrel(connection, publish.packetIdentifier, ReasonCode.SUCCESS);
    }
    connection.repeatNext = session.published.first();
  }

  /**
   * The server has no session: packet identifiers mean nothing any more, and what was in flight
   * starts anew or ends [MQTT-3.2.2-5].
   *
   * @return the messages that have ended, to be told by {@link #completeLost} once the state is
   *     whole
   */
  List<OutgoingPublish> onSessionLost() {
    List<OutgoingPublish> ended = takeAll(session.released);
    List<OutgoingPublish> again = new ArrayList<>();
    for (OutgoingPublish publish : takeAll(session.published)) {
      if (options.sessionLoss() == SessionLoss.FAIL
          || publish.offlinePolicy() == OfflinePolicy.FAIL) {
        ended.add(publish);
      } else {
        publish.progress = Progress.QUEUED;
        again.add(publish);
      }
    }
    session.queue.addAgain(again);
    return ended;
  }

  private List<OutgoingPublish> takeAll(PublishList list) {
    List<OutgoingPublish> all = new ArrayList<>();
    for (OutgoingPublish publish; (publish = list.first()) != null; ) {
      list.remove(publish);
      session.packetIdentifiers.release(publish.packetIdentifier);
      publish.packetIdentifier = 0;
      all.add(publish);
    }
    return all;
  }

  void completeLost(List<OutgoingPublish> ended) {
    for (OutgoingPublish publish : ended) {
      if (publish.progress == Progress.RELEASED) {
        // PUBREC has said that the server has the message; publishing it again would double it.
        done(publish);
        publish
            .completion()
            .onSuccess(
                PublishResult.of(publish.message().qos(), ReasonCode.SUCCESS, Properties.NONE));
      } else {
        fail(publish, failures.lostWithItsSession(publish.message()));
      }
    }
  }

  /**
   * The connection has ended; the next one starts with a quota of its own.
   *
   * @return the messages that must not outlast it, to be told by {@link #failStale}
   */
  List<OutgoingPublish> onConnectionEnded() {
    for (PublishList list : List.of(session.published, session.released)) {
      for (OutgoingPublish publish = list.first(); publish != null; publish = publish.next) {
        publish.holdsQuota = false;
      }
    }
    List<OutgoingPublish> stale = session.queue.takeConnectionBound();
    stale.forEach(this::done);
    return stale;
  }

  void failStale(List<OutgoingPublish> stale) {
    for (OutgoingPublish publish : stale) {
      publish.completion().onFailure(failures.lostItsConnection(publish.message()));
    }
  }

  /** The transport is closed: QoS 0 messages that it had not taken may be lost. */
  void onTransportClosed(ConnectionState connection, @Nullable Throwable cause) {
    ArrayDeque<OutgoingPublish> sent = connection.sentAtMostOnce;
    connection.sentAtMostOnce = null;
    while (sent != null && !sent.isEmpty()) {
      OutgoingPublish publish = sent.remove();
      fail(publish, failures.lostWhileWritten(publish.message(), cause));
    }
  }

  /** The client ends: whatever is still waiting fails. The store keeps what was in flight. */
  void failAll(MqttException failure) {
    List<OutgoingPublish> all = session.queue.takeAll();
    ConnectionState connection = engine.connectionOrNull();
    if (connection != null) {
      connection.repeatNext = null;
    }
    all.addAll(takeAll(session.published));
    all.addAll(takeAll(session.released));
    all.forEach(this::done); // so that no completion can take back what is told next
    for (OutgoingPublish publish : all) {
      publish.completion().onFailure(failure);
    }
  }
}
