// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** What the specification asks of strings [MQTT 5.0, section 1.5.4]. */
public final class Utf8 {
  private static final int MAXIMUM_BYTES = 65_535;
  private static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private Utf8() {}

  /**
   * Checks that a string can be sent.
   *
   * @param text the string
   * @param what what it is, for the message
   * @return the same string
   * @throws IllegalArgumentException if it holds U+0000 [MQTT-1.5.4-2] or half a surrogate pair
   *     [MQTT-1.5.4-1]
   */
  public static String requireWellFormed(String text, String what) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        throw new IllegalArgumentException(what + " holds U+0000 at index " + i);
      }
      if (Character.isSurrogate(c)) {
        boolean pair =
            Character.isHighSurrogate(c)
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
        if (!pair) {
          throw new IllegalArgumentException(what + " holds half a surrogate pair at index " + i);
        }
        i++;
      }
    }
    return text;
  }

  /**
   * Returns the length of a well-formed string in UTF-8.
   *
   * @param text the string
   * @return its length in bytes
   */
  public static int encodedLength(String text) {
    int bytes = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      // Each half of a surrogate pair counts two of the pair's four bytes.
      bytes += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
    }
    return bytes;
  }

  /**
   * Checks that a string can be sent and returns its length: {@link #requireWellFormed} and {@link
   * #encodedLength} in one go, for the encoder.
   *
   * @param text the string
   * @param what what it is, for the message
   * @return its length in UTF-8, at most 65,535 bytes
   * @throws IllegalArgumentException if it is not well formed or longer
   */
  public static int requireEncodable(String text, String what) {
    int length = text.length();
    int i = 0;
    while (i < length && text.charAt(i) < 0x80 && text.charAt(i) != 0) {
      i++;
    }
    int bytes = length;
    if (i < length) {
      requireWellFormed(text, what);
      bytes = encodedLength(text);
    }
    if (bytes > MAXIMUM_BYTES) {
      throw new IllegalArgumentException(
          what + " has " + bytes + " bytes in UTF-8; " + MAXIMUM_BYTES + " is the most");
    }
    return bytes;
  }

  /**
   * Looks for bytes that a received string must not have: ill-formed UTF-8, encoded surrogates
   * among it [MQTT-1.5.4-1], or U+0000 [MQTT-1.5.4-2].
   *
   * @param bytes an array with the string
   * @param from the index of its first byte
   * @param to the index behind its last byte
   * @return the index of the first wrong byte, or -1 if the string is well formed
   */
  public static int indexOfIllFormed(byte[] bytes, int from, int to) {
    int i = from;
    while (to - i >= Long.BYTES && isAscii((long) EIGHT_BYTES.get(bytes, i))) {
      i += Long.BYTES;
    }
    while (i < to) {
      if (bytes[i] > 0) {
        i++;
        continue;
      }
      int length = sequenceLength(bytes, i, to);
      if (length == 0) {
        return i;
      }
      i += length;
    }
    return -1;
  }

  /** Tells whether none of eight bytes is 0 or above 0x7F: none of them borrows, then. */
  private static boolean isAscii(long eightBytes) {
    return ((eightBytes | (eightBytes - 0x0101_0101_0101_0101L)) & 0x8080_8080_8080_8080L) == 0;
  }

  /**
   * Returns how many bytes the character takes that begins with this byte, or 0 if it is ill
   * formed: table 3-7 of the Unicode standard. The second byte's range leaves out overlong forms,
   * surrogates and numbers above U+10FFFF.
   */
  private static int sequenceLength(byte[] bytes, int i, int to) {
    int first = bytes[i] & 0xFF;
    if (first < 0xC2 || first > 0xF4) {
      return 0;
    }
    int length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (i + length > to) {
      return 0;
    }
    int second = bytes[i + 1] & 0xFF;
    int lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    int highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (second < lowest || second > highest) {
      return 0;
    }
    for (int next = i + 2; next < i + length; next++) {
      if ((bytes[next] & 0xC0) != 0x80) {
        return 0;
      }
    }
    return length;
  }
}
