// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server for floods: accepts every connection, counts and acknowledges what is published, and
 * keeps nothing of it. It can stop reading, so that the sockets fill; and whoever has a
 * connection's stream writes to the client what he likes, as fast as its socket takes it.
 */
final class PlainServer implements AutoCloseable {
  private static final int PUBLISH = 3;
  private static final byte[] CONNACK = {0x20, 3, 0, 0, 0};

  private final ServerSocket socket;
  private final List<Socket> connections = new CopyOnWriteArrayList<>();
  private final AtomicInteger published = new AtomicInteger();

  /** Guarded by this. */
  private boolean holding;

  PlainServer() throws IOException {
    socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    DrivingTest.inThread(this::accept);
  }

  String uri() {
    return "mqtt://127.0.0.1:" + socket.getLocalPort();
  }

  /** Returns how many PUBLISH have come. */
  int published() {
    return published.get();
  }

  /** Reads nothing more, but for what is being read. */
  synchronized void hold() {
    holding = true;
  }

  synchronized void goOn() {
    holding = false;
    notifyAll();
  }

  /** Returns where bytes to the client go that has connected as the first, second and so on. */
  OutputStream toClient(int number) throws IOException {
    return connections.get(number).getOutputStream();
  }

  /** Returns a PUBLISH as this server would send it, with a payload of less than 16,000 bytes. */
  static byte[] publish(String topic, int payloadBytes) {
    byte[] name = topic.getBytes(StandardCharsets.UTF_8);
    int length = 2 + name.length + 1 + payloadBytes;
    ByteBuffer packet = ByteBuffer.allocate(3 + length).put((byte) 0x30);
    if (length < 0x80) {
      packet.put((byte) length);
    } else {
      packet.put((byte) (length | 0x80)).put((byte) (length >> 7));
    }
    packet.putShort((short) name.length).put(name).put((byte) 0);
    return Arrays.copyOf(packet.array(), packet.position() + payloadBytes);
  }

  private void accept() {
    try {
      while (true) {
        Socket connection = socket.accept();
        DrivingTest.inThread(() -> serve(connection));
      }
    } catch (IOException e) {
      // closed
    }
  }

  private void serve(Socket connection) {
    try (connection) {
      DataInputStream in =
          new DataInputStream(new BufferedInputStream(connection.getInputStream(), 64 * 1024));
      in.readUnsignedByte();
      packet(in);
      connections.add(connection);
      connection.getOutputStream().write(CONNACK);
      while (true) {
        awaitGoOn();
        int first = in.readUnsignedByte();
        byte[] body = packet(in);
        if (first >> 4 == PUBLISH) {
          onPublish(connection, first, body);
        }
      }
    } catch (IOException e) {
      // the connection has ended, and whoever wanted more of it sees so
    }
  }

  private void onPublish(Socket connection, int first, byte[] body) throws IOException {
    published.incrementAndGet();
    if ((first & 6) != 0) {
      int index = 2 + ((body[0] & 0xFF) << 8 | body[1] & 0xFF);
      connection.getOutputStream().write(new byte[] {0x40, 2, body[index], body[index + 1]});
    }
  }

  private static byte[] packet(DataInputStream in) throws IOException {
    int length = 0;
    int shift = 0;
    int digit;
    do {
      digit = in.readUnsignedByte();
      length |= (digit & 0x7F) << shift;
      shift += 7;
    } while ((digit & 0x80) != 0);
    byte[] body = new byte[length];
    in.readFully(body);
    return body;
  }

  private synchronized void awaitGoOn() {
    while (holding) {
      try {
        wait();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Override
  public void close() throws IOException {
    goOn();
    socket.close();
    for (Socket connection : connections) {
      connection.close();
    }
  }
}
