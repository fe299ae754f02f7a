// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.packet.PacketType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.mqtt.MqttDecoder;
import io.netty.handler.codec.mqtt.MqttEncoder;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.util.ReferenceCountUtil;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;

/**
 * The codec of netty-codec-mqtt with one packet. Its methods are called directly, without a
 * channel: what a pipeline costs is not in it. The encoder allocates a buffer for each packet. The
 * decoder leaves the payload in the buffer, and looks up the version among the channel's attributes
 * for each packet.
 */
final class NettyCodec implements AutoCloseable {
  private static final MethodHandle ENCODE;
  private static final MethodHandle DECODE;

  static {
    try {
      ENCODE =
          MethodHandles.privateLookupIn(MqttEncoder.class, MethodHandles.lookup())
              .findStatic(
                  MqttEncoder.class,
                  "doEncode",
                  MethodType.methodType(
                      ByteBuf.class, ChannelHandlerContext.class, MqttMessage.class));
      DECODE =
          MethodHandles.privateLookupIn(MqttDecoder.class, MethodHandles.lookup())
              .findVirtual(
                  MqttDecoder.class,
                  "decode",
                  MethodType.methodType(
                      void.class, ChannelHandlerContext.class, ByteBuf.class, List.class));
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final MqttDecoder decoder = new MqttDecoder(1 << 20);
  private final EmbeddedChannel channel = new EmbeddedChannel(decoder, MqttEncoder.INSTANCE);
  private final ChannelHandlerContext context = channel.pipeline().context(decoder);
  private final List<Object> decoded = new ArrayList<>(1);
  private final ByteBuf in;
  private final MqttMessage message;

  NettyCodec(Sample sample) throws Throwable {
    channel.config().setAllocator(PooledByteBufAllocator.DEFAULT);
    if (sample.version() == MqttVersion.MQTT_5) {
      // The version is known to the channel from CONNECT on.
      channel.writeInbound(Sample.of(Form.V5, PacketType.CONNECT).encoded());
      ReferenceCountUtil.release(channel.readInbound());
    }
    this.in = sample.encoded();
    this.message = (MqttMessage) decode();
    if (message.decoderResult().isFailure()) {
      throw new IllegalStateException("not decoded", message.decoderResult().cause());
    }
  }

  /** Returns a buffer that the caller releases. */
  ByteBuf encode() throws Throwable {
    return (ByteBuf) ENCODE.invokeExact(context, message);
  }

  /** Returns a message that the caller releases. */
  Object decode() throws Throwable {
    in.readerIndex(0);
    DECODE.invokeExact(decoder, context, in, decoded);
    return decoded.remove(0);
  }

  @Override
  public void close() {
    ReferenceCountUtil.release(message);
    in.release();
    channel.finishAndReleaseAll();
  }
}
