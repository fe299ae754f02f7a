// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.OfflinePolicy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Messages that wait to be sent, in the order in which they will be. First those that were in
 * flight on a session the server has lost; nobody drops or overtakes them any more. Then those that
 * were never sent. Touched by the driver only; lives as long as the session.
 */
final class OutgoingQueue {
  private final PublishList again = new PublishList();
  private final PublishList unsent = new PublishList();

  /** The waiting message of each topic that a newer one may overtake; null before the first. */
  private @Nullable Map<String, OutgoingPublish> latest;

  private long unsentBytes;

  /** How many of the unsent must not outlast the connection. */
  private int connectionBound;

  int size() {
    return again.size() + unsent.size();
  }

  boolean isEmpty() {
    return again.isEmpty() && unsent.isEmpty();
  }

  /** Returns how many were never sent: those that count against the bound. */
  int unsentMessages() {
    return unsent.size();
  }

  long unsentBytes() {
    return unsentBytes;
  }

  PublishList again() {
    return again;
  }

  PublishList unsent() {
    return unsent;
  }

  @Nullable OutgoingPublish first() {
    OutgoingPublish first = again.first();
    return first != null ? first : unsent.first();
  }

  /** Returns the message that has waited longest of those never sent. */
  @Nullable OutgoingPublish oldestUnsent() {
    return unsent.first();
  }

  /** Returns the message that a new one will overtake, or null. */
  @Nullable OutgoingPublish overtakenBy(OutgoingPublish publish) {
    return publish.offlinePolicy() == OfflinePolicy.LATEST_PER_TOPIC
        ? latest(publish.message().topic())
        : null;
  }

  private @Nullable OutgoingPublish latest(String topic) {
    return latest == null ? null : latest.get(topic);
  }

  private Map<String, OutgoingPublish> latest() {
    if (latest == null) {
      latest = new HashMap<>(); // few clients need one
    }
    return latest;
  }

  /** Adds a message at the end, or in place of the one that it overtakes. */
  void add(OutgoingPublish publish) {
    String topic = publish.message().topic();
    OutgoingPublish before = latest(topic);
    if (publish.offlinePolicy() != OfflinePolicy.LATEST_PER_TOPIC) {
      if (before != null) {
        before.setFollowed();
      }
      unsent.add(publish);
    } else if (before == null || before.isFollowed()) {
      if (before != null) {
        remove(before);
      }
      unsent.add(publish);
      latest().put(topic, publish);
    } else {
      publish.position = before.position;
      unsent.insertBefore(before, publish);
      remove(before);
      latest().put(topic, publish);
    }
    unsentBytes += publish.heapBytes();
    if (publish.offlinePolicy() == OfflinePolicy.FAIL) {
      connectionBound++;
    }
  }

  /** Adds a message at the end that a store has kept; messages come in their order. */
  void addKept(OutgoingPublish publish) {
    if (publish.wasSent()) {
      again.add(publish);
      return;
    }
    String topic = publish.message().topic();
    OutgoingPublish before = latest(topic);
    if (before != null) {
      before.setFollowed();
    }
    unsent.add(publish);
    unsentBytes += publish.heapBytes();
    if (publish.offlinePolicy() == OfflinePolicy.LATEST_PER_TOPIC) {
      latest().put(topic, publish);
    }
  }

  /** Puts a message back in front that was taken out to be sent and has not been. */
  void putBack(OutgoingPublish publish) {
    if (publish.wasSent()) {
      again.addFirst(publish);
      return;
    }
    unsent.addFirst(publish);
    unsentBytes += publish.heapBytes();
    if (publish.offlinePolicy() == OfflinePolicy.LATEST_PER_TOPIC) {
      // Behind it there may be a newer one by now, which does not overtake what was as good as
      // sent.
      latest().putIfAbsent(publish.message().topic(), publish);
    } else if (publish.offlinePolicy() == OfflinePolicy.FAIL) {
      connectionBound++;
    }
  }

  /** Puts messages that were in flight in front, in their order. */
  void addAgain(List<OutgoingPublish> publishes) {
    for (int i = publishes.size() - 1; i >= 0; i--) {
      again.addFirst(publishes.get(i));
    }
  }

  void remove(OutgoingPublish publish) {
    if (publish.wasSent()) {
      again.remove(publish);
      return;
    }
    unsent.remove(publish);
    unsentBytes -= publish.heapBytes();
    if (publish.offlinePolicy() == OfflinePolicy.LATEST_PER_TOPIC) {
      latest().remove(publish.message().topic(), publish);
    } else if (publish.offlinePolicy() == OfflinePolicy.FAIL) {
      connectionBound--;
    }
  }

  /** Takes out what must not outlast the connection. */
  List<OutgoingPublish> takeConnectionBound() {
    List<OutgoingPublish> taken = new ArrayList<>(connectionBound);
    OutgoingPublish next;
    for (OutgoingPublish publish = unsent.first();
        publish != null && connectionBound > 0;
        publish = next) {
      next = publish.next;
      if (publish.offlinePolicy() == OfflinePolicy.FAIL) {
        remove(publish);
        taken.add(publish);
      }
    }
    return taken;
  }

  List<OutgoingPublish> takeAll() {
    List<OutgoingPublish> all = new ArrayList<>(size());
    for (OutgoingPublish publish; (publish = first()) != null; ) {
      remove(publish);
      all.add(publish);
    }
    return all;
  }
}
