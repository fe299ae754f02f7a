// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.stream.Collectors;

/** The last lines of the broker's log. Any thread may write and read. */
final class RecentLog {

  private static final int MAXIMUM_LINES = 500;

  private final Deque<String> lines = new ArrayDeque<>();

  synchronized void add(String line) {
    if (lines.size() == MAXIMUM_LINES) {
      lines.removeFirst();
    }
    lines.addLast(line);
  }

  synchronized List<String> lines() {
    return List.copyOf(lines);
  }

  synchronized String errors() {
    return lines.stream()
        .filter(line -> line.startsWith("ERROR"))
        .collect(Collectors.joining("; "));
  }
}
