// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

/** What is still reachable, for tests that nothing grows. */
final class UsedHeap {
  private static final int COLLECTIONS = 5;

  private UsedHeap() {}

  /** Returns how many bytes are in use after a collection, as exactly as the JVM tells. */
  static long afterCollection() {
    Runtime runtime = Runtime.getRuntime();
    long least = Long.MAX_VALUE;
    for (int i = 0; i < COLLECTIONS; i++) {
      System.gc();
      least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
    }
    return least;
  }
}
