// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A JVM of its own that starts a broker with nothing configured, and what came of it.
 *
 * @param output what it printed on both streams
 * @param exitStatus how it ended
 */
record ChildJvm(String output, int exitStatus) {

  private static final int TIMEOUT_SECONDS = 120;

  static ChildJvm run(Path temporaryFolder, String end) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (Runtime.version().feature() >= 24) {
      // HiveMQ's Guava and JCTools use sun.misc.Unsafe, which newer JDKs report once on stderr.
      command.add("--sun-misc-unsafe-memory-access=allow");
    }
    command.add("-Djava.io.tmpdir=" + temporaryFolder);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Program.class.getName(), end));
    Path output = Files.createTempFile("child", ".out");
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
      // The JVM reports these variables on stderr.
      builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"));
      Process process = builder.start();
      boolean ended = process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS);
      process.destroyForcibly();
      assertThat(ended).as("the JVM ended by itself").isTrue();
      return new ChildJvm(Files.readString(output), process.exitValue());
    } finally {
      Files.delete(output);
    }
  }

  /** Never calls System.exit when it closes: then no thread may be left that holds the JVM. */
  static final class Program {
    public static void main(String[] arguments) throws Exception {
      EmbeddedBroker broker = EmbeddedBroker.start();
      try (RawClient client = RawClient.open(broker)) {
        client.connect("child");
      }
      if (arguments[0].equals("exit")) {
        System.exit(7);
      }
      broker.close();
    }
  }
}
