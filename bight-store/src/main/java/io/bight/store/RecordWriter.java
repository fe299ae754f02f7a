// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Puts a record together: numbers in seven-bit groups, the lowest first; strings in UTF-8 and bytes
 * with their length before them. Kept and used again by one store; the driver's.
 */
final class RecordWriter {
  private byte[] bytes = new byte[256];
  private int length;

  RecordWriter start() {
    length = 0;
    return this;
  }

  RecordWriter putByte(int value) {
    require(1);
    bytes[length++] = (byte) value;
    return this;
  }

  RecordWriter putNumber(long value) {
    require(10);
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      bytes[length++] = (byte) ((rest & 0x7F) | 0x80);
      rest >>>= 7;
    }
    bytes[length++] = (byte) rest;
    return this;
  }

  RecordWriter putBytes(byte[] value) {
    putNumber(value.length);
    return putRest(value);
  }

  /** Bytes without their length, at the end of the record. */
  RecordWriter putRest(byte[] value) {
    require(value.length);
    System.arraycopy(value, 0, bytes, length, value.length);
    length += value.length;
    return this;
  }

  RecordWriter putString(String value) {
    return putBytes(value.getBytes(StandardCharsets.UTF_8));
  }

  byte[] finish() {
    byte[] record = Arrays.copyOf(bytes, length);
    if (bytes.length > 64 * 1024) {
      bytes = new byte[256]; // a large message must not cost its size for ever
    }
    return record;
  }

  private void require(int count) {
    if (bytes.length - length < count) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + count));
    }
  }
}
