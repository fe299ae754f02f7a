// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.StoredPublish.State;
import io.bight.mqtt.engine.StoredSubscription;
import io.bight.store.MessageRecord.Progress;
import io.bight.store.RecordReader.BadRecordException;
import java.io.IOException;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What a store was told since the last commit: of each message and subscription the last word. A
 * message that comes and goes between two commits leaves nothing but its removal. The driver's;
 * {@link #forget} begins anew.
 */
final class PendingChanges {
  /** What a commit is to do with one message. */
  private static final class PendingMessage {
    /** The message as it was put since the last commit; null: it was there before. */
    @Nullable MessageRecord put;

    /** How far it has come since; null: as it was put, or as it stood before. */
    @Nullable Progress progress;

    /** It has been released, and keeps the packet identifier that it has. */
    boolean isReleased;

    boolean isRemoved;

    MessageRecord latest(MessageRecord record) {
      Progress latest = progress == null ? record.progress() : progress;
      if (isReleased && latest.packetIdentifier() != 0) {
        latest = new Progress(State.RELEASED, latest.packetIdentifier());
      }
      return latest.equals(record.progress()) ? record : record.with(latest);
    }
  }

  private final LinkedHashMap<Long, PendingMessage> messages = new LinkedHashMap<>();

  /** Null: it is to be removed. */
  private final LinkedHashMap<Long, @Nullable StoredSubscription> subscriptions =
      new LinkedHashMap<>();

  private boolean factsChanged;
  private boolean isCleared;
  private boolean mustLast;

  // ---- what is told

  void putMessage(MessageRecord record, StoredPublish message) {
    PendingMessage pending = pending(message.position());
    pending.put = record;
    pending.progress = null;
    pending.isReleased = message.state() == State.RELEASED;
    pending.isRemoved = false;
    mustLast = true;
  }

  void putProgress(long position, Progress progress) {
    PendingMessage pending = pending(position);
    pending.progress = progress;
    pending.isReleased = false;
    mustLast = true;
  }

  void putReleased(long position) {
    pending(position).isReleased = true;
    mustLast = true;
  }

  void removeMessage(long position) {
    PendingMessage pending = pending(position);
    pending.put = null;
    pending.isRemoved = true;
  }

  private PendingMessage pending(long position) {
    return messages.computeIfAbsent(position, unused -> new PendingMessage());
  }

  void putSubscription(long number, StoredSubscription subscription) {
    subscriptions.put(number, subscription);
    mustLast = true;
  }

  void removeSubscription(long number) {
    subscriptions.put(number, null);
    mustLast = true;
  }

  /** The facts have changed, and that must last. */
  void putFacts() {
    noteFacts();
    mustLast = true;
  }

  /** The facts have changed, which is to be written with the rest. */
  void noteFacts() {
    factsChanged = true;
  }

  /** All that was stored goes; what is told from here on comes in its place. */
  void clearSession() {
    forget();
    isCleared = true;
    putFacts();
  }

  /** Begins anew: all is stored, or cannot be. */
  void forget() {
    messages.clear();
    subscriptions.clear();
    factsChanged = false;
    isCleared = false;
    mustLast = false;
  }

  /**
   * Forgets all but that messages have ended, which may be kept without a commit; returns whether
   * that is all there was, and there was some.
   */
  boolean keepRemovals() {
    messages.values().removeIf(change -> !change.isRemoved);
    return !mustLast && !messages.isEmpty();
  }

  // ---- what is to be done

  boolean isEmpty() {
    return !mustLast && messages.isEmpty() && subscriptions.isEmpty() && !factsChanged;
  }

  /** Tells whether anything was told that must last; that a message ended need not. */
  boolean mustLast() {
    return mustLast;
  }

  void applyTo(SessionDatabase database, SessionFacts facts, RecordWriter writer)
      throws IOException {
    if (isCleared) {
      database.clear();
    }
    for (var change : messages.entrySet()) {
      apply(change.getKey(), change.getValue(), database, writer);
    }
    subscriptions.forEach(
        (number, subscription) -> {
          if (subscription == null) {
            database.removeSubscription(number);
          } else {
            database.putSubscription(number, SubscriptionRecord.toBytes(subscription, writer));
          }
        });
    if (factsChanged) {
      database.putFacts(facts.toBytes(writer));
    }
  }

  private static void apply(
      long position, PendingMessage change, SessionDatabase database, RecordWriter writer)
      throws IOException {
    if (change.isRemoved) {
      database.removeMessage(position);
      return;
    }
    MessageRecord put = change.put;
    if (put != null) {
      database.putMessage(position, change.latest(put).toBytes(writer));
    } else if (change.isReleased) {
      byte[] stored = database.message(position);
      if (stored != null) {
        MessageRecord record = stored(position, stored, database.progress(position));
        database.putMessage(position, change.latest(record).toBytes(writer));
      }
    } else if (change.progress != null && database.message(position) != null) {
      database.putProgress(position, change.progress.toBytes());
    }
  }

  private static MessageRecord stored(long position, byte[] bytes, byte @Nullable [] progress)
      throws IOException {
    try {
      return MessageRecord.of(position, bytes, progress);
    } catch (BadRecordException e) {
      throw new IOException("the message at " + position + " is damaged: " + e.getMessage(), e);
    }
  }

  /** Returns the session that was told whole since {@link #clearSession}. */
  SessionContent toContent(SessionFacts facts) {
    SessionContent content = new SessionContent();
    content.facts = facts;
    messages.forEach(
        (position, change) -> {
          if (change.put != null && !change.isRemoved) {
            content.messages.put(position, change.latest(change.put));
          }
        });
    subscriptions.forEach(
        (number, subscription) -> {
          if (subscription != null) {
            content.subscriptions.put(number, subscription);
          }
        });
    return content;
  }
}
