// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;

/** Strings and bytes with their length before them [MQTT 5.0, sections 1.5.4 and 1.5.6]. */
final class Strings {
  private static final int MAXIMUM_BYTES = 65_535;

  private Strings() {}

  /**
   * Writes a string that {@code Utf8.requireEncodable} has passed, into bytes made ready before.
   */
  static void write(String text, ByteBuf out) {
    int lengthIndex = out.writerIndex();
    out.writeShort(0);
    // The caller has made room for the whole packet, so there is enough for this string; where
    // Netty does without Unsafe it must be told so, or it stops at the number it was given.
    int length = ByteBufUtil.reserveAndWriteUtf8(out, text, out.writableBytes());
    out.setShort(lengthIndex, length);
  }

  /** Writes a string into an array; returns the index behind it. */
  @SuppressWarnings("deprecation") // takes each character for a byte, which ASCII is
  static int write(String text, boolean ascii, byte[] out, int from) {
    if (!ascii) {
      return write(text.getBytes(StandardCharsets.UTF_8), out, from);
    }
    int behindLength = writeLength(text.length(), out, from);
    text.getBytes(0, text.length(), out, behindLength);
    return behindLength + text.length();
  }

  /** Writes bytes into an array; returns the index behind them. */
  static int write(byte[] bytes, byte[] out, int from) {
    int behindLength = writeLength(bytes.length, out, from);
    System.arraycopy(bytes, 0, out, behindLength, bytes.length);
    return behindLength + bytes.length;
  }

  private static int writeLength(int length, byte[] out, int from) {
    out[from] = (byte) (length >>> Byte.SIZE);
    out[from + 1] = (byte) length;
    return from + 2;
  }

  static void write(byte[] bytes, ByteBuf out) {
    out.writeShort(bytes.length);
    out.writeBytes(bytes);
  }

  /** Returns the length of bytes that are not too long to be written. */
  static int requireEncodable(byte[] bytes, String what) {
    if (bytes.length > MAXIMUM_BYTES) {
      throw new IllegalArgumentException(
          what + " has " + bytes.length + " bytes; " + MAXIMUM_BYTES + " is the most");
    }
    return bytes.length;
  }
}
