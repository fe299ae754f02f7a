// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import static io.bight.store.Samples.CLIENT;
import static io.bight.store.Samples.load;
import static io.bight.store.Samples.open;
import static io.bight.store.Samples.queued;
import static io.bight.store.Samples.subscription;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.StoredSession;
import io.bight.mqtt.packet.Publish;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Files that are cut, garbled, missing or not ours: a start with what is left, or a clear error.
 */
class BadFilesTest {
  private static final int COMMITS = 5;
  private static final int MESSAGES_PER_COMMIT = 5;

  private static final List<Publish> MESSAGES =
      LongStream.range(0, COMMITS * MESSAGES_PER_COMMIT)
          .mapToObj(position -> queued(position).message())
          .toList();

  @TempDir Path base;

  /** Some commits, each with messages, and one message that ends with each. */
  private Path session(String name) {
    Path directory = base.resolve(name);
    try (SessionStore store = open(directory, Durability.OS)) {
      store.load();
      store.putSubscription(subscription("a/#", true));
      for (int commit = 0; commit < COMMITS; commit++) {
        for (int i = 0; i < MESSAGES_PER_COMMIT; i++) {
          store.putOutgoing(queued((long) commit * MESSAGES_PER_COMMIT + i));
        }
        store.putPublished((long) commit * MESSAGES_PER_COMMIT + 1, 100 + commit);
        store.removeOutgoing((long) commit * MESSAGES_PER_COMMIT);
        store.putIncoming(1_000 + commit);
        store.commit();
      }
    }
    return directory;
  }

  private static Set<Long> positions(StoredSession session) {
    return session.outgoing().stream().map(StoredPublish::position).collect(Collectors.toSet());
  }

  /** What is found may be less than there was, but nothing else and nothing garbled. */
  private static void requirePlausible(StoredSession found) {
    for (StoredPublish stored : found.outgoing()) {
      if (!stored.message().equals(MESSAGES.get((int) stored.position()))) {
        throw new AssertionError(stored.position() + " is garbled: " + stored);
      }
    }
    if (!List.of(subscription("a/#", true)).containsAll(found.subscriptions())) {
      throw new AssertionError("garbled: " + found.subscriptions());
    }
  }

  @Test
  void aFileCutAtEveryByteOpensWithWhatIsLeft() throws IOException {
    Path directory = session("whole");
    byte[] whole = Files.readAllBytes(directory.resolve("session.db"));
    assertThat(whole.length).isBetween(20_000, 80_000);
    int most = 0;
    Path cut = base.resolve("cut");
    SessionFiles files = new SessionFiles(Files.createDirectories(cut), FileAccess.DIRECT);
    Files.write(files.database(), whole);
    try (FileChannel file = FileChannel.open(files.database(), StandardOpenOption.WRITE)) {
      for (int length = whole.length; length >= 0; length--) {
        file.truncate(length);
        StoredSession found = recovered(files);
        requirePlausible(found);
        most = length == whole.length ? found.outgoing().size() : most;
      }
    }
    assertThat(most).isEqualTo(COMMITS * (MESSAGES_PER_COMMIT - 1));
  }

  /** Reads as an opening does, without locks, marks and the writing of a new file. */
  private static StoredSession recovered(SessionFiles files) throws IOException {
    SessionContent content;
    try (UninterruptedFile file = files.openReadOnly(files.database())) {
      BlockScan scan = BlockScan.of(new SealedBlocks(file));
      content = new SessionRecovery(files, files.database()).read(scan);
    }
    return content == null
        ? StoredSession.EMPTY
        : new StoredSession(
            content.messages.values().stream().map(record -> record.toStored(0)).toList(),
            List.of(),
            List.copyOf(content.subscriptions.values()),
            StoredSession.Standing.KNOWN);
  }

  @Test
  void aFileCutAnywhereKeepsTheOlderCommitsAndIsKeptItself() throws IOException {
    Path directory = session("whole");
    byte[] whole = Files.readAllBytes(directory.resolve("session.db"));
    Random random = new Random(3);
    for (int i = 0; i < 60; i++) {
      Path cut = Samples.copy(directory, base.resolve("cut" + i));
      int length = random.nextInt(whole.length);
      Files.write(cut.resolve("session.db"), Arrays.copyOf(whole, length));
      StoredSession found = load(cut);
      requirePlausible(found);
      assertThat(found.incoming()).hasSize(COMMITS);
      assertThat(cut.resolve("session.db.damaged-1")).hasSize(length);
      // What was found stays, and the store works.
      try (SessionStore store = open(cut, Durability.OS)) {
        assertThat(store.load().outgoing()).isEqualTo(found.outgoing());
        store.putOutgoing(queued(1_000));
        store.commit();
      }
      assertThat(positions(load(cut))).contains(1_000L);
      assertThat(CrashPropertyTest.damagedFiles(cut)).isEqualTo(1);
    }
  }

  @Test
  void flippedBitsCostNoMoreThanTheMessagesBesideThem() throws IOException {
    Path directory = session("whole");
    byte[] whole = Files.readAllBytes(directory.resolve("session.db"));
    Set<Long> all = positions(load(Samples.copy(directory, base.resolve("all"))));
    Random random = new Random(5);
    int lost = 0;
    for (int i = 0; i < 150; i++) {
      byte[] flipped = whole.clone();
      int at = random.nextInt(whole.length);
      flipped[at] ^= (byte) (1 << random.nextInt(8));
      Path damaged = Samples.copy(directory, base.resolve("flip" + i));
      Files.write(damaged.resolve("session.db"), flipped);
      StoredSession found = load(damaged);
      requirePlausible(found);
      Set<Long> missing = new HashSet<>(all);
      missing.removeAll(positions(found));
      lost += missing.size();
      assertThat(positions(found)).as("flip at " + at).isNotEmpty();
    }
    assertThat(lost).isLessThan(150 * all.size() / 4);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 100, 4_108, 50_000})
  void garbageIsMovedAside(int length) throws IOException {
    Path directory = session("garbage");
    byte[] garbage = new byte[length];
    new Random(1).nextBytes(garbage);
    Files.write(directory.resolve("session.db"), garbage);
    StoredSession found = load(directory);
    assertThat(found.outgoing()).isEmpty();
    assertThat(found.incoming()).as("the marks are in a file of their own").hasSize(COMMITS);
    assertThat(directory.resolve("session.db.damaged-1")).hasBinaryContent(garbage);
    assertThat(load(directory).incoming()).hasSize(COMMITS);
  }

  @Test
  void damagedFilesAreKeptUpToANumber() throws IOException {
    Path directory = session("many");
    for (int i = 0; i < 12; i++) {
      Files.write(directory.resolve("session.db"), new byte[] {(byte) i});
      load(directory);
    }
    assertThat(CrashPropertyTest.damagedFiles(directory)).isEqualTo(SessionFiles.DAMAGED_KEPT);
    assertThat(directory.resolve("session.db.damaged-1")).hasBinaryContent(new byte[] {0});
    assertThat(directory.resolve("session.db.damaged-8")).hasBinaryContent(new byte[] {11});
  }

  @Test
  void aMissingFileOfThePairDoesNotTakeTheOtherWithIt() throws IOException {
    Path directory = session("no-database");
    Files.delete(directory.resolve("session.db"));
    assertThat(load(directory).incoming()).hasSize(COMMITS);
    assertThat(load(directory).incoming()).hasSize(COMMITS);

    directory = session("no-marks");
    Files.delete(directory.resolve("incoming"));
    assertThat(load(directory).incoming()).isEmpty();
    assertThat(load(directory).outgoing()).hasSize(COMMITS * (MESSAGES_PER_COMMIT - 1));

    directory = session("no-identity");
    Files.delete(directory.resolve("identity"));
    assertThat(load(directory).outgoing()).hasSize(COMMITS * (MESSAGES_PER_COMMIT - 1));
    assertThat(directory.resolve("identity")).exists();
  }

  @Test
  void marksThatAreCutOrGarbledAreReadAsFarAsTheyGo() throws IOException {
    Path directory = session("marks");
    byte[] whole = Files.readAllBytes(directory.resolve("incoming"));
    for (int length : new int[] {0, 1, 63, 4_096, 12_288, 12_288 + 1_006, whole.length - 1}) {
      Path cut = Samples.copy(directory, base.resolve("cut" + length));
      Files.write(cut.resolve("incoming"), Arrays.copyOf(whole, length));
      int expected = Math.max(0, Math.min(COMMITS, length - 12_288 - 1_000));
      assertThat(load(cut).incoming()).hasSize(expected);
      assertThat(load(cut).incoming()).hasSize(expected);
      assertThat(cut.resolve("incoming.damaged-1")).hasSize(length);
    }
    byte[] garbled = whole.clone();
    garbled[12_288 + 1_000] = 0x25;
    garbled[0] ^= 1;
    Files.write(directory.resolve("incoming"), garbled);
    assertThat(load(directory).incoming()).hasSize(COMMITS - 1);
  }

  @Test
  void marksOfAnotherSessionAreNotTaken() throws IOException {
    Path directory = session("mine");
    Path other = session("other");
    Files.copy(
        other.resolve("incoming"),
        directory.resolve("incoming"),
        StandardCopyOption.REPLACE_EXISTING);
    assertThat(load(directory).incoming()).isEmpty();
    assertThat(directory.resolve("incoming.damaged-1")).exists();
  }

  @Test
  void theDirectoryOfAnotherClientIsRefused() throws IOException {
    Path directory = session("owned");
    for (boolean damaged : new boolean[] {false, true}) {
      if (damaged) {
        Files.write(directory.resolve("identity"), new byte[] {1, 2, 3});
      }
      assertThatThrownBy(() -> DiskSessionStore.in(directory).open("hall-display"))
          .isInstanceOf(MqttStoreException.class)
          .hasMessageContaining("'kitchen-display'")
          .hasMessageContaining("'hall-display'")
          .hasMessageContaining(directory.toString());
    }
    assertThat(load(directory).outgoing()).hasSize(COMMITS * (MESSAGES_PER_COMMIT - 1));
  }

  @Test
  void aClientIdentifierMayHoldAnyCharacter() {
    String identifier = "küche\n%0A client \uD83D\uDE00";
    Path directory = base.resolve("odd");
    for (int i = 0; i < 2; i++) {
      try (SessionStore store = DiskSessionStore.in(directory).open(identifier)) {
        store.load();
      }
    }
    assertThatThrownBy(() -> DiskSessionStore.in(directory).open(CLIENT))
        .isInstanceOf(MqttStoreException.class);
  }

  @Test
  void aNewerFormatIsRefused() throws IOException {
    Path directory = session("newer");
    String format = "bight-session 3\nclient kitchen-display";
    CRC32C crc = new CRC32C();
    crc.update(format.getBytes(StandardCharsets.ISO_8859_1));
    Files.writeString(
        directory.resolve("identity"),
        format + "\nchecksum " + Long.toHexString(crc.getValue()) + "\n");
    assertThatThrownBy(() -> DiskSessionStore.in(directory).open(CLIENT))
        .isInstanceOf(MqttStoreException.class)
        .hasMessageContaining("format 3")
        .hasMessageContaining(directory.toString());
  }

  @Test
  void aFileInPlaceOfTheDirectoryIsRefused() throws IOException {
    Path file = Files.writeString(base.resolve("file"), "hello");
    assertThatThrownBy(() -> DiskSessionStore.in(file).open(CLIENT))
        .isInstanceOf(MqttStoreException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("is a file");
    assertThat(file).hasContent("hello");
    assertThatThrownBy(() -> DiskSessionStore.in(file.resolve("below")).open(CLIENT))
        .isInstanceOf(MqttStoreException.class)
        .hasMessageContaining(file.toString());
  }

  /** The JDK's own classes are a file system that nobody may write, not even root. */
  @Test
  void aReadOnlyDirectoryIsRefused() {
    Path directory = Path.of(URI.create("jrt:/java.base/java"));
    assertThatThrownBy(() -> DiskSessionStore.in(directory).open(CLIENT))
        .isInstanceOf(MqttStoreException.class)
        .hasMessageContaining(directory.toString())
        .hasMessageContaining("writable");
  }

  @Test
  void aDirectoryThatIsOpenIsRefusedUntilItIsClosed() {
    Path directory = base.resolve("open");
    try (SessionStore store = open(directory, Durability.OS)) {
      store.load();
      assertThatThrownBy(() -> DiskSessionStore.in(directory).open(CLIENT))
          .isInstanceOf(MqttStoreException.class)
          .hasMessageContaining("in use by another client of this process")
          .hasMessageContaining(directory.getFileName().toString());
      assertThatThrownBy(
              () -> DiskSessionStore.in(directory.resolve("../open").resolve(".")).open("another"))
          .isInstanceOf(MqttStoreException.class);
      store.putOutgoing(queued(1));
      store.commit();
    }
    assertThat(load(directory).outgoing()).hasSize(1);
  }

  @Test
  void positionsOfTheWholeSessionAreAsPut() {
    Set<Long> expected =
        LongStream.range(0, COMMITS * MESSAGES_PER_COMMIT)
            .filter(position -> position % MESSAGES_PER_COMMIT != 0)
            .boxed()
            .collect(Collectors.toSet());
    assertThat(positions(load(session("plain")))).isEqualTo(expected);
  }
}
