// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.packet.Acknowledgement;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainAcknowledgementTest {
  private final MqttDecoder decoder = MqttDecoder.forClient(MqttVersion.MQTT_5, 1_000);

  @ParameterizedTest
  @ValueSource(strings = {"40020102", "50020102", "6202ffff", "70020001"})
  void isWhatDecodeReadsToo(String hex) throws MqttDecodeException {
    ByteBuf in = bytes(hex);
    Acknowledgement expected = (Acknowledgement) decoder.decode(in.duplicate());
    int plain = decoder.readPlainAcknowledgement(in);
    assertThat(plain & 0xFFFF).isEqualTo(expected.packetIdentifier());
    assertThat(plain >>> 16).isEqualTo(expected.type().code());
    assertThat(in.isReadable()).isFalse();
  }

  /** Other packets, wrong flags, a reason code, packet identifier 0, an end that is missing. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "40",
        "400201",
        "40020000",
        "41020001",
        "60020001",
        "4003000110",
        "d000d000",
        "3002000161"
      })
  void isNotReadWhereDecodeMustLook(String hex) {
    ByteBuf in = bytes(hex);
    assertThat(decoder.readPlainAcknowledgement(in)).isZero();
    assertThat(in.readerIndex()).isZero();
  }

  @Test
  void isNotReadBeyondTheMaximumPacketSizeNorByAServerNorAfterAFailure() {
    ByteBuf in = bytes("40020001");
    assertThat(MqttDecoder.forClient(MqttVersion.MQTT_5, 3).readPlainAcknowledgement(in)).isZero();
    assertThat(MqttDecoder.forServer(1_000).readPlainAcknowledgement(in)).isZero();
    assertThatThrownBy(() -> decoder.decode(bytes("0000"))).isInstanceOf(MqttDecodeException.class);
    assertThat(decoder.readPlainAcknowledgement(in)).isZero();
    assertThat(in.readerIndex()).isZero();
  }

  private static ByteBuf bytes(String hex) {
    return Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex));
  }
}
