// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.testkit.ScriptedServer;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client identifier in SLF4J's MDC, in a child process whose logging backend has one. */
@Timeout(60)
class LogContextTest {
  @Test
  void clientIdentifierIsInTheMdcWhileAThreadWorksForTheClientAndOnlyThen(@TempDir Path folder)
      throws Exception {
    Path file = folder.resolve("output");
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      Process process =
          new ProcessBuilder(
                  System.getProperty("java.home")
                      + File.separator
                      + "bin"
                      + File.separator
                      + "java",
                  "-Dslf4j.provider=" + LogProviderWithMdc.class.getName(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  LogContextProgram.class.getName(),
                  server.uri().toString())
              .redirectErrorStream(true)
              .redirectOutput(file.toFile())
              .start();
      boolean ended = process.waitFor(30, TimeUnit.SECONDS);
      process.destroyForcibly();
      String output = Files.readString(file);
      assertThat(ended).as(output).isTrue();
      List<String> lines = output.lines().toList();
      assertThat(lines)
          .as(output)
          .contains(
              "one connected: one",
              "two connected: two",
              "between: main's own",
              "two published: two",
              "two's stage: two",
              "one received: one",
              "two disconnected: two",
              "one again: one",
              "after: main's own");
      assertThat(lines)
          .as("the client's own lines")
          .anyMatch(line -> line.startsWith("[three] client 'three' of mqtt://127.0.0.1:1"));
    }
  }
}
