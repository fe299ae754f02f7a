// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The engine broken on purpose at one place.
 *
 * @param breaks what does not hold any more
 * @param className the class of the engine that is changed
 * @param text what is replaced; stands there exactly once
 * @param replacement what stands there instead
 */
record Mutation(String breaks, String className, String text, String replacement) {
  static final String PACKAGE = "io.bight.mqtt.engine.";
  private static final Path SOURCES = Path.of("src", "main", "java");

  /** Returns the source of the class, broken. */
  String brokenSource() {
    String source;
    try {
      source = Files.readString(SOURCES.resolve((PACKAGE + className).replace('.', '/') + ".java"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    int at = source.indexOf(text);
    if (at < 0 || source.indexOf(text, at + 1) >= 0) {
      throw new AssertionError(
          "'"
              + breaks
              + "' is to replace a text that does not stand once in "
              + className
              + ": "
              + text);
    }
    return source.substring(0, at) + replacement + source.substring(at + text.length());
  }

  @Override
  public String toString() {
    return breaks;
  }
}
