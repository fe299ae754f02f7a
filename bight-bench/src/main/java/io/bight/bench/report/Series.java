// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.report;

import io.bight.bench.work.Figures;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.DoubleStream;

/**
 * What one peer has measured in the rounds of a run, at one point of a curve.
 *
 * @param peer its name
 * @param point where on the curve; 0 without one
 * @param rounds a set of figures for each process
 */
record Series(String peer, int point, List<Figures> rounds) {
  Series(String peer, int point) {
    this(peer, point, new ArrayList<>());
  }

  Set<String> figures() {
    Set<String> names = new LinkedHashSet<>();
    rounds.forEach(round -> names.addAll(round.values().keySet()));
    return names;
  }

  boolean has(String figure) {
    return !rounds.isEmpty() && rounds.get(0).values().containsKey(figure);
  }

  double median(String figure) {
    double[] sorted = values(figure).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  double min(String figure) {
    return values(figure).min().orElse(0);
  }

  double max(String figure) {
    return values(figure).max().orElse(0);
  }

  private DoubleStream values(String figure) {
    return rounds.stream().mapToDouble(round -> round.get(figure));
  }
}
