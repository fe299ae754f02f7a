// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.StoredPublish.State;
import io.bight.mqtt.engine.StoredSession;
import io.bight.mqtt.engine.StoredSession.Standing;
import io.bight.mqtt.engine.StoredSubscription;
import io.bight.mqtt.packet.Publish;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** What a store should hold, in memory; the clock stands still. */
final class SessionModel implements SessionStore {
  private TreeMap<Long, StoredPublish> outgoing = new TreeMap<>();
  private TreeSet<Integer> incoming = new TreeSet<>();
  private Map<String, StoredSubscription> subscriptions = new LinkedHashMap<>();
  private Standing standing = Standing.KNOWN;
  private boolean isConnecting;

  private TreeMap<Long, StoredPublish> committedOutgoing = new TreeMap<>();
  private TreeSet<Integer> committedIncoming = new TreeSet<>();
  private Map<String, StoredSubscription> committedSubscriptions = new LinkedHashMap<>();
  private Standing committedStanding = Standing.KNOWN;
  private boolean committedConnecting;

  /** What a process finds that starts when this one is killed now. */
  StoredSession afterCrash() {
    return new StoredSession(
        List.copyOf(committedOutgoing.values()),
        List.copyOf(committedIncoming),
        List.copyOf(committedSubscriptions.values()),
        committedConnecting ? Standing.UNCERTAIN : committedStanding);
  }

  /** This process is killed, and the next one goes on with this model. */
  void crash() {
    outgoing = new TreeMap<>(committedOutgoing);
    incoming = new TreeSet<>(committedIncoming);
    subscriptions = new LinkedHashMap<>(committedSubscriptions);
    standing = committedStanding;
    isConnecting = committedConnecting;
  }

  boolean isReleased(long position) {
    StoredPublish stored = outgoing.get(position);
    return stored != null && stored.state() == State.RELEASED;
  }

  @Override
  public void putOutgoing(StoredPublish message) {
    outgoing.put(message.position(), message);
  }

  @Override
  public void putPublished(long position, int packetIdentifier) {
    change(position, State.PUBLISHED, packetIdentifier);
  }

  @Override
  public void putReleased(long position) {
    StoredPublish stored = outgoing.get(position);
    if (stored != null && stored.packetIdentifier() != 0) {
      change(position, State.RELEASED, stored.packetIdentifier());
    }
  }

  @Override
  public void putQueuedAgain(long position) {
    change(position, State.QUEUED_AGAIN, 0);
  }

  private void change(long position, State state, int packetIdentifier) {
    outgoing.computeIfPresent(
        position,
        (key, stored) ->
            new StoredPublish(
                position,
                state == State.RELEASED ? withoutPayload(stored.message()) : stored.message(),
                stored.offlinePolicy(),
                stored.tag(),
                stored.nanosToLive(),
                state,
                packetIdentifier));
  }

  static Publish withoutPayload(Publish message) {
    return new Publish(
        message.topic(),
        new byte[0],
        message.qos(),
        message.retain(),
        false,
        0,
        message.properties());
  }

  @Override
  public void removeOutgoing(long position) {
    outgoing.remove(position);
  }

  @Override
  public void putIncoming(int packetIdentifier) {
    incoming.add(packetIdentifier);
    committedIncoming.add(packetIdentifier);
  }

  @Override
  public void removeIncoming(int packetIdentifier) {
    incoming.remove(packetIdentifier);
  }

  @Override
  public void clearIncoming() {
    incoming.clear();
  }

  @Override
  public void putSubscription(StoredSubscription subscription) {
    subscriptions.put(subscription.subscription().topicFilter(), subscription);
  }

  @Override
  public void removeSubscription(String topicFilter) {
    subscriptions.remove(topicFilter);
  }

  @Override
  public void putConnecting() {
    isConnecting = true;
  }

  @Override
  public void putNotConnected() {
    isConnecting = false;
  }

  @Override
  public void putConnected(long sessionExpirySeconds) {
    isConnecting = false;
    standing = sessionExpirySeconds == 0 ? Standing.EXPIRED : Standing.KNOWN;
  }

  @Override
  public void putEnded(long sessionExpirySeconds) {
    putConnected(sessionExpirySeconds);
  }

  @Override
  public void clear() {
    outgoing.clear();
    incoming.clear();
    subscriptions.clear();
  }

  @Override
  public void commit() {
    committedOutgoing = new TreeMap<>(outgoing);
    committedIncoming = new TreeSet<>(incoming);
    committedSubscriptions = new LinkedHashMap<>(subscriptions);
    committedStanding = standing;
    committedConnecting = isConnecting;
  }
}
