// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.EngineOptions.SessionLoss;
import io.bight.mqtt.engine.OutgoingPublish.Progress;
import io.bight.mqtt.packet.Publish;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Messages on their way out, from the command to the last acknowledgement [MQTT 5.0, sections 4.3
 * and 4.4]: what may wait, what answers what, what a new connection or session means for them.
 */
final class OutgoingMessages {
  private final MqttEngine engine;
  private final Session session;
  private final SessionKeeper keeper;
  private final EngineOptions options;
  private final PublishFailures failures;
  private final PublishEnds ends;
  private final PublishSender sender;
  private final PublishAcknowledgements acknowledgements;

  OutgoingMessages(
      MqttEngine engine, Session session, SessionKeeper keeper, EngineOptions options) {
    this.engine = engine;
    this.session = session;
    this.keeper = keeper;
    this.options = options;
    this.failures = new PublishFailures(engine, session, options);
    this.ends = new PublishEnds(session, keeper);
    this.sender = new PublishSender(engine, session, keeper, ends, failures);
    this.acknowledgements =
        new PublishAcknowledgements(engine, session, keeper, ends, failures, sender);
  }

  /** Returns the part that fills the batch. */
  PublishSender sender() {
    return sender;
  }

  /** Returns the part that the server's answers are for. */
  PublishAcknowledgements acknowledgements() {
    return acknowledgements;
  }

  PublishEnds ends() {
    return ends;
  }

  // ---- commands

  /** Leaves out what was meant for this client alone, where a message is passed on as it came. */
  static Publication withoutForeignProperties(Publication publication) {
    Publish message = publication.message();
    // A message passed on as it came in may still have them: this is the server's alone
    // [MQTT-3.3.4-6], and that meant something on another connection only [MQTT-3.3.2-7].
    Properties properties =
        message
            .properties()
            .without(Property.SUBSCRIPTION_IDENTIFIER)
            .without(Property.TOPIC_ALIAS);
    return properties.size() == message.properties().size()
        ? publication
        : Publication.of(
            message.withProperties(properties),
            publication.offlinePolicy(),
            publication.tag(),
            publication);
  }

  /**
   * Sends a message if nothing is in its way: most are, and need no entry in the session.
   *
   * @return false if it may have to wait or be stored, or there is no room
   */
  boolean publishDirectly(Publication publication, int heapBytes) {
    if (!session.queue.isEmpty()
        || session.heldBytes + heapBytes > options.queueMaximumBytes()
        || !sender.canSendNow(publication.message().qos())) {
      return false;
    }
    session.heldBytes += heapBytes;
    sender.sendDirectly(engine.connection(), publication, heapBytes);
    return true;
  }

  void publish(OutgoingPublish publish) {
    session.heldBytes += publish.heapBytes();
    if (publish.offlinePolicy() == OfflinePolicy.FAIL && !isConnected()) {
      ends.fail(publish, failures.notConnected(publish.message()));
      return;
    }
    MqttStoreException storeFailure = keeper.failureAt(engine.nowNanos());
    if (storeFailure != null && (isToBeStored(publish) || needsStore(publish))) {
      ends.fail(publish, failures.notStored(publish.message(), storeFailure));
      return;
    }
    publish.position = session.takePosition();
    OutgoingQueue queue = session.queue;
    boolean sendNow = queue.isEmpty() && sender.canSendNow(publish.message().qos());
    OutgoingPublish overtaken = queue.overtakenBy(publish);
    List<OutgoingPublish> dropped = List.of();
    if (!hasRoom(sendNow, overtaken)) {
      if (options.overflowPolicy() != OverflowPolicy.DROP_OLDEST || !canMakeRoom()) {
        ends.fail(publish, failures.queueFull(publish));
        return;
      }
      dropped = makeRoom(overtaken);
    }
    if (sendNow) {
      sender.send(engine.connection(), publish);
      return;
    }
    queue.add(publish);
    if (isToBeStored(publish)) {
      keeper.putQueued(publish, engine.nowNanos());
    }
    // What leaves has left before anyone is told.
    if (overtaken != null) {
      keeper.onOvertaken(overtaken, publish);
      ends.done(overtaken);
      overtaken.publication().onFailure(failures.overtaken(overtaken.message()));
    }
    for (OutgoingPublish oldest : dropped) {
      oldest.publication().onFailure(failures.dropped(oldest.message()));
    }
  }

  /**
   * What must reach the server is stored, and while there is no connection, what waits for one; but
   * not what must not outlast a connection.
   */
  private boolean isToBeStored(OutgoingPublish publish) {
    return keeper.isDurable()
        && publish.offlinePolicy() != OfflinePolicy.FAIL
        && (publish.message().qos() != Qos.AT_MOST_ONCE || !isConnected());
  }

  /** Tells whether a message is stored before it is sent, if not while it waits. */
  private boolean needsStore(OutgoingPublish publish) {
    return keeper.isDurable() && publish.message().qos() != Qos.AT_MOST_ONCE;
  }

  /** Takes back a message that has not been sent; returns false if it is too late for that. */
  boolean cancel(OutgoingPublish publish) {
    if (publish.progress() != Progress.QUEUED) {
      return false;
    }
    session.queue.remove(publish);
    ends.done(publish);
    return true;
  }

  private boolean isConnected() {
    ConnectionState connection = engine.connectionOrNull();
    return connection != null && connection.accepted;
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
      ends.done(oldest);
      if (oldest == leaving) {
        leaving = null; // overtaken in any case
      } else {
        dropped.add(oldest);
      }
    }
    return dropped;
  }

  // ---- connections and sessions

  /** Takes over a message that a store has kept. */
  void restore(StoredPublish kept, Completion<PublishResult> completion) {
    OutgoingPublish publish = OutgoingPublish.restored(kept, completion, engine.nowNanos());
    session.skipPosition(kept.position());
    session.heldBytes += publish.heapBytes();
    if (kept.state() != StoredPublish.State.QUEUED) {
      publish.setSent();
    }
    int packetIdentifier = kept.packetIdentifier();
    if (!kept.state().isInFlight() || session.packetIdentifiers.get(packetIdentifier) != null) {
      session.queue.addKept(publish);
      return;
    }
    publish.packetIdentifier = (char) packetIdentifier;
    session.packetIdentifiers.takeStored(packetIdentifier, publish);
    if (kept.state() == StoredPublish.State.RELEASED) {
      publish.setProgress(Progress.RELEASED);
      session.released.add(publish);
    } else {
      publish.setProgress(Progress.PUBLISHED);
      session.published.add(publish);
    }
  }

  /**
   * The session goes on: PUBREL is repeated now, PUBLISH as the quota allows [MQTT-4.4.0-1]. What
   * is released counts against the quota as well, since its PUBLISH is not complete [MQTT-3.3.4-7].
   */
  void onSessionResumed(ConnectionState connection) {
    for (OutgoingPublish publish = session.released.first();
        publish != null;
        publish = publish.next) {
      PublishSender.takeQuota(connection, publish);
      if (keeper.isReleaseUnstored(publish)) {
        connection.batchDepends = true; // a crash must not have it published again after PUBREL
      }
      engine.sent().sendPubrel(connection, publish.packetIdentifier, ReasonCode.SUCCESS);
    }
    connection.repeat(session.published.inOrder());
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
    for (OutgoingPublish publish : session.published.takeAll()) {
      if (options.sessionLoss() == SessionLoss.FAIL
          || publish.offlinePolicy() == OfflinePolicy.FAIL) {
        ended.add(publish);
      } else {
        session.releaseIdentifier(publish);
        publish.setProgress(Progress.QUEUED);
        keeper.putQueuedAgain(publish);
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
      all.add(publish);
    }
    return all;
  }

  void completeLost(List<OutgoingPublish> ended) {
    for (OutgoingPublish publish : ended) {
      // Not earlier: what a completion has sent must not be stored under an identifier that the
      // store still has for a message whose outcome is yet to be told.
      session.releaseIdentifier(publish);
      if (publish.progress() == Progress.RELEASED) {
        // PUBREC has said that the server has the message; publishing it again would double it.
        ends.done(publish);
        publish
            .publication()
            .onSuccess(
                PublishResult.of(publish.message().qos(), ReasonCode.SUCCESS, Properties.NONE));
      } else {
        ends.fail(publish, failures.lostWithItsSession(publish.message()));
      }
    }
  }

  /**
   * The connection has ended; the next one starts with a quota of its own.
   *
   * @return the messages that must not outlast it, to be told by {@link #failStale}
   */
  List<OutgoingPublish> onConnectionEnded() {
    session.giveEntries();
    session.published.inOrder().forEach(publish -> publish.holdsQuota = false);
    session.released.forEach(publish -> publish.holdsQuota = false);
    List<OutgoingPublish> stale = session.queue.takeConnectionBound();
    stale.forEach(ends::done);
    return stale;
  }

  void failStale(List<OutgoingPublish> stale) {
    for (OutgoingPublish publish : stale) {
      publish.publication().onFailure(failures.lostItsConnection(publish.message()));
    }
  }

  /** The client ends: whatever is still waiting fails. The store keeps what it has. */
  void failAll(MqttException failure) {
    session.giveEntries();
    List<OutgoingPublish> all = session.queue.takeAll();
    ConnectionState connection = engine.connectionOrNull();
    if (connection != null) {
      connection.repeatNothing();
    }
    List<OutgoingPublish> inFlight = session.published.takeAll();
    inFlight.addAll(takeAll(session.released));
    inFlight.forEach(session::releaseIdentifier);
    all.addAll(inFlight);
    Set<OutgoingPublish> kept = new HashSet<>();
    // All of them first, so that no completion can take back what is told next.
    for (OutgoingPublish publish : all) {
      if (publish.isStored) {
        publish.isStored = false; // not to be removed from the store
        kept.add(publish);
      }
      ends.done(publish);
    }
    for (OutgoingPublish publish : all) {
      if (kept.contains(publish)) {
        publish.publication().onKept(failure);
      } else {
        publish.publication().onFailure(failure);
      }
    }
  }
}
