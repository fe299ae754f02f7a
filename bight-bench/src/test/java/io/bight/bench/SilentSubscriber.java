// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;

/** Subscribes to one topic at QoS 1, and acknowledges what the test says, byte by byte. */
final class SilentSubscriber implements AutoCloseable {
  private static final byte[] CONNECT = {
    0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 1, 'x'
  };
  private static final byte[] SUBSCRIBE = {(byte) 0x82, 6, 0, 1, 0, 1, 't', 1};

  /** CONNACK and SUBACK. */
  private static final int ANSWER_BYTES = 4 + 5;

  private final Socket socket;
  private final DataInputStream input;

  SilentSubscriber(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    input = new DataInputStream(socket.getInputStream());
    socket.getOutputStream().write(CONNECT);
    socket.getOutputStream().write(SUBSCRIBE);
    input.readFully(new byte[ANSWER_BYTES]);
  }

  /** Reads whole messages of 64 bytes; with none, a PINGRESP after all that was sent before. */
  void awaitMessages(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      input.readByte();
      input.readFully(new byte[input.readByte()]);
    }
    if (count == 0) {
      socket.getOutputStream().write(new byte[] {(byte) 0xc0, 0});
      while ((input.readByte() & 0xff) != 0xd0) {
        input.readFully(new byte[input.readByte()]);
      }
    }
  }

  void acknowledge(int packetIdentifier) throws IOException {
    socket
        .getOutputStream()
        .write(
            ByteBuffer.allocate(4)
                .putShort((short) 0x4002)
                .putShort((short) packetIdentifier)
                .array());
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
