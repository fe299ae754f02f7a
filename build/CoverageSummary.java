// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Prints one line of test coverage per module and one for all, from the CSV reports that JaCoCo
 * leaves in {@code bight-*}{@code /target}. Run from the repository's root.
 */
final class CoverageSummary {
  /** Covered and missed lines and branches of one module, or of all. */
  private record Counts(long lines, long linesMissed, long branches, long branchesMissed) {
    Counts plus(Counts other) {
      return new Counts(
          lines + other.lines,
          linesMissed + other.linesMissed,
          branches + other.branches,
          branchesMissed + other.branchesMissed);
    }

    String line(String name) {
      return String.format(
          "%-16s lines %s of %6d   branches %s of %6d",
          name,
          percent(lines, linesMissed),
          lines + linesMissed,
          percent(branches, branchesMissed),
          branches + branchesMissed);
    }

    private static String percent(long covered, long missed) {
      long all = covered + missed;
      return all == 0 ? "    -  " : String.format("%5.1f %%", 100.0 * covered / all);
    }
  }

  private static final Counts NONE = new Counts(0, 0, 0, 0);

  private CoverageSummary() {}

  public static void main(String[] arguments) throws IOException {
    List<Path> reports;
    try (Stream<Path> modules = Files.list(Path.of("."))) {
      reports =
          modules
              .map(module -> module.resolve("target/site/jacoco/jacoco.csv"))
              .filter(Files::isRegularFile)
              .sorted()
              .toList();
    }
    Counts all = NONE;
    System.out.println("Coverage of each module by its own tests");
    for (Path report : reports) {
      Counts counts = read(report);
      all = all.plus(counts);
      System.out.println(counts.line(report.getName(1).toString()));
    }
    System.out.println(all.line("all"));
  }

  private static Counts read(Path report) throws IOException {
    List<String> rows = Files.readAllLines(report);
    List<String> header = List.of(rows.get(0).split(","));
    int lines = header.indexOf("LINE_COVERED");
    int linesMissed = header.indexOf("LINE_MISSED");
    int branches = header.indexOf("BRANCH_COVERED");
    int branchesMissed = header.indexOf("BRANCH_MISSED");
    Counts counts = NONE;
    for (String row : rows.subList(1, rows.size())) {
      String[] cells = row.split(",");
      counts =
          counts.plus(
              new Counts(
                  Long.parseLong(cells[lines]),
                  Long.parseLong(cells[linesMissed]),
                  Long.parseLong(cells[branches]),
                  Long.parseLong(cells[branchesMissed])));
    }
    return counts;
  }
}
