// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.OutgoingPublish;
import io.bight.mqtt.engine.Publication;
import io.bight.mqtt.packet.Publish;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What the program knows of a message that it published, and what the server has seen of it. */
final class OutMessage {
  private static final Qos[] QOS = Qos.values();

  final int number;
  final int topic;
  final int qos;
  final OfflinePolicy policy;
  final @Nullable String tag;

  /** What the engine was given; null: another life of the client gave it. */
  @Nullable Publication publication;

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

  /** Returns what is published, with the number in its payload. */
  Publish packet(World world) {
    byte[] payload = new byte[payloadBytes(world)];
    for (int i = 0; i < 4; i++) {
      payload[i] = (byte) (number >> (24 - 8 * i));
    }
    Publish.Builder publish = Publish.builder(Topics.name(topic)).qos(QOS[qos]).payload(payload);
    if (world.scenario().isVersion5() && world.oneIn(10)) {
      publish.messageExpiryInterval(Duration.ofSeconds(world.oneIn(3) ? 0 : world.below(20)));
    }
    return publish.build();
  }

  private static int payloadBytes(World world) {
    return world.oneIn(20)
        ? world.oneIn(20) ? 70_000 : 4 + world.below(2_000)
        : 4 + world.below(24);
  }

  /** Returns the number of the message with a payload. */
  static int numberIn(byte[] payload) {
    return (payload[0] & 0xFF) << 24
        | (payload[1] & 0xFF) << 16
        | (payload[2] & 0xFF) << 8
        | (payload[3] & 0xFF);
  }

  @Override
  public String toString() {
    return "message " + number + " (QoS " + qos + " to " + Topics.name(topic) + ")";
  }
}
