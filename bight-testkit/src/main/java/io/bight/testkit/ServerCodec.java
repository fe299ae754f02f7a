// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.mqtt.MqttDecoder;
import io.netty.handler.codec.mqtt.MqttEncoder;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Netty's MQTT codec for one connection, with the packets cut out of the stream beforehand, so that
 * each keeps its bytes and a malformed one can be shown. Lives as long as its connection; used
 * under the server's lock.
 */
final class ServerCodec {
  /** The largest packet MQTT can express; a test server has no reason to refuse one earlier. */
  private static final int LARGEST_PACKET = 268_435_455;

  private final EmbeddedChannel channel =
      new EmbeddedChannel(new MqttDecoder(LARGEST_PACKET, 65_535), MqttEncoder.INSTANCE);
  private byte[] unread = {};
  private int readSoFar;

  void add(byte[] bytes) {
    byte[] joined = Arrays.copyOfRange(unread, readSoFar, unread.length + bytes.length);
    System.arraycopy(bytes, 0, joined, unread.length - readSoFar, bytes.length);
    unread = joined;
    readSoFar = 0;
  }

  int unreadBytes() {
    return unread.length - readSoFar;
  }

  byte[] take(int count) {
    byte[] taken = Arrays.copyOfRange(unread, readSoFar, readSoFar + count);
    readSoFar += count;
    return taken;
  }

  /** The bytes of the next packet, or null until it is whole. */
  byte @Nullable [] takePacketBytes() throws MalformedPacketException {
    int remainingLength = 0;
    for (int digit = 0; digit < 4; digit++) {
      int at = readSoFar + 1 + digit;
      if (at >= unread.length) {
        return null;
      }
      remainingLength |= (unread[at] & 0x7F) << (7 * digit);
      if ((unread[at] & 0x80) == 0) {
        int whole = 2 + digit + remainingLength;
        return unreadBytes() < whole ? null : take(whole);
      }
    }
    throw new MalformedPacketException(
        take(unreadBytes()), "its remaining length takes more than four bytes", null);
  }

  /** Decodes one packet. The caller releases the message. */
  MqttMessage decode(byte[] packet) throws MalformedPacketException {
    channel.writeInbound(Unpooled.wrappedBuffer(packet));
    MqttMessage message = channel.readInbound();
    Object more = channel.readInbound();
    if (message == null) {
      throw new MalformedPacketException(packet, "it ends before its fields do", null);
    }
    if (message.decoderResult().isFailure() || more != null) {
      ReferenceCountUtil.release(message);
      ReferenceCountUtil.release(more);
      Throwable cause = message.decoderResult().cause();
      throw new MalformedPacketException(
          packet,
          cause == null ? "bytes are left over" : String.valueOf(cause.getMessage()),
          cause);
    }
    return message;
  }

  /**
   * Bytes that a script compared by themselves may have been the CONNECT, from which Netty's codec
   * learns the version; anything else is of no interest.
   */
  void learnVersion(byte[] bytes) {
    if (bytes.length > 0 && (bytes[0] & 0xF0) == 0x10) {
      try {
        ReferenceCountUtil.release(decode(bytes));
      } catch (MalformedPacketException e) {
        // The script wanted exactly these bytes, so nobody is to be told that they are malformed.
      }
    }
  }

  byte[] encode(OutgoingPacket packet) {
    channel.writeOutbound(packet.toNetty());
    ByteArrayOutputStream encoded = new ByteArrayOutputStream();
    for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
      byte[] bytes = new byte[part.readableBytes()];
      part.readBytes(bytes);
      part.release();
      encoded.writeBytes(bytes);
    }
    return encoded.toByteArray();
  }

  void release() {
    channel.finishAndReleaseAll();
  }

  /** The client sent what is no MQTT packet. */
  static final class MalformedPacketException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedPacketException(byte[] packet, String why, @Nullable Throwable cause) {
      super("malformed packet: " + why + "; its bytes: " + shown(packet), cause);
    }

    private static String shown(byte[] packet) {
      int shown = Math.min(packet.length, 256);
      String hex = HexFormat.ofDelimiter(" ").formatHex(packet, 0, shown);
      return shown < packet.length ? hex + " ... (" + packet.length + " in all)" : hex;
    }
  }
}
