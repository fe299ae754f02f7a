// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;

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

  /** Writes a string that is ASCII into an array; returns the index behind it. */
  @SuppressWarnings("deprecation") // takes each character for a byte, which ASCII is
  static int writeAscii(String text, byte[] out, int from) {
    int length = text.length();
    out[from] = (byte) (length >>> Byte.SIZE);
    out[from + 1] = (byte) length;
    text.getBytes(0, length, out, from + 2);
    return from + 2 + length;
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
