// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.RetainHandling;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Subscribe;
import io.bight.mqtt.packet.Subscription;
import io.bight.mqtt.packet.Unsubscribe;
import io.bight.mqtt.packet.Will;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Normative statements about layout, each shown by the very bytes. */
class StatementsOnTheWireTest {
  private static final MqttVersion V5 = MqttVersion.MQTT_5;
  private static final MqttVersion V311 = MqttVersion.MQTT_3_1_1;

  private static void assertBytes(MqttVersion version, Packet packet, String... hex) {
    ByteBuf out = Unpooled.buffer();
    new MqttEncoder(version).encode(packet, out);
    byte[] bytes = new byte[out.readableBytes()];
    out.readBytes(bytes);
    assertThat(HexFormat.of().formatHex(bytes)).isEqualTo(String.join("", hex).replace(" ", ""));
  }

  private static ReasonCode refusal(MqttVersion version, String hex) {
    ByteBuf in = Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex.replace(" ", "")));
    try {
      Packet packet = MqttDecoder.forClient(version, Integer.MAX_VALUE).decode(in);
      throw new AssertionError("not refused: " + packet);
    } catch (MqttDecodeException e) {
      return e.reasonCode();
    }
  }

  private static Connect connect(
      MqttVersion version,
      @Nullable Will will,
      @Nullable String userName,
      @Nullable String password,
      Properties properties) {
    return new Connect(
        version,
        "id",
        true,
        60,
        will,
        userName,
        password == null ? null : password.getBytes(StandardCharsets.UTF_8),
        properties);
  }

  private static Will will(Qos qos, boolean retain) {
    return new Will("w", new byte[] {1, 2}, qos, retain, Properties.NONE);
  }

  // ---- CONNECT

  @Test
  @Normative(
      v311 = {"3.1.2-11", "3.1.2-13", "3.1.2-15", "3.1.2-18", "3.1.2-20", "3.1.3-3", "3.1.3-4"})
  void connectWithoutWillUserAndPasswordBefore5() {
    assertBytes(
        V311,
        connect(V311, null, null, null, Properties.NONE),
        "10 0e 0004 4d515454 04 02 003c",
        "0002 6964");
  }

  @Test
  @Normative(
      v5 = {
        "3.1.2-1",
        "3.1.2-2",
        "3.1.2-3",
        "3.1.2-11",
        "3.1.2-13",
        "3.1.2-16",
        "3.1.2-18",
        "3.1.3-3",
        "3.1.3-4",
        "2.2.2-1"
      })
  void connectWithoutWillUserAndPasswordIn5() {
    assertBytes(
        V5,
        connect(V5, null, null, null, Properties.NONE),
        "10 0f 0004 4d515454 05 02 003c 00",
        "0002 6964");
  }

  @Test
  @Normative(
      v311 = {"3.1.2-9", "3.1.2-14", "3.1.2-19", "3.1.2-21", "3.1.3-1", "3.1.3-10", "3.1.3-11"})
  void connectWithEverythingBefore5() {
    assertBytes(
        V311,
        connect(V311, will(Qos.EXACTLY_ONCE, true), "u", "pw", Properties.NONE),
        "10 1c 0004 4d515454 04 f6 003c",
        "0002 6964", // client identifier
        "0001 77 0002 0102", // will topic, will message
        "0001 75", // user name
        "0002 7077"); // password
  }

  @Test
  @Normative(
      v5 = {"3.1.2-9", "3.1.2-12", "3.1.2-17", "3.1.2-19", "3.1.3-1", "3.1.3-11", "3.1.3-12"})
  void connectWithEverythingIn5() {
    Will will =
        new Will(
            "w",
            new byte[] {1, 2},
            Qos.AT_LEAST_ONCE,
            false,
            Properties.builder().set(Property.WILL_DELAY_INTERVAL, 5L).build());
    assertBytes(
        V5,
        connect(V5, will, "u", "pw", Properties.builder().set(Property.RECEIVE_MAXIMUM, 9).build()),
        "10 26 0004 4d515454 05 ce 003c",
        "03 210009", // properties
        "0002 6964", // client identifier
        "05 1800000005 0001 77 0002 0102", // will properties, topic, payload
        "0001 75", // user name
        "0002 7077"); // password
  }

  @Test
  @Normative(v5 = "3.1.2-19")
  void passwordMayStandWithoutUserNameIn5() {
    assertBytes(
        V5,
        connect(V5, null, null, "pw", Properties.NONE),
        "10 13 0004 4d515454 05 42 003c 00",
        "0002 6964 0002 7077");
  }

  @Test
  @Normative(v311 = "3.1.2-22")
  void passwordNeedsAUserNameBefore5() {
    assertThatThrownBy(
            () -> assertBytes(V311, connect(V311, null, null, "pw", Properties.NONE), ""))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  @Normative(v311 = "3.1.3-7")
  void emptyClientIdentifierNeedsACleanSessionBefore5() {
    Connect kept = new Connect(V311, "", false, 60, null, null, null, Properties.NONE);
    assertThatThrownBy(() -> assertBytes(V311, kept, ""))
        .isInstanceOf(IllegalArgumentException.class);
    Connect clean = new Connect(V311, "", true, 60, null, null, null, Properties.NONE);
    assertBytes(V311, clean, "10 0c 0004 4d515454 04 02 003c 0000");
  }

  @ParameterizedTest
  @EnumSource(MqttVersion.class)
  @Normative(
      v311 = {"3.1.3-4", "3.1.3-10", "3.1.3-11"},
      v5 = {"3.1.3-4", "3.1.3-11", "3.1.3-12"})
  void connectWithAnIllFormedStringIsNotWritten(MqttVersion version) {
    String half = "\ud800";
    for (Connect wrong :
        List.of(
            new Connect(version, half, true, 0, null, null, null, Properties.NONE),
            new Connect(version, "id", true, 0, null, half, null, Properties.NONE))) {
      assertThatThrownBy(() -> assertBytes(version, wrong, ""))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> new Will(half, new byte[0], Qos.AT_MOST_ONCE, false, Properties.NONE))
        .isInstanceOf(IllegalArgumentException.class);
  }

  // ---- SUBSCRIBE, UNSUBSCRIBE, DISCONNECT, PUBLISH

  @Test
  @Normative(v311 = {"3.8.1-1", "3.8.3-1", "3.8.3-4", "2.2.2-1"})
  void subscribeBefore5SaysOnlyTheQos() {
    Subscription most =
        new Subscription("b", Qos.EXACTLY_ONCE, true, true, RetainHandling.DO_NOT_SEND);
    assertBytes(
        V311,
        new Subscribe(
            1,
            List.of(
                new Subscription("a", Qos.AT_MOST_ONCE),
                new Subscription("ä", Qos.AT_LEAST_ONCE),
                most),
            Properties.NONE),
        "82 0f 0001 0001 61 00 0002 c3a4 01 0001 62 02");
  }

  @Test
  @Normative(v5 = {"3.8.1-1", "3.8.3-1", "3.8.3-5"})
  void subscribeIn5LeavesReservedBitsZero() {
    Subscription most =
        new Subscription("b", Qos.EXACTLY_ONCE, true, true, RetainHandling.DO_NOT_SEND);
    assertBytes(
        V5,
        new Subscribe(1, List.of(new Subscription("a", Qos.AT_MOST_ONCE), most), Properties.NONE),
        "82 0b 0001 00 0001 61 00 0001 62 2e");
  }

  @Test
  @Normative(v5 = "3.8.3-4")
  void noLocalIsNeverSetOnASharedSubscription() {
    assertThatThrownBy(() -> new Subscription("$share/g/a", Qos.AT_MOST_ONCE).withNoLocal())
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @EnumSource(MqttVersion.class)
  @Normative(
      v311 = {"3.8.3-3", "3.10.3-2"},
      v5 = {"3.8.3-2", "3.10.3-2"})
  void requestsHaveAtLeastOneTopicFilter(MqttVersion version) {
    assertThatThrownBy(() -> assertBytes(version, new Subscribe(1, List.of(), Properties.NONE), ""))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> assertBytes(version, new Unsubscribe(1, List.of(), Properties.NONE), ""))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  @Normative(
      v311 = {"3.10.1-1", "3.10.3-1"},
      v5 = {"3.10.1-1", "3.10.3-1"})
  void unsubscribeIsFiltersOneAfterAnother() {
    Unsubscribe unsubscribe = new Unsubscribe(1, List.of("a", "ä"), Properties.NONE);
    assertBytes(V311, unsubscribe, "a2 09 0001 0001 61 0002 c3a4");
    assertBytes(V5, unsubscribe, "a2 0a 0001 00 0001 61 0002 c3a4");
  }

  @Test
  @Normative(v311 = "3.14.1-1", v5 = "3.14.1-1")
  void disconnectHasNoFlags() {
    assertBytes(V311, new Disconnect(ReasonCode.SUCCESS), "e0 00");
    assertBytes(V5, new Disconnect(ReasonCode.SUCCESS), "e0 00");
    assertThat(refusal(V5, "e1 00")).isEqualTo(ReasonCode.MALFORMED_PACKET);
  }

  @Test
  @Normative(
      v311 = {"3.3.2-1", "2.3.1-5"},
      v5 = {"3.3.2-1", "2.2.1-2", "2.2.2-1"})
  void publishBeginsWithTheTopicName() {
    Publish publish = Publish.builder("ä").payload("x").build();
    assertBytes(V311, publish, "30 05 0002 c3a4 78");
    assertBytes(V5, publish, "30 06 0002 c3a4 00 78");
  }

  @Test
  @Normative(v5 = {"3.3.2-13", "3.3.2-19", "1.5.7-1"})
  void publishCarriesStringsAsUtf8() {
    assertBytes(
        V5,
        Publish.builder("a").responseTopic("ä").contentType("ö").userProperty("ü", "é").build(),
        "30 17 0001 61 13 08 0002 c3a4 03 0002 c3b6 26 0002 c3bc 0002 c3a9");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "30 08 0001 61 04 08 0001 ff", // response topic
        "30 08 0001 61 04 03 0001 ff", // content type
        "30 0b 0001 61 07 26 0001 ff 0001 61", // name
        "30 0b 0001 61 07 26 0001 61 0001 ff", // value
        "30 08 0001 61 04 03 0001 00"
      })
  @Normative(v5 = {"3.3.2-13", "3.3.2-19", "1.5.7-1", "1.5.4-1", "1.5.4-2"})
  void illFormedStringInAPropertyIsMalformed(String hex) {
    assertThat(refusal(V5, hex)).isEqualTo(ReasonCode.MALFORMED_PACKET);
  }

  @Test
  @Normative(
      v311 = "3.3.2-2",
      v5 = {"3.3.2-2", "3.3.2-14"})
  void wildcardsInTopicNamesAreNeitherSentNorTaken() {
    assertThatThrownBy(() -> Publish.builder("a/#")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Publish.builder("a").responseTopic("+"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(refusal(V311, "30 03 0001 2b").isError()).isTrue();
    assertThat(refusal(V5, "30 04 0001 23 00").isError()).isTrue();
    assertThat(refusal(V5, "30 08 0001 61 04 08 0001 23").isError()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(MqttVersion.class)
  @Normative(v311 = "1.5.3-3", v5 = "1.5.4-3")
  void byteOrderMarkIsACharacterLikeAnother(MqttVersion version) throws MqttDecodeException {
    ByteBuf out = Unpooled.buffer();
    new MqttEncoder(version).encode(Publish.builder("\ufeffa").build(), out);
    assertThat(io.netty.buffer.ByteBufUtil.hexDump(out)).contains("0004efbbbf61");
    Publish read = (Publish) MqttDecoder.forClient(version, Integer.MAX_VALUE).decode(out);
    assertThat(read).isNotNull();
    assertThat(read.topic()).isEqualTo("\ufeffa");
  }

  // ---- what servers may not send

  @Test
  @Normative(v5 = "1.5.5-1")
  void variableByteIntegerOfMoreBytesThanItNeedsIsMalformed() {
    assertThat(refusal(V5, "30 84 00 0001 61 00")).isEqualTo(ReasonCode.MALFORMED_PACKET);
    assertThat(refusal(V5, "30 05 0001 61 80 00")).isEqualTo(ReasonCode.MALFORMED_PACKET);
  }

  @Test
  @Normative(v5 = "2.2.1-4")
  void packetIdentifierZeroIsRefused() {
    assertThat(refusal(V5, "32 06 0001 61 0000 00").isError()).isTrue();
    assertThat(refusal(V311, "34 05 0001 61 0000").isError()).isTrue();
  }

  @Test
  @Normative(
      v311 = "3.2.2-4",
      v5 = {"3.2.2-1", "3.2.2-6", "3.2.2-8"})
  void wrongConnackIsRefused() {
    assertThat(refusal(V5, "20 03 02 00 00")).isEqualTo(ReasonCode.MALFORMED_PACKET);
    assertThat(refusal(V5, "20 03 01 87 00")).isEqualTo(ReasonCode.PROTOCOL_ERROR);
    assertThat(refusal(V311, "20 02 01 05")).isEqualTo(ReasonCode.PROTOCOL_ERROR);
    assertThat(refusal(V5, "20 03 00 8e 00")).isEqualTo(ReasonCode.PROTOCOL_ERROR);
    assertThat(refusal(V5, "20 03 00 ff 00")).isEqualTo(ReasonCode.PROTOCOL_ERROR);
  }
}
