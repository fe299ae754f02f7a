// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.sink;

/** What a sink has seen since it started; written by its thread alone. */
final class SinkCounts {
  long connects;
  long publishes;
  long payloadBytes;

  /** PUBREL, that is, QoS 2 messages that are complete. */
  long completed;

  long subscriptions;

  /** Messages of floods. */
  long sent;

  long acknowledged;

  /** Acknowledgements of what was not in flight. */
  long wrong;

  long pings;

  @Override
  public String toString() {
    return "connects="
        + connects
        + " publishes="
        + publishes
        + " payloadBytes="
        + payloadBytes
        + " completed="
        + completed
        + " subscriptions="
        + subscriptions
        + " sent="
        + sent
        + " acknowledged="
        + acknowledged
        + " wrong="
        + wrong
        + " pings="
        + pings;
  }
}
