// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each page of docs/howto shows the program that the build compiles and {@link HowtoTest} runs.
 * With {@code -Dhowto.update=true} the program is copied into the page.
 */
class HowtoPagesTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  private static final Path PAGES = ROOT.resolve("docs/howto");
  private static final Path PROGRAMS =
      ROOT.resolve("bight-examples/src/main/java/io/bight/examples");
  private static final Pattern PROGRAM =
      Pattern.compile("^The program is \\[(\\w+)]\\(.*/\\1\\.java\\)", Pattern.MULTILINE);
  private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  static List<String> pages() throws IOException {
    try (Stream<Path> files = Files.list(PAGES)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.equals("README.md"))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("pages")
  void pageShowsItsProgramAndTellsHowToRunIt(String name) throws Exception {
    Path file = PAGES.resolve(name);
    String page = Files.readString(file);
    Matcher link = PROGRAM.matcher(page);
    assertThat(link.find()).as("the page names its program").isTrue();
    String program = link.group(1);
    String source = Files.readString(PROGRAMS.resolve(program + ".java"));
    String shown = source.substring(source.indexOf("import "));
    Matcher code = CODE.matcher(page);
    assertThat(code.find()).as("the page shows its program").isTrue();
    if (Boolean.getBoolean("howto.update")) {
      Files.writeString(
          file, page.substring(0, code.start(1)) + shown + page.substring(code.end(1)));
      return;
    }
    assertThat(code.group(1)).isEqualTo(shown);
    assertThat(page)
        .contains("./bight bight-examples/src/main/java/io/bight/examples/" + program + ".java");
    assertThat(Stream.of(HowtoTest.class.getDeclaredMethods()).map(method -> method.getName()))
        .as("a test of HowtoTest runs it")
        .anyMatch(
            test ->
                test.startsWith(Character.toLowerCase(program.charAt(0)) + program.substring(1)));
  }

  @Test
  void indexListsEachPageByItsQuestion() throws Exception {
    String index = Files.readString(PAGES.resolve("README.md"));
    for (String name : pages()) {
      String question = Files.readString(PAGES.resolve(name)).lines().findFirst().orElseThrow();
      assertThat(index).contains("- [" + question.substring("# ".length()) + "](" + name + ")");
    }
    assertThat(index.lines().filter(line -> line.startsWith("- ["))).hasSameSizeAs(pages());
  }
}
