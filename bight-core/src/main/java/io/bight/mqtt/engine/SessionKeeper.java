// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttStoreException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Tells the store what changes in the session, and remembers what depends on its being stored. When
 * the store fails, what was new fails with it; a second later the session is told anew.
 */
final class SessionKeeper {
  /** How long a store that has failed is left alone. */
  static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final SessionStore store;
  private final boolean durable;
  private final Session session;
  private final Supplier<String> description;
  private final EngineListener listener;

  /** Messages told to the store since the last commit for the first time. */
  private final Set<OutgoingPublish> unstored;

  /**
   * Those of them that have overtaken a message which the store has. They wait until the store
   * works: if they failed, neither the newer value nor the older one would be sent.
   */
  private final Set<OutgoingPublish> overtaking;

  /** Messages whose PUBREC the store was told of since the last commit. */
  private final Set<OutgoingPublish> unstoredReleases;

  /** Whether the store was told anything since the last commit. */
  private boolean changed;

  /** Why the store does not work; null: it does. */
  private @Nullable MqttStoreException failure;

  /** When to try again; means something while {@link #resting}. */
  private long retryNanos;

  /** Whether a commit has failed, and the store is left alone for a while. */
  private boolean resting;

  /** Tells the store once more what it was last told of the connection; null: nothing yet. */
  private @Nullable Runnable standing;

  /** What that was before the latest CONNECT. */
  private @Nullable Runnable standingBefore;

  SessionKeeper(
      SessionStore store, Session session, Supplier<String> description, EngineListener listener) {
    this.store = store;
    this.durable = store != SessionStore.IN_MEMORY;
    this.unstored = durable ? new LinkedHashSet<>() : Set.of();
    this.overtaking = durable ? new HashSet<>() : Set.of();
    this.unstoredReleases = durable ? new HashSet<>() : Set.of();
    this.session = session;
    this.description = description;
    this.listener = listener;
  }

  /** Tells whether there is a store at all. */
  boolean isDurable() {
    return durable;
  }

  // ---- outgoing messages

  /** A message waits: from the next commit on it is not lost with the process. */
  void putQueued(OutgoingPublish publish, long nowNanos) {
    if (durable && !publish.isStored) {
      publish.isStored = true;
      unstored.add(publish);
      tell(() -> store.putOutgoing(publish.toStored(nowNanos)));
    }
  }

  /** A message that was put has overtaken another. */
  void onOvertaken(OutgoingPublish overtaken, OutgoingPublish newer) {
    boolean wasStored =
        overtaken.isStored && (!unstored.contains(overtaken) || overtaking.contains(overtaken));
    if (wasStored && newer.isStored) {
      overtaking.add(newer);
    }
    if (newer.position == overtaken.position && newer.isStored) {
      overtaken.isStored = false; // it is replaced
    }
  }

  /** A message is about to be sent. */
  void putPublished(OutgoingPublish publish, long nowNanos) {
    if (durable) {
      putQueued(publish, nowNanos);
      tell(() -> store.putPublished(publish.position, publish.packetIdentifier));
    }
  }

  void putReleased(OutgoingPublish publish) {
    if (durable) {
      unstoredReleases.add(publish);
      tell(() -> store.putReleased(publish.position));
    }
  }

  /** Tells whether a crash could still forget that PUBREC has come. */
  boolean isReleaseUnstored(OutgoingPublish publish) {
    return unstoredReleases.contains(publish);
  }

  void putQueuedAgain(OutgoingPublish publish) {
    if (durable) {
      tell(() -> store.putQueuedAgain(publish.position));
    }
  }

  /** A message has ended. */
  void remove(OutgoingPublish publish) {
    if (publish.isStored) {
      publish.isStored = false;
      tell(() -> store.removeOutgoing(publish.position));
    }
  }

  // ---- incoming messages

  void putIncoming(int packetIdentifier) {
    if (durable) {
      tell(() -> store.putIncoming(packetIdentifier));
    }
  }

  void removeIncoming(int packetIdentifier) {
    if (durable) {
      tell(() -> store.removeIncoming(packetIdentifier));
    }
  }

  void clearIncoming() {
    if (durable) {
      tell(store::clearIncoming);
    }
  }

  // ---- subscriptions

  /** What is known of a topic filter has changed. */
  void putSubscription(String topicFilter) {
    if (durable) {
      StoredSubscription known = session.subscriptionToStore(topicFilter);
      tell(
          known == null
              ? () -> store.removeSubscription(topicFilter)
              : () -> store.putSubscription(known));
    }
  }

  // ---- connections

  void putConnecting() {
    standingBefore = standing;
    putStanding(store::putConnecting);
  }

  /** CONNECT was refused, or not sent after all: the server's half is what it was. */
  void putNotConnected() {
    if (durable) {
      standing = standingBefore;
      tell(store::putNotConnected);
    }
  }

  void putConnected(long sessionExpirySeconds) {
    putStanding(() -> store.putConnected(sessionExpirySeconds));
  }

  void putEnded(long sessionExpirySeconds) {
    putStanding(() -> store.putEnded(sessionExpirySeconds));
  }

  private void putStanding(Runnable change) {
    if (durable) {
      standing = change;
      tell(change);
    }
  }

  // ---- commit

  /** Tells whether the store is known not to work, and it is too early to try again. */
  @Nullable MqttStoreException failureAt(long nowNanos) {
    return resting && nowNanos - retryNanos < 0 ? failure : null;
  }

  /** Returns why the store does not work, or null if it does. */
  @Nullable MqttStoreException failure() {
    return failure;
  }

  /** Returns when a store that has failed is to be tried again, or that it need not be. */
  long retryDeadlineNanos() {
    return resting ? retryNanos : MqttEngine.NO_DEADLINE;
  }

  /**
   * Makes what was told last. A store that has failed is told all again when it is time.
   *
   * @return null if everything is stored, else why not
   */
  @Nullable MqttStoreException commit(long nowNanos) {
    if (!durable || (!changed && failure == null)) {
      return null;
    }
    if (failureAt(nowNanos) != null) {
      return failure;
    }
    try {
      if (failure != null) {
        tellAll(nowNanos);
      }
      store.commit();
    } catch (RuntimeException e) {
      onFailure(e);
      resting = true;
      retryNanos = nowNanos + RETRY_NANOS;
      return failure;
    }
    boolean recovered = failure != null;
    failure = null;
    resting = false;
    changed = false;
    unstored.clear();
    overtaking.clear();
    unstoredReleases.clear();
    if (recovered) {
      listener.onStoreRecovered();
    }
    return null;
  }

  /** Has the next commit try a store that has just failed once more, since there is no later. */
  void tryOnceMore() {
    resting = false;
  }

  /** Takes the messages that are not stored and cannot wait, after a commit has failed. */
  List<OutgoingPublish> takeUnstored() {
    List<OutgoingPublish> taken = new ArrayList<>(unstored);
    taken.removeAll(overtaking);
    unstored.retainAll(overtaking);
    taken.forEach(publish -> publish.isStored = false);
    return taken;
  }

  /** The client ends: what is not stored now will not be. */
  void giveUpUnstored() {
    unstored.forEach(publish -> publish.isStored = false);
    unstored.clear();
    overtaking.clear();
  }

  private void tell(Runnable change) {
    changed = true;
    if (failure != null) {
      return; // all is told again before the next commit
    }
    try {
      change.run();
    } catch (RuntimeException e) {
      onFailure(e);
    }
  }

  private void onFailure(RuntimeException cause) {
    boolean isNew = failure == null;
    failure =
        cause instanceof MqttStoreException known
            ? known
            : new MqttStoreException(
                description.get() + " could not store its session: " + cause, cause);
    if (isNew) {
      listener.onStoreFailure(failure);
    }
  }

  private void tellAll(long nowNanos) {
    store.clear();
    for (OutgoingPublish publish : session.outgoing()) {
      if (publish.isStored) {
        store.putOutgoing(publish.toStored(nowNanos));
      }
    }
    session.receiving.forEach(
        (packetIdentifier, incoming) -> {
          if (incoming.isHandled()) {
            store.putIncoming(packetIdentifier);
          }
        });
    session.subscriptionsToStore().forEach(store::putSubscription);
    if (standing != null) {
      standing.run();
    }
  }
}
