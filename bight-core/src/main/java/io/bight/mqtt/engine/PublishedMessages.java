// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * QoS 1 and 2 messages with an entry whose PUBLISH is unacknowledged. An acknowledgement finds its
 * message by the packet identifier, so nothing but their number is kept up to date for each
 * message; their order is that of their positions [MQTT-4.6.0-1], and asked for only when a
 * connection begins or ends.
 */
final class PublishedMessages {
  private final PacketIdentifiers<Object> packetIdentifiers;
  private int size;

  PublishedMessages(PacketIdentifiers<Object> packetIdentifiers) {
    this.packetIdentifiers = packetIdentifiers;
  }

  int size() {
    return size;
  }

  /** Adds a message that has its packet identifier already. */
  void add(OutgoingPublish publish) {
    publish.isPublished = true;
    size++;
  }

  void remove(OutgoingPublish publish) {
    if (!publish.isPublished) {
      throw new IllegalStateException(publish + " is not published");
    }
    publish.isPublished = false;
    size--;
  }

  /** Returns the messages in the order sent. */
  List<OutgoingPublish> inOrder() {
    List<OutgoingPublish> all = new ArrayList<>(size);
    if (size > 0) {
      packetIdentifiers.forEach(
          packet -> {
            if (packet instanceof OutgoingPublish publish && publish.isPublished) {
              all.add(publish);
            }
          });
      all.sort(Comparator.comparingLong(publish -> publish.position));
    }
    return all;
  }

  /** Takes all messages out, in the order sent. */
  List<OutgoingPublish> takeAll() {
    List<OutgoingPublish> all = inOrder();
    all.forEach(this::remove);
    return all;
  }
}
