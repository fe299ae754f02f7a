// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * Topic names seen before, so that a topic that comes again and again is one {@code String}. Owned
 * by one decoder, for one connection. Each topic has one slot, found by a hash of its bytes; a
 * newcomer takes the slot over, and has the slots doubled if there was another topic in it. Takes
 * nothing before the first topic. Bounded: 64 names of at most 128 bytes.
 *
 * <p>Reads eight bytes at a time, where they lie: a name that is copied first and then read in
 * other pieces than it was written in waits for the processor to have written it.
 */
final class TopicCache {
  private static final int FIRST_SLOTS = 4;
  private static final int MOST_SLOTS = 64;
  private static final int LONGEST_BYTES = 128;

  /** The slots of those that have seen no topic; never written to. */
  private static final @Nullable Entry[] NONE = new @Nullable Entry[1];

  /** A power of two. */
  private @Nullable Entry[] entries = NONE;

  /** A topic name and its bytes, as the numbers that they are when read eight at a time. */
  private static final class Entry {
    final String topic;
    final int length;
    final long[] words;

    Entry(String topic, ByteBuf in, int index, int length) {
      this.topic = topic;
      this.length = length;
      this.words = new long[Math.max(1, (length + Long.BYTES - 1) / Long.BYTES)];
      for (int i = 0; i < words.length - 1; i++) {
        words[i] = in.getLongLE(index + i * Long.BYTES);
      }
      words[words.length - 1] = lastWord(in, index, length);
    }

    boolean is(ByteBuf in, int index, int length) {
      if (length != this.length) {
        return false;
      }
      for (int i = 0; i < words.length - 1; i++) {
        if (in.getLongLE(index + i * Long.BYTES) != words[i]) {
          return false;
        }
      }
      return lastWord(in, index, length) == words[words.length - 1];
    }
  }

  /** Returns the last eight bytes as a number, or all bytes of a shorter name. */
  private static long lastWord(ByteBuf in, int index, int length) {
    if (length >= Long.BYTES) {
      return in.getLongLE(index + length - Long.BYTES);
    }
    long word = 0;
    for (int i = 0; i < length; i++) {
      word = word << Byte.SIZE | (in.getByte(index + i) & 0xFF);
    }
    return word;
  }

  /** Looks at all bytes of a name that may be kept: what tells names apart may stand anywhere. */
  static int hash(ByteBuf in, int index, int length) {
    long mixed = length;
    for (int i = 0; i < Math.min(length, LONGEST_BYTES) - Long.BYTES; i += Long.BYTES) {
      mixed = (mixed ^ in.getLongLE(index + i)) * 0x9E3779B97F4A7C15L;
      mixed ^= mixed >>> Integer.SIZE;
    }
    mixed = (mixed ^ lastWord(in, index, length)) * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> Integer.SIZE);
  }

  /** Returns the topic name in the hash's slot if it is these very bytes. */
  @Nullable String find(int hash, ByteBuf in, int index, int length) {
    Entry entry = entries[hash & (entries.length - 1)];
    return entry != null && entry.is(in, index, length) ? entry.topic : null;
  }

  /** Keeps a valid topic name with the bytes that it was read from. */
  void put(int hash, String topic, ByteBuf in, int index, int length) {
    if (length > LONGEST_BYTES) {
      return;
    }
    if (entries.length == 1) {
      entries = new @Nullable Entry[FIRST_SLOTS];
    } else if (entries[hash & (entries.length - 1)] != null && entries.length < MOST_SLOTS) {
      entries = new @Nullable Entry[2 * entries.length]; // the others find their slots again
    }
    entries[hash & (entries.length - 1)] = new Entry(topic, in, index, length);
  }
}
