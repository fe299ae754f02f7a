// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import org.jspecify.annotations.Nullable;

/**
 * Topic names seen before, so that a topic that comes again and again is one {@code String}. Owned
 * by one decoder, for one connection. Each topic has one slot, found by a hash of its bytes; a
 * newcomer takes the slot over. Bounded: 64 names of at most 128 characters.
 */
final class TopicCache {
  private static final int SLOTS = 64;
  private static final int LONGEST = 128;

  private final @Nullable String[] topics = new @Nullable String[SLOTS];

  static int slot(byte[] bytes, int from, int to) {
    int hash = to - from;
    for (int i = from; i < to; i++) {
      hash = 31 * hash + bytes[i];
    }
    return (hash ^ (hash >>> 16)) & (SLOTS - 1);
  }

  /** Returns the topic name in the slot if it is these very bytes. */
  @Nullable String find(int slot, byte[] bytes, int from, int to) {
    String topic = topics[slot];
    if (topic == null || topic.length() != to - from) {
      return null;
    }
    for (int i = 0; i < topic.length(); i++) {
      // A negative byte never equals a char, so a match is all ASCII.
      if (topic.charAt(i) != bytes[from + i]) {
        return null;
      }
    }
    return topic;
  }

  /**
   * Keeps a valid topic name. Those that are not ASCII are kept in vain: they are compared as
   * bytes.
   */
  void put(int slot, String topic) {
    if (topic.length() <= LONGEST) {
      topics[slot] = topic;
    }
  }
}
