// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.codec.ArbitraryPackets.Sent;
import io.bight.mqtt.packet.Packet;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** What holds for every packet and for every row of bytes. */
class CodecLawsTest {
  @Provide
  Arbitrary<Sent> sent() {
    return ArbitraryPackets.sent();
  }

  @Provide
  Arbitrary<List<Packet>> fromServer5() {
    return ArbitraryPackets.packets(MqttVersion.MQTT_5, false)
        .list()
        .ofMinSize(1)
        .ofMaxSize(6)
        .withoutEdgeCases();
  }

  @Property(tries = 2000)
  void decodesWhatItEncodes(@ForAll("sent") Sent sent) throws MqttDecodeException {
    ByteBuf bytes = encode(sent);

    assertThat(sent.decoder().decode(bytes)).isEqualTo(sent.packet());
    assertThat(bytes.isReadable()).isFalse();
  }

  @Property(tries = 500)
  void readsDirectBuffersAlike(@ForAll("sent") Sent sent) throws MqttDecodeException {
    ByteBuf heap = encode(sent);
    ByteBuf direct = ByteBufAllocator.DEFAULT.directBuffer(16);
    try {
      new MqttEncoder(sent.version()).encode(sent.packet(), direct);
      assertThat(direct).isEqualTo(heap);
      assertThat(sent.decoder().decode(direct)).isEqualTo(sent.packet());
    } finally {
      direct.release();
    }
  }

  @Property(tries = 1000)
  void knowsTheLengthBeforehand(@ForAll("sent") Sent sent) {
    assertThat(new MqttEncoder(sent.version()).encodedLength(sent.packet()))
        .isEqualTo(encode(sent).readableBytes());
  }

  @Property(tries = 500)
  void waitsForTheRestOfEveryTruncatedPacket(@ForAll("sent") Sent sent) throws MqttDecodeException {
    ByteBuf whole = encode(sent);
    MqttDecoder decoder = sent.decoder();
    for (int length = 0; length < whole.readableBytes(); length++) {
      ByteBuf part = whole.copy(0, length);
      assertThat(decoder.decode(part)).as("the first %s bytes", length).isNull();
      assertThat(part.readerIndex()).isZero();
    }
    assertThat(decoder.decode(whole)).isEqualTo(sent.packet());
  }

  @Property(tries = 500)
  void neverTakesShortenedContentForTheSamePacket(@ForAll("sent") Sent sent) {
    ByteBuf whole = encode(sent);
    int bodyIndex = bodyIndex(whole);
    for (int length = 0; length < whole.readableBytes() - bodyIndex; length++) {
      ByteBuf shortened = Unpooled.buffer();
      shortened.writeByte(whole.getByte(0));
      VariableByteInteger.write(length, shortened);
      shortened.writeBytes(whole, bodyIndex, length);
      try {
        assertThat(sent.decoder().decode(shortened)).isNotNull().isNotEqualTo(sent.packet());
      } catch (MqttDecodeException e) {
        assertThat(e.reasonCode().isError()).isTrue();
      }
    }
  }

  @Property(tries = 300)
  void decodesAnySplitOfTheStreamAlike(
      @ForAll("fromServer5") List<Packet> packets, @ForAll long seed) throws MqttDecodeException {
    MqttEncoder encoder = new MqttEncoder(MqttVersion.MQTT_5);
    ByteBuf stream = Unpooled.buffer();
    packets.forEach(packet -> encoder.encode(packet, stream));
    Random random = new Random(seed);
    MqttDecoder decoder = MqttDecoder.forClient(MqttVersion.MQTT_5, Integer.MAX_VALUE);

    List<Packet> decoded = new ArrayList<>();
    ByteBuf arrived = Unpooled.buffer();
    while (stream.isReadable()) {
      arrived.writeBytes(stream, Math.min(stream.readableBytes(), 1 + random.nextInt(12)));
      Packet packet = decoder.decode(arrived);
      while (packet != null) {
        decoded.add(packet);
        packet = decoder.decode(arrived);
      }
    }

    assertThat(decoded).isEqualTo(packets);
    assertThat(arrived.isReadable()).isFalse();
  }

  @Property(tries = 500)
  void doesNotReadPastThePacket(@ForAll("sent") Sent sent, @ForAll @Size(max = 20) byte[] garbage)
      throws MqttDecodeException {
    ByteBuf bytes = encode(sent).writeBytes(garbage);

    assertThat(sent.decoder().decode(bytes)).isEqualTo(sent.packet());
    assertThat(bytes.readableBytes()).isEqualTo(garbage.length);
  }

  @Property(tries = 1500)
  void refusesOrReencodesWhatRandomChangesMake(
      @ForAll("sent") Sent sent, @ForAll @IntRange(max = 3) int changes, @ForAll long seed) {
    ByteBuf bytes = encode(sent);
    Random random = new Random(seed);
    for (int i = 0; i <= changes; i++) {
      bytes.setByte(random.nextInt(bytes.readableBytes()), random.nextInt(256));
    }
    MqttDecoder decoder = sent.decoder();
    try {
      Packet packet = decoder.decode(bytes);
      if (packet != null) {
        // What is accepted is a packet that can be sent, and comes out as it went in.
        MqttEncoder encoder = new MqttEncoder(decoder.version());
        ByteBuf again = Unpooled.buffer();
        encoder.encode(packet, again);
        Sent second = new Sent(decoder.version(), sent.byClient(), packet);
        assertThat(second.decoder().decode(again)).isEqualTo(packet);
      }
    } catch (MqttDecodeException e) {
      assertThat(e.reasonCode().isError()).isTrue();
      assertThat(e).hasNoCause().message().isNotBlank();
    }
  }

  @Property(tries = 2000)
  void throwsNothingButItsOwnExceptionOnRandomBytes(
      @ForAll MqttVersion version, @ForAll boolean byClient, @ForAll @Size(max = 64) byte[] bytes) {
    MqttDecoder decoder = new MqttDecoder(byClient, version, 1_000_000);
    ByteBuf in = Unpooled.wrappedBuffer(bytes);
    try {
      Packet packet;
      do {
        packet = decoder.decode(in);
      } while (packet != null);
    } catch (MqttDecodeException e) {
      assertThat(e.reasonCode().isError()).isTrue();
    }
  }

  @Property(tries = 200)
  void staysDeadAfterARefusal(@ForAll MqttVersion version) throws MqttDecodeException {
    MqttDecoder decoder = MqttDecoder.forClient(version, 1000);
    assertThatThrownBy(() -> decoder.decode(Unpooled.wrappedBuffer(new byte[] {0x00})))
        .isInstanceOf(MqttDecodeException.class);
    ByteBuf good = Unpooled.wrappedBuffer(new byte[] {(byte) 0xD0, 0});
    assertThatThrownBy(() -> decoder.decode(good))
        .isInstanceOfSatisfying(
            MqttDecodeException.class,
            e -> assertThat(e.reasonCode()).isEqualTo(ReasonCode.MALFORMED_PACKET));
    assertThat(good.readableBytes()).isEqualTo(2);
  }

  @Provide
  Arbitrary<Integer> values() {
    return Arbitraries.integers().between(0, VariableByteInteger.MAXIMUM);
  }

  @Normative(v5 = "1.5.5-1")
  @Property
  void variableByteIntegersUseTheFewestBytes(@ForAll("values") int value) {
    ByteBuf out = Unpooled.buffer();
    VariableByteInteger.write(value, out);
    long read = VariableByteInteger.read(out, 0, out.writerIndex());

    assertThat(VariableByteInteger.value(read)).isEqualTo(value);
    assertThat(VariableByteInteger.size(read)).isEqualTo(out.writerIndex());
    assertThat(VariableByteInteger.isMinimal(read)).isTrue();
    assertThat(VariableByteInteger.encodedLength(value)).isEqualTo(out.writerIndex());
  }

  private static ByteBuf encode(Sent sent) {
    ByteBuf out = Unpooled.buffer(4);
    new MqttEncoder(sent.version()).encode(sent.packet(), out);
    return out;
  }

  private static int bodyIndex(ByteBuf whole) {
    return 1 + VariableByteInteger.size(VariableByteInteger.read(whole, 1, whole.writerIndex()));
  }
}
