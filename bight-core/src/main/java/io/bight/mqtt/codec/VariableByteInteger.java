// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.netty.buffer.ByteBuf;

/**
 * Integers of one to four bytes, seven bits each, the lowest first [MQTT 5.0, section 1.5.5]. Read
 * results are packed into a {@code long}, so that reading allocates nothing.
 */
final class VariableByteInteger {
  /** The largest value that four bytes hold. */
  static final int MAXIMUM = 268_435_455;

  /** {@link #read} met the end of the bytes. */
  static final long INCOMPLETE = -1;

  /** {@link #read} met a fourth byte that asks for a fifth. */
  static final long TOO_LONG = -2;

  private VariableByteInteger() {}

  static int encodedLength(int value) {
    if (value < 0x80) {
      return 1;
    }
    if (value < 0x4000) {
      return 2;
    }
    return value < 0x20_0000 ? 3 : 4;
  }

  static void write(int value, ByteBuf out) {
    int rest = value;
    while (rest > 0x7F) {
      out.writeByte((rest & 0x7F) | 0x80);
      rest >>>= 7;
    }
    out.writeByte(rest);
  }

  /** Writes into an array; returns the index behind it. */
  static int write(int value, byte[] out, int from) {
    int index = from;
    int rest = value;
    while (rest > 0x7F) {
      out[index++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    out[index++] = (byte) rest;
    return index;
  }

  /**
   * Reads without moving the reader index.
   *
   * @return {@link #INCOMPLETE}, {@link #TOO_LONG}, or what {@link #value} and {@link #size} take
   */
  static long read(ByteBuf in, int index, int end) {
    int value = 0;
    for (int size = 1; size <= 4; size++) {
      if (index + size > end) {
        return INCOMPLETE;
      }
      int octet = in.getByte(index + size - 1);
      value |= (octet & 0x7F) << (7 * (size - 1));
      if (octet >= 0) {
        return ((long) size << 32) | value;
      }
    }
    return TOO_LONG;
  }

  /** The same in an array. */
  static long read(byte[] in, int index, int end) {
    int value = 0;
    for (int size = 1; size <= 4; size++) {
      if (index + size > end) {
        return INCOMPLETE;
      }
      int octet = in[index + size - 1];
      value |= (octet & 0x7F) << (7 * (size - 1));
      if (octet >= 0) {
        return ((long) size << 32) | value;
      }
    }
    return TOO_LONG;
  }

  static int value(long read) {
    return (int) read;
  }

  static int size(long read) {
    return (int) (read >>> 32);
  }

  /** Tells whether the fewest bytes were used [MQTT-1.5.5-1]. */
  static boolean isMinimal(long read) {
    return size(read) == encodedLength(value(read));
  }
}
