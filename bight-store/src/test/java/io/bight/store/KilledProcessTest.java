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
import io.bight.mqtt.engine.StoredSession;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Another process has the store, and is killed in the middle of its work. */
class KilledProcessTest {
  private static final int MESSAGES_PER_COMMIT = 7;

  @TempDir Path directory;

  /** Commits until it is killed, and says after each commit how far it has come. */
  static final class Child {
    private Child() {}

    /** Begins here: directory, durability. */
    public static void main(String[] arguments) {
      SessionStore store =
          DiskSessionStore.in(Path.of(arguments[0]))
              .durability(Durability.valueOf(arguments[1]))
              .open(CLIENT);
      List<StoredPublish> found = store.load().outgoing();
      long commit =
          found.isEmpty() ? 0 : found.get(found.size() - 1).position() / MESSAGES_PER_COMMIT + 1;
      StringBuilder line = new StringBuilder();
      while (true) {
        for (int i = 0; i < MESSAGES_PER_COMMIT; i++) {
          store.putOutgoing(queued(commit * MESSAGES_PER_COMMIT + i));
          store.removeOutgoing((commit - 3) * MESSAGES_PER_COMMIT + i);
        }
        int identifier = (int) (commit % 65_535) + 1;
        store.removeIncoming(identifier == 1 ? 65_535 : identifier - 1);
        store.commit();
        store.putIncoming(identifier);
        line.setLength(0);
        System.out.println(line.append(commit).append(' ').append(identifier));
        commit++;
      }
    }
  }

  private Process start(Durability durability) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Child.class.getName(),
            directory.toString(),
            durability.name())
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  @ParameterizedTest
  @EnumSource
  void whatItCommittedIsThereInWholeCommits(Durability durability) throws Exception {
    Random random = new Random(durability.name().hashCode());
    for (int kill = 0; kill < 2; kill++) {
      Process child = start(durability);
      String last = "";
      try (BufferedReader output =
          new BufferedReader(
              new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
        int lines = 1 + random.nextInt(300);
        for (String line = output.readLine(); line != null; line = output.readLine()) {
          // The very last line may be cut off.
          last = line.matches("\\d+ \\d+") && line.length() >= last.length() ? line : last;
          if (--lines == 0) {
            // By its handle: the process itself would close what is still to be read.
            child.toHandle().destroyForcibly();
          }
        }
      } finally {
        child.destroyForcibly().waitFor();
      }
      long commit = Long.parseLong(last.split(" ")[0]);
      int identifier = Integer.parseInt(last.split(" ")[1]);
      StoredSession found = load(directory);
      assertThat(found.outgoing()).as(last).isNotEmpty();
      long first = found.outgoing().get(0).position();
      long end = found.outgoing().get(found.outgoing().size() - 1).position() + 1;
      assertThat(first % MESSAGES_PER_COMMIT).as("whole commits").isZero();
      assertThat(end % MESSAGES_PER_COMMIT).as("whole commits").isZero();
      assertThat(end - first).as("without gaps").isEqualTo(found.outgoing().size());
      long commits = end / MESSAGES_PER_COMMIT;
      assertThat(commits).isGreaterThanOrEqualTo(commit + 1);
      assertThat(found.outgoing().size() / MESSAGES_PER_COMMIT)
          .isEqualTo((int) Math.min(3, commits));
      if (commits == commit + 1) {
        assertThat(found.incoming()).contains(identifier);
      }
      assertThat(CrashPropertyTest.damagedFiles(directory)).isZero();
    }
  }

  @Test
  void itsDirectoryIsRefusedWithItsNumberUntilItIsKilled() throws Exception {
    Process child = start(Durability.OS);
    try {
      child.getInputStream().read(); // it has the directory
      assertThatThrownBy(() -> DiskSessionStore.in(directory).open(CLIENT))
          .isInstanceOf(MqttStoreException.class)
          .hasMessageContaining(directory.toRealPath().toString())
          .hasMessageContaining("in use by process " + child.pid());
    } finally {
      child.destroyForcibly().waitFor();
    }
    assertThat(load(directory).outgoing()).isNotEmpty();
  }
}
