// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.engine.OutgoingPublish.Progress;
import io.bight.mqtt.engine.StoredSubscription.State;
import io.bight.mqtt.packet.Subscription;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * What outlives a connection [MQTT 5.0, section 4.1]: messages queued and in flight, QoS 2 messages
 * being received, subscriptions wanted. Plain data of one client, touched by the driver only; it
 * ends with the client, or when the server says that it has lost its half.
 */
public final class Session {
  private static final VarHandle LEFT_MESSAGES;
  private static final VarHandle FREED_BYTES;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      LEFT_MESSAGES = lookup.findVarHandle(Session.class, "leftMessages", long.class);
      FREED_BYTES = lookup.findVarHandle(Session.class, "freedBytes", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  // Nothing can be put into these, but all else be done as with any map.
  private static final Map<Integer, IncomingPublish> NONE_RECEIVED = Collections.emptyMap();
  private static final Map<String, WantedSubscription> NONE_WANTED = Collections.emptyMap();

  /** Packet identifiers in use, by messages and by requests. */
  final PacketIdentifiers<Object> packetIdentifiers = new PacketIdentifiers<>();

  /** Messages that wait to be sent. */
  final OutgoingQueue queue = new OutgoingQueue();

  /** What all messages take that are not done: queued, being written, in flight. */
  long heldBytes;

  /** The place of the next message among those of the session. */
  private long nextPosition;

  /**
   * Whether the server may have begun a new session without our knowledge: a CONNECT was sent and
   * its answer has not arrived.
   */
  boolean isUncertain;

  /** Whether the session has expired, so that the server is to be asked for a new one. */
  boolean isExpired;

  /** How many messages have left the queue, sent or not; written by the driver, read by all. */
  private volatile long leftMessages;

  /** How much room was made by messages that were done; written by the driver, read by all. */
  private volatile long freedBytes;

  // QoS 1 and 2 messages in flight: those with an entry by what they wait for, then the others.

  /** Those whose PUBLISH is unacknowledged. */
  final PublishedMessages published = new PublishedMessages(packetIdentifiers);

  /** Those whose PUBREL is unacknowledged, in the order of PUBREC [MQTT-4.6.0-4]. */
  final PublishList released = new PublishList();

  /** Those that were sent at once and have no entry; {@link #addDirect} adds one. */
  DirectMessages direct = DirectMessages.NONE;

  // Many clients only publish, and there may be many clients: these are made for the first entry.

  /** QoS 2 messages from their delivery until PUBREL; {@link #receive} adds one. */
  Map<Integer, IncomingPublish> receiving = NONE_RECEIVED;

  /** The last QoS 1 messages; null where repetitions are not looked for. */
  final @Nullable RecentMessages recent;

  /**
   * What the server has granted and is wanted, to be asked for again on a new session; {@link
   * #want} adds one.
   */
  Map<String, WantedSubscription> wanted = NONE_WANTED;

  /** The last request about each topic filter, until it is answered. */
  private Map<String, Requests.Request> asked = Map.of();

  /**
   * A subscription that the server has granted, in this session or in one that is lost.
   *
   * @param subscription the topic filter and its options
   * @param identifier its Subscription Identifier; 0: none
   * @param granted whether the server has granted it in this session
   */
  record WantedSubscription(Subscription subscription, int identifier, boolean granted) {
    static WantedSubscription of(StoredSubscription stored) {
      return new WantedSubscription(
          stored.subscription(), stored.identifier(), stored.state() == State.GRANTED);
    }

    StoredSubscription toStored() {
      return new StoredSubscription(subscription, identifier, granted ? State.GRANTED : State.LOST);
    }

    WantedSubscription notGranted() {
      return new WantedSubscription(subscription, identifier, false);
    }
  }

  /**
   * Makes an empty session.
   *
   * @param deduplicationWindow how many QoS 1 messages are remembered; 0: none
   */
  Session(int deduplicationWindow) {
    this.recent = deduplicationWindow == 0 ? null : new RecentMessages(deduplicationWindow);
  }

  /**
   * Returns how many messages wait to be sent.
   *
   * @return the number of messages
   */
  public int queuedMessages() {
    return queue.size();
  }

  /**
   * Returns about how much heap the messages take that wait, are being written or are in flight.
   *
   * @return the bytes that count against the queue's bound
   */
  public long heldBytes() {
    return heldBytes;
  }

  /**
   * Returns how many of the messages given to the engine so far do not wait for their first
   * transmission any more: sent, failed or taken back. It only grows. May be called by any thread.
   *
   * @return the number of messages
   */
  public long leftMessages() {
    return leftMessages;
  }

  /**
   * Returns how many bytes the messages took that were given to the engine and are done. It only
   * grows. May be called by any thread.
   *
   * @return the sum of what they counted for against the queue's bound
   */
  public long freedBytes() {
    return freedBytes;
  }

  long takePosition() {
    return nextPosition++;
  }

  /** No message gets a place before one that was kept. */
  void skipPosition(long position) {
    nextPosition = Math.max(nextPosition, position + 1);
  }

  /** A message that needs no entry has just taken its packet identifier. */
  void addDirect(int packetIdentifier) {
    if (direct == DirectMessages.NONE) {
      direct = new DirectMessages(packetIdentifiers);
    }
    direct.add(packetIdentifier, takePosition());
  }

  /** Gives an entry to all messages that were sent at once and are in flight. */
  void giveEntries() {
    giveEntriesToReleased();
    for (DirectMessages.Direct message : direct.takePublished()) {
      OutgoingPublish publish = newEntry(message, Progress.PUBLISHED);
      publish.position = message.place();
      published.add(publish);
      publish.publication().onEntry(publish);
    }
  }

  /** Gives an entry to those of them whose PUBREC has come. */
  void giveEntriesToReleased() {
    for (DirectMessages.Direct message : direct.takeReleased()) {
      OutgoingPublish publish = newEntry(message, Progress.RELEASED);
      released.add(publish);
      publish.publication().onEntry(publish);
    }
  }

  private OutgoingPublish newEntry(DirectMessages.Direct message, Progress progress) {
    Publication publication = message.publication();
    int heapBytes = OutgoingPublish.heapBytesOf(publication);
    OutgoingPublish publish = OutgoingPublish.of(publication, heapBytes, OutgoingPublish.NEVER);
    publish.setSent();
    publish.setProgress(progress);
    publish.holdsQuota = true;
    publish.packetIdentifier = (char) message.packetIdentifier();
    packetIdentifiers.replace(message.packetIdentifier(), publish);
    return publish;
  }

  /** A message has no packet identifier any more. */
  void releaseIdentifier(OutgoingPublish publish) {
    packetIdentifiers.release(publish.packetIdentifier);
    publish.packetIdentifier = 0;
  }

  void receive(int packetIdentifier, IncomingPublish incoming) {
    if (receiving == NONE_RECEIVED) {
      receiving = new HashMap<>();
    }
    receiving.put(packetIdentifier, incoming);
  }

  void want(String topicFilter, WantedSubscription subscription) {
    if (wanted == NONE_WANTED) {
      wanted = new LinkedHashMap<>();
    }
    wanted.put(topicFilter, subscription);
  }

  /** Tells whether QoS 2 messages may be of a session that the server has lost. */
  boolean hasUncertain() {
    if (receiving.isEmpty()) {
      return false;
    }
    for (IncomingPublish incoming : receiving.values()) {
      if (incoming.isUncertain) {
        return true;
      }
    }
    return false;
  }

  /** Returns all messages with an entry, in the order in which they are sent. */
  List<OutgoingPublish> outgoing() {
    List<OutgoingPublish> all = new ArrayList<>();
    released.forEach(all::add);
    all.addAll(published.inOrder());
    queue.again().forEach(all::add);
    queue.unsent().forEach(all::add);
    return all;
  }

  /** A request about a topic filter waits for its answer; returns the one before it, or null. */
  Requests.@Nullable Request ask(String topicFilter, Requests.Request request) {
    if (asked.isEmpty()) {
      asked = new LinkedHashMap<>();
    }
    return asked.put(topicFilter, request);
  }

  Requests.@Nullable Request lastAsked(String topicFilter) {
    return asked.get(topicFilter);
  }

  /** A request is done; returns false if a later one about the topic filter is not. */
  boolean leaveAsked(String topicFilter, Requests.Request request) {
    if (asked.get(topicFilter) != request) {
      return false;
    }
    asked.remove(topicFilter);
    if (asked.isEmpty()) {
      asked = Map.of();
    }
    return true;
  }

  /** Returns what is to be kept of a topic filter; null: nothing. */
  @Nullable StoredSubscription subscriptionToStore(String topicFilter) {
    Requests.Request request = asked.get(topicFilter);
    if (request != null) {
      return request.toStored(topicFilter);
    }
    WantedSubscription subscription = wanted.get(topicFilter);
    return subscription == null ? null : subscription.toStored();
  }

  /** Returns all that is to be kept of topic filters. */
  Collection<StoredSubscription> subscriptionsToStore() {
    Map<String, StoredSubscription> all = new LinkedHashMap<>();
    wanted.forEach((topicFilter, subscription) -> all.put(topicFilter, subscription.toStored()));
    asked.forEach((topicFilter, request) -> all.put(topicFilter, request.toStored(topicFilter)));
    return all.values();
  }

  /** A message waits for its first transmission no more. */
  void leaveQueue() {
    LEFT_MESSAGES.setRelease(this, leftMessages + 1); // the driver alone writes
  }

  void free(long bytes) {
    heldBytes -= bytes;
    FREED_BYTES.setRelease(this, freedBytes + bytes);
  }

  /**
   * Returns how many QoS 1 and 2 messages are sent but not complete.
   *
   * @return the number of messages
   */
  public int inFlightMessages() {
    return published.size() + released.size() + direct.size();
  }

  /**
   * Returns how many messages wait for their first transmission: those that count against the
   * queue's bound.
   *
   * @return the number of messages
   */
  public int unsentMessages() {
    return queue.unsentMessages();
  }

  /**
   * Tells whether the session that was kept has expired, so that the next CONNECT is to ask for a
   * new one with Clean Start [MQTT 5.0, section 4.1].
   *
   * @return true until the server has accepted a connection
   */
  public boolean isExpired() {
    return isExpired;
  }

  /**
   * Returns how many packet identifiers are in use.
   *
   * @return the number of identifiers
   */
  public int packetIdentifiersInUse() {
    return packetIdentifiers.used();
  }

  /**
   * Returns the incoming QoS 2 messages that are not complete.
   *
   * @return the number of messages
   */
  public int receivingMessages() {
    return receiving.size();
  }

  /**
   * Returns the subscriptions wanted that the server has granted, in this session or in one that is
   * lost.
   *
   * @return the topic filters
   */
  public Collection<String> wantedTopicFilters() {
    return List.copyOf(wanted.keySet());
  }

  @Override
  public String toString() {
    StringJoiner text = new StringJoiner(", ", "Session[", "]");
    text.add("queued=" + queue.size());
    text.add("published=" + (published.size() + direct.published()));
    text.add("released=" + (released.size() + direct.released()));
    text.add("held=" + heldBytes + " B");
    text.add("receiving=" + receiving.keySet());
    text.add("subscriptions=" + wanted.keySet());
    return text.toString();
  }
}
