// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program in a process of its own: this one, or one of Mosquitto's. For one thread. */
final class Program implements AutoCloseable {
  private final Process process;
  private final BufferedReader out;
  private final BufferedReader err;

  private Program(List<String> command) throws IOException {
    process = new ProcessBuilder(command).start();
    out = process.inputReader(StandardCharsets.UTF_8);
    err = process.errorReader(StandardCharsets.UTF_8);
  }

  static Program bight(String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:TieredStopAtLevel=1",
                "-Dfile.encoding=UTF-8"));
    if (Runtime.version().feature() >= 24) {
      // As the launcher does: newer JDKs warn on standard error about what libraries use.
      command.add("--sun-misc-unsafe-memory-access=allow");
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Bight.class.getName()));
    command.addAll(List.of(arguments));
    return new Program(command);
  }

  static Program of(String... command) throws IOException {
    return new Program(List.of(command));
  }

  /** Waits for a line of output. */
  String readLine() throws IOException {
    return out.readLine();
  }

  String readErrorLine() throws IOException {
    return err.readLine();
  }

  /** SIGTERM, which the program treats as it does Ctrl-C. */
  void terminate() {
    // Process.destroy would close the streams, and the last words are wanted.
    process.toHandle().destroy();
  }

  /** Waits for the end; what is left of the output is in the result. */
  CommandRun await() throws IOException, InterruptedException {
    String output = String.join("\n", out.lines().toList());
    String errors = String.join("\n", err.lines().toList());
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      throw new IllegalStateException("the program has closed its output but does not end");
    }
    return new CommandRun(process.exitValue(), output, errors);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
