// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.report;

import io.bight.bench.work.Figures;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** A comparison as text, for a terminal: medians with their ranges, and the ratios below. */
final class Table {
  private static final Set<String> HIDDEN = Set.of("measured_seconds", "idle_seconds");

  private Table() {}

  static String of(Comparison comparison) {
    List<String> figures =
        comparison.figures().stream()
            .filter(figure -> !HIDDEN.contains(figure))
            .collect(Collectors.toCollection(ArrayList::new));
    boolean curve = comparison.work().isCurve();
    List<List<String>> rows = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("peer"));
    if (curve) {
      head.add("at");
    }
    head.addAll(figures);
    rows.add(head);
    for (Series series : comparison.series()) {
      List<String> row = new ArrayList<>(List.of(series.peer()));
      if (curve) {
        row.add(String.valueOf(series.point()));
      }
      for (String figure : figures) {
        row.add(series.has(figure) ? cell(series, figure) : "-");
      }
      rows.add(row);
    }
    StringBuilder text = new StringBuilder();
    text.append(comparison.work().text()).append(": ").append(comparison.work().description());
    text.append(", payload ").append(comparison.payloadBytes()).append(" B\n");
    appendRows(text, rows);
    appendRatios(text, comparison, curve);
    comparison.failures().forEach(failure -> text.append("  ! ").append(failure).append('\n'));
    return text.toString();
  }

  private static String cell(Series series, String figure) {
    String median = readable(series.median(figure));
    return series.rounds().size() == 1
        ? median
        : median + " (" + readable(series.min(figure)) + ".." + readable(series.max(figure)) + ")";
  }

  private static void appendRows(StringBuilder text, List<List<String>> rows) {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      text.append("  ");
      for (int i = 0; i < columns; i++) {
        String padding = " ".repeat(widths[i] - row.get(i).length());
        text.append(i == 0 ? row.get(i) + padding : "  " + padding + row.get(i));
      }
      text.append('\n');
    }
  }

  /** A line for each peer that is best in something. */
  private static void appendRatios(StringBuilder text, Comparison comparison, boolean curve) {
    Map<String, String> lines =
        comparison.ratios().stream()
            .collect(
                Collectors.groupingBy(
                    ratio ->
                        (curve ? "at " + ratio.point() + ", " : "") + "bight / " + ratio.best(),
                    LinkedHashMap::new,
                    Collectors.mapping(
                        ratio ->
                            ratio.figure()
                                + " "
                                + String.format(Locale.ROOT, "%.2f", ratio.ratio()),
                        Collectors.joining(", "))));
    lines.forEach(
        (who, what) -> text.append("  ").append(who).append(": ").append(what).append('\n'));
  }

  /** Three digits that count, and a letter for thousands and millions. */
  static String readable(double value) {
    double size = Math.abs(value);
    if (size >= 9_999_500) {
      return String.format(Locale.ROOT, "%.1fM", value / 1e6);
    }
    if (size >= 999_500) {
      return String.format(Locale.ROOT, "%.2fM", value / 1e6);
    }
    if (size >= 9_999.5) {
      return String.format(Locale.ROOT, "%.0fk", value / 1e3);
    }
    if (size >= 99.95) {
      return String.format(Locale.ROOT, "%.0f", value);
    }
    return Figures.number(Math.round(value * 100) / 100.0);
  }
}
