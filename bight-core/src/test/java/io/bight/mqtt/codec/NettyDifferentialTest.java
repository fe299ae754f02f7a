// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.codec.ArbitraryPackets.Sent;
import io.bight.mqtt.packet.Acknowledgement;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.Puback;
import io.bight.mqtt.packet.Pubcomp;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Pubrec;
import io.bight.mqtt.packet.Pubrel;
import io.bight.mqtt.packet.Suback;
import io.bight.mqtt.packet.Subscribe;
import io.bight.mqtt.packet.Unsuback;
import io.bight.mqtt.packet.Unsubscribe;
import io.bight.mqtt.packet.Will;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.util.ReferenceCountUtil;
import java.util.Random;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;

/**
 * Our codec against Netty's, which others wrote: what one writes the other reads, with the same
 * fields, and what we accept Netty accepts.
 *
 * <p>The reverse does not hold: Netty 4.2.18 lets pass much that RefusalsTest refuses. Among it are
 * reason codes of other packets, properties of other packets or repeated, numbers that properties
 * exclude (0, 2 and above for flags), variable byte integers longer than needed, reserved bits of
 * CONNACK and of subscription options, malformed topic filters, SUBSCRIBE, UNSUBSCRIBE and SUBACK
 * with nothing in them, an empty topic name, wildcards in response and will topics, will QoS 3,
 * will flags without a will, a password without a user name in 3.1.1, AUTH without a method,
 * session present beside an error, and packets of the wrong side. Where a length inside the packet
 * leads past its end, Netty waits for more bytes.
 */
class NettyDifferentialTest {
  private static final int MAXIMUM_BYTES = 1_000_000;

  @Provide
  Arbitrary<Sent> sent() {
    return ArbitraryPackets.sent();
  }

  @Normative(v311 = "7.0.0-2")
  @net.jqwik.api.Property(tries = 1000)
  void nettyReadsWhatWeWrite(@ForAll("sent") Sent sent) {
    EmbeddedChannel netty = nettyOf(sent);
    try {
      ByteBuf bytes = Unpooled.buffer();
      new MqttEncoder(sent.version()).encode(sent.packet(), bytes);

      netty.writeInbound(bytes);

      MqttMessage message = netty.readInbound();
      assertThat(message).as("whole").isNotNull();
      try {
        assertThat(NettyMessages.fromNetty(message, sent.version()))
            .isEqualTo(sorted(sent.packet()));
      } finally {
        ReferenceCountUtil.release(message);
      }
    } finally {
      netty.finishAndReleaseAll();
    }
  }

  @net.jqwik.api.Property(tries = 1000)
  void weReadWhatNettyWrites(@ForAll("sent") Sent sent) throws MqttDecodeException {
    EmbeddedChannel netty = nettyOf(sent);
    try {
      netty.writeOutbound(NettyMessages.toNetty(sent.packet(), sent.version()));
      ByteBuf bytes = Unpooled.buffer();
      for (ByteBuf part = netty.readOutbound(); part != null; part = netty.readOutbound()) {
        bytes.writeBytes(part);
        part.release();
      }

      assertThat(sorted(sent.decoder().decode(bytes))).isEqualTo(sorted(sent.packet()));
      assertThat(bytes.isReadable()).isFalse();
    } finally {
      netty.finishAndReleaseAll();
    }
  }

  @net.jqwik.api.Property(tries = 1500)
  void acceptsNothingThatNettyRefusesOrReadsOtherwise(
      @ForAll("sent") Sent sent, @ForAll long seed) {
    // In 3.1 we disregard what its text disregards; Netty takes it as 3.1.1 does.
    Assume.that(sent.version() != MqttVersion.MQTT_3_1);
    ByteBuf bytes = Unpooled.buffer();
    new MqttEncoder(sent.version()).encode(sent.packet(), bytes);
    Random random = new Random(seed);
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes; i++) {
      // The length stays, so that both read the same packet.
      int index = random.nextInt(bytes.readableBytes());
      if (index == 0 || index >= bodyIndex(bytes)) {
        bytes.setByte(index, random.nextInt(256));
      }
    }
    MqttDecoder decoder = sent.decoder();
    Packet ours;
    try {
      ours = decoder.decode(bytes.duplicate());
    } catch (MqttDecodeException refused) {
      return;
    }
    EmbeddedChannel netty = nettyOf(sent);
    try {
      netty.writeInbound(bytes);
      MqttMessage message = netty.readInbound();
      try {
        assertThat(NettyMessages.fromNetty(message, decoder.version())).isEqualTo(sorted(ours));
      } finally {
        ReferenceCountUtil.release(message);
      }
    } finally {
      netty.finishAndReleaseAll();
    }
  }

  private static int bodyIndex(ByteBuf whole) {
    return 1 + VariableByteInteger.size(VariableByteInteger.read(whole, 1, whole.writerIndex()));
  }

  /** A channel of Netty's codec that has seen the CONNECT of the version, if it needs one. */
  private static EmbeddedChannel nettyOf(Sent sent) {
    EmbeddedChannel netty =
        new EmbeddedChannel(
            new io.netty.handler.codec.mqtt.MqttDecoder(MAXIMUM_BYTES, MAXIMUM_BYTES),
            io.netty.handler.codec.mqtt.MqttEncoder.INSTANCE);
    if (!(sent.packet() instanceof Connect)) {
      Connect connect =
          new Connect(sent.version(), "c", true, 0, null, null, null, Properties.NONE);
      netty.writeOutbound(NettyMessages.toNetty(connect, sent.version()));
      ReferenceCountUtil.release(netty.readOutbound());
    }
    return netty;
  }

  /**
   * The packet with its properties in the order of their identifiers, which Netty gives them in.
   */
  private static Packet sorted(Packet packet) {
    if (packet instanceof Connect c) {
      Will will = c.will();
      return new Connect(
          c.version(),
          c.clientIdentifier(),
          c.cleanStart(),
          c.keepAliveSeconds(),
          will == null
              ? null
              : new Will(
                  will.topic(),
                  will.payload(),
                  will.qos(),
                  will.retain(),
                  sorted(will.properties())),
          c.userName(),
          c.password(),
          sorted(c.properties()));
    } else if (packet instanceof Connack c) {
      return new Connack(c.sessionPresent(), c.reasonCode(), sorted(c.properties()));
    } else if (packet instanceof Publish p) {
      return p.withProperties(sorted(p.properties()));
    } else if (packet instanceof Acknowledgement a) {
      Properties properties = sorted(a.properties());
      return switch (a.type()) {
        case PUBACK -> new Puback(a.packetIdentifier(), a.reasonCode(), properties);
        case PUBREC -> new Pubrec(a.packetIdentifier(), a.reasonCode(), properties);
        case PUBREL -> new Pubrel(a.packetIdentifier(), a.reasonCode(), properties);
        default -> new Pubcomp(a.packetIdentifier(), a.reasonCode(), properties);
      };
    } else if (packet instanceof Subscribe s) {
      return new Subscribe(s.packetIdentifier(), s.subscriptions(), sorted(s.properties()));
    } else if (packet instanceof Suback s) {
      return new Suback(s.packetIdentifier(), s.reasonCodes(), sorted(s.properties()));
    } else if (packet instanceof Unsubscribe u) {
      return new Unsubscribe(u.packetIdentifier(), u.topicFilters(), sorted(u.properties()));
    } else if (packet instanceof Unsuback u) {
      return new Unsuback(u.packetIdentifier(), u.reasonCodes(), sorted(u.properties()));
    } else if (packet instanceof Disconnect d) {
      return new Disconnect(d.reasonCode(), sorted(d.properties()));
    } else if (packet instanceof Auth a) {
      return new Auth(a.reasonCode(), sorted(a.properties()));
    }
    return packet;
  }

  private static Properties sorted(Properties properties) {
    Properties.Builder builder = Properties.builder();
    for (Property<?> property : Property.all()) {
      addAll(builder, property, properties);
    }
    return builder.build();
  }

  private static <T> void addAll(
      Properties.Builder builder, Property<T> property, Properties properties) {
    properties.getAll(property).forEach(value -> builder.add(property, value));
  }
}
