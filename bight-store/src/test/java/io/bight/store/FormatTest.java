// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import static io.bight.store.Samples.CLIENT;
import static io.bight.store.Samples.queued;
import static io.bight.store.Samples.subscription;
import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.StoredSession;
import io.bight.mqtt.engine.StoredSession.Standing;
import io.bight.mqtt.engine.StoredSubscription.State;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that an earlier version has written are read by this one. They are never written anew. */
class FormatTest {
  private static final List<String> FILES = List.of("identity", "incoming", "session.db");

  @TempDir Path directory;

  @Test
  void filesOfFormatOneAreReadAndAreOfThePresentOneFromThenOn() throws IOException {
    assertRead(1);
    assertThat(directory.resolve("identity")).content().startsWith("bight-session 2\n");
  }

  @Test
  void filesOfFormatTwoAreRead() throws IOException {
    assertRead(2);
  }

  private void assertRead(int format) throws IOException {
    for (String name : FILES) {
      String resource = "/format-" + format + "/" + name;
      try (InputStream file = FormatTest.class.getResourceAsStream(resource)) {
        Files.copy(file, directory.resolve(name));
      }
    }
    SessionModel expected = new SessionModel();
    fill(expected, format);
    StoredSession found =
        Samples.load(DiskSessionStore.in(directory).clock(new Samples.SetClock()));
    assertThat(found).isEqualTo(expected.afterCrash());
    assertThat(found.outgoing()).hasSize(62);
    assertThat(found.incoming()).containsExactly(7, 65_535);
    assertThat(found.standing()).isEqualTo(Standing.UNCERTAIN);
    assertThat(CrashPropertyTest.damagedFiles(directory)).isZero();
  }

  private static void fill(SessionStore store, int format) {
    Random random = new Random(1);
    List<StoredPublish> messages =
        LongStream.range(0, 60).mapToObj(position -> Samples.full(position, random)).toList();
    messages.forEach(store::putOutgoing);
    store.putSubscription(subscription("a/#", true));
    store.putSubscription(subscription("b/+", false));
    if (format > 1) {
      store.putSubscription(subscription("c", State.ASKED));
      store.putSubscription(subscription("d", State.UNWANTED));
    }
    store.commit();
    for (long position = 100; position < 103; position++) {
      store.putOutgoing(queued(position));
      store.putPublished(position, (int) position);
      store.commit();
    }
    store.putReleased(101);
    store.putQueuedAgain(102);
    store.removeOutgoing(100);
    store.putIncoming(7);
    store.putIncoming(8);
    store.putIncoming(65_535);
    store.putConnected(3_600);
    store.commit();
    store.removeIncoming(8);
    store.putConnecting();
    store.commit();
  }

  /** Writes the files of the present format: once, when there is a new one. */
  static final class Writer {
    private Writer() {}

    /** Begins here: a directory. */
    public static void main(String[] arguments) {
      try (SessionStore store =
          DiskSessionStore.in(Path.of(arguments[0])).clock(new Samples.SetClock()).open(CLIENT)) {
        store.load();
        fill(store, SessionFiles.FORMAT_VERSION);
      }
    }
  }
}
