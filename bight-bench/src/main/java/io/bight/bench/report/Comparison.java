// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.report;

import io.bight.bench.peer.PeerName;
import io.bight.bench.work.WorkName;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The series of one work, side by side.
 *
 * @param work what was done
 * @param payloadBytes of each message
 * @param series one for each peer and point, in the order of the peers
 * @param failures what did not work, in words
 */
record Comparison(WorkName work, int payloadBytes, List<Series> series, List<String> failures) {
  /** Of these more is better, of all others less. */
  private static final Set<String> MORE_IS_BETTER = Set.of("messages_per_second");

  /** Figures that say how it was measured, and rank nobody. */
  private static final Set<String> CIRCUMSTANCES =
      Set.of(
          "measured_seconds",
          "idle_seconds",
          "pings",
          "collections",
          "sink_cpu_percent",
          "cpu_percent",
          "dropped_percent",
          "max_micros");

  /**
   * How a figure of Bight's stands to the best among the Java peers.
   *
   * @param figure its name
   * @param point where on the curve
   * @param best the peer that is best in it
   * @param ratio Bight's median by the best peer's
   */
  record Ratio(String figure, int point, String best, double ratio) {}

  String fileName() {
    return payloadBytes == 64 ? work.text() : work.text() + "-" + payloadBytes;
  }

  Set<String> figures() {
    Set<String> names = new LinkedHashSet<>();
    names.add(work.mainFigure());
    series.forEach(each -> names.addAll(each.figures()));
    return names;
  }

  static boolean isMoreBetter(String figure) {
    return MORE_IS_BETTER.contains(figure);
  }

  List<Ratio> ratios() {
    List<Ratio> ratios = new ArrayList<>();
    for (int point : points()) {
      Optional<Series> bight = find(PeerName.BIGHT.text(), point);
      if (bight.isEmpty()) {
        continue;
      }
      for (String figure : figures()) {
        if (bight.get().has(figure) && isRanked(figure)) {
          best(figure, point)
              .ifPresent(
                  best ->
                      ratios.add(
                          new Ratio(
                              figure,
                              point,
                              best.peer(),
                              bight.get().median(figure) / best.median(figure))));
        }
      }
    }
    return ratios;
  }

  private boolean isRanked(String figure) {
    return figure.equals(work.mainFigure()) || !CIRCUMSTANCES.contains(figure);
  }

  List<Integer> points() {
    return series.stream().map(Series::point).distinct().toList();
  }

  Optional<Series> find(String peer, int point) {
    return series.stream()
        .filter(each -> each.peer().equals(peer) && each.point() == point)
        .findFirst();
  }

  private Optional<Series> best(String figure, int point) {
    Series best = null;
    for (Series each : series) {
      if (each.point() != point || !each.has(figure) || !PeerName.of(each.peer()).isJavaPeer()) {
        continue;
      }
      // A ratio to nothing says nothing.
      double value = each.median(figure);
      if (value > 0 && (best == null || isMoreBetter(figure) == value > best.median(figure))) {
        best = each;
      }
    }
    return Optional.ofNullable(best);
  }
}
