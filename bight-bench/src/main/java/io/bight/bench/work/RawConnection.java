// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** A socket and the bytes of MQTT 3.1.1, without a client: the limit that no client can pass. */
final class RawConnection implements AutoCloseable {
  private static final int BUFFER_BYTES = 256 * 1024;

  final SocketChannel channel;
  final ByteBuffer input = ByteBuffer.allocateDirect(BUFFER_BYTES).limit(0);

  RawConnection(int port) throws IOException {
    channel = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    write(connect());
    awaitBytes(4);
    input.position(input.position() + 4);
  }

  static ByteBuffer connect() {
    ByteBuffer packet = ByteBuffer.allocate(64);
    packet.putShort((short) 0x1000); // its length comes last
    string(packet, "MQTT").putInt(0x0402003c); // level, clean session, keep alive
    string(packet, "bench");
    packet.put(1, (byte) (packet.position() - 2));
    return packet.flip();
  }

  static ByteBuffer string(ByteBuffer target, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return target.putShort((short) bytes.length).put(bytes);
  }

  static ByteBuffer subscription(String topicFilter, int qos) {
    ByteBuffer packet = ByteBuffer.allocate(128).putShort((short) 0x8200).putShort((short) 1);
    string(packet, topicFilter).put((byte) qos);
    packet.put(1, (byte) (packet.position() - 2));
    return packet.flip();
  }

  void subscribe(String topicFilter, int qos) throws IOException {
    write(subscription(topicFilter, qos));
    awaitBytes(5);
    input.position(input.position() + 5);
  }

  /** Equal packets, one after the other; their packet identifiers count from 1. */
  static ByteBuffer publishes(String topic, int payloadBytes, int qos, int count) {
    int remaining = 2 + topic.length() + (qos > 0 ? 2 : 0) + payloadBytes;
    ByteBuffer packets = ByteBuffer.allocateDirect(count * (5 + remaining));
    for (int i = 1; i <= count; i++) {
      packets.put((byte) (0x30 | qos << 1));
      int rest = remaining;
      for (; rest > 127; rest >>>= 7) {
        packets.put((byte) (rest | 0x80));
      }
      packets.put((byte) rest);
      string(packets, topic);
      if (qos > 0) {
        packets.putShort((short) i);
      }
      packets.position(packets.position() + payloadBytes);
    }
    return packets.flip();
  }

  void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Reads until so many bytes are there. */
  void awaitBytes(int count) throws IOException {
    while (input.remaining() < count) {
      input.compact();
      int read = channel.read(input);
      input.flip();
      if (read < 0) {
        throw new EOFException("The sink has closed the connection.");
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
