// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Packet;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/**
 * Any bytes, in any version and direction: the decoder refuses them, waits for more, or gives a
 * packet that the encoder writes and the decoder reads again. The first byte of an input chooses
 * version and direction, the rest is the stream. A normal build runs the inputs kept in the
 * resources, one or more for each kind of packet; with JAZZER_FUZZ=1 in the environment it looks
 * for new ones.
 */
class MqttDecoderFuzzTest {
  private static final int MAXIMUM_BYTES = 100_000;

  @FuzzTest(maxDuration = "60s")
  void readsAnyBytesSafely(byte[] input) {
    if (input.length == 0) {
      return;
    }
    boolean forServer = (input[0] & 4) != 0;
    MqttVersion version =
        switch (input[0] & 3) {
          case 0 -> MqttVersion.MQTT_3_1;
          case 1 -> MqttVersion.MQTT_3_1_1;
          case 2 -> MqttVersion.MQTT_5;
          default -> null; // a server that waits for CONNECT
        };
    MqttDecoder decoder = new MqttDecoder(forServer || version == null, version, MAXIMUM_BYTES);
    ByteBuf in = Unpooled.wrappedBuffer(input, 1, input.length - 1);
    try {
      for (Packet packet = decoder.decode(in); packet != null; packet = decoder.decode(in)) {
        assertReadsAgain(packet, decoder.version(), forServer || version == null);
      }
    } catch (MqttDecodeException refused) {
      assertThat(refused.reasonCode().isError()).isTrue();
    }
  }

  private static void assertReadsAgain(Packet packet, MqttVersion version, boolean forServer) {
    MqttEncoder encoder = new MqttEncoder(version);
    ByteBuf out = Unpooled.buffer();
    encoder.encode(packet, out);
    assertThat(out.readableBytes()).isEqualTo(encoder.encodedLength(packet));
    MqttVersion known = packet instanceof Connect ? null : version;
    try {
      assertThat(new MqttDecoder(forServer, known, Integer.MAX_VALUE).decode(out))
          .isEqualTo(packet);
    } catch (MqttDecodeException refused) {
      throw new AssertionError("refuses what it has accepted: " + packet, refused);
    }
  }
}
