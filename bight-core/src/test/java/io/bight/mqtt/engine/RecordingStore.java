// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

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
  public void putOutgoing(StoredPublish message) {
    calls.add("putOutgoing " + message.position() + " " + message.message().topic());
  }

  @Override
  public void putPublished(long position, int packetIdentifier) {
    calls.add("putPublished " + position + " as " + packetIdentifier);
  }

  @Override
  public void putReleased(long position) {
    calls.add("putReleased " + position);
  }

  @Override
  public void putQueuedAgain(long position) {
    calls.add("putQueuedAgain " + position);
  }

  @Override
  public void removeOutgoing(long position) {
    calls.add("removeOutgoing " + position);
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
  public void clearIncoming() {
    calls.add("clearIncoming");
  }

  @Override
  public void putSubscription(StoredSubscription subscription) {
    calls.add(
        "putSubscription "
            + subscription.subscription().topicFilter()
            + " "
            + subscription.state());
  }

  @Override
  public void removeSubscription(String topicFilter) {
    calls.add("removeSubscription " + topicFilter);
  }

  @Override
  public void putConnecting() {
    calls.add("putConnecting");
  }

  @Override
  public void putNotConnected() {
    calls.add("putNotConnected");
  }

  @Override
  public void putConnected(long sessionExpirySeconds) {
    calls.add("putConnected " + sessionExpirySeconds);
  }

  @Override
  public void putEnded(long sessionExpirySeconds) {
    calls.add("putEnded " + sessionExpirySeconds);
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
