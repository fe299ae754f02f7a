// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.Topics;
import io.bight.mqtt.Utf8;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Topic names as they stand in PUBLISH, so that a name that is sent again and again is checked and
 * encoded once. Owned by one sender, others may ask it. Each name has one slot, found by its hash;
 * a newcomer takes the slot over, and has the slots doubled if there was another name in it. Takes
 * nothing before the first name. Bounded: 32 names of at most 128 characters.
 */
public final class EncodedTopics {
  private static final int FIRST_SLOTS = 2;
  private static final int MOST_SLOTS = 32;
  private static final int LONGEST = 128;

  /** The slots of those that have sent nothing; never written to. */
  private static final @Nullable Entry[] NONE = new @Nullable Entry[1];

  /** A power of two. */
  private @Nullable Entry[] entries = NONE;

  private static final class Entry {
    final String topic;
    final byte[] field;

    Entry(String topic, byte[] field) {
      this.topic = topic;
      this.field = field;
    }
  }

  /** Makes an empty cache. */
  public EncodedTopics() {}

  /**
   * Returns a topic name as it stands in PUBLISH: its length in two bytes, and its bytes.
   *
   * @param topic the topic name
   * @throws IllegalArgumentException if it cannot be sent: it has a wildcard [MQTT-3.3.2-2], is too
   *     long or not well formed
   */
  byte[] field(String topic) {
    Entry entry = entries[topic.hashCode() & (entries.length - 1)];
    return entry != null && entry.topic.equals(topic) ? entry.field : encode(topic);
  }

  /**
   * Tells whether a topic name is among these, and so need not be checked again. For any thread: it
   * may miss one that has just come, but an entry that it sees is whole, since entries never
   * change.
   *
   * @param topic the topic name
   * @return whether it is known to be allowed; false tells nothing
   */
  public boolean has(String topic) {
    @Nullable Entry[] slots = entries;
    Entry entry = slots[topic.hashCode() & (slots.length - 1)];
    return entry != null && entry.topic.equals(topic);
  }

  private byte[] encode(String topic) {
    int length = Utf8.requireEncodable(topic, "topic name");
    if (Topics.containsWildcard(topic)) {
      throw new IllegalArgumentException("topic name '" + topic + "' has a wildcard");
    }
    byte[] field = new byte[2 + length];
    field[0] = (byte) (length >>> Byte.SIZE);
    field[1] = (byte) length;
    System.arraycopy(topic.getBytes(StandardCharsets.UTF_8), 0, field, 2, length);
    if (topic.length() <= LONGEST) {
      put(new Entry(topic, field));
    }
    return field;
  }

  private void put(Entry entry) {
    int hash = entry.topic.hashCode();
    if (entries.length == 1) {
      entries = new @Nullable Entry[FIRST_SLOTS];
    } else if (entries[hash & (entries.length - 1)] != null && entries.length < MOST_SLOTS) {
      entries = new @Nullable Entry[2 * entries.length]; // the others find their slots again
    }
    entries[hash & (entries.length - 1)] = entry;
  }
}
