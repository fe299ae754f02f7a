// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The code under test broken on purpose at one place.
 *
 * @param breaks what does not hold any more
 * @param seed the first seed that noticed it when it was last looked for
 * @param className the class that is changed, with its package
 * @param text what is replaced; stands there exactly once
 * @param replacement what stands there instead
 */
record Mutation(String breaks, long seed, String className, String text, String replacement) {
  private static final Path SOURCES = Path.of("src", "main", "java");

  /**
   * Tries the seed that was found last, then looks for another; returns the seed that fails and
   * why.
   *
   * @param simulation has a static method firstFailure for a range of seeds
   * @param most among how many seeds to look for it
   */
  Object[] find(Class<?> simulation, long most) throws ReflectiveOperationException {
    boolean searches = Boolean.getBoolean("simulation.search");
    Object[] failure = searches ? null : MutatedClasses.firstFailure(this, simulation, seed, 1);
    if (failure == null) { // the simulation has changed, and with it what a seed stands for
      failure = MutatedClasses.firstFailure(this, simulation, 1, most);
      if (failure == null) {
        throw new AssertionError("no seed of " + most + " fails although " + breaks);
      }
      System.out.printf("%6s  %s%n        %s%n", failure[0], this, failure[1]);
    }
    return failure;
  }

  /** Returns the source of the class, broken. */
  String brokenSource() {
    String source;
    try {
      source = Files.readString(SOURCES.resolve(className.replace('.', '/') + ".java"));
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
