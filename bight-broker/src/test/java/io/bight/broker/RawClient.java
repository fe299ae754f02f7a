// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;

/** MQTT 5.0 by the byte, for packets below 128 bytes: no codec of ours is involved. */
final class RawClient implements AutoCloseable {

  private static final int TIMEOUT_MILLIS = 30_000;

  private final Socket socket;

  private RawClient(Socket socket) {
    this.socket = socket;
  }

  static RawClient open(EmbeddedBroker broker) throws IOException {
    Socket socket = new Socket(broker.host(), broker.port());
    socket.setSoTimeout(TIMEOUT_MILLIS);
    return new RawClient(socket);
  }

  /** Sends CONNECT without Clean Start and with a session of an hour; returns CONNACK. */
  byte[] connect(String clientIdentifier) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    writeString(body, "MQTT");
    body.writeBytes(new byte[] {5, 0, 0, 60, 5, 0x11, 0, 0, 0x0e, 0x10});
    writeString(body, clientIdentifier);
    return exchange(0x10, body);
  }

  /** Sends a retained PUBLISH at QoS 1; returns PUBACK. */
  byte[] publishRetained(String topic, String payload) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    writeString(body, topic);
    body.writeBytes(new byte[] {0, 1, 0});
    body.writeBytes(payload.getBytes(StandardCharsets.UTF_8));
    return exchange(0x33, body);
  }

  /** Sends SUBSCRIBE at QoS 0; returns SUBACK. */
  byte[] subscribe(String filter) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes(new byte[] {0, 2, 0});
    writeString(body, filter);
    body.write(0);
    return exchange(0x82, body);
  }

  private static void writeString(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.write(bytes.length >> 8);
    out.write(bytes.length);
    out.writeBytes(bytes);
  }

  private byte[] exchange(int firstByte, ByteArrayOutputStream body) throws IOException {
    OutputStream out = socket.getOutputStream();
    out.write(firstByte);
    out.write(body.size());
    body.writeTo(out);
    out.flush();
    return receive();
  }

  /** The next packet, with its fixed header of two bytes. */
  byte[] receive() throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    byte first = in.readByte();
    int length = in.readUnsignedByte();
    byte[] packet = new byte[2 + length];
    packet[0] = first;
    packet[1] = (byte) length;
    in.readFully(packet, 2, length);
    return packet;
  }

  /** Whether the server closed the connection, with or without a packet before. */
  boolean receiveEnd() throws IOException {
    try {
      socket.getInputStream().readAllBytes();
      return true;
    } catch (SocketException e) {
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
