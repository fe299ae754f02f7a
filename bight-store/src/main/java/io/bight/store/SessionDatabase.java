// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.store.BlockScan.Commit;
import io.bight.store.RecordReader.BadRecordException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;
import org.h2.mvstore.type.ByteArrayDataType;
import org.h2.mvstore.type.LongDataType;
import org.jspecify.annotations.Nullable;

/**
 * The session's tables in one file: messages, how far they have come, subscriptions, facts. A
 * commit is there as a whole or not at all. The driver's, but for {@link #force}.
 */
final class SessionDatabase implements AutoCloseable {
  private static final long FACTS = 0;

  /** Below this a file is not worth making smaller. */
  private static final long SMALL_BYTES = 512 * 1024;

  /** How often the file's size is looked at, and how much is written anew each time. */
  private static final int COMMITS_BETWEEN_LOOKS = 64;

  private static final int REWRITTEN_BYTES = 512 * 1024;

  /** What may wait for a sync before one is due. */
  private static final long HELD_BYTES = 16 * 1024 * 1024;

  private final UninterruptedFile file;
  private final BlockStore blocks;
  private final MVStore store;
  private final MVMap<Long, byte[]> messages;
  private final MVMap<Long, byte[]> progress;
  private final MVMap<Long, byte[]> subscriptions;
  private final MVMap<Long, byte[]> facts;

  /** The number of the last commit; written by the driver, read by whoever forces. */
  private volatile long committed;

  /** The last commit that is on stable storage. */
  private final AtomicLong forced = new AtomicLong();

  private int commitsUntilLook = COMMITS_BETWEEN_LOOKS;

  private SessionDatabase(UninterruptedFile file, BlockStore blocks, boolean isRecovery) {
    this.file = file;
    this.blocks = blocks;
    MVStore.Builder builder = new MVStore.Builder().adoptFileStore(blocks).autoCommitDisabled();
    this.store = isRecovery ? builder.recoveryMode().open() : builder.open();
    this.messages = open("messages");
    this.progress = open("progress");
    this.subscriptions = open("subscriptions");
    this.facts = open("facts");
  }

  private MVMap<Long, byte[]> open(String name) {
    return store.openMap(
        name,
        new MVMap.Builder<Long, byte[]>()
            .keyType(LongDataType.INSTANCE)
            .valueType(ByteArrayDataType.INSTANCE));
  }

  /**
   * Opens a file for use, or makes it.
   *
   * @param scan what the file holds
   * @param holdsFreedSpace whether space is used again only after a sync
   * @throws MVStoreException if the file is no database or cannot be read
   */
  static SessionDatabase open(
      Path path, UninterruptedFile file, BlockScan scan, boolean holdsFreedSpace)
      throws IOException {
    SealedBlocks sealed = new SealedBlocks(file);
    return new SessionDatabase(
        file, BlockStore.writable(path.toString(), sealed, scan, holdsFreedSpace), false);
  }

  /** Opens a file only to read it as it was at a commit, with gaps where it is damaged. */
  static SessionDatabase openAsOf(Path path, UninterruptedFile file, BlockScan scan, Commit newest)
      throws IOException {
    SealedBlocks sealed = new SealedBlocks(file);
    return new SessionDatabase(file, BlockStore.asOf(path.toString(), sealed, scan, newest), true);
  }

  /** The version of the last commit that is in the file. */
  long version() {
    return store.getCurrentVersion();
  }

  /** Reads everything. What is bad is left out and counted; what cannot be read at all throws. */
  SessionContent read() {
    SessionContent content = new SessionContent();
    byte[] knownFacts = facts.get(FACTS);
    if (knownFacts != null) {
      try {
        content.facts = SessionFacts.of(knownFacts);
      } catch (BadRecordException e) {
        content.isPartial = true;
      }
    }
    content.lostMessages +=
        forEach(
            messages,
            (position, bytes) -> {
              try {
                MessageRecord record = MessageRecord.of(position, bytes, progress.get(position));
                content.messages.put(position, record);
              } catch (BadRecordException | IllegalArgumentException e) {
                content.lostMessages++;
              }
            });
    content.lostSubscriptions +=
        forEach(
            subscriptions,
            (number, bytes) -> {
              try {
                content.subscriptions.put(number, SubscriptionRecord.of(bytes));
              } catch (BadRecordException e) {
                content.lostSubscriptions++;
              }
            });
    // A state that cannot be read would make a message that was sent look new.
    content.isPartial |= forEach(progress, (position, bytes) -> {}) != 0;
    return content;
  }

  /** Returns how many entries should have been there and were not. */
  private static long forEach(MVMap<Long, byte[]> map, BiConsumer<Long, byte[]> action) {
    long left = map.sizeAsLong();
    var cursor = map.cursor(null);
    for (Iterator<Long> keys = cursor; keys.hasNext(); left--) {
      Long key = keys.next();
      action.accept(key, cursor.getValue());
    }
    return Math.max(0, left);
  }

  void putMessage(long position, byte[] record) {
    messages.put(position, record);
    if (!progress.isEmpty()) {
      progress.remove(position);
    }
  }

  byte @Nullable [] message(long position) {
    return messages.get(position);
  }

  byte @Nullable [] progress(long position) {
    return progress.get(position);
  }

  void putProgress(long position, byte[] record) {
    progress.put(position, record);
  }

  void removeMessage(long position) {
    messages.remove(position);
    if (!progress.isEmpty()) {
      progress.remove(position);
    }
  }

  void putSubscription(long number, byte[] record) {
    subscriptions.put(number, record);
  }

  void removeSubscription(long number) {
    subscriptions.remove(number);
  }

  void putFacts(byte[] record) {
    facts.put(FACTS, record);
  }

  void clear() {
    messages.clear();
    progress.clear();
    subscriptions.clear();
  }

  /** Hands all changes to the operating system. */
  void commit() {
    blocks.onForced(forced.get());
    long number = blocks.beginCommit();
    store.commit();
    committed = number;
  }

  /** Returns when what was handed over is on stable storage. Any thread. */
  void force() throws IOException {
    long number = committed;
    blocks.force();
    forced.accumulateAndGet(number, Math::max);
  }

  /** Whether so much waits for a sync that one should not be put off. */
  boolean wantsForce() {
    return blocks.heldBytes() > HELD_BYTES;
  }

  /**
   * Keeps the file in proportion to what it holds. To be called after a commit, and after its sync
   * where there are syncs.
   */
  void keepSmall() {
    if (--commitsUntilLook > 0) {
      return;
    }
    commitsUntilLook = COMMITS_BETWEEN_LOOKS;
    if (blocks.fileBytes() <= SMALL_BYTES) {
      return;
    }
    long live = blocks.liveBytes();
    if (blocks.fileBytes() > 4 * live + SMALL_BYTES && blocks.chooseRewrite(live)) {
      try {
        // What is rewritten goes out with the next commit, and its space is free after that.
        blocks.compact(101, REWRITTEN_BYTES);
      } finally {
        blocks.endRewrite();
      }
    }
    blocks.onForced(forced.get());
    blocks.shrink();
  }

  long fileBytes() {
    return blocks.fileBytes();
  }

  /** The file has been renamed. */
  void renamedTo(Path path) {
    file.renamedTo(path);
  }

  /** Ends without writing, as after a failure. */
  void abandon() {
    try {
      store.closeImmediately();
      blocks.close();
    } catch (MVStoreException e) {
      // It was abandoned because it failed.
    }
  }

  @Override
  public void close() {
    store.close();
  }
}
