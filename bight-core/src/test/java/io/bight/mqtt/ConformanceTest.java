// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Keeps docs/conformance.md true: each statement of normative.tsv, the class that keeps it, and the
 * tests that say so by {@link Normative}. After a change of these, write the page anew with {@code
 * mvn -pl bight-core -am test -Dtest=ConformanceTest -Dsurefire.failIfNoSpecifiedTests=false
 * -Dconformance.update=true}.
 */
class ConformanceTest {
  private static final Path PAGE = Path.of("..", "docs", "conformance.md");
  private static final String WEBSOCKET = "MQTT-6.0.0-";

  private record Statement(
      String version, String id, String side, String paraphrase, List<String> classes) {
    String key() {
      return version + ":" + id;
    }
  }

  @Test
  void pageSaysWhichTestProvesWhichStatement() throws IOException {
    String expected = page(statements(), proofs());
    if (Boolean.getBoolean("conformance.update")) {
      Files.writeString(PAGE, expected);
    }
    assertThat(Files.readString(PAGE))
        .as("docs/conformance.md is not up to date; write it with -Dconformance.update=true")
        .isEqualTo(expected);
  }

  @Test
  void everyStatementButThoseOnWebSocketIsProved() {
    Map<String, SortedSet<String>> proofs = proofs();
    assertThat(statements())
        .filteredOn(statement -> !statement.id.startsWith(WEBSOCKET))
        .filteredOn(statement -> !proofs.containsKey(statement.key()))
        .isEmpty();
  }

  @Test
  void everyProofIsOfAKnownStatement() {
    List<String> known = statements().stream().map(Statement::key).toList();
    assertThat(known).doesNotHaveDuplicates().containsAll(proofs().keySet());
  }

  @Test
  void everyNamedClassExists() {
    for (Statement statement : statements()) {
      for (String name : statement.classes) {
        Path source = Path.of("src/main/java/io/bight/mqtt", name.replace('.', '/') + ".java");
        assertThat(source).as(statement.key()).exists();
      }
    }
  }

  // ---- the statements

  private static List<Statement> statements() {
    try (InputStream in = ConformanceTest.class.getResourceAsStream("/normative.tsv")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .skip(1)
          .map(line -> line.split("\t", -1))
          .map(
              cells ->
                  new Statement(
                      cells[0],
                      cells[1],
                      cells[2],
                      cells[3],
                      cells[4].equals("-") ? List.of() : List.of(cells[4].split(", "))))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- the proofs

  /** Returns the tests by version and statement. */
  private static Map<String, SortedSet<String>> proofs() {
    Map<String, SortedSet<String>> proofs = new TreeMap<>();
    for (Class<?> test : testClasses()) {
      collect(test, test.getSimpleName(), proofs);
      for (Method method : test.getDeclaredMethods()) {
        collect(method, test.getSimpleName() + "." + method.getName(), proofs);
      }
    }
    return proofs;
  }

  private static void collect(
      AnnotatedElement element, String name, Map<String, SortedSet<String>> proofs) {
    Normative normative = element.getAnnotation(Normative.class);
    if (normative != null) {
      Stream.concat(
              Arrays.stream(normative.v311()).map(id -> "3.1.1:MQTT-" + id),
              Arrays.stream(normative.v5()).map(id -> "5.0:MQTT-" + id))
          .forEach(key -> proofs.computeIfAbsent(key, none -> new TreeSet<>()).add(name));
    }
  }

  private static List<Class<?>> testClasses() {
    try {
      Path root =
          Path.of(
              ConformanceTest.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      try (Stream<Path> files = Files.walk(root)) {
        return files
            .map(file -> root.relativize(file).toString())
            .filter(file -> file.endsWith("Test.class"))
            .map(file -> file.substring(0, file.length() - 6).replace('/', '.').replace('\\', '.'))
            .sorted(Comparator.naturalOrder())
            .<Class<?>>map(ConformanceTest::load)
            .toList();
      }
    } catch (IOException | URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, ConformanceTest.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new AssertionError(e);
    }
  }

  // ---- the page

  private static String page(List<Statement> statements, Map<String, SortedSet<String>> proofs) {
    StringBuilder page = new StringBuilder();
    page.append(
        """
        # Conformance

        The normative statements of MQTT 3.1.1 and 5.0 that concern a client, in our words; the class of
        `io.bight.mqtt` that keeps each; and the tests of `bight-core` that prove it. A statement that binds the
        server is listed where the client has to notice that it was broken. The test kit's server speaks through
        another codec than ours, so a mistake cannot hide on both sides.

        Made by `ConformanceTest` from the tests' `@Normative` annotations; do not edit.

        """);
    for (String version : List.of("3.1.1", "5.0")) {
      List<Statement> its =
          statements.stream().filter(statement -> statement.version.equals(version)).toList();
      long proved = its.stream().filter(statement -> proofs.containsKey(statement.key())).count();
      page.append("## MQTT ").append(version).append("\n\n");
      page.append(proved).append(" of ").append(its.size()).append(" statements are proved");
      page.append(proved < its.size() ? "; the others are marked **open**.\n\n" : ".\n\n");
      page.append("| Statement | Side | What it says | Class | Tests |\n");
      page.append("|---|---|---|---|---|\n");
      for (Statement statement : its) {
        SortedSet<String> tests = proofs.get(statement.key());
        page.append("| ").append(statement.id);
        page.append(" | ").append(statement.side);
        page.append(" | ").append(statement.paraphrase.replace("|", "\\|"));
        page.append(" | ").append(String.join(", ", statement.classes));
        page.append(" | ").append(tests == null ? "**open**" : String.join(", ", tests));
        page.append(" |\n");
      }
      page.append("\n");
    }
    return page.toString().stripTrailing() + "\n";
  }
}
