// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.packet.Publish;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How often messages have failed that the server sends again on each connection of a session.
 * Bounded: the oldest are forgotten. Safe for use by any thread.
 */
final class FailedAttempts {
  private static final int MOST_MESSAGES = 1_000;

  /** What tells a message that is sent again from another one. */
  private record Key(int packetIdentifier, String topic, int payloadLength, int payloadHash) {
    static Key of(Publish message) {
      byte[] payload = message.payload();
      return new Key(
          message.packetIdentifier(), message.topic(), payload.length, Arrays.hashCode(payload));
    }
  }

  /** Guarded by this; null until a handler throws for the first time. */
  private @Nullable Map<Key, Integer> attempts;

  /** Empty in nearly every program: written under the lock, read by the driver for each message. */
  private volatile boolean empty = true;

  /** Counts a failure, once for each delivery however many handlers threw; returns how many. */
  synchronized int count(Delivery delivery) {
    if (delivery.failures == 0) {
      Key key = Key.of(delivery.incoming.message());
      Map<Key, Integer> counted = attempts == null ? new Bounded() : attempts;
      attempts = counted;
      Integer before = counted.remove(key); // so that it becomes the youngest
      delivery.failures = before == null ? 1 : before + 1;
      counted.put(key, delivery.failures);
      empty = false;
    }
    return delivery.failures;
  }

  /** The message is done with. */
  void forget(Publish message) {
    if (!empty) {
      synchronized (this) {
        if (attempts != null) {
          attempts.remove(Key.of(message));
          empty = attempts.isEmpty();
        }
      }
    }
  }

  /** The session is lost: packet identifiers begin anew. */
  synchronized void clear() {
    attempts = null;
    empty = true;
  }

  /** Forgets the oldest beyond the bound. */
  private static final class Bounded extends LinkedHashMap<Key, Integer> {
    private static final long serialVersionUID = 1L;

    @Override
    protected boolean removeEldestEntry(Map.Entry<Key, Integer> eldest) {
      return size() > MOST_MESSAGES;
    }
  }
}
