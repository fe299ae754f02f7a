// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.StoredPublish.State;
import io.bight.mqtt.engine.StoredSession;
import io.bight.mqtt.engine.StoredSubscription;
import io.bight.store.MessageRecord.Progress;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

  private final PendingChanges changes = new PendingChanges();

  // ---- what stands
  private SessionFacts facts;
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
    requireWorking();
    changes.putMessage(MessageRecord.of(message, clock.millis()), message);
  }

  @Override
  public void putPublished(long position, int packetIdentifier) {
    requireWorking();
    changes.putProgress(position, new Progress(State.PUBLISHED, packetIdentifier));
  }

  @Override
  public void putReleased(long position) {
    requireWorking();
    changes.putReleased(position);
  }

  @Override
  public void putQueuedAgain(long position) {
    requireWorking();
    changes.putProgress(position, new Progress(State.QUEUED_AGAIN, 0));
  }

  @Override
  public void removeOutgoing(long position) {
    requireWorking();
    changes.removeMessage(position);
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
    changes.putSubscription(number, subscription);
  }

  @Override
  public void removeSubscription(String topicFilter) {
    requireWorking();
    Long number = subscriptionNumbers.remove(topicFilter);
    if (number != null) {
      changes.removeSubscription(number);
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
      changes.putFacts();
    }
  }

  @Override
  public void clear() {
    requireOpen();
    failure = null;
    changes.clearSession();
    subscriptionNumbers.clear();
    nextSubscription = 0;
    incoming.clear();
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
    boolean hasChanges = !changes.isEmpty();
    if (!hasChanges && !hasRemoval && !incoming.isDirty()) {
      return;
    }
    try {
      if (hasRemoval) {
        if (hasChanges) {
          facts = facts.withRemovals(facts.removals() + 1);
          changes.noteFacts();
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
      changes.applyTo(current, facts, writer);
      current.commit();
      makeLast(current);
      current.keepSmall();
    }
    changes.forget();
  }

  private void makeLast(SessionDatabase current) throws IOException {
    boolean isDue = durability == Durability.ALWAYS && changes.mustLast();
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
    database =
        SessionOpening.writeAnew(files, changes.toContent(facts), durability != Durability.OS);
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
    changes.forget();
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
        if (changes.keepRemovals()) {
          changes.applyTo(last, facts, writer);
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
