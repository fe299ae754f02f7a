// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

/** A message of another publisher for the client: what the program has done with it. */
final class InMessage {
  final int number;
  final int topic;
  final int qos;
  final int payloadBytes;

  /** How often the engine has given it to the program. */
  int arrivals;

  int handled;

  /** Whether the program works on it and has not answered. */
  boolean held;

  boolean answered;
  boolean refused;

  /** Whether the store was told that it was handled. */
  boolean recorded;

  /** Whether the process died between its handling and the store's hearing of it. */
  boolean mayRepeat;

  /** Whether the server has lost it together with its session. */
  boolean lost;

  InMessage(int number, int topic, int qos, int payloadBytes) {
    this.number = number;
    this.topic = topic;
    this.qos = qos;
    this.payloadBytes = payloadBytes;
  }

  @Override
  public String toString() {
    return "incoming message " + number + " (QoS " + qos + " to " + Topics.name(topic) + ")";
  }
}
