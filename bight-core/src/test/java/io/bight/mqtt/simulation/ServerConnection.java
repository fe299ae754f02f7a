// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;

/** What the server keeps as long as a connection. */
final class ServerConnection {
  /** An answer that waits to be sent; answers keep their order [MQTT-4.6.0-2 to -4]. */
  static final class Answer {
    final int type;
    final int packetIdentifier;
    final int reasonCode;
    final OutMessage message;
    final int[] codes;

    Answer(int type, int packetIdentifier, int reasonCode, OutMessage message, int[] codes) {
      this.type = type;
      this.packetIdentifier = packetIdentifier;
      this.reasonCode = reasonCode;
      this.message = message;
      this.codes = codes;
    }
  }

  final Link link;
  boolean version5;
  boolean accepted;
  int receiveMaximum;
  int keepAliveSeconds;
  long lastPacketNanos;

  /** Whether the server answers nothing any more on this connection. */
  boolean withholds;

  final ArrayDeque<Answer> answers = new ArrayDeque<>();
  boolean answersScheduled;

  // The client's messages

  /** Packet identifiers of messages sent here and not answered to the end [MQTT-3.3.4-7]. */
  final Set<Integer> unanswered = new HashSet<>();

  /** PUBRECs that were sent and whose PUBREL has not come, in their order [MQTT-4.6.0-4]. */
  final ArrayDeque<Integer> awaitingPubrel = new ArrayDeque<>();

  /** SUBSCRIBE and UNSUBSCRIBE that are not answered. */
  final ArrayDeque<Integer> requests = new ArrayDeque<>();

  // Messages for the client, in the order sent
  final ArrayDeque<ServerSession.Entry> awaitingPuback = new ArrayDeque<>();
  final ArrayDeque<ServerSession.Entry> awaitingPubrec = new ArrayDeque<>();

  /** What of the client's receive maximum is used. */
  int quotaUsed;

  ServerConnection(Link link) {
    this.link = link;
  }
}
