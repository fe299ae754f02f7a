// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

/** Hears of each message of a subscription; it is acknowledged when this returns. */
@FunctionalInterface
public interface Arrival {
  void onMessage(int payloadBytes);
}
