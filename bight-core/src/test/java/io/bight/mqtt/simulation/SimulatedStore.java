// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.StoredSession;
import io.bight.mqtt.engine.StoredSession.Standing;
import io.bight.mqtt.engine.StoredSubscription;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A store that keeps what was committed over the death of the process, and loses what was not. It
 * fails and lets the process die wherever a seed wants it.
 */
final class SimulatedStore implements SessionStore {
  private record Kept(StoredPublish message, int number, long putNanos) {}

  private final World world;

  // What a restart finds
  private final TreeMap<Long, Kept> outgoing = new TreeMap<>();
  private final Set<Integer> incoming = new LinkedHashSet<>();
  private final Map<String, StoredSubscription> subscriptions = new LinkedHashMap<>();
  private boolean uncertain;
  private boolean ended;
  private boolean connecting;
  private boolean uncertainBefore;
  private boolean endedBefore;
  private long endedNanos;
  private long expirySeconds = NEVER_EXPIRES;

  // What it was told since
  private final List<Runnable> changes = new ArrayList<>();

  /** Those of them that tell of connections, which survive a {@link #clear}. */
  private final List<Runnable> standingChanges = new ArrayList<>();

  /** How many of the last changes are removals only, which may wait for the next change. */
  private boolean onlyRemovals = true;

  private boolean fails;

  SimulatedStore(World world) {
    this.world = world;
  }

  // ---- what the simulation does

  void setFailing(boolean failing) {
    fails = failing;
  }

  /** The process has died: what was not committed is gone. */
  void die() {
    changes.clear();
    standingChanges.clear();
    onlyRemovals = true;
  }

  /** The client has closed it: what may wait for the next change is written, or not. */
  void closeInOrder() {
    if (world.oneIn(2)) {
      apply();
    } else {
      die();
    }
  }

  Map<String, StoredSubscription> subscriptions() {
    return subscriptions;
  }

  /** Tells whether all that it was told is stored. */
  boolean isUpToDate() {
    return changes.isEmpty() && !world.client().hasStoreFailed();
  }

  int numberAt(long position) {
    return outgoing.get(position).number;
  }

  /** Returns what is kept that should have gone, pending removals included; null: nothing. */
  String leftOver(boolean mayHaveStaleIdentifiers) {
    changes.forEach(Runnable::run);
    changes.clear();
    if (!outgoing.isEmpty()) {
      return "outgoing messages " + outgoing.values();
    }
    return incoming.isEmpty() || mayHaveStaleIdentifiers
        ? null
        : "incoming identifiers " + incoming;
  }

  // ---- the store

  @Override
  public StoredSession load() {
    world.ledger().onRestored(List.copyOf(incoming));
    List<StoredPublish> messages = new ArrayList<>();
    for (Kept kept : outgoing.values()) {
      messages.add(aged(kept));
    }
    boolean expired =
        ended
            && expirySeconds != NEVER_EXPIRES
            && world.nowNanos() - endedNanos >= expirySeconds * Scenario.SECOND;
    return new StoredSession(
        messages,
        List.copyOf(incoming),
        List.copyOf(subscriptions.values()),
        expired ? Standing.EXPIRED : uncertain ? Standing.UNCERTAIN : Standing.KNOWN);
  }

  private StoredPublish aged(Kept kept) {
    StoredPublish message = kept.message;
    if (message.nanosToLive() == StoredPublish.NEVER_EXPIRES) {
      return message;
    }
    return new StoredPublish(
        message.position(),
        message.message(),
        message.offlinePolicy(),
        message.tag(),
        message.nanosToLive() - (world.nowNanos() - kept.putNanos),
        message.state(),
        message.packetIdentifier());
  }

  @Override
  public void putOutgoing(StoredPublish message) {
    long now = world.nowNanos();
    int number = OutMessage.numberIn(message.message().payload());
    change(() -> outgoing.put(message.position(), new Kept(message, number, now)));
  }

  @Override
  public void putPublished(long position, int packetIdentifier) {
    change(() -> move(position, StoredPublish.State.PUBLISHED, packetIdentifier));
  }

  @Override
  public void putReleased(long position) {
    change(
        () ->
            move(
                position,
                StoredPublish.State.RELEASED,
                outgoing.get(position).message.packetIdentifier()));
  }

  @Override
  public void putQueuedAgain(long position) {
    change(() -> move(position, StoredPublish.State.QUEUED_AGAIN, 0));
  }

  private void move(long position, StoredPublish.State state, int packetIdentifier) {
    Kept kept = outgoing.get(position);
    if (kept == null) {
      throw new Violation("the store is told of position " + position + ", which it has not");
    }
    StoredPublish message = kept.message;
    outgoing.put(
        position,
        new Kept(
            new StoredPublish(
                position,
                message.message(),
                message.offlinePolicy(),
                message.tag(),
                message.nanosToLive(),
                state,
                packetIdentifier),
            kept.number,
            kept.putNanos));
  }

  @Override
  public void removeOutgoing(long position) {
    boolean removals = onlyRemovals;
    change(() -> outgoing.remove(position));
    Kept kept = outgoing.get(position);
    // A QoS 0 message is sent after its removal: it must not come back.
    onlyRemovals = removals && kept != null && kept.message.message().qos() != Qos.AT_MOST_ONCE;
  }

  @Override
  public void putIncoming(int packetIdentifier) {
    change(() -> incoming.add(packetIdentifier));
    incoming.add(packetIdentifier); // at once
    world.ledger().onRecorded(packetIdentifier);
    world.maybeCrashAtStore();
  }

  @Override
  public void removeIncoming(int packetIdentifier) {
    change(() -> incoming.remove(packetIdentifier));
  }

  @Override
  public void clearIncoming() {
    change(incoming::clear);
  }

  @Override
  public void putSubscription(StoredSubscription subscription) {
    change(() -> subscriptions.put(subscription.subscription().topicFilter(), subscription));
  }

  @Override
  public void removeSubscription(String topicFilter) {
    change(() -> subscriptions.remove(topicFilter));
  }

  @Override
  public void putConnecting() {
    changeStanding(
        () -> {
          if (!connecting) {
            connecting = true;
            uncertainBefore = uncertain;
            endedBefore = ended;
          }
          uncertain = true;
          ended = false;
        });
  }

  @Override
  public void putNotConnected() {
    changeStanding(
        () -> {
          if (connecting) {
            connecting = false;
            uncertain = uncertainBefore;
            ended = endedBefore;
          }
        });
  }

  @Override
  public void putConnected(long sessionExpirySeconds) {
    changeStanding(
        () -> {
          connecting = false;
          uncertain = false;
          world.ledger().onSessionStored();
          ended = false;
          expirySeconds = sessionExpirySeconds;
        });
  }

  @Override
  public void putEnded(long sessionExpirySeconds) {
    long now = world.nowNanos();
    changeStanding(
        () -> {
          connecting = false;
          uncertain = false;
          ended = true;
          endedNanos = now;
          expirySeconds = sessionExpirySeconds;
        });
  }

  private void changeStanding(Runnable change) {
    change(change);
    standingChanges.add(change);
  }

  @Override
  public void clear() {
    changes.clear();
    changes.addAll(standingChanges);
    onlyRemovals = true;
    change(
        () -> {
          outgoing.clear();
          incoming.clear();
          subscriptions.clear();
        });
  }

  private void change(Runnable change) {
    world.maybeCrashAtStore();
    if (fails && world.oneIn(3)) {
      throw failure();
    }
    changes.add(change);
    onlyRemovals = false;
  }

  @Override
  public void commit() {
    world.maybeCrashAtStore();
    if (fails && !world.oneIn(4)) {
      if (world.oneIn(4)) {
        apply(); // it was stored, and nobody knows
      }
      throw failure();
    }
    if (onlyRemovals && world.oneIn(2)) {
      return;
    }
    apply();
    world.maybeCrashAtStore();
  }

  private void apply() {
    changes.forEach(Runnable::run);
    changes.clear();
    standingChanges.clear();
    onlyRemovals = true;
    world.ledger().onStored();
  }

  private static MqttStoreException failure() {
    return new MqttStoreException("the disk is full", null);
  }
}
