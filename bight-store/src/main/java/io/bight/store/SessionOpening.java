// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.engine.SessionStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens a session's directory: locks it, looks whose it is, reads what is there and mends what is
 * damaged. Lives for one opening.
 */
final class SessionOpening {
  private static final Logger LOGGER = LoggerFactory.getLogger(DiskSessionStore.class);

  private final Path given;
  private final String clientIdentifier;
  private final Durability durability;
  private final Duration syncInterval;
  private final FileAccess access;
  private final Clock clock;

  /** What was found damaged, in words, for one warning. */
  private final List<String> damages = new ArrayList<>();

  /** What was opened so far, to be closed if the rest fails. */
  private @Nullable DirectoryLock lock;

  private @Nullable SessionDatabase database;

  SessionOpening(
      Path given,
      String clientIdentifier,
      Durability durability,
      Duration syncInterval,
      FileAccess access,
      Clock clock) {
    this.given = given;
    this.clientIdentifier = clientIdentifier;
    this.durability = durability;
    this.syncInterval = syncInterval;
    this.access = access;
    this.clock = clock;
  }

  SessionStore open() {
    boolean opened = false;
    try {
      OpenSession session = openFiles();
      opened = true;
      return session;
    } catch (IOException | UncheckedIOException | ReadOnlyFileSystemException e) {
      throw new MqttStoreException(
          "The session of client '"
              + clientIdentifier
              + "' cannot be opened in "
              + given
              + ": "
              + e
              + ". The directory must be on a disk with room and be writable by this process.",
          e);
    } finally {
      if (!opened) {
        letGo();
      }
    }
  }

  private void letGo() {
    if (database != null) {
      database.abandon();
    }
    if (lock != null) {
      try {
        lock.close();
      } catch (IOException e) {
        LOGGER.debug("closing the lock of {}", given, e);
      }
    }
  }

  private OpenSession openFiles() throws IOException {
    if (Files.exists(given) && !Files.isDirectory(given)) {
      throw new MqttStoreException(
          "The session of client '"
              + clientIdentifier
              + "' needs a directory, and "
              + given
              + " is a file. Name another directory, or move the file away.",
          null);
    }
    Files.createDirectories(given);
    SessionFiles files = new SessionFiles(given.toRealPath(), access);
    lock = DirectoryLock.of(files.directory, files.lock());
    SessionFiles.Identity identity = files.readIdentity();
    String owner = identity == null ? null : identity.clientIdentifier();
    requireOurs(owner, files);
    boolean isNew = isNew(files);
    SessionContent content = isNew ? createDatabase(files) : openDatabase(files);
    SessionFacts facts = content.facts;
    if (facts == null || database == null) {
      throw new IllegalStateException("the database has no facts");
    }
    requireOurs(facts.clientIdentifier(), files);
    if (identity == null || !clientIdentifier.equals(owner)) {
      if (!isNew) {
        damages.add("'identity' was missing or damaged and was written anew");
        if (identity == null && Files.exists(files.identity())) {
          files.moveAside(files.identity());
        }
      }
      files.writeIdentity(clientIdentifier);
    } else if (!identity.isCurrentFormat()) {
      files.writeIdentity(clientIdentifier); // before anything that an earlier version cannot read
    }
    BitSet handled = new BitSet();
    IncomingTable incoming = openIncoming(files, facts, isNew, handled);
    if (!damages.isEmpty()) {
      LOGGER.warn(
          "The session of client '{}' in {} was damaged: {}.",
          clientIdentifier,
          given,
          String.join("; ", damages));
    }
    return new OpenSession(
        clientIdentifier,
        files,
        lock,
        database,
        incoming,
        content,
        facts,
        handled,
        durability,
        syncInterval,
        clock);
  }

  private void requireOurs(@Nullable String owner, SessionFiles files) {
    if (owner != null && !owner.equals(clientIdentifier)) {
      throw new MqttStoreException(
          "The directory "
              + files.directory
              + " holds the session of client '"
              + owner
              + "' and cannot be that of client '"
              + clientIdentifier
              + "'. Give each client a directory of its own; to go on with this one, use its client"
              + " identifier.",
          null);
    }
  }

  private boolean isNew(SessionFiles files) throws IOException {
    files.finishReplacing(files.identity());
    files.finishReplacing(files.database());
    files.finishReplacing(files.incoming());
    return !Files.exists(files.database()) && !Files.exists(files.incoming());
  }

  private SessionContent createDatabase(SessionFiles files) throws IOException {
    if (Files.exists(files.identity())) {
      damages.add("'session.db' and 'incoming' are missing: nothing is left of it");
    }
    SessionContent content = new SessionContent();
    content.facts = SessionFacts.ofNew(clientIdentifier, newToken());
    database = writeAnew(files, content, holdsFreedSpace());
    return content;
  }

  private SessionContent openDatabase(SessionFiles files) throws IOException {
    Path path = files.database();
    if (!Files.exists(path)) {
      damages.add("'session.db' is missing: messages and subscriptions are lost");
      SessionContent content = new SessionContent();
      content.facts = SessionFacts.ofNew(clientIdentifier, tokenOfIncoming(files));
      database = writeAnew(files, content, holdsFreedSpace());
      return content;
    }
    BlockScan scan;
    UninterruptedFile file = files.open(path);
    try {
      scan = BlockScan.of(new SealedBlocks(file));
    } catch (IOException e) {
      file.close();
      throw e;
    }
    SessionContent whole = openWhole(path, file, scan);
    return whole == null ? recover(files, path, scan) : whole;
  }

  /** Opens the database as it is; null: it is damaged. */
  private @Nullable SessionContent openWhole(Path path, UninterruptedFile file, BlockScan scan)
      throws IOException {
    SessionDatabase opened = null;
    boolean isWhole = false;
    try {
      if (scan.finished().isEmpty() || scan.isCut()) {
        return null; // opening it for use would write to it
      }
      opened = SessionDatabase.open(path, file, scan, holdsFreedSpace());
      long newest = Math.max(scan.finished().lastKey(), scan.headerVersion());
      if (opened.version() >= newest) {
        SessionContent content = opened.read();
        isWhole = content.isWhole() && content.facts != null;
        if (isWhole) {
          database = opened;
          return content;
        }
      }
    } catch (RuntimeException | OutOfMemoryError | AssertionError e) {
      LOGGER.debug("{} cannot be read as it is", path, e);
    } finally {
      if (!isWhole) {
        if (opened != null) {
          opened.abandon();
        }
        file.close();
      }
    }
    return null;
  }

  /** Reads what is left, writes it to a new file, and keeps the damaged one. */
  private SessionContent recover(SessionFiles files, Path path, BlockScan scan) throws IOException {
    SessionRecovery recovery = new SessionRecovery(files, path);
    SessionContent content = recovery.read(scan);
    StringBuilder damage = new StringBuilder("of 'session.db' ");
    if (content == null) {
      content = new SessionContent();
      content.facts = SessionFacts.ofNew(clientIdentifier, tokenOfIncoming(files));
      damage.append("nothing could be read");
    } else {
      damage.append(content.messages.size()).append(" messages and ");
      damage.append(content.subscriptions.size()).append(" subscriptions could be read, ");
      damage.append(content.lostMessages).append(" messages and ");
      damage.append(content.lostSubscriptions).append(" subscriptions could not");
      if (recovery.lostCommits > 0) {
        damage.append(", nor the last ").append(recovery.lostCommits).append(" commits");
      }
    }
    SessionFacts facts = content.facts;
    if (facts != null) {
      requireOurs(facts.clientIdentifier(), files);
    }
    SessionDatabase written = writeSuccessor(files, content, holdsFreedSpace());
    database = written;
    Path kept = files.moveAside(path);
    files.replace(path);
    written.renamedTo(path);
    damages.add(damage.append("; the file is kept as '").append(kept.getFileName()) + "'");
    return content;
  }

  private boolean holdsFreedSpace() {
    return durability != Durability.OS;
  }

  private static long newToken() {
    return (new SecureRandom().nextLong() & Long.MAX_VALUE) | 1;
  }

  /** The files of a session have a number in common; where one is left, the other takes it over. */
  private static long tokenOfIncoming(SessionFiles files) throws IOException {
    if (Files.exists(files.incoming())) {
      try (UninterruptedFile file = files.openReadOnly(files.incoming())) {
        long token = IncomingTable.read(file).token();
        if (token > 0) {
          return token;
        }
      }
    }
    return newToken();
  }

  static SessionDatabase writeAnew(
      SessionFiles files, SessionContent content, boolean holdsFreedSpace) throws IOException {
    SessionDatabase written = writeSuccessor(files, content, holdsFreedSpace);
    files.replace(files.database());
    written.renamedTo(files.database());
    return written;
  }

  /** Writes and syncs a new database beside the one in use. */
  private static SessionDatabase writeSuccessor(
      SessionFiles files, SessionContent content, boolean holdsFreedSpace) throws IOException {
    Path path = files.successor(files.database());
    UninterruptedFile file = files.openSuccessor(files.database());
    SessionDatabase written = null;
    boolean isWritten = false;
    try {
      written =
          SessionDatabase.open(path, file, BlockScan.of(new SealedBlocks(file)), holdsFreedSpace);
      RecordWriter writer = new RecordWriter();
      if (content.facts != null) {
        written.putFacts(content.facts.toBytes(writer));
      }
      written.commit(); // the first commit holds little, see BlockStore
      for (var message : content.messages.entrySet()) {
        written.putMessage(message.getKey(), message.getValue().toBytes(writer));
      }
      for (var subscription : content.subscriptions.entrySet()) {
        written.putSubscription(
            subscription.getKey(), SubscriptionRecord.toBytes(subscription.getValue(), writer));
      }
      written.commit();
      written.force();
      isWritten = true;
      return written;
    } catch (RuntimeException e) {
      throw new IOException("writing " + path + " failed: " + e.getMessage(), e);
    } finally {
      if (!isWritten) {
        if (written != null) {
          written.abandon();
        }
        file.close();
        Files.deleteIfExists(path);
      }
    }
  }

  private IncomingTable openIncoming(
      SessionFiles files, SessionFacts facts, boolean isNew, BitSet handled) throws IOException {
    Path path = files.incoming();
    boolean isMissing = !Files.exists(path);
    if (!isMissing) {
      try (UninterruptedFile file = files.open(path)) {
        IncomingTable.Found found = IncomingTable.read(file);
        boolean isForeign = found.token() != 0 && found.token() != facts.token();
        if (found.isWhole() && !isForeign) {
          handled.or(found.handled(facts.removals()));
          return IncomingTable.goOn(file, found, facts.removals());
        }
        if (!isForeign) {
          handled.or(found.handled(facts.removals()));
        }
        damages.add(
            (isForeign
                    ? "'incoming' is that of another session"
                    : "'incoming' was damaged, with "
                        + handled.cardinality()
                        + " marks that can be read and "
                        + found.badMarks()
                        + " that cannot")
                + "; the file is kept");
      }
    } else if (!isNew) {
      damages.add("'incoming' is missing: QoS 2 messages may be handled twice");
    }
    try (UninterruptedFile file = files.openSuccessor(path)) {
      IncomingTable table = IncomingTable.create(file, facts.token(), handled);
      file.force();
      if (!isMissing) {
        files.moveAside(path);
      }
      files.replace(path);
      return table;
    }
  }
}
