// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.report;

import io.bight.bench.work.Figures;
import java.util.Map;
import java.util.stream.Collectors;

/** A comparison as JSON, with every round. */
final class Json {
  private Json() {}

  static String of(Comparison comparison, Map<String, String> machine) {
    String facts =
        machine.entrySet().stream()
            .map(fact -> "    " + text(fact.getKey()) + ": " + text(fact.getValue()))
            .collect(Collectors.joining(",\n"));
    String series =
        comparison.series().stream().map(Json::series).collect(Collectors.joining(",\n"));
    String ratios =
        comparison.ratios().stream()
            .map(
                ratio ->
                    "    {\"figure\": "
                        + text(ratio.figure())
                        + ", \"at\": "
                        + ratio.point()
                        + ", \"bestPeer\": "
                        + text(ratio.best())
                        + ", \"bightByBest\": "
                        + Figures.number(ratio.ratio())
                        + "}")
            .collect(Collectors.joining(",\n"));
    String failures =
        comparison.failures().stream().map(Json::text).collect(Collectors.joining(", "));
    return "{\n  \"work\": "
        + text(comparison.work().text())
        + ",\n  \"payloadBytes\": "
        + comparison.payloadBytes()
        + ",\n  \"machine\": {\n"
        + facts
        + "\n  },\n  \"series\": [\n"
        + series
        + "\n  ],\n  \"ratios\": [\n"
        + ratios
        + "\n  ],\n  \"failures\": ["
        + failures
        + "]\n}\n";
  }

  private static String series(Series series) {
    String medians =
        series.figures().stream()
            .map(name -> text(name) + ": " + Figures.number(series.median(name)))
            .collect(Collectors.joining(", "));
    String rounds =
        series.rounds().stream().map(Figures::toString).collect(Collectors.joining(", "));
    return "    {\"peer\": "
        + text(series.peer())
        + ", \"at\": "
        + series.point()
        + ",\n     \"medians\": {"
        + medians
        + "},\n     \"rounds\": ["
        + rounds
        + "]}";
  }

  private static String text(String value) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else {
        quoted.append(c < ' ' ? ' ' : c);
      }
    }
    return quoted.append('"').toString();
  }
}
