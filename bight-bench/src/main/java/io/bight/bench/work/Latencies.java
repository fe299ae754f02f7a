// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import org.HdrHistogram.Histogram;

/** Puts the percentiles of a histogram of nanoseconds with the figures, as microseconds. */
final class Latencies {
  private Latencies() {}

  static Figures put(Figures figures, Histogram nanos) {
    return figures
        .put("p50_micros", nanos.getValueAtPercentile(50) / 1e3)
        .put("p99_micros", nanos.getValueAtPercentile(99) / 1e3)
        .put("p999_micros", nanos.getValueAtPercentile(99.9) / 1e3)
        .put("max_micros", nanos.getMaxValue() / 1e3);
  }
}
