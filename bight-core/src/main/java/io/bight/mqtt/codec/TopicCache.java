// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import org.jspecify.annotations.Nullable;

/**
 * Topic names seen before, so that a topic that comes again and again is one {@code String}. Owned
 * by one decoder, for one connection. Each topic has one slot, found by a hash of its bytes; a
 * newcomer takes the slot over, and has the slots doubled if there was another topic in it. Takes
 * nothing before the first topic. Bounded: 64 names of at most 128 characters.
 */
final class TopicCache {
  private static final int FIRST_SLOTS = 4;
  private static final int MOST_SLOTS = 64;
  private static final int LONGEST = 128;

  /** The slots of those that have seen no topic; never written to. */
  private static final @Nullable String[] NONE = new @Nullable String[1];

  /** A power of two. */
  private @Nullable String[] topics = NONE;

  static int hash(byte[] bytes, int from, int to) {
    int hash = to - from;
    for (int i = from; i < to; i++) {
      hash = 31 * hash + bytes[i];
    }
    return hash ^ (hash >>> 16);
  }

  /** Returns the topic name in the hash's slot if it is these very bytes. */
  @Nullable String find(int hash, byte[] bytes, int from, int to) {
    String topic = topics[hash & (topics.length - 1)];
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
  void put(int hash, String topic) {
    if (topic.length() > LONGEST) {
      return;
    }
    if (topics.length == 1) {
      topics = new @Nullable String[FIRST_SLOTS];
    } else if (topics[hash & (topics.length - 1)] != null && topics.length < MOST_SLOTS) {
      topics = new @Nullable String[2 * topics.length]; // the others find their slots again
    }
    topics[hash & (topics.length - 1)] = topic;
  }
}
