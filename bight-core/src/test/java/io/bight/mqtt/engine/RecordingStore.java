// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.packet.Publish;
import java.util.ArrayList;
import java.util.List;

/** A store that only writes down what it is told, in the words of {@link SessionStore}. */
final class RecordingStore implements SessionStore {
  private final List<String> calls = new ArrayList<>();

  /** Returns the calls since the last time, in order. */
  List<String> takeCalls() {
    List<String> taken = List.copyOf(calls);
    calls.clear();
    return taken;
  }

  @Override
  public void putOutgoing(int packetIdentifier, Publish message) {
    calls.add("putOutgoing " + packetIdentifier);
  }

  @Override
  public void putReleased(int packetIdentifier) {
    calls.add("putReleased " + packetIdentifier);
  }

  @Override
  public void removeOutgoing(int packetIdentifier) {
    calls.add("removeOutgoing " + packetIdentifier);
  }

  @Override
  public void putIncoming(int packetIdentifier) {
    calls.add("putIncoming " + packetIdentifier);
  }

  @Override
  public void removeIncoming(int packetIdentifier) {
    calls.add("removeIncoming " + packetIdentifier);
  }

  @Override
  public void clear() {
    calls.add("clear");
  }

  @Override
  public void commit() {
    calls.add("commit");
  }
}
