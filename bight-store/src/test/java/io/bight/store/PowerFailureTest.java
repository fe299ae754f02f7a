// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import static io.bight.store.Samples.CLIENT;
import static io.bight.store.Samples.load;
import static io.bight.store.Samples.queued;
import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A power failure leaves of what was written since the last sync any part, in sectors of 512 bytes
 * and in any order. What commit() returned from with ALWAYS is there.
 */
class PowerFailureTest {
  private static final int SECTOR_BYTES = 512;

  @TempDir Path base;

  @Test
  void whatWasCommittedIsThereWhateverPartOfTheNextCommitIs() throws Exception {
    Random random = new Random(11);
    for (int run = 0; run < 25; run++) {
      Path directory = base.resolve("run" + run);
      TreeSet<Long> committed = new TreeSet<>();
      byte[] synced;
      byte[] written;
      Set<Long> next = new TreeSet<>();
      try (SessionStore store = DiskSessionStore.in(directory).open(CLIENT)) {
        store.load();
        int commits = 1 + random.nextInt(40);
        for (int commit = 0; commit < commits; commit++) {
          change(store, committed, random);
          store.commit();
        }
        synced = Files.readAllBytes(directory.resolve("session.db"));
        next.addAll(committed);
        change(store, next, random);
        store.commit();
        written = Files.readAllBytes(directory.resolve("session.db"));
        for (int failure = 0; failure < 8; failure++) {
          Path after = Samples.copy(directory, base.resolve("run" + run + "-" + failure));
          Files.write(after.resolve("session.db"), torn(synced, written, random));
          Set<Long> found = new TreeSet<>();
          load(after).outgoing().stream().map(StoredPublish::position).forEach(found::add);
          Set<Long> kept = new TreeSet<>(committed);
          kept.retainAll(next);
          assertThat(found).containsAll(kept);
          Set<Long> either = new TreeSet<>(committed);
          either.addAll(next);
          assertThat(either).containsAll(found);
        }
      }
    }
  }

  private static void change(SessionStore store, Set<Long> positions, Random random) {
    for (int i = random.nextInt(8); i >= 0; i--) {
      long position = random.nextInt(200);
      store.putOutgoing(queued(position));
      positions.add(position);
    }
    List<Long> all = new ArrayList<>(positions);
    Collections.shuffle(all, random);
    for (long position : all.subList(0, Math.min(all.size() / 2, random.nextInt(8)))) {
      store.removeOutgoing(position);
      positions.remove(position);
    }
  }

  /** What was synced, with some of the sectors that were written since. */
  private static byte[] torn(byte[] synced, byte[] written, Random random) {
    byte[] torn = new byte[random.nextBoolean() ? written.length : synced.length];
    System.arraycopy(synced, 0, torn, 0, Math.min(torn.length, synced.length));
    for (int at = 0; at < Math.min(torn.length, written.length); at += SECTOR_BYTES) {
      if (random.nextBoolean()) {
        int length = Math.min(SECTOR_BYTES, Math.min(torn.length, written.length) - at);
        System.arraycopy(written, at, torn, at, length);
      }
    }
    return torn;
  }

  @Test
  void withAnIntervalTheSyncComesWithoutAnotherCommitAndTheThreadEnds() throws Exception {
    FaultyAccess access = new FaultyAccess();
    SessionStore store =
        DiskSessionStore.in(base.resolve("interval"))
            .durability(Durability.INTERVAL)
            .syncInterval(Duration.ofMillis(1))
            .access(access)
            .open(CLIENT);
    store.load();
    int before = access.syncs;
    store.putOutgoing(queued(1));
    store.commit();
    long end = System.nanoTime() + 10_000_000_000L;
    while (access.syncs == before && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    assertThat(access.syncs).isGreaterThan(before);
    store.close();
    while (hasSyncThread() && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    assertThat(hasSyncThread()).isFalse();
  }

  private static boolean hasSyncThread() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().equals("bight-store-sync"));
  }

  @Test
  void aFileWithZerosBehindWhatIsInUseIsWhole() throws Exception {
    Path directory = base.resolve("zeros");
    try (SessionStore store = DiskSessionStore.in(directory).open(CLIENT)) {
      store.load();
      store.putOutgoing(queued(1));
      store.commit();
    }
    try (FileChannel file =
        FileChannel.open(directory.resolve("session.db"), StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.allocate(SealedBlocks.SEALED_BYTES * 5), file.size());
    }
    assertThat(load(directory).outgoing()).hasSize(1);
    assertThat(CrashPropertyTest.damagedFiles(directory)).isZero();
  }
}
