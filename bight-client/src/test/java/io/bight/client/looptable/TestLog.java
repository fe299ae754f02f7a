// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** What is logged while something runs, from the file that the tests log to. */
final class TestLog {
  private static final Path FILE = Path.of(System.getProperty("org.slf4j.simpleLogger.logFile"));

  private TestLog() {}

  static List<String> during(Runnable action) {
    try {
      int before = Files.readAllBytes(FILE).length;
      action.run();
      byte[] all = Files.readAllBytes(FILE);
      byte[] added = Arrays.copyOfRange(all, before, all.length);
      return new String(added, StandardCharsets.UTF_8).lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
