// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.sink;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A client of the sink. The answers to all packets of one read go out in one write. Lives on the
 * sink's thread, and shares the sink's buffers while it handles a read; between reads it keeps the
 * beginning of a packet, and what the socket did not take.
 */
final class SinkConnection {
  private static final byte[] NO_BYTES = {};

  private final SinkOptions options;
  private final SinkCounts counts;
  private final SocketChannel channel;
  private final SelectionKey key;
  private final Wire wire;

  private int protocolLevel;
  private int receiveMaximum = 65_535;

  // The subscription that is flooded
  private String floodTopic = "";
  private int floodQos;
  private @Nullable Flood flood;

  // Between reads
  private byte[] begun = NO_BYTES;
  private int begunBytes;
  private @Nullable ByteBuffer unsent;

  SinkConnection(
      SinkOptions options, SinkCounts counts, SocketChannel channel, SelectionKey key, Wire wire) {
    this.options = options;
    this.counts = counts;
    this.channel = channel;
    this.key = key;
    this.wire = wire;
  }

  void onReadable(ByteBuffer input, ByteBuffer output) throws IOException {
    do {
      input.clear().put(begun, 0, begunBytes);
      output.clear();
      int read = wire.read(input);
      if (read < 0) {
        close();
        return;
      }
      input.flip();
      int next = handlePackets(input, output);
      if (next < 0) {
        flush(output);
        close();
        return;
      }
      begunBytes = input.limit() - next;
      if (begunBytes > begun.length) {
        begun = new byte[Math.max(begunBytes, 4 * 1024)];
      }
      input.get(next, begun, 0, begunBytes);
      flush(output);
    } while (wire.hasRead() && unsent == null);
    onWritable();
  }

  /** Writes what waits, then the flood. */
  void onWritable() throws IOException {
    boolean waits = false;
    if (unsent != null) {
      wire.write(unsent);
      if (unsent.hasRemaining()) {
        waits = true;
      } else {
        unsent = null;
      }
    }
    if (!waits && flood != null) {
      long before = flood.queued();
      waits = flood.write(wire);
      counts.sent += flood.queued() - before;
    } else if (!waits && wire.isWriting()) {
      wire.write(ByteBuffer.allocate(0));
      waits = wire.isWriting();
    }
    // Who does not read our answers is not read either.
    int wanted = (unsent == null ? SelectionKey.OP_READ : 0) | (waits ? SelectionKey.OP_WRITE : 0);
    if (key.interestOps() != wanted) {
      key.interestOps(wanted);
    }
  }

  private void flush(ByteBuffer output) throws IOException {
    output.flip();
    if (unsent == null && output.hasRemaining()) {
      wire.write(output);
    }
    if (output.hasRemaining()) {
      ByteBuffer earlier = unsent == null ? ByteBuffer.allocate(0) : unsent;
      unsent =
          ByteBuffer.allocate(earlier.remaining() + output.remaining())
              .put(earlier)
              .put(output)
              .flip();
    }
    output.clear();
  }

  /** Returns where the packet begins that is not whole yet, or -1 after a DISCONNECT. */
  private int handlePackets(ByteBuffer input, ByteBuffer output) throws IOException {
    int limit = input.limit();
    int start = 0;
    while (limit - start >= 2) {
      int length = 0;
      int at = start + 1;
      int shift = 0;
      byte b;
      do {
        if (at == limit) {
          return start;
        }
        b = input.get(at++);
        length |= (b & 0x7f) << shift;
        shift += 7;
      } while (b < 0);
      int end = at + length;
      if (end - start > input.capacity()) {
        throw new IOException("A packet of " + length + " bytes is more than the sink takes.");
      }
      if (end > limit) {
        return start;
      }
      if (output.remaining() < 1_024 + (end - start)) {
        flush(output);
      }
      if (!handlePacket(input, start, at, end, output)) {
        return -1;
      }
      start = end;
    }
    return start;
  }

  private boolean handlePacket(ByteBuffer input, int start, int body, int end, ByteBuffer output) {
    int first = input.get(start) & 0xff;
    switch (first >> 4) {
      case 1 -> handleConnect(input, body, end, output);
      case 3 -> handlePublish(input, start, body, end, first >> 1 & 3, output);
      case 4 -> handleAcknowledgement(input.getShort(body) & 0xffff);
      case 6 -> {
        counts.completed++;
        output.putShort((short) 0x7002).putShort(input.getShort(body));
      }
      case 8 -> handleSubscribe(input, body, end, output);
      case 10 -> handleUnsubscribe(input, body, end, output);
      case 12 -> {
        counts.pings++;
        output.putShort((short) 0xd000);
      }
      case 14 -> {
        return false;
      }
      default -> throw new IllegalStateException("The sink knows no packet " + (first >> 4));
    }
    return true;
  }

  private void handleConnect(ByteBuffer input, int body, int end, ByteBuffer output) {
    counts.connects++;
    int at = body + 2 + input.getShort(body);
    protocolLevel = input.get(at);
    at += 4; // level, flags, keep alive
    if (protocolLevel < 5) {
      output.putInt(0x20020000);
      return;
    }
    int propertiesEnd = at + 1 + input.get(at); // fewer than 128 bytes of them
    for (at++; at < Math.min(propertiesEnd, end); ) {
      switch (input.get(at)) {
        case 0x21 -> {
          receiveMaximum = input.getShort(at + 1) & 0xffff;
          at += 3;
        }
        case 0x11, 0x27 -> at += 5;
        case 0x22 -> at += 3;
        case 0x17, 0x19 -> at += 2;
        default -> at = propertiesEnd; // user properties: the rest does not matter here
      }
    }
    output.put((byte) 0x20).putInt(0x03000000);
  }

  private void handlePublish(
      ByteBuffer input, int start, int body, int end, int qos, ByteBuffer output) {
    counts.publishes++;
    int topicBytes = input.getShort(body);
    int payload = body + 2 + topicBytes + (qos > 0 ? 2 : 0);
    if (protocolLevel == 5) {
      payload += 1 + input.get(payload);
    }
    counts.payloadBytes += end - payload;
    if (qos > 0) {
      output.putShort((short) (qos == 1 ? 0x4002 : 0x5002));
      output.putShort(input.getShort(body + 2 + topicBytes));
    }
    if (options.echo()) {
      // The same bytes: packet identifiers of the two directions have nothing to do with each
      // other.
      output.put(output.position(), input, start, end - start);
      output.position(output.position() + end - start);
    }
  }

  private void handleAcknowledgement(int packetIdentifier) {
    if (flood != null && flood.onAcknowledged(packetIdentifier)) {
      counts.acknowledged++;
    } else if (!options.echo()) {
      counts.wrong++;
    }
  }

  private void handleSubscribe(ByteBuffer input, int body, int end, ByteBuffer output) {
    int at = body + 2;
    if (protocolLevel == 5) {
      at += 1 + input.get(at);
    }
    byte[] codes = new byte[(end - at) / 4 + 1];
    int filters = 0;
    while (at < end) {
      byte[] filter = new byte[input.getShort(at) & 0xffff];
      input.get(at + 2, filter);
      at += 2 + filter.length;
      floodQos = input.get(at++) & 3;
      floodTopic = new String(filter, StandardCharsets.UTF_8);
      codes[filters++] = (byte) floodQos;
    }
    counts.subscriptions += filters;
    int properties = protocolLevel == 5 ? 1 : 0;
    output.put((byte) 0x90);
    putLength(output, 2 + properties + filters);
    output.putShort(input.getShort(body));
    output.put(NO_BYTES_OF_PROPERTIES, 0, properties).put(codes, 0, filters);
    if (options.greet()) {
      byte[] topic = floodTopic.getBytes(StandardCharsets.UTF_8);
      output.put((byte) 0x30);
      putLength(output, 2 + topic.length + properties);
      output.putShort((short) topic.length).put(topic);
      output.put(NO_BYTES_OF_PROPERTIES, 0, properties);
    }
  }

  private static final byte[] NO_BYTES_OF_PROPERTIES = {0};

  private void handleUnsubscribe(ByteBuffer input, int body, int end, ByteBuffer output) {
    int filters = 0;
    int at = body + 2 + (protocolLevel == 5 ? 1 : 0);
    for (; at < end; filters++) {
      at += 2 + (input.getShort(at) & 0xffff);
    }
    output.put((byte) 0xb0);
    putLength(output, protocolLevel == 5 ? 3 + filters : 2);
    output.putShort(input.getShort(body));
    if (protocolLevel == 5) {
      output.put(new byte[1 + filters]);
    }
  }

  /** Floods the last filter that was subscribed to; nothing for who has not subscribed. */
  void startFlood() throws IOException {
    if (!floodTopic.isEmpty() && flood == null) {
      int window = Math.min(options.window(), receiveMaximum);
      flood = new Flood(floodTopic, options.payloadBytes(), floodQos, protocolLevel, window);
      onWritable();
    }
  }

  void stopFlood() {
    if (flood != null) {
      long before = flood.queued();
      flood.stop();
      counts.sent += flood.queued() - before;
    }
  }

  void close() throws IOException {
    key.cancel();
    channel.close();
  }

  static int lengthBytes(int length) {
    return length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4;
  }

  static void putLength(ByteBuffer target, int length) {
    int rest = length;
    while (rest > 127) {
      target.put((byte) (rest | 0x80));
      rest >>>= 7;
    }
    target.put((byte) rest);
  }
}
