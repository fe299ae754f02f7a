// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.engine.StoredPublish.State;
import io.bight.mqtt.engine.StoredSession.Standing;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A store in memory that keeps the word of {@link SessionStore}: what a crash leaves is what was
 * committed last, and the identifiers that were handled. It fails on command.
 */
final class CrashingStore implements SessionStore {
  /** What is stored; copied as a whole at a commit. */
  private static final class Content {
    final TreeMap<Long, StoredPublish> outgoing = new TreeMap<>();
    final TreeSet<Integer> incoming = new TreeSet<>();
    final Map<String, StoredSubscription> subscriptions = new LinkedHashMap<>();
    Standing standing = Standing.KNOWN;
    boolean connecting;

    Content copy() {
      Content copy = new Content();
      copy.outgoing.putAll(outgoing);
      copy.incoming.addAll(incoming);
      copy.subscriptions.putAll(subscriptions);
      copy.standing = standing;
      copy.connecting = connecting;
      return copy;
    }
  }

  private Content current;
  private Content committed;
  private boolean broken;

  /** While true, nothing can be committed. */
  boolean fails;

  int commits;

  CrashingStore() {
    this(new Content());
  }

  private CrashingStore(Content content) {
    current = content;
    committed = content.copy();
  }

  /** Returns what the next process finds. */
  CrashingStore afterCrash() {
    return new CrashingStore(committed.copy());
  }

  /** Returns the same, as if the session's expiry interval had passed. */
  CrashingStore afterExpiry() {
    CrashingStore expired = afterCrash();
    expired.current.standing = Standing.EXPIRED;
    expired.current.connecting = false;
    return expired;
  }

  /** Returns the topics of what is committed, with the state of each. */
  List<String> committedMessages() {
    List<String> texts = new ArrayList<>();
    for (StoredPublish one : committed.outgoing.values()) {
      texts.add(one.message().topic() + " " + one.state());
    }
    return texts;
  }

  @Override
  public StoredSession load() {
    return new StoredSession(
        List.copyOf(current.outgoing.values()),
        List.copyOf(current.incoming),
        List.copyOf(current.subscriptions.values()),
        current.connecting ? Standing.UNCERTAIN : current.standing);
  }

  @Override
  public void putOutgoing(StoredPublish message) {
    current.outgoing.put(message.position(), message);
  }

  @Override
  public void putPublished(long position, int packetIdentifier) {
    put(position, State.PUBLISHED, packetIdentifier);
  }

  @Override
  public void putReleased(long position) {
    put(position, State.RELEASED, current.outgoing.get(position).packetIdentifier());
  }

  @Override
  public void putQueuedAgain(long position) {
    put(position, State.QUEUED_AGAIN, 0);
  }

  private void put(long position, State state, int packetIdentifier) {
    StoredPublish before = current.outgoing.get(position);
    current.outgoing.put(
        position,
        new StoredPublish(
            position,
            before.message(),
            before.offlinePolicy(),
            before.tag(),
            before.nanosToLive(),
            state,
            packetIdentifier));
  }

  @Override
  public void removeOutgoing(long position) {
    current.outgoing.remove(position);
  }

  @Override
  public void putIncoming(int packetIdentifier) {
    current.incoming.add(packetIdentifier);
    committed.incoming.add(packetIdentifier); // survives the process at once
  }

  @Override
  public void removeIncoming(int packetIdentifier) {
    current.incoming.remove(packetIdentifier);
  }

  @Override
  public void clearIncoming() {
    current.incoming.clear();
  }

  @Override
  public void putSubscription(StoredSubscription subscription) {
    current.subscriptions.put(subscription.subscription().topicFilter(), subscription);
  }

  @Override
  public void removeSubscription(String topicFilter) {
    current.subscriptions.remove(topicFilter);
  }

  @Override
  public void putConnecting() {
    current.connecting = true;
  }

  @Override
  public void putNotConnected() {
    current.connecting = false;
  }

  @Override
  public void putConnected(long sessionExpirySeconds) {
    current.connecting = false;
    current.standing = sessionExpirySeconds == 0 ? Standing.EXPIRED : Standing.KNOWN;
  }

  @Override
  public void putEnded(long sessionExpirySeconds) {
    putConnected(sessionExpirySeconds);
  }

  @Override
  public void clear() {
    Content before = current;
    current = new Content();
    current.standing = before.standing;
    current.connecting = before.connecting;
    broken = false;
  }

  @Override
  public void commit() {
    commits++;
    if (fails || broken) {
      broken = true;
      throw new MqttStoreException("the disk is full", null);
    }
    committed = current.copy();
  }
}
