// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Topic names seen before, so that a topic that comes again and again is one {@code String}. Owned
 * by one decoder, for one connection. Each topic has one slot, found by a hash of its bytes; a
 * newcomer takes the slot over, and has the slots doubled if there was another topic in it. Takes
 * nothing before the first topic. Bounded: 64 names of at most 128 bytes.
 */
final class TopicCache {
  private static final int FIRST_SLOTS = 4;
  private static final int MOST_SLOTS = 64;
  private static final int LONGEST_BYTES = 128;
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** The slots of those that have seen no topic; never written to. */
  private static final @Nullable Entry[] NONE = new @Nullable Entry[1];

  /** A power of two. */
  private @Nullable Entry[] entries = NONE;

  private static final class Entry {
    final byte[] bytes;
    final String topic;

    Entry(byte[] bytes, String topic) {
      this.bytes = bytes;
      this.topic = topic;
    }
  }

  /** Looks at the first, the middle and the last eight bytes, or at all of a short name. */
  static int hash(byte[] bytes, int from, int to) {
    int length = to - from;
    long mixed = length;
    if (length >= Long.BYTES) {
      mixed += (long) LONGS.get(bytes, from) * 0x9E3779B97F4A7C15L;
      mixed ^= (long) LONGS.get(bytes, from + (length - Long.BYTES) / 2) * 0xC2B2AE3D27D4EB4FL;
      mixed += (long) LONGS.get(bytes, to - Long.BYTES) * 0x165667B19E3779F9L;
    } else {
      for (int i = from; i < to; i++) {
        mixed = 31 * mixed + bytes[i];
      }
    }
    return (int) ((mixed * 0x9E3779B97F4A7C15L) >>> Integer.SIZE);
  }

  /** Returns the topic name in the hash's slot if it is these very bytes. */
  @Nullable String find(int hash, byte[] bytes, int from, int to) {
    Entry entry = entries[hash & (entries.length - 1)];
    return entry != null && Arrays.equals(entry.bytes, 0, entry.bytes.length, bytes, from, to)
        ? entry.topic
        : null;
  }

  /** Keeps a valid topic name with the bytes that it was read from. */
  void put(int hash, String topic, byte[] bytes, int from, int to) {
    if (to - from > LONGEST_BYTES) {
      return;
    }
    if (entries.length == 1) {
      entries = new @Nullable Entry[FIRST_SLOTS];
    } else if (entries[hash & (entries.length - 1)] != null && entries.length < MOST_SLOTS) {
      entries = new @Nullable Entry[2 * entries.length]; // the others find their slots again
    }
    entries[hash & (entries.length - 1)] = new Entry(Arrays.copyOfRange(bytes, from, to), topic);
  }
}
