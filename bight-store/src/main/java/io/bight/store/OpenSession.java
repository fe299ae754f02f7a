// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.StoredPublish.State;
import io.bight.mqtt.engine.StoredSession;
import io.bight.mqtt.engine.StoredSubscription;
import io.bight.store.MessageRecord.Progress;
import io.bight.store.RecordReader.BadRecordException;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The store of one client while it is open. Changes are collected and given to the database as one
 * commit; a message that comes and goes between two commits never reaches it.
 *
 * <pre>
 *   working --a commit fails--> failed --clear()--> replacing --commit()--> working
 *                                 ^                     |
 *                                 +----- fails ---------+
 * </pre>
 *
 * <p>While it is failed or replacing, the file is as the last good commit has left it. The
 * driver's, but for {@link #syncInBackground}.
 */
final class OpenSession implements SessionStore {
  private static final Logger LOGGER = LoggerFactory.getLogger(DiskSessionStore.class);

  private final String clientIdentifier;
  private final SessionFiles files;
  private final DirectoryLock lock;
  private final Durability durability;
  private final Duration syncInterval;
  private final Clock clock;
  private final IncomingTable incoming;
  private final RecordWriter writer = new RecordWriter();

  /** Null while it has failed; also read by the thread that syncs. */
  private volatile @Nullable SessionDatabase database;

  /** What {@link #load} returns; null after that. */
  private @Nullable SessionContent found;

  private @Nullable BitSet foundHandled;

  // ---- what is told since the last commit
  private final LinkedHashMap<Long, PendingMessage> messages = new LinkedHashMap<>();

  /** Null: it is to be removed. */
  private final LinkedHashMap<Long, @Nullable StoredSubscription> subscriptions =
      new LinkedHashMap<>();

  private SessionFacts facts;
  private boolean factsChanged;
  private boolean isCleared;

  /** Whether anything was told that must last; that a message ended need not. */
  private boolean mustLast;

  // ---- what stands
  private final Map<String, Long> subscriptionNumbers = new HashMap<>();
  private long nextSubscription;
  private @Nullable MqttStoreException failure;
  private boolean isClosed;

  // ---- what is synced later
  private boolean syncScheduled; // guarded by syncLock
  private final Object syncLock = new Object();

  /** Written by the thread that syncs, taken by the driver. */
  private volatile @Nullable IOException syncFailure;

  OpenSession(
      String clientIdentifier,
      SessionFiles files,
      DirectoryLock lock,
      SessionDatabase database,
      IncomingTable incoming,
      SessionContent found,
      SessionFacts facts,
      BitSet foundHandled,
      Durability durability,
      Duration syncInterval,
      Clock clock) {
    this.clientIdentifier = clientIdentifier;
    this.files = files;
    this.lock = lock;
    this.database = database;
    this.incoming = incoming;
    this.found = found;
    this.foundHandled = foundHandled;
    this.facts = facts;
    this.durability = durability;
    this.syncInterval = syncInterval;
    this.clock = clock;
    found.subscriptions.forEach(
        (number, stored) -> {
          subscriptionNumbers.put(stored.subscription().topicFilter(), number);
          nextSubscription = number + 1;
        });
    if (durability == Durability.INTERVAL) {
      IntervalSync.onOpen();
    }
  }

  // ---- loading

  @Override
  public StoredSession load() {
    SessionContent content = found;
    BitSet handled = foundHandled;
    if (content == null || handled == null) {
      throw new IllegalStateException("load() is called once, before any other method");
    }
    found = null;
    foundHandled = null;
    long now = clock.millis();
    List<StoredPublish> outgoing = new ArrayList<>(content.messages.size());
    for (MessageRecord record : content.messages.values()) {
      outgoing.add(record.toStored(now));
    }
    return new StoredSession(
        outgoing,
        IncomingTable.list(handled),
        List.copyOf(content.subscriptions.values()),
        facts.standing(now));
  }

  // ---- messages going out

  @Override
  public void putOutgoing(StoredPublish message) {
    PendingMessage pending = pending(message.position());
    pending.put = MessageRecord.of(message, clock.millis());
    pending.progress = null;
    pending.isReleased = message.state() == State.RELEASED;
    pending.isRemoved = false;
    mustLast = true;
  }

  @Override
  public void putPublished(long position, int packetIdentifier) {
    PendingMessage pending = pending(position);
    pending.progress = new Progress(State.PUBLISHED, packetIdentifier);
    pending.isReleased = false;
    mustLast = true;
  }

  @Override
  public void putReleased(long position) {
    pending(position).isReleased = true;
    mustLast = true;
  }

  @Override
  public void putQueuedAgain(long position) {
    PendingMessage pending = pending(position);
    pending.progress = new Progress(State.QUEUED_AGAIN, 0);
    pending.isReleased = false;
    mustLast = true;
  }

  @Override
  public void removeOutgoing(long position) {
    PendingMessage pending = pending(position);
    pending.put = null;
    pending.isRemoved = true;
  }

  private PendingMessage pending(long position) {
    requireWorking();
    return messages.computeIfAbsent(position, unused -> new PendingMessage());
  }

  // ---- QoS 2 messages coming in

  @Override
  public void putIncoming(int packetIdentifier) {
    requireOpen(); // the file may be another client's by now
    try {
      incoming.put(packetIdentifier);
    } catch (InternalError e) {
      throw failed("writing " + files.incoming(), e); // the file was cut under the mapping
    }
  }

  @Override
  public void removeIncoming(int packetIdentifier) {
    requireWorking();
    incoming.remove(packetIdentifier);
  }

  @Override
  public void clearIncoming() {
    requireWorking();
    incoming.clear();
  }

  // ---- subscriptions

  @Override
  public void putSubscription(StoredSubscription subscription) {
    requireWorking();
    Long number =
        subscriptionNumbers.computeIfAbsent(
            subscription.subscription().topicFilter(), unused -> nextSubscription++);
    subscriptions.put(number, subscription);
    mustLast = true;
  }

  @Override
  public void removeSubscription(String topicFilter) {
    requireWorking();
    Long number = subscriptionNumbers.remove(topicFilter);
    if (number != null) {
      subscriptions.put(number, null);
      mustLast = true;
    }
  }

  // ---- the session as a whole

  @Override
  public void putConnecting() {
    putFacts(facts.connecting());
  }

  @Override
  public void putNotConnected() {
    putFacts(facts.notConnected());
  }

  @Override
  public void putConnected(long sessionExpirySeconds) {
    putFacts(facts.connected(sessionExpirySeconds));
  }

  @Override
  public void putEnded(long sessionExpirySeconds) {
    putFacts(facts.ended(sessionExpirySeconds, clock.millis()));
  }

  private void putFacts(SessionFacts changed) {
    requireWorking();
    if (!changed.equals(facts)) {
      facts = changed;
      factsChanged = true;
      mustLast = true;
    }
  }

  @Override
  public void clear() {
    requireOpen();
    failure = null;
    forgetPending();
    factsChanged = true;
    isCleared = true;
    mustLast = true;
    subscriptionNumbers.clear();
    nextSubscription = 0;
    incoming.clear();
  }

  private void forgetPending() {
    messages.clear();
    subscriptions.clear();
    factsChanged = false;
    isCleared = false;
    mustLast = false;
  }

  // ---- commit

  @Override
  public void commit() {
    requireWorking();
    IOException failedSync = syncFailure;
    if (failedSync != null) {
      syncFailure = null;
      throw failed("syncing " + files.database(), failedSync);
    }
    boolean hasRemoval = incoming.hasRemoval();
    boolean hasChanges =
        mustLast || !messages.isEmpty() || !subscriptions.isEmpty() || factsChanged;
    if (!hasChanges && !hasRemoval && !incoming.isDirty()) {
      return;
    }
    try {
      if (hasRemoval) {
        if (hasChanges) {
          facts = facts.withRemovals(facts.removals() + 1);
          factsChanged = true;
        }
        // With nothing to write into the database, it has reached this number already.
        incoming.prepareRemoval(facts.removals());
      }
      if (hasChanges) {
        write();
      }
      if (hasRemoval) {
        incoming.finishRemoval();
      }
      if (incoming.isDirty()) {
        makeIncomingLast();
      }
    } catch (IOException | RuntimeException | InternalError e) {
      incoming.abandonRemoval();
      throw failed("committing to " + files.database(), e);
    }
  }

  private void write() throws IOException {
    SessionDatabase current = database;
    if (current == null) {
      replaceDatabase();
    } else {
      apply(current);
      current.commit();
      makeLast(current);
      current.keepSmall();
    }
    forgetPending();
  }

  private void apply(SessionDatabase current) throws IOException {
    if (isCleared) {
      current.clear();
    }
    for (var change : messages.entrySet()) {
      applyMessage(current, change.getKey(), change.getValue());
    }
    subscriptions.forEach(
        (number, subscription) -> {
          if (subscription == null) {
            current.removeSubscription(number);
          } else {
            current.putSubscription(number, SubscriptionRecord.toBytes(subscription, writer));
          }
        });
    if (factsChanged) {
      current.putFacts(facts.toBytes(writer));
    }
  }

  private void applyMessage(SessionDatabase current, long position, PendingMessage change)
      throws IOException {
    if (change.isRemoved) {
      current.removeMessage(position);
      return;
    }
    MessageRecord put = change.put;
    if (put != null) {
      current.putMessage(position, latest(put, change).toBytes(writer));
    } else if (change.isReleased) {
      byte[] stored = current.message(position);
      if (stored != null) {
        MessageRecord record = stored(position, stored, current.progress(position));
        current.putMessage(position, latest(record, change).toBytes(writer));
      }
    } else if (change.progress != null && current.message(position) != null) {
      current.putProgress(position, change.progress.toBytes());
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

  private static MessageRecord latest(MessageRecord record, PendingMessage change) {
    Progress progress = change.progress == null ? record.progress() : change.progress;
    if (change.isReleased && progress.packetIdentifier() != 0) {
      progress = new Progress(State.RELEASED, progress.packetIdentifier());
    }
    return progress.equals(record.progress()) ? record : record.with(progress);
  }

  private void makeLast(SessionDatabase current) throws IOException {
    boolean isDue = durability == Durability.ALWAYS && mustLast;
    if (durability != Durability.OS && (isDue || current.wantsForce())) {
      current.force();
    } else if (durability == Durability.INTERVAL) {
      scheduleSync();
    }
  }

  private void makeIncomingLast() {
    switch (durability) {
      case ALWAYS -> {
        incoming.force();
        incoming.onForced();
      }
      case INTERVAL -> {
        incoming.onForced();
        scheduleSync();
      }
      case OS -> incoming.onForced();
    }
  }

  /**
   * After a failure all is told anew: it goes to a new file, which then takes the old one's name.
   */
  private void replaceDatabase() throws IOException {
    SessionContent content = new SessionContent();
    content.facts = facts;
    TreeMap<Long, MessageRecord> records = content.messages;
    messages.forEach(
        (position, change) -> {
          if (change.put != null && !change.isRemoved) {
            records.put(position, latest(change.put, change));
          }
        });
    subscriptions.forEach(
        (number, subscription) -> {
          if (subscription != null) {
            content.subscriptions.put(number, subscription);
          }
        });
    database = SessionOpening.writeAnew(files, content, durability != Durability.OS);
  }

  // ---- syncing later

  private void scheduleSync() {
    synchronized (syncLock) {
      if (!syncScheduled) {
        syncScheduled = true;
        IntervalSync.schedule(this::syncInBackground, syncInterval.toNanos());
      }
    }
  }

  private void syncInBackground() {
    synchronized (syncLock) {
      syncScheduled = false; // what is written from now on is for the next time
    }
    SessionDatabase current = database;
    if (current == null) {
      return;
    }
    try {
      current.force();
      incoming.force();
    } catch (IOException | RuntimeException e) {
      if (current == database) {
        syncFailure = e instanceof IOException io ? io : new IOException(e);
      }
    }
  }

  // ---- failing and ending

  private void requireWorking() {
    requireOpen();
    if (failure != null) {
      throw failure;
    }
  }

  private void requireOpen() {
    if (isClosed) {
      throw new MqttStoreException(
          "The session of client '" + clientIdentifier + "' in " + files.directory + " is closed.",
          null);
    }
  }

  private MqttStoreException failed(String what, Throwable cause) {
    Throwable root = cause;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    failure =
        new MqttStoreException(
            "The session of client '"
                + clientIdentifier
                + "' could not be stored: "
                + what
                + " failed: "
                + root,
            cause);
    SessionDatabase broken = database;
    database = null;
    if (broken != null) {
      broken.abandon();
    }
    forgetPending();
    return failure;
  }

  @Override
  public void close() {
    if (isClosed) {
      return;
    }
    SessionDatabase last = database;
    try {
      if (last != null && failure == null) {
        // Of what was not committed, only that messages have ended may be kept.
        messages.values().removeIf(change -> !change.isRemoved);
        if (!mustLast && !messages.isEmpty()) {
          apply(last);
          last.commit();
        }
        last.close();
      }
    } catch (IOException | RuntimeException e) {
      LOGGER.warn(
          "The session of client '{}' in {} could not be closed in order; what was committed stays.",
          clientIdentifier,
          files.directory,
          e);
      if (last != null) {
        last.abandon();
      }
    } finally {
      isClosed = true;
      database = null;
      if (durability == Durability.INTERVAL) {
        IntervalSync.onClose();
      }
      try {
        lock.close();
      } catch (IOException e) {
        LOGGER.debug("closing the lock of {}", files.directory, e);
      }
    }
  }

  @Override
  public String toString() {
    return "on disk in " + files.directory;
  }
}
