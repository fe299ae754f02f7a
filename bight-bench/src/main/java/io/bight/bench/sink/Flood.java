// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.sink;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The messages that one subscriber is flooded with: encoded once, and written over and over in
 * pieces as large as the socket takes. At QoS 1 each packet has a packet identifier of its own and
 * is written again when that one has been acknowledged, whatever the order.
 */
final class Flood {
  private static final int QOS_0_BYTES = 256 * 1024;

  /** So that the sink also hears of other things when a client reads faster than we write. */
  private static final int WRITES_IN_A_ROW = 32;

  private final int qos;
  private final int packetBytes;
  private final int packets;

  /** All packets; position to limit waits for the socket. */
  private final ByteBuffer encoded;

  private final boolean[] inFlight;

  private long queued;
  private boolean stopped;

  Flood(String topic, int payloadBytes, int qos, int protocolLevel, int window) {
    this.qos = qos;
    byte[] topicBytes = topic.getBytes(StandardCharsets.UTF_8);
    int remaining =
        2 + topicBytes.length + (qos > 0 ? 2 : 0) + (protocolLevel == 5 ? 1 : 0) + payloadBytes;
    this.packetBytes = 1 + SinkConnection.lengthBytes(remaining) + remaining;
    this.packets = qos == 0 ? Math.max(1, QOS_0_BYTES / packetBytes) : window;
    this.encoded = ByteBuffer.allocateDirect(packets * packetBytes);
    this.inFlight = new boolean[packets];
    byte[] payload = new byte[payloadBytes];
    for (int i = 0; i < payloadBytes; i++) {
      payload[i] = (byte) ('a' + i % 26);
    }
    for (int i = 0; i < packets; i++) {
      encoded.put((byte) (0x30 | qos << 1));
      SinkConnection.putLength(encoded, remaining);
      encoded.putShort((short) topicBytes.length).put(topicBytes);
      if (qos > 0) {
        encoded.putShort((short) (i + 1));
      }
      if (protocolLevel == 5) {
        encoded.put((byte) 0);
      }
      encoded.put(payload);
    }
    encoded.position(0).limit(0);
  }

  /** Writes what may be written; returns whether the socket is to tell when it takes more. */
  boolean write(Wire wire) throws IOException {
    for (int i = 0; i < WRITES_IN_A_ROW; i++) {
      queueMore();
      if (!encoded.hasRemaining() && !wire.isWriting()) {
        return false;
      }
      int before = encoded.remaining();
      wire.write(encoded);
      if (wire.isWriting() || encoded.remaining() == before) {
        return true;
      }
    }
    return true;
  }

  private void queueMore() {
    if (stopped) {
      return;
    }
    if (encoded.position() == encoded.capacity()) {
      encoded.position(0).limit(0);
    }
    int from = encoded.limit() / packetBytes;
    int to = from;
    if (qos == 0) {
      to = packets;
    } else {
      while (to < packets && !inFlight[to]) {
        inFlight[to++] = true;
      }
    }
    queued += to - from;
    encoded.limit(to * packetBytes);
  }

  /** Returns whether the packet identifier was in flight. */
  boolean onAcknowledged(int packetIdentifier) {
    int index = packetIdentifier - 1;
    if (index < 0 || index >= packets || !inFlight[index]) {
      return false;
    }
    inFlight[index] = false;
    return true;
  }

  /** No more than the packet that has been begun at QoS 0, and what is in flight at QoS 1. */
  void stop() {
    if (!stopped && qos == 0) {
      int end = (encoded.position() + packetBytes - 1) / packetBytes * packetBytes;
      queued -= (encoded.limit() - end) / packetBytes;
      encoded.limit(end);
    }
    stopped = true;
  }

  /** How many messages have been written, or will be even after stop. */
  long queued() {
    return queued;
  }
}
