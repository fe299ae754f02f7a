// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.Deque;

/** Keeps what the server sends until the test takes it; used under the server's lock. */
final class MemoryTransport implements ServerTransport {
  private final Deque<Chunk> outgoing = new ArrayDeque<>();

  @Override
  public void write(byte[] bytes, boolean piece) {
    outgoing.add(new Chunk(bytes, piece));
  }

  @Override
  public void close() {}

  @Override
  public void reset() {
    outgoing.clear();
  }

  @Override
  public void setReading(boolean reading) {}

  /** One piece, or all that was not sent in pieces. */
  byte[] take() {
    ByteArrayOutputStream taken = new ByteArrayOutputStream();
    while (!outgoing.isEmpty()) {
      if (outgoing.peek().piece() && taken.size() > 0) {
        break;
      }
      Chunk chunk = outgoing.remove();
      taken.writeBytes(chunk.bytes());
      if (chunk.piece()) {
        break;
      }
    }
    return taken.toByteArray();
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Chunk(byte[] bytes, boolean piece) {}
}
