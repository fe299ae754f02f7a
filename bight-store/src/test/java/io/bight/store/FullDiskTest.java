// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import static io.bight.store.Samples.CLIENT;
import static io.bight.store.Samples.load;
import static io.bight.store.Samples.queued;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A disk that fails at any write or sync: clear errors, nothing lost that was committed. */
class FullDiskTest {
  @TempDir Path base;

  private static void commit(SessionStore store, long number) {
    for (long position = number * 10; position < number * 10 + 10; position++) {
      store.putOutgoing(queued(position));
    }
    if (number > 2) {
      for (long position = (number - 2) * 10; position < (number - 2) * 10 + 10; position++) {
        store.removeOutgoing(position);
      }
    }
    store.commit();
  }

  private static List<Long> positions(List<StoredPublish> messages) {
    return messages.stream().map(StoredPublish::position).toList();
  }

  private static List<Long> expectedAfter(long number) {
    List<Long> expected = new ArrayList<>();
    for (long position = 0; position < number * 10 + 10; position++) {
      boolean isRemoved = position >= 10 && position < (number - 1) * 10;
      if (!isRemoved) {
        expected.add(position);
      }
    }
    return expected;
  }

  @ParameterizedTest
  @EnumSource
  void aFailureAtAnyWriteLeavesTheLastCommitAndIsMendedByTellingAllAnew(Durability durability)
      throws Exception {
    for (int working = 0; working < 40; working++) {
      Path directory = base.resolve("full" + working);
      FaultyAccess access = new FaultyAccess();
      DiskSessionStore opener =
          DiskSessionStore.in(directory).durability(durability).access(access);
      try (SessionStore store = opener.open(CLIENT)) {
        store.load();
        commit(store, 0);
        access.left = working;
        long number = 0;
        MqttStoreException failure = null;
        while (failure == null) {
          try {
            commit(store, number + 1);
            number++;
          } catch (MqttStoreException e) {
            failure = e;
          }
        }
        assertThat(failure)
            .hasMessageContaining(directory.getFileName().toString())
            .hasMessageContaining("No space left on device");
        assertThatThrownBy(store::commit).isInstanceOf(MqttStoreException.class);
        // Told anew while the disk is still full: it fails again, and harms nothing.
        store.clear();
        store.putOutgoing(queued(77_777));
        assertThatThrownBy(store::commit).isInstanceOf(MqttStoreException.class);
        List<Long> found =
            positions(load(Samples.copy(directory, base.resolve("a" + working))).outgoing());
        // A sync that fails comes after the writes: what it was to make last may be there.
        assertThat(found).isIn(expectedAfter(number), expectedAfter(number + 1));
        access.left = Integer.MAX_VALUE;
        store.clear();
        store.putOutgoing(queued(1));
        store.putPublished(1, 9);
        store.putOutgoing(queued(2));
        assertThat(positions(load(Samples.copy(directory, base.resolve("b" + working))).outgoing()))
            .isEqualTo(found);
        store.commit();
        assertThat(positions(load(Samples.copy(directory, base.resolve("c" + working))).outgoing()))
            .containsExactly(1L, 2L);
        store.removeOutgoing(2);
        store.putOutgoing(queued(3));
        store.commit();
      }
      assertThat(positions(load(directory).outgoing())).containsExactly(1L, 3L);
      assertThat(CrashPropertyTest.damagedFiles(directory)).isZero();
    }
  }

  @Test
  void anOpeningThatFailsAtAnyWriteIsAClearErrorAndCanBeRepeated() {
    for (int working = 0; ; working++) {
      Path directory = base.resolve("opening" + working);
      FaultyAccess access = new FaultyAccess();
      access.left = working;
      DiskSessionStore opener = DiskSessionStore.in(directory).access(access);
      boolean opened = false;
      try {
        opener.open(CLIENT).close();
        opened = true;
      } catch (MqttStoreException e) {
        assertThat(e).hasMessageContaining(directory.toString());
      }
      if (opened && access.left > 0) {
        return;
      }
      access.left = Integer.MAX_VALUE;
      try (SessionStore store = opener.open(CLIENT)) {
        assertThat(store.load().outgoing()).isEmpty();
      }
    }
  }

  @Test
  void oneCommitIsOneSyncAndNoneWhereNothingMustLast() {
    FaultyAccess access = new FaultyAccess();
    try (SessionStore store =
        DiskSessionStore.in(base.resolve("syncs")).access(access).open(CLIENT)) {
      store.load();
      commit(store, 0);
      for (long number = 1; number < 20; number++) {
        int before = access.syncs;
        commit(store, number);
        assertThat(access.syncs - before).isEqualTo(1);
        store.commit();
        store.removeOutgoing(number * 10 + 9);
        store.commit();
        assertThat(access.syncs - before).isEqualTo(1);
      }
    }
  }

  @Test
  void theFileFollowsWhatItHolds() {
    Path directory = base.resolve("growth");
    long largest = 0;
    try (SessionStore store =
        DiskSessionStore.in(directory).durability(Durability.OS).open(CLIENT)) {
      store.load();
      for (long position = 0; position < 200_000; position++) {
        store.putOutgoing(queued(position));
        // One in a thousand stays.
        if (position >= 100 && (position - 100) % 1_000 != 0) {
          store.removeOutgoing(position - 100);
        }
        if (position % 40 == 39) {
          store.commit();
          largest = Math.max(largest, directory.resolve("session.db").toFile().length());
        }
      }
    }
    assertThat(load(directory).outgoing()).hasSize(300);
    assertThat(largest).isLessThan(2_000_000);
    assertThat(directory.resolve("session.db").toFile().length()).isLessThan(1_000_000);
  }
}
