// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.sink;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** How a connection's bytes travel: as they are, or through TLS. On the sink's thread. */
interface Wire {
  /** Reads what is there, as far as it has room; returns -1 at the end. */
  int read(ByteBuffer target) throws IOException;

  /** Writes as much as the socket takes now. */
  void write(ByteBuffer source) throws IOException;

  /** Whether bytes that write has taken still wait for the socket. */
  boolean isWriting();

  /** Whether bytes were read from the socket that the last target had no room for. */
  boolean hasRead();

  static Wire plain(SocketChannel channel) {
    return new Wire() {
      @Override
      public int read(ByteBuffer target) throws IOException {
        return channel.read(target);
      }

      @Override
      public void write(ByteBuffer source) throws IOException {
        channel.write(source);
      }

      @Override
      public boolean isWriting() {
        return false;
      }

      @Override
      public boolean hasRead() {
        return false;
      }
    };
  }
}
