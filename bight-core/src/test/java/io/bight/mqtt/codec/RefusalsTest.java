// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import static io.bight.mqtt.MqttVersion.MQTT_3_1;
import static io.bight.mqtt.MqttVersion.MQTT_3_1_1;
import static io.bight.mqtt.MqttVersion.MQTT_5;
import static io.bight.mqtt.ReasonCode.CLIENT_IDENTIFIER_NOT_VALID;
import static io.bight.mqtt.ReasonCode.MALFORMED_PACKET;
import static io.bight.mqtt.ReasonCode.PACKET_TOO_LARGE;
import static io.bight.mqtt.ReasonCode.PROTOCOL_ERROR;
import static io.bight.mqtt.ReasonCode.TOPIC_ALIAS_INVALID;
import static io.bight.mqtt.ReasonCode.UNSUPPORTED_PROTOCOL_VERSION;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Packet;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.HexFormat;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each mistake of a peer, in bytes, with the reason code that it is refused with. */
class RefusalsTest {
  private static final String TOPIC_A = "00 01 61";

  /** One mistake. The version is null for a server that waits for CONNECT. */
  record Refusal(
      String mistake,
      boolean forServer,
      @Nullable MqttVersion version,
      String hex,
      ReasonCode reasonCode,
      String message) {
    @Override
    public String toString() {
      return (version == null ? "" : version + " ")
          + (forServer ? "server: " : "client: ")
          + mistake;
    }
  }

  @ParameterizedTest
  @MethodSource({
    "fixedHeaders",
    "strings",
    "publishes",
    "properties",
    "acknowledgements",
    "answersOfServers",
    "ends",
    "subscriptions",
    "connects",
    "oldConnects"
  })
  void refusesWithTheSpecifiedReason(Refusal refusal) {
    MqttDecoder decoder =
        new MqttDecoder(refusal.forServer, refusal.version, VariableByteInteger.MAXIMUM);

    MqttDecodeException refused = refused(decoder, bytes(refusal.hex));

    assertThat(refused.reasonCode()).isEqualTo(refusal.reasonCode);
    assertThat(refused).hasMessageContaining(refusal.message);
    assertThat(refused.getStackTrace()).isEmpty();
  }

  static Stream<Refusal> fixedHeaders() {
    return Stream.of(
        client("packet type 0", MQTT_5, "00 00", MALFORMED_PACKET, "packet type 0 is reserved"),
        client("type 0 from one byte", MQTT_5, "0F", MALFORMED_PACKET, "packet type 0"),
        client("CONNECT from a server", MQTT_5, "10", PROTOCOL_ERROR, "packet of clients"),
        client("SUBSCRIBE from a server", MQTT_5, "82", PROTOCOL_ERROR, "packet of clients"),
        client("UNSUBSCRIBE from a server", MQTT_5, "A2", PROTOCOL_ERROR, "packet of clients"),
        client("PINGREQ from a server", MQTT_5, "C0", PROTOCOL_ERROR, "packet of clients"),
        client("DISCONNECT from an old server", MQTT_3_1_1, "E0", PROTOCOL_ERROR, "3.1.1"),
        client("AUTH before 5.0", MQTT_3_1_1, "F0", MALFORMED_PACKET, "type 15 is reserved"),
        server("CONNACK from a client", MQTT_5, "20", PROTOCOL_ERROR, "packet of servers"),
        server("SUBACK from a client", MQTT_5, "90", PROTOCOL_ERROR, "packet of servers"),
        server("UNSUBACK from a client", MQTT_5, "B0", PROTOCOL_ERROR, "packet of servers"),
        server("PINGRESP from a client", MQTT_5, "D0", PROTOCOL_ERROR, "packet of servers"),
        server("a second CONNECT", MQTT_5, "10", PROTOCOL_ERROR, "this is the second"),
        server("no CONNECT first", null, "30", PROTOCOL_ERROR, "first packet is not CONNECT"),
        client("CONNACK flags", MQTT_5, "21", MALFORMED_PACKET, "flags are 0001, not 0000"),
        client("PUBACK flags", MQTT_5, "42", MALFORMED_PACKET, "flags are 0010, not 0000"),
        client("PUBREL flags", MQTT_5, "60", MALFORMED_PACKET, "flags are 0000, not 0010"),
        client("PUBREL flags of 3.1 in 3.1.1", MQTT_3_1_1, "6A", MALFORMED_PACKET, "flags"),
        client("PUBACK with DUP in 3.1", MQTT_3_1, "48", MALFORMED_PACKET, "flags are 1000"),
        server("SUBSCRIBE flags", MQTT_5, "80", MALFORMED_PACKET, "flags are 0000, not 0010"),
        server("UNSUBSCRIBE flags", MQTT_5, "A3", MALFORMED_PACKET, "flags are 0011"),
        client("DISCONNECT flags", MQTT_5, "E1", MALFORMED_PACKET, "flags are 0001"),
        client("AUTH flags", MQTT_5, "F8", MALFORMED_PACKET, "flags are 1000"),
        client("QoS 3", MQTT_5, "36", MALFORMED_PACKET, "QoS is 3"),
        client("DUP at QoS 0", MQTT_5, "38", MALFORMED_PACKET, "DUP is set at QoS 0"),
        client("a length of five bytes", MQTT_5, "30 80 80 80 80", MALFORMED_PACKET, "four"),
        client("a length of five in 3.1.1", MQTT_3_1_1, "30 FF FF FF FF", MALFORMED_PACKET, "four"),
        client("a length not minimal", MQTT_5, "30 85 00", MALFORMED_PACKET, "more bytes than"),
        client("PINGRESP with a body", MQTT_5, "D0 01", MALFORMED_PACKET, "length is 1, above 0"),
        client("a short CONNACK", MQTT_5, "20 02", MALFORMED_PACKET, "length is 2, below 3"),
        client("a long old CONNACK", MQTT_3_1_1, "20 03", MALFORMED_PACKET, "is 3, above 2"),
        client("a short PUBLISH", MQTT_5, "30 02", MALFORMED_PACKET, "is 2, below 3"),
        client("a short QoS 1 PUBLISH", MQTT_3_1_1, "32 03", MALFORMED_PACKET, "is 3, below 4"),
        client("a short PUBACK", MQTT_5, "40 01", MALFORMED_PACKET, "is 1, below 2"),
        client("a long old PUBACK", MQTT_3_1_1, "40 03", MALFORMED_PACKET, "is 3, above 2"),
        client("a short SUBACK", MQTT_5, "90 02", MALFORMED_PACKET, "is 2, below 3"),
        client("a long old UNSUBACK", MQTT_3_1_1, "B0 03", MALFORMED_PACKET, "is 3, above 2"),
        server("an old DISCONNECT with a body", MQTT_3_1_1, "E0 01", MALFORMED_PACKET, "above 0"));
  }

  static Stream<Refusal> strings() {
    return Stream.of(
            "U+0000: 61 00",
            "a lone continuation: 80",
            "a continuation at the end: 61 BF",
            "C0 AF, overlong: C0 AF",
            "C1, overlong: C1 BF",
            "E0 80, overlong: E0 80 AF",
            "E0 9F, overlong: E0 9F BF",
            "F0 80, overlong: F0 80 80 AF",
            "F0 8F, overlong: F0 8F BF BF",
            "a high surrogate: ED A0 80",
            "a low surrogate: ED BF BF",
            "a surrogate pair: ED A0 80 ED B0 80",
            "above U+10FFFF: F4 90 80 80",
            "F5: F5 80 80 80",
            "FF: FF",
            "two bytes, one there: C3",
            "three bytes, two there: E2 82",
            "four bytes, three there: F0 9F 98",
            "a broken second byte: C3 28",
            "a broken third byte: E2 82 28",
            "a broken fourth byte: F0 9F 98 28")
        .flatMap(
            row -> {
              int colon = row.lastIndexOf(':');
              String text = row.substring(colon + 2);
              int length = (text.length() + 1) / 3;
              String publish = "30 %02X 00 %02X %s".formatted(length + 3, length, text);
              String old = "30 %02X 00 %02X %s".formatted(length + 2, length, text);
              String name = row.substring(0, colon);
              return Stream.of(
                  client(name, MQTT_5, publish + " 00", MALFORMED_PACKET, "topic name"),
                  client(name, MQTT_3_1_1, old, MALFORMED_PACKET, "topic name"));
            });
  }

  static Stream<Refusal> publishes() {
    return Stream.of(
        client("topic past the end", MQTT_5, "30 04 00 05 61 00", MALFORMED_PACKET, "needs 5"),
        client("a + in the topic", MQTT_5, "30 04 00 01 2B 00", MALFORMED_PACKET, "wildcard"),
        client("a # in the topic", MQTT_3_1_1, "30 05 00 03 61 2F 23", MALFORMED_PACKET, "'a/#'"),
        client("no topic, no alias", MQTT_5, "30 03 00 00 00", PROTOCOL_ERROR, "no topic alias"),
        client("no topic in 3.1.1", MQTT_3_1_1, "30 02 00 00", PROTOCOL_ERROR, "is empty"),
        client(
            "packet identifier 0",
            MQTT_5,
            "32 06 00 01 61 00 00 00",
            PROTOCOL_ERROR,
            "PUBLISH: packet identifier is 0"),
        client(
            "packet identifier cut off",
            MQTT_3_1_1,
            "34 04 00 01 61 00",
            MALFORMED_PACKET,
            "packet identifier needs 2 bytes"),
        client("no property length", MQTT_5, "30 03 00 01 61", MALFORMED_PACKET, "property length"),
        server(
            "a subscription identifier from a client",
            MQTT_5,
            publish("0B 01"),
            PROTOCOL_ERROR,
            "a client sent a Subscription Identifier"),
        client("topic alias 0", MQTT_5, publish("23 00 00"), TOPIC_ALIAS_INVALID, "Topic Alias"),
        client(
            "a wildcard in the response topic",
            MQTT_5,
            publish("08 00 01 23"),
            MALFORMED_PACKET,
            "Response Topic '#' has a wildcard"),
        client(
            "an empty response topic",
            MQTT_5,
            publish("08 00 00"),
            MALFORMED_PACKET,
            "Response Topic is empty"));
  }

  static Stream<Refusal> properties() {
    return Stream.of(
        client("length past the end", MQTT_5, "30 04 " + TOPIC_A + " 05", MALFORMED_PACKET, "5"),
        client("length not minimal", MQTT_5, "30 05 " + TOPIC_A + " 80 00", MALFORMED_PACKET, "2"),
        client(
            "length of five bytes",
            MQTT_5,
            "30 08 " + TOPIC_A + " 80 80 80 80 01",
            MALFORMED_PACKET,
            "property length has more than four bytes"),
        client("an unknown identifier", MQTT_5, publish("04 00"), MALFORMED_PACKET, "4 is not"),
        client("identifier 0", MQTT_5, publish("00"), MALFORMED_PACKET, "identifier 0 is not"),
        client("identifier 0x7F", MQTT_5, publish("7F 00"), MALFORMED_PACKET, "127 is not"),
        client("identifier 0x80 0x01", MQTT_5, publish("80 01"), MALFORMED_PACKET, "128 is not"),
        client("identifier not minimal", MQTT_5, publish("81 00 01"), MALFORMED_PACKET, "bytes"),
        client("one for another packet", MQTT_5, publish("21 00 05"), MALFORMED_PACKET, "Receive"),
        client(
            "a value past the properties' end",
            MQTT_5,
            publish("02 00 00"),
            MALFORMED_PACKET,
            "Message Expiry Interval needs 4 bytes"),
        client("payload format 2", MQTT_5, publish("01 02"), PROTOCOL_ERROR, "is 2, not 0 to 1"),
        client("one twice", MQTT_5, publish("01 01 01 01"), PROTOCOL_ERROR, "stands twice"),
        client("content type twice", MQTT_5, publish("03 0000 03 0000"), PROTOCOL_ERROR, "twice"),
        client("subscription identifier 0", MQTT_5, publish("0B 00"), PROTOCOL_ERROR, "is 0"),
        client(
            "subscription identifier of five bytes",
            MQTT_5,
            publish("0B 80 80 80 80 01"),
            MALFORMED_PACKET,
            "more than four bytes"),
        client(
            "a user property without value",
            MQTT_5,
            publish("26 00 01 61"),
            MALFORMED_PACKET,
            "User Property's value"),
        client(
            "U+0000 in a user property",
            MQTT_5,
            publish("26 00 01 61 00 01 00"),
            MALFORMED_PACKET,
            "U+0000"),
        client("correlation data cut off", MQTT_5, publish("09 00 05 61"), MALFORMED_PACKET, "5"),
        client("receive maximum 0", MQTT_5, connack("21 00 00"), PROTOCOL_ERROR, "Receive"),
        client("maximum QoS 2", MQTT_5, connack("24 02"), PROTOCOL_ERROR, "is 2"),
        client("retain available 2", MQTT_5, connack("25 02"), PROTOCOL_ERROR, "is 2"),
        client("wildcards 2", MQTT_5, connack("28 02"), PROTOCOL_ERROR, "is 2"),
        client("identifiers 2", MQTT_5, connack("29 02"), PROTOCOL_ERROR, "is 2"),
        client("shared 255", MQTT_5, connack("2A FF"), PROTOCOL_ERROR, "is 255"),
        client("packet size 0", MQTT_5, connack("27 00000000"), PROTOCOL_ERROR, "is 0"),
        client("a topic alias on CONNACK", MQTT_5, connack("23 00 01"), MALFORMED_PACKET, "Alias"),
        client(
            "a subscription identifier on SUBACK",
            MQTT_5,
            "90 06 00 01 02 0B 01 00",
            MALFORMED_PACKET,
            "Subscription Identifier is not allowed"),
        client(
            "a server reference on PUBACK",
            MQTT_5,
            "40 07 00 01 00 03 1C 00 00",
            MALFORMED_PACKET,
            "Server Reference is not allowed"),
        server(
            "two subscription identifiers on SUBSCRIBE",
            MQTT_5,
            "82 0B 00 01 04 0B 01 0B 02 00 01 61 00",
            PROTOCOL_ERROR,
            "twice"));
  }

  static Stream<Refusal> acknowledgements() {
    return Stream.of(
        client("PUBACK for 0", MQTT_5, "40 02 00 00", PROTOCOL_ERROR, "identifier is 0"),
        client("PUBACK for 0 in 3.1.1", MQTT_3_1_1, "40 02 00 00", PROTOCOL_ERROR, "is 0"),
        client("PUBREC for 0", MQTT_5, "50 02 00 00", PROTOCOL_ERROR, "PUBREC: packet"),
        client("PUBREL for 0", MQTT_5, "62 02 00 00", PROTOCOL_ERROR, "PUBREL: packet"),
        client("PUBCOMP for 0", MQTT_5, "70 02 00 00", PROTOCOL_ERROR, "PUBCOMP: packet"),
        client("an unknown reason", MQTT_5, "40 03 00 01 55", PROTOCOL_ERROR, "85 is not defined"),
        client("PUBACK 0x92", MQTT_5, "40 03 00 01 92", PROTOCOL_ERROR, "sent the reason"),
        client("PUBREC 0x92", MQTT_5, "50 03 00 01 92", PROTOCOL_ERROR, "sent the reason"),
        client("PUBREL 0x10", MQTT_5, "62 03 00 01 10", PROTOCOL_ERROR, "sent the reason"),
        client("PUBCOMP 0x80", MQTT_5, "70 03 00 01 80", PROTOCOL_ERROR, "sent the reason"),
        client("bytes left over", MQTT_5, "40 05 00 01 00 00 00", MALFORMED_PACKET, "1 bytes"),
        client("properties cut off", MQTT_5, "40 04 00 01 00 01", MALFORMED_PACKET, "needs 1"));
  }

  static Stream<Refusal> answersOfServers() {
    return Stream.of(
        client("CONNACK flags", MQTT_5, "20 03 02 00 00", MALFORMED_PACKET, "acknowledge flags"),
        client("CONNACK flags in 3.1.1", MQTT_3_1_1, "20 02 80 00", MALFORMED_PACKET, "flags"),
        client("session and error", MQTT_5, "20 03 01 87 00", PROTOCOL_ERROR, "session is present"),
        client("the same in 3.1.1", MQTT_3_1_1, "20 02 01 05", PROTOCOL_ERROR, "session"),
        client("return code 6", MQTT_3_1_1, "20 02 00 06", PROTOCOL_ERROR, "6 is reserved"),
        client("CONNACK 0x8D", MQTT_5, "20 03 00 8D 00", PROTOCOL_ERROR, "keep alive timeout"),
        client("CONNACK 0x01", MQTT_5, "20 03 00 01 00", PROTOCOL_ERROR, "granted QoS 1"),
        client("CONNACK with a tail", MQTT_5, "20 04 00 00 00 00", MALFORMED_PACKET, "left over"),
        client("SUBACK for 0", MQTT_5, "90 04 00 00 00 00", PROTOCOL_ERROR, "identifier is 0"),
        client("SUBACK without codes", MQTT_5, "90 03 00 01 00", PROTOCOL_ERROR, "no reason code"),
        client("the same in 3.1.1", MQTT_3_1_1, "90 02 00 01", PROTOCOL_ERROR, "no reason code"),
        client("SUBACK 0x03", MQTT_5, "90 04 00 01 00 03", PROTOCOL_ERROR, "3 is not defined"),
        client("SUBACK 0x11", MQTT_5, "90 04 00 01 00 11", PROTOCOL_ERROR, "no subscription"),
        client("SUBACK 3 in 3.1.1", MQTT_3_1_1, "90 03 00 01 03", PROTOCOL_ERROR, "3 is reserved"),
        client("SUBACK 0x87 in 3.1.1", MQTT_3_1_1, "90 03 00 01 87", PROTOCOL_ERROR, "135"),
        client("UNSUBACK for 0", MQTT_5, "B0 04 00 00 00 00", PROTOCOL_ERROR, "identifier is 0"),
        client("UNSUBACK without codes", MQTT_5, "B0 03 00 01 00", PROTOCOL_ERROR, "no reason"),
        client("UNSUBACK 0x01", MQTT_5, "B0 04 00 01 00 01", PROTOCOL_ERROR, "granted QoS 1"));
  }

  static Stream<Refusal> ends() {
    return Stream.of(
        client("DISCONNECT 0x04", MQTT_5, "E0 01 04", PROTOCOL_ERROR, "a server sent the reason"),
        client("DISCONNECT 0x10", MQTT_5, "E0 01 10", PROTOCOL_ERROR, "a server sent the reason"),
        client(
            "session expiry from a server",
            MQTT_5,
            "E0 07 00 05 11 00 00 00 01",
            PROTOCOL_ERROR,
            "a server sent a Session Expiry Interval"),
        client("DISCONNECT with a tail", MQTT_5, "E0 03 00 00 00", MALFORMED_PACKET, "left over"),
        server("DISCONNECT 0x8B", MQTT_5, "E0 01 8B", PROTOCOL_ERROR, "a client sent the reason"),
        client("AUTH 0x19", MQTT_5, "F0 06 19 04 15 00 01 61", PROTOCOL_ERROR, "a server sent"),
        server("AUTH 0x00", MQTT_5, "F0 00", PROTOCOL_ERROR, "a client sent"),
        client("AUTH without method", MQTT_5, "F0 02 18 00", PROTOCOL_ERROR, "is missing"),
        client("AUTH without length", MQTT_5, "F0 01 18", MALFORMED_PACKET, "property length"));
  }

  static Stream<Refusal> subscriptions() {
    return Stream.of(
        server("SUBSCRIBE 0", MQTT_5, "82 07 00 00 00 00 01 61 00", PROTOCOL_ERROR, "is 0"),
        server("no filter", MQTT_5, "82 03 00 01 00", PROTOCOL_ERROR, "no topic filter"),
        server("no filter in 3.1.1", MQTT_3_1_1, "82 02 00 01", PROTOCOL_ERROR, "no topic filter"),
        server("no options", MQTT_5, "82 06 00 01 00 00 01 61", MALFORMED_PACKET, "options needs"),
        server("reserved bit 6", MQTT_5, subscribe("00 01 61 40"), MALFORMED_PACKET, "reserved"),
        server("reserved bit 7", MQTT_5, subscribe("00 01 61 80"), MALFORMED_PACKET, "reserved"),
        server("QoS 3", MQTT_5, subscribe("00 01 61 03"), PROTOCOL_ERROR, "maximum QoS"),
        server("retain handling 3", MQTT_5, subscribe("00 01 61 30"), PROTOCOL_ERROR, "Handling"),
        server(
            "no local on a shared filter",
            MQTT_5,
            subscribe("00 0A 24 73 68 61 72 65 2F 67 2F 61 04"),
            PROTOCOL_ERROR,
            "No Local"),
        server("QoS 3 in 3.1.1", MQTT_3_1_1, "82 06 0001 0001 61 03", MALFORMED_PACKET, "is 3"),
        server("options in 3.1.1", MQTT_3_1_1, "82 06 0001 0001 61 05", MALFORMED_PACKET, "is 5"),
        server("an empty filter", MQTT_5, subscribe("00 00 00"), MALFORMED_PACKET, "empty"),
        server("a#", MQTT_5, subscribe("00 02 61 23 00"), MALFORMED_PACKET, "'a#'"),
        server("#/a", MQTT_5, subscribe("00 03 23 2F 61 00"), MALFORMED_PACKET, "'#/a'"),
        server("a+", MQTT_5, subscribe("00 02 61 2B 00"), MALFORMED_PACKET, "'a+'"),
        server(
            "a share without filter",
            MQTT_5,
            subscribe("00 08 24 73 68 61 72 65 2F 67 00"),
            MALFORMED_PACKET,
            "$share/NAME/FILTER"),
        server("UNSUBSCRIBE 0", MQTT_5, "A2 06 0000 00 0001 61", PROTOCOL_ERROR, "is 0"),
        server("UNSUBSCRIBE nothing", MQTT_5, "A2 03 0001 00", PROTOCOL_ERROR, "no topic filter"),
        server("UNSUBSCRIBE a#", MQTT_5, "A2 07 0001 00 0002 6123", MALFORMED_PACKET, "'a#'"));
  }

  static Stream<Refusal> connects() {
    String head = "00 04 4D 51 54 54 05";
    return Stream.of(
        connect(
            "another protocol",
            "00 04 4D 51 54 58 05 02 0000 00 0000",
            UNSUPPORTED_PROTOCOL_VERSION,
            "'MQTX'"),
        connect(
            "version 6",
            "00 04 4D 51 54 54 06 02 0000 00 0000",
            UNSUPPORTED_PROTOCOL_VERSION,
            "version 6"),
        connect(
            "version 3 of MQTT",
            "00 04 4D 51 54 54 03 02 0000 0000",
            UNSUPPORTED_PROTOCOL_VERSION,
            "version 3"),
        connect("the reserved flag", head + "03 0000 00 0000", MALFORMED_PACKET, "reserved"),
        connect("will QoS 3", head + "1E 0000 00 0000 00 0001 61 0000", MALFORMED_PACKET, "is 3"),
        connect("will QoS, no will", head + "0A 0000 00 0000", MALFORMED_PACKET, "no will"),
        connect("will retain, no will", head + "22 0000 00 0000", MALFORMED_PACKET, "no will"),
        connect("no client identifier", head + "02 0000 00", MALFORMED_PACKET, "11, below 12"),
        connect("identifier cut off", head + "02 0000 00 0005 61", MALFORMED_PACKET, "needs 5"),
        connect("no user name", head + "82 0000 00 0000", MALFORMED_PACKET, "user name needs"),
        connect("no password", head + "42 0000 00 0000", MALFORMED_PACKET, "password needs"),
        connect("no will topic", head + "06 0000 00 0000 00", MALFORMED_PACKET, "will topic"),
        connect(
            "an empty will topic",
            head + "06 0000 00 0000 00 0000 0000",
            MALFORMED_PACKET,
            "will topic is empty"),
        connect(
            "a wildcard in the will topic",
            head + "06 0000 00 0000 00 0001 23 0000",
            MALFORMED_PACKET,
            "wildcard"),
        connect(
            "a will delay outside the will",
            head + "02 0000 05 18 00000001 0000",
            MALFORMED_PACKET,
            "Will Delay Interval is not allowed"),
        connect(
            "session expiry on the will",
            head + "06 0000 00 0000 05 11 00000001 0001 61 0000",
            MALFORMED_PACKET,
            "on the will"),
        connect(
            "request problem information 2",
            head + "02 0000 02 17 02 0000",
            PROTOCOL_ERROR,
            "is 2"),
        connect(
            "authentication data alone",
            head + "02 0000 04 16 0001 61 0000",
            PROTOCOL_ERROR,
            "without Authentication Method"),
        connect("bytes left over", head + "02 0000 00 0000 00", MALFORMED_PACKET, "left over"),
        server(
            "a length not minimal",
            null,
            "10 8D 00 " + head + "02 0000 00 0000",
            MALFORMED_PACKET,
            "more bytes than it needs"));
  }

  static Stream<Refusal> oldConnects() {
    String head = "00 04 4D 51 54 54 04";
    return Stream.of(
        connect(
            "password without user name",
            head + "42 0000 0001 61 0001 70",
            MALFORMED_PACKET,
            "password without a user name"),
        connect(
            "an empty identifier in a kept session",
            head + "00 0000 0000",
            CLIENT_IDENTIFIER_NOT_VALID,
            "clean session"),
        connect(
            "an empty identifier in 3.1",
            "00 06 4D 51 49 73 64 70 03 02 0000 0000",
            CLIENT_IDENTIFIER_NOT_VALID,
            "3.1"),
        connect(
            "MQIsdp with version 4",
            "00 06 4D 51 49 73 64 70 04 02 0000 0000",
            UNSUPPORTED_PROTOCOL_VERSION,
            "'MQIsdp' with version 4"));
  }

  @Test
  void refusesAPacketAboveTheMaximumFromItsHeader() {
    MqttDecoder decoder = MqttDecoder.forClient(MQTT_5, 10);

    assertThat(refused(decoder, bytes("30 09")).reasonCode()).isEqualTo(PACKET_TOO_LARGE);
  }

  @Test
  void acceptsAPacketOfTheMaximum() throws MqttDecodeException {
    MqttDecoder decoder = MqttDecoder.forClient(MQTT_5, 10);

    assertThat(decoder.decode(bytes("30 08 00 01 61 00 01 02 03 04"))).isNotNull();
  }

  @Test
  void allocatesNothingForALengthThatIsOnlyClaimed() throws MqttDecodeException {
    MqttDecoder decoder = MqttDecoder.forClient(MQTT_5, VariableByteInteger.MAXIMUM);
    // 256 MB claimed; were they taken, a thousand such decoders would not fit into the memory.
    for (int i = 0; i < 1000; i++) {
      assertThat(decoder.decode(bytes("30 F0 FF FF 7F 00 01 61 00"))).isNull();
    }
  }

  @Test
  void refusesAMaximumPacketSizeOfZero() {
    assertThatThrownBy(() -> MqttDecoder.forServer(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cannot be 0");
  }

  @Test
  void knowsNoVersionBeforeConnect() throws MqttDecodeException {
    MqttDecoder decoder = MqttDecoder.forServer(1000);
    assertThatThrownBy(decoder::version).isInstanceOf(IllegalStateException.class);

    Packet connect = decoder.decode(bytes("10 0D 00 04 4D 51 54 54 05 02 00 3C 00 00 00"));

    assertThat(connect).isNotNull();
    assertThat(decoder.version()).isEqualTo(MQTT_5);
  }

  private static Refusal client(
      String mistake, MqttVersion version, String hex, ReasonCode reasonCode, String message) {
    return new Refusal(mistake, false, version, hex, reasonCode, message);
  }

  private static Refusal server(
      String mistake,
      @Nullable MqttVersion version,
      String hex,
      ReasonCode reasonCode,
      String message) {
    return new Refusal(mistake, true, version, hex, reasonCode, message);
  }

  private static Refusal connect(
      String mistake, String body, ReasonCode reasonCode, String message) {
    int length = body.replace(" ", "").length() / 2;
    return server(
        "CONNECT: " + mistake, null, "10 %02X ".formatted(length) + body, reasonCode, message);
  }

  /** A PUBLISH of 5.0 to "a" with these properties. */
  private static String publish(String properties) {
    int length = properties.replace(" ", "").length() / 2;
    return "30 %02X 00 01 61 %02X %s".formatted(length + 4, length, properties);
  }

  private static String connack(String properties) {
    int length = properties.replace(" ", "").length() / 2;
    return "20 %02X 00 00 %02X %s".formatted(length + 3, length, properties);
  }

  private static String subscribe(String payload) {
    int length = payload.replace(" ", "").length() / 2;
    return "82 %02X 00 01 00 %s".formatted(length + 3, payload);
  }

  private static ByteBuf bytes(String hex) {
    return Unpooled.wrappedBuffer(
        HexFormat.of().parseHex(hex.replace(" ", "").toUpperCase(Locale.ROOT)));
  }

  private static MqttDecodeException refused(MqttDecoder decoder, ByteBuf in) {
    return catchThrowableOfType(MqttDecodeException.class, () -> decoder.decode(in));
  }
}
