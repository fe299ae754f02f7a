// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;

/** What happened, line by line; the newest lines only, so that it stays readable. */
final class Transcript {
  private static final int LINES_KEPT = 2_000;

  private final long startNanos;
  private final Deque<String> lines = new ArrayDeque<>();
  private long forgotten;

  Transcript(long startNanos) {
    this.startNanos = startNanos;
  }

  void add(long nowNanos, int connection, String line) {
    double seconds = (nowNanos - startNanos) / 1e9;
    lines.add(String.format(Locale.ROOT, "%8.3f s [%d] %s", seconds, connection, line));
    if (lines.size() > LINES_KEPT) {
      lines.remove();
      forgotten++;
    }
  }

  @Override
  public String toString() {
    String all = String.join("\n", lines);
    return forgotten == 0 ? all : "(" + forgotten + " earlier lines are not kept)\n" + all;
  }
}
