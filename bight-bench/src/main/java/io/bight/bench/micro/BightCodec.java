// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.codec.MqttDecodeException;
import io.bight.mqtt.codec.MqttDecoder;
import io.bight.mqtt.codec.MqttEncoder;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.PacketType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;

/**
 * Bight's codec with one packet. It appends to a buffer that many packets share, so that a buffer's
 * allocation is not its own; the others allocate one for each packet. It copies a payload into a
 * {@code byte[]}, as HiveMQ's does; Netty's leaves it in the buffer. It knows topic names that come
 * again, which here they always do.
 */
final class BightCodec implements AutoCloseable {
  private static final int MAXIMUM_BYTES = 1 << 20;

  private final Packet packet;
  private final MqttEncoder encoder;
  private final MqttDecoder decoder;

  /** CONNECT comes once on a connection. */
  private final boolean isConnect;

  private final ByteBuf in;
  private final ByteBuf out = PooledByteBufAllocator.DEFAULT.directBuffer(2_048);

  BightCodec(Sample sample) throws MqttDecodeException {
    this.packet = sample.packet();
    this.encoder = new MqttEncoder(sample.version());
    this.in = sample.encoded();
    this.isConnect = packet.type() == PacketType.CONNECT;
    if (sample.isFromServer()) {
      this.decoder = MqttDecoder.forClient(sample.version(), MAXIMUM_BYTES);
    } else {
      this.decoder = MqttDecoder.forServer(MAXIMUM_BYTES);
      if (!isConnect) {
        // A server learns the version from CONNECT.
        Form form = sample.version() == MqttVersion.MQTT_5 ? Form.V5 : Form.V3_1_1;
        ByteBuf connect = Sample.of(form, PacketType.CONNECT).encoded();
        decoder.decode(connect);
        connect.release();
      }
    }
    if (!packet.equals(decode())) {
      throw new IllegalStateException("decoded " + decode() + " instead of " + packet);
    }
  }

  ByteBuf encode() {
    out.clear();
    encoder.encode(packet, out);
    return out;
  }

  Object decode() throws MqttDecodeException {
    in.readerIndex(0);
    Packet decoded = (isConnect ? MqttDecoder.forServer(MAXIMUM_BYTES) : decoder).decode(in);
    if (decoded == null) {
      throw new IllegalStateException("nothing was decoded");
    }
    return decoded;
  }

  @Override
  public void close() {
    in.release();
    out.release();
  }
}
