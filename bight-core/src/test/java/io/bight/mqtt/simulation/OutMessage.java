// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.engine.OutgoingPublish;
import org.jspecify.annotations.Nullable;

/** What the program knows of a message that it published, and what the server has seen of it. */
final class OutMessage {
  final int number;
  final int topic;
  final int qos;
  final OfflinePolicy policy;
  final @Nullable String tag;

  // What the program was told
  @Nullable OutgoingPublish entry;
  boolean succeeded;

  /** Whether the program was told that the message will not be sent, or has taken it back. */
  boolean mustNotBeSeen;

  /** What {@link #mustNotBeSeen} is for. */
  String whyNotSeen = "";

  // What has left the client
  boolean sent;
  int packetIdentifier;

  /** Whether a transmission in this session is a repetition. */
  boolean repeats;

  /** Whether a transmission may be a repetition. */
  boolean mayRepeat;

  // What the server has seen of it
  boolean arrived;
  int delivered;

  /** Whether the server keeps it until PUBREL. */
  boolean keptByServer;

  /** One, and one more each time that the server loses its session with the message incomplete. */
  int mayBeDelivered = 1;

  /** Whether it may double if the process dies before the store hears that it has failed. */
  boolean mayDoubleAfterCrash;

  /** Whether the server has lost the message after it took the responsibility for it. */
  boolean mayBeLost;

  /** Whether this life of the client has it from the store. */
  boolean wasRestored;

  /** Whether an earlier life was told of its end, and the store not. */
  boolean wasTold;

  /** Whether it has ended as far as this life of the client goes: nothing more is to be told. */
  boolean ended;

  OutMessage(int number, int topic, int qos, OfflinePolicy policy, @Nullable String tag) {
    this.number = number;
    this.topic = topic;
    this.qos = qos;
    this.policy = policy;
    this.tag = tag;
  }

  @Override
  public String toString() {
    return "message " + number + " (QoS " + qos + " to " + Topics.name(topic) + ")";
  }
}
