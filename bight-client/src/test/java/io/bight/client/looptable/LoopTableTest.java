// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The last column of docs/loop-table.md names the tests that exist, all of them and no others. With
 * {@code -Dloop-table.update=true} it is written anew.
 */
class LoopTableTest {
  private static final Path PAGE = Path.of("../docs/loop-table.md");
  private static final Pattern TEST = Pattern.compile("void ([lmrbe]\\d+[A-Z]\\w*)\\(");
  private static final Pattern ROW = Pattern.compile("\\| ([LMRBE]\\d+) \\|.*");

  /** The rows that a test's name begins with: one, or more joined by "And". */
  private static final Pattern ROWS_OF_A_TEST =
      Pattern.compile("(?:^|And)([lmrbeLMRBE]\\d+)(?=[A-Z])");

  @Test
  void pageNamesEveryTestOfARowAndNoOther() throws IOException {
    Map<String, Map<String, List<String>>> tests = testsByRowAndClass();
    List<String> expected = new ArrayList<>();
    for (String line : Files.readAllLines(PAGE)) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        String head = line.substring(0, line.lastIndexOf('|', line.length() - 2) + 1);
        expected.add(head + " " + cell(tests.getOrDefault(row.group(1), Map.of())) + " |");
      } else {
        expected.add(line);
      }
    }
    if (Boolean.getBoolean("loop-table.update")) {
      Files.write(PAGE, expected);
    }
    assertThat(Files.readAllLines(PAGE)).isEqualTo(expected);
    assertThat(tests).isNotEmpty();
  }

  private static Map<String, Map<String, List<String>>> testsByRowAndClass() throws IOException {
    Map<String, Map<String, List<String>>> tests = new TreeMap<>();
    try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
      for (Path file : files.filter(path -> path.toString().endsWith("Test.java")).toList()) {
        String className = file.getFileName().toString().replace(".java", "");
        Matcher test = TEST.matcher(Files.readString(file));
        while (test.find()) {
          Matcher row = ROWS_OF_A_TEST.matcher(test.group(1));
          while (row.find()) {
            tests
                .computeIfAbsent(row.group(1).toUpperCase(Locale.ROOT), none -> new TreeMap<>())
                .computeIfAbsent(className, none -> new ArrayList<>())
                .add("`" + test.group(1) + "`");
          }
        }
      }
    }
    return tests;
  }

  private static String cell(Map<String, List<String>> testsByClass) {
    List<String> cells = new ArrayList<>();
    testsByClass.forEach((name, tests) -> cells.add(name + ": " + String.join(", ", tests)));
    return String.join("; ", cells);
  }
}
