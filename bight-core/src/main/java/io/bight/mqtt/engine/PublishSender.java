// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.codec.EncodedTopics;
import io.bight.mqtt.engine.OutgoingPublish.Progress;
import io.bight.mqtt.packet.Publish;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Fills the batch with PUBLISH: repetitions first, then the queue in order, as far as quota, packet
 * identifiers and the store allow [MQTT 5.0, sections 4.4 and 4.9].
 */
final class PublishSender {
  /**
   * A batch of this size is worth a write; what does not fit waits for the next. With a last
   * message of up to 16 KiB it is less than the two largest segments that Linux makes (65,483 bytes
   * each): a little more takes a third, which costs as much as a full one.
   */
  static final int BATCH_BYTES = 112 * 1024;

  /**
   * As much goes out with one commit, since the disk takes about as long for it as for a little.
   */
  private static final int STORED_BATCH_BYTES = 1 << 20;

  private static final int FIXED_HEADER_AND_LENGTHS = 16;

  private final MqttEngine engine;
  private final Session session;
  private final SessionKeeper keeper;
  private final PublishEnds ends;
  private final PublishFailures failures;
  private final EncodedTopics topics = new EncodedTopics();

  PublishSender(
      MqttEngine engine,
      Session session,
      SessionKeeper keeper,
      PublishEnds ends,
      PublishFailures failures) {
    this.engine = engine;
    this.session = session;
    this.keeper = keeper;
    this.ends = ends;
    this.failures = failures;
  }

  /** Tells whether a new message may be appended at once, with nothing before it. */
  boolean canSendNow(Qos qos) {
    ConnectionState connection = engine.connectionOrNull();
    return connection != null
        && connection.accepted
        && connection.repeatNext() == null
        && !connection.hasLast()
        && connection.outgoingBytes() < BATCH_BYTES
        && hasQuota(connection, qos)
        && (!keeper.isDurable() || qos == Qos.AT_MOST_ONCE);
  }

  boolean hasSent(String topic) {
    return topics.has(topic);
  }

  /** Appends what may be sent now: repetitions first, then the queue in order. */
  void fillBatch(ConnectionState connection) {
    OutgoingPublish next;
    while ((next = connection.repeatNext()) != null && connection.outgoingBytes() < BATCH_BYTES) {
      if (connection.sendQuota <= 0) {
        return;
      }
      repeat(connection, next);
      if (engine.connectionOrNull() != connection) {
        return; // a completion ended the connection
      }
    }
    if (next == null) {
      sendQueued(connection, keeper.isDurable() ? STORED_BATCH_BYTES : BATCH_BYTES);
    }
  }

  private void sendQueued(ConnectionState connection, int batchBytes) {
    if (keeper.isDurable()) {
      sendStored(connection, batchBytes, publish -> encodeAdmitted(connection, publish));
      return;
    }
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

  // ---- the last messages of a connection

  /**
   * The connection is about to end: all queued messages that the quota allows are to go out before
   * it does. They may be more than the transport takes now, so they are encoded as it takes them.
   */
  void sendLast(ConnectionState connection) {
    if (connection.repeatNext() != null) {
      return;
    }
    if (keeper.isDurable()) {
      sendStored(connection, Integer.MAX_VALUE, publish -> addLast(connection, publish));
    } else {
      OutgoingPublish publish;
      while ((publish = session.queue.first()) != null
          && hasQuota(connection, publish.message().qos())) {
        session.queue.remove(publish);
        MqttException refusal = refusalOf(connection, publish);
        if (refusal == null) {
          admit(connection, publish);
          addLast(connection, publish);
          continue;
        }
        ends.fail(publish, refusal);
        if (engine.connectionOrNull() != connection) {
          return; // a completion ended the connection
        }
      }
    }
    fillLast(connection);
  }

  private void addLast(ConnectionState connection, OutgoingPublish publish) {
    if (publish.message().qos() == Qos.AT_MOST_ONCE) {
      ends.leaveWithBatch(publish);
    } else {
      ends.leaveQueue(publish);
    }
    connection.addLast(publish);
  }

  /** Appends of the last messages as many as make a batch. */
  void fillLast(ConnectionState connection) {
    OutgoingPublish publish;
    while (connection.outgoingBytes() < BATCH_BYTES && (publish = connection.takeLast()) != null) {
      encodeAdmitted(connection, publish);
    }
    ends.tell();
  }

  // ---- with a store

  /** Sends what is queued as far as the store allows. */
  private void sendStored(
      ConnectionState connection, int batchBytes, Consumer<OutgoingPublish> send) {
    if (!sendOnceStored(connection, batchBytes, send) && engine.connectionOrNull() == connection) {
      // What needs no store was held up by what does.
      sendOnceStored(connection, batchBytes, send);
    }
  }

  /**
   * Sends what is queued once it is stored under its packet identifier: all that fits into the
   * batch with one commit. What cannot be stored is not sent.
   *
   * @return false if the store has just failed
   */
  private boolean sendOnceStored(
      ConnectionState connection, int batchBytes, Consumer<OutgoingPublish> send) {
    boolean storeWorks = keeper.failureAt(engine.nowNanos()) == null;
    List<OutgoingPublish> admitted = new ArrayList<>();
    Set<OutgoingPublish> takenOut = new HashSet<>();
    long bytes = connection.outgoingBytes();
    OutgoingPublish publish;
    while (bytes < batchBytes
        && (publish = session.queue.first()) != null
        && hasQuota(connection, publish.message().qos())
        && (storeWorks || !changesStore(publish))) {
      session.queue.remove(publish);
      MqttException refusal = refusalOf(connection, publish);
      if (refusal != null) {
        ends.failLater(publish, refusal);
        continue;
      }
      admit(connection, publish);
      if (publish.message().qos() != Qos.AT_MOST_ONCE) {
        keeper.putPublished(publish, engine.nowNanos());
      } else if (publish.isStored) {
        keeper.remove(publish);
        takenOut.add(publish);
      }
      admitted.add(publish);
      bytes += FIXED_HEADER_AND_LENGTHS + publish.message().payload().length;
    }
    boolean stored = commit(connection, admitted, takenOut);
    for (OutgoingPublish one : admitted) {
      if (one.progress() == Progress.PUBLISHED) {
        send.accept(one);
      }
    }
    ends.tell();
    return stored || !storeWorks;
  }

  /** Tells whether sending a message must last: a message of QoS 0 must not be sent once more. */
  private static boolean changesStore(OutgoingPublish publish) {
    return publish.isStored || publish.message().qos() != Qos.AT_MOST_ONCE;
  }

  /**
   * Has the store make last what it was told.
   *
   * @param admitted what was about to be sent; where it cannot be, it waits again
   * @param takenOut those of it that the store is to forget first
   * @return false if the store has failed; what is not stored is to be told of
   */
  private boolean commit(
      ConnectionState connection, List<OutgoingPublish> admitted, Set<OutgoingPublish> takenOut) {
    if (keeper.commit(engine.nowNanos()) == null) {
      return true;
    }
    takenOut.forEach(publish -> publish.isStored = true);
    int first = 0;
    while (first < admitted.size() && !changesStore(admitted.get(first))) {
      first++;
    }
    for (int i = admitted.size() - 1; i >= first; i--) { // none overtakes one that waits
      withdraw(connection, admitted.get(i));
      session.queue.putBack(admitted.get(i));
    }
    failUnstored();
    return false;
  }

  /** Commits where there is nothing to send; what cannot be stored fails. */
  boolean commit() {
    if (keeper.commit(engine.nowNanos()) == null) {
      return true;
    }
    failUnstored();
    ends.tell();
    return false;
  }

  /** Takes out of the queue what could not be stored. */
  private void failUnstored() {
    for (OutgoingPublish publish : keeper.takeUnstored()) {
      if (publish.progress() == Progress.QUEUED) {
        session.queue.remove(publish);
        ends.failLater(publish, failures.notStored(publish.message(), keeper.failure()));
      }
    }
  }

  private boolean hasQuota(ConnectionState connection, Qos qos) {
    return qos == Qos.AT_MOST_ONCE
        || (connection.sendQuota > 0 && !session.packetIdentifiers.isExhausted());
  }

  void send(ConnectionState connection, OutgoingPublish publish) {
    MqttException refusal = refusalOf(connection, publish);
    if (refusal != null) {
      ends.fail(publish, refusal);
      return;
    }
    admit(connection, publish);
    encodeAdmitted(connection, publish);
    ends.tell();
  }

  /** Appends a message that needs no entry in the session; what it takes is counted. */
  void sendDirectly(ConnectionState connection, Publication publication, int heapBytes) {
    Publish message = publication.message();
    boolean atMostOnce = message.qos() == Qos.AT_MOST_ONCE;
    session.leaveQueue();
    MqttException failure = refusalOf(connection, message);
    if (failure == null) {
      int packetIdentifier = atMostOnce ? 0 : admitDirectly(connection, publication);
      try {
        encode(connection, message, packetIdentifier, false);
      } catch (IllegalArgumentException e) {
        failure = failures.unencodable(message, e);
        if (!atMostOnce) {
          takeOut(connection, packetIdentifier);
        }
      }
    }
    if (failure != null) {
      session.free(heapBytes);
      publication.onFailure(failure);
    } else if (atMostOnce) {
      connection.addAtMostOnce(publication, heapBytes);
    }
  }

  private int admitDirectly(ConnectionState connection, Publication publication) {
    int packetIdentifier = session.packetIdentifiers.take(publication);
    session.addDirect(packetIdentifier);
    connection.sendQuota--;
    return packetIdentifier;
  }

  /** A message without an entry is in flight no more. */
  void takeOut(ConnectionState connection, int packetIdentifier) {
    session.direct.remove(packetIdentifier);
    session.packetIdentifiers.release(packetIdentifier);
    connection.sendQuota++;
  }

  /** Returns why a message is not sent, or null if nothing speaks against it. */
  private @Nullable MqttException refusalOf(ConnectionState connection, OutgoingPublish publish) {
    if (publish.expires() && publish.secondsToLive(engine.nowNanos()) <= 0) {
      return failures.expired(publish.message());
    }
    return refusalOf(connection, publish.message());
  }

  /**
   * A message has its turn: at QoS 1 and 2 it takes a packet identifier and a part of the quota.
   */
  private void admit(ConnectionState connection, OutgoingPublish publish) {
    publish.setProgress(Progress.PUBLISHED);
    if (publish.message().qos() != Qos.AT_MOST_ONCE) {
      publish.packetIdentifier = (char) session.packetIdentifiers.take(publish);
      session.published.add(publish);
      takeQuota(connection, publish);
    }
  }

  /** A message that had its turn was not sent after all. */
  private void withdraw(ConnectionState connection, OutgoingPublish publish) {
    publish.setProgress(Progress.QUEUED);
    if (publish.message().qos() != Qos.AT_MOST_ONCE) {
      session.releaseIdentifier(publish);
      session.published.remove(publish);
      returnQuota(connection, publish);
    }
  }

  private void encodeAdmitted(ConnectionState connection, OutgoingPublish publish) {
    try {
      encodeFirst(connection, publish);
    } catch (IllegalArgumentException e) {
      withdraw(connection, publish);
      ends.failLater(publish, failures.unencodable(publish.message(), e));
    }
  }

  /** Appends a message to the batch that has had its turn. */
  private void encodeFirst(ConnectionState connection, OutgoingPublish publish) {
    Publish message = publish.message();
    if (publish.expires()) {
      message = withExpiry(message, Math.max(1, publish.secondsToLive(engine.nowNanos())));
    }
    encode(connection, message, publish.packetIdentifier, false);
    if (message.qos() == Qos.AT_MOST_ONCE) {
      ends.leaveWithBatch(publish);
      connection.addAtMostOnce(publish.publication(), publish.heapBytes());
    } else {
      ends.leaveQueue(publish);
    }
  }

  private void repeat(ConnectionState connection, OutgoingPublish publish) {
    connection.onRepeated();
    Publish message = publish.message();
    if (publish.expires()) {
      // Once sent it is not dropped any more [MQTT-4.3.3-7], but what is left of its life is told.
      message = withExpiry(message, Math.max(1, publish.secondsToLive(engine.nowNanos())));
    }
    MqttException refusal = refusalOf(connection, message);
    if (refusal != null) { // the server has come back with narrower limits
      session.published.remove(publish);
      session.releaseIdentifier(publish);
      ends.fail(publish, refusal);
      return;
    }
    takeQuota(connection, publish);
    // The first transmission may have reached the server: DUP is set [MQTT-3.3.1-1].
    encode(connection, message, publish.packetIdentifier, true);
  }

  private void encode(
      ConnectionState connection, Publish message, int packetIdentifier, boolean dup) {
    connection.appendPublish(message, packetIdentifier, dup, topics);
    engine.sent().onPublishEncoded(connection, message, packetIdentifier, dup);
  }

  static void takeQuota(ConnectionState connection, OutgoingPublish publish) {
    connection.sendQuota--;
    publish.holdsQuota = true;
  }

  static void returnQuota(ConnectionState connection, OutgoingPublish publish) {
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

  /** The transport is closed: QoS 0 messages that it had not taken may be lost. */
  void onTransportClosed(ConnectionState connection, @Nullable Throwable cause) {
    for (AtMostOnceBatch batch : connection.takeUnwritten()) {
      ends.unwritten(batch, message -> failures.lostWhileWritten(message, cause));
    }
  }
}
