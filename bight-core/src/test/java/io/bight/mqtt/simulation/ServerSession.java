// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.mqtt.simulation.Scenario.Identifiers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The server's half of the session [MQTT 5.0, section 4.1]. */
final class ServerSession {
  /** How far a message for the client has come. */
  enum Progress {
    QUEUED,
    PUBLISHED,
    RELEASED
  }

  /** A message for the client. */
  static final class Entry {
    final InMessage message;
    int packetIdentifier;
    Progress progress = Progress.QUEUED;

    /** The connection on which its PUBLISH or PUBREL was sent last. */
    ServerConnection sentOn;

    Entry(InMessage message) {
      this.message = message;
    }
  }

  /** Tells it from the sessions before and after it. */
  final int number;

  /** The QoS of the subscription to each topic; -1: none. */
  final int[] subscriptions = new int[Topics.ALL];

  /** Messages for the client, in their order. */
  final List<Entry> outgoing = new ArrayList<>();

  /** QoS 2 messages of the client until PUBREL, by packet identifier. */
  final Map<Integer, OutMessage> receiving = new HashMap<>();

  /** Those whose PUBREC was sent on some connection. */
  final Map<Integer, OutMessage> received = new HashMap<>();

  /** Packet identifiers that the client must not use anew: not answered to the end. */
  final Map<Integer, OutMessage> inUse = new HashMap<>();

  long expirySeconds;
  private int last;

  ServerSession(int number, Identifiers identifiers, int random) {
    this.number = number;
    Arrays.fill(subscriptions, -1);
    last =
        switch (identifiers) {
          case LOWEST_FREE -> 0;
          case GOING_ROUND -> random & 7;
          case NEAR_THE_HIGHEST -> 65_530 + (random & 3);
        };
  }

  int takePacketIdentifier(Identifiers identifiers) {
    int candidate = identifiers == Identifiers.LOWEST_FREE ? 0 : last;
    do {
      candidate = candidate == 65_535 ? 1 : candidate + 1;
    } while (isTaken(candidate));
    last = candidate;
    return candidate;
  }

  private boolean isTaken(int packetIdentifier) {
    for (Entry entry : outgoing) {
      if (entry.packetIdentifier == packetIdentifier) {
        return true;
      }
    }
    return false;
  }

  Entry find(int packetIdentifier) {
    for (Entry entry : outgoing) {
      if (entry.packetIdentifier == packetIdentifier) {
        return entry;
      }
    }
    return null;
  }

  boolean isQuiet() {
    return outgoing.isEmpty() && receiving.isEmpty() && inUse.isEmpty();
  }
}
