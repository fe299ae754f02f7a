// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.store.Durability;
import io.bight.testkit.PacketType;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ScriptedServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A program whose disk gets full: what cannot be stored fails and is not sent; all else lasts. */
@Timeout(120)
class FullDiskTest {
  /** How the disk is made full. */
  enum Way {
    /** A file system of a megabyte, in a mount namespace that needs no privileges. */
    SMALL_FILE_SYSTEM,
    /** A limit on the size of each file (RLIMIT_FSIZE): writes fail with EFBIG. Works anywhere. */
    LIMIT_OF_FILE_SIZE
  }

  @TempDir Path disk;

  /** Both ways, but where the system does not let us mount, only the one that is always there. */
  static List<Way> ways() throws Exception {
    Process trial =
        new ProcessBuilder("unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt")
            .redirectErrorStream(true)
            .start();
    boolean canMount = trial.waitFor() == 0;
    System.out.println("full disk: " + (canMount ? "both ways" : "unshare -Urm is not allowed"));
    return Stream.of(Way.values())
        .filter(way -> canMount || way == Way.LIMIT_OF_FILE_SIZE)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("ways")
  void whatCannotBeStoredIsNotSentAndAllGoesOnWhenThereIsRoom(Way way) throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      Process child = start(way, server);
      try (BufferedReader said = child.inputReader(StandardCharsets.UTF_8);
          PrintStream commands = new PrintStream(child.getOutputStream(), true)) {
        assertThat(said.readLine()).isEqualTo("ready");
        // What is not acknowledged stays in the store.
        server.broker().withhold(PacketType.PUBACK, Integer.MAX_VALUE);
        server.broker().withhold(PacketType.PUBREC, Integer.MAX_VALUE);
        commands.println("fill the disk");

        assertThat(said.readLine())
            .startsWith("failed: ")
            .contains("full-disk")
            .contains(way == Way.SMALL_FILE_SYSTEM ? "No space left" : "File too large");
        assertThat(said.readLine()).isEqualTo("full and CONNECTED");
        assertThat(server.connections()).as(server::transcript).isEqualTo(1);

        // Handled once; since that cannot be stored the server is not told, and asks again on
        // another connection.
        server.broker().publish("full/in", "at last", 2);
        assertThat(said.readLine()).isEqualTo("handled at last");

        commands.println("make room");
        assertThat(said.readLine()).isEqualTo("goes on");

        server.broker().withhold(PacketType.PUBACK, 0);
        server.broker().withhold(PacketType.PUBREC, 0);
        server.resetConnections(); // what is unacknowledged is repeated
        commands.println("finish");
        String done = said.readLine();
        assertThat(said.lines().toList()).isEmpty();
        assertThat(child.waitFor()).isZero();
        assertThat(done).isEqualTo("done " + new ArrayList<>(accepted(server).keySet()));
        assertThat(accepted(server))
            .allSatisfy(
                (number, times) -> {
                  if (number % 2 == 0) {
                    assertThat(times).isOne();
                  }
                });
      } finally {
        child.destroyForcibly();
      }
    }
  }

  /** How often the broker took each message. */
  private static Map<Integer, Long> accepted(ScriptedServer server) {
    return server.broker().acceptedMessages().stream()
        .collect(
            Collectors.groupingBy(
                FullDiskTest::number, java.util.TreeMap::new, Collectors.counting()));
  }

  private static int number(ReceivedPacket publish) {
    String payload = new String(publish.payload(), StandardCharsets.US_ASCII);
    return Integer.parseInt(payload.substring(0, payload.indexOf(':')));
  }

  private Process start(Way way, ScriptedServer server) throws IOException {
    List<String> command = new ArrayList<>();
    if (way == Way.SMALL_FILE_SYSTEM) {
      String mount = "mount -t tmpfs -o size=1m none \"$0\" && exec \"$@\"";
      command.addAll(List.of("unshare", "-Urm", "sh", "-c", mount, disk.toString()));
    } else {
      command.addAll(List.of("prlimit", "--fsize=500000:unlimited"));
    }
    command.addAll(ChildClassPath.command(FullDiskChild.class));
    command.addAll(
        List.of(
            server.uri().toString(),
            disk.toString(),
            (way == Way.SMALL_FILE_SYSTEM ? Durability.ALWAYS : Durability.OS).name(),
            way == Way.SMALL_FILE_SYSTEM ? "fill" : "limit"));
    Path log = Path.of("target", "full-disk.log");
    Files.createDirectories(log.toAbsolutePath().getParent());
    return new ProcessBuilder(command)
        .redirectError(ProcessBuilder.Redirect.to(log.toFile()))
        .start();
  }
}
