// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** An example in a process of its own, as its reader would run it; killed if it still runs. */
final class Example implements AutoCloseable {
  private final Process process;
  private final BufferedReader out;
  private final Path errors;

  Example(Class<?> program, String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:TieredStopAtLevel=1",
                "-Djava.awt.headless=true",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
    command.addAll(List.of(arguments));
    errors = Files.createTempFile("bight-example-", ".err");
    process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    out = process.inputReader(StandardCharsets.UTF_8);
  }

  /** Returns the next line of its output, or null at the end. */
  String readLine() throws IOException {
    return out.readLine();
  }

  /** Returns the lines up to one that begins as given, this one included. */
  List<String> readUntil(String beginning) throws IOException {
    List<String> lines = new ArrayList<>();
    for (String line; (line = out.readLine()) != null; ) {
      lines.add(line);
      if (line.startsWith(beginning)) {
        return lines;
      }
    }
    throw new AssertionError(
        "ended without a line '" + beginning + "...': " + lines + "\n" + errors());
  }

  List<String> rest() {
    return out.lines().toList();
  }

  int status() throws InterruptedException {
    return process.waitFor();
  }

  /** Returns what it has written to its standard error. */
  String errors() throws IOException {
    return Files.readString(errors);
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    Files.delete(errors);
  }
}
