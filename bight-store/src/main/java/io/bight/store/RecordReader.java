// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Takes a record apart, and believes nothing. */
final class RecordReader {
  /** What is thrown for a record that nobody can have written. */
  static final class BadRecordException extends Exception {
    private static final long serialVersionUID = 1L;

    BadRecordException(String message) {
      super(message);
    }
  }

  private final byte[] bytes;
  private int position;

  RecordReader(byte[] bytes) {
    this.bytes = bytes;
  }

  int takeByte() throws BadRecordException {
    if (position == bytes.length) {
      throw new BadRecordException("it ends early");
    }
    return bytes[position++] & 0xFF;
  }

  long takeNumber() throws BadRecordException {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      int next = takeByte();
      value |= (long) (next & 0x7F) << shift;
      if ((next & 0x80) == 0) {
        return value;
      }
    }
    throw new BadRecordException("a number is too long");
  }

  int takeNumber(int lowest, int highest) throws BadRecordException {
    long value = takeNumber();
    if (value < lowest || value > highest) {
      throw new BadRecordException(value + " is not from " + lowest + " to " + highest);
    }
    return (int) value;
  }

  byte[] takeBytes() throws BadRecordException {
    int length = takeNumber(0, bytes.length - position);
    if (length > bytes.length - position) {
      throw new BadRecordException("a length goes beyond the end");
    }
    position += length;
    return Arrays.copyOfRange(bytes, position - length, position);
  }

  /** Takes all that is left. */
  byte[] takeRest() {
    byte[] rest = Arrays.copyOfRange(bytes, position, bytes.length);
    position = bytes.length;
    return rest;
  }

  String takeString() throws BadRecordException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(takeBytes())).toString();
    } catch (CharacterCodingException e) {
      throw new BadRecordException("a string is no UTF-8");
    }
  }

  <T> T takeOne(List<T> values) throws BadRecordException {
    return values.get(takeNumber(0, values.size() - 1));
  }

  void requireEnd() throws BadRecordException {
    if (position != bytes.length) {
      throw new BadRecordException("it has " + (bytes.length - position) + " bytes too many");
    }
  }
}
