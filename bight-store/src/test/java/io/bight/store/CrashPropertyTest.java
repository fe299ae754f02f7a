// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredSubscription;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/**
 * Any calls, killed between any two of them, again and again: what is found is what is promised.
 */
class CrashPropertyTest {
  @Property(tries = 150)
  void theNextProcessFindsTheLastCommit(
      @ForAll long seed,
      @ForAll Durability durability,
      @ForAll @IntRange(min = 1, max = 4) int crashes,
      @ForAll @IntRange(min = 1, max = 120) int operations)
      throws IOException {
    Path base = Files.createTempDirectory("bight-store");
    Samples.SetClock clock = new Samples.SetClock();
    Random random = new Random(seed);
    SessionModel model = new SessionModel();
    Path directory = base.resolve("0");
    try {
      for (int crash = 1; crash <= crashes; crash++) {
        DiskSessionStore opener =
            DiskSessionStore.in(directory).durability(durability).clock(clock);
        try (SessionStore store = opener.open(Samples.CLIENT)) {
          assertThat(store.load()).isEqualTo(model.afterCrash());
          for (int i = random.nextInt(operations + 1); i > 0; i--) {
            Operation operation = operation(random, model);
            operation.on(store);
            operation.on(model);
          }
          directory = Samples.copy(directory, base.resolve(String.valueOf(crash)));
        }
        model.crash();
      }
      try (SessionStore store = DiskSessionStore.in(directory).clock(clock).open(Samples.CLIENT)) {
        assertThat(store.load()).isEqualTo(model.afterCrash());
      }
      assertThat(damagedFiles(directory)).isZero();
    } finally {
      delete(base);
    }
  }

  private interface Operation {
    void on(SessionStore store);
  }

  private static Operation operation(Random random, SessionModel model) {
    long position = random.nextInt(20);
    // What is released is not sent anew.
    boolean mayBeSent = !model.isReleased(position);
    int identifier = random.nextInt(20) == 0 ? 65_535 : 1 + random.nextInt(70);
    String filter = "f/" + random.nextInt(5);
    boolean granted = random.nextBoolean();
    var state = StoredSubscription.State.values()[random.nextInt(4)];
    long seed = random.nextLong();
    long expiry = random.nextInt(3) * 1_000L;
    return switch (random.nextInt(18)) {
      case 0, 1, 2, 3 -> store -> store.putOutgoing(Samples.full(position, new Random(seed)));
      case 4, 5 ->
          store -> {
            if (mayBeSent) {
              store.putPublished(position, identifier);
            }
          };
      case 6 ->
          store -> {
            if (mayBeSent) {
              store.putPublished(position, identifier);
            }
            store.putReleased(position);
          };
      case 7 ->
          store -> {
            if (mayBeSent) {
              store.putQueuedAgain(position);
            }
          };
      case 8 -> store -> store.removeOutgoing(position);
      case 9, 10 -> store -> store.putIncoming(identifier);
      case 11 -> store -> store.removeIncoming(identifier);
      case 12 ->
          store -> {
            if (granted) {
              store.clearIncoming();
            } else if (seed % 3 != 0) {
              store.putConnecting();
            } else {
              store.putNotConnected();
            }
          };
      case 13 -> store -> store.putSubscription(Samples.subscription(filter, state));
      case 14 -> store -> store.removeSubscription(filter);
      case 15 ->
          store -> {
            if (granted) {
              store.putConnected(expiry);
            } else {
              store.putEnded(expiry);
            }
          };
      case 16 ->
          store -> {
            if (seed % 7 == 0) {
              store.clear();
            }
          };
      default -> SessionStore::commit;
    };
  }

  static long damagedFiles(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().contains(".damaged-")).count();
    }
  }

  static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
