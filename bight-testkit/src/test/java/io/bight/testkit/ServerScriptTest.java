// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.mqtt.MqttConnAckMessage;
import io.netty.handler.codec.mqtt.MqttMessageType;
import io.netty.handler.codec.mqtt.MqttVersion;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The script language, in memory. */
@ExtendWith(LeakCheck.class)
class ServerScriptTest {
  private final VirtualTime time = new VirtualTime();
  private final ScriptedServer server = ScriptedServer.inMemory(time);

  @ParameterizedTest
  @EnumSource(MqttVersion.class)
  void followsAScriptInEveryVersion(MqttVersion version) throws IOException {
    server
        .onConnection()
        .expectConnect(
            connect -> {
              assertThat(connect.protocolVersion()).isEqualTo(version.protocolLevel());
              assertThat(connect.clientIdentifier()).isEqualTo("me");
              assertThat(connect.keepAliveSeconds()).isEqualTo(60);
              assertThat(connect.will()).isNull();
            })
        .sendConnack()
        .expectSubscribe("a/#")
        .sendSuback()
        .sendPublish("a/b", "one", 1, 7)
        .expectPuback(7)
        .expectPublish("c")
        .sendPubrec()
        .expectPubrel(9)
        .sendPubcomp()
        .expectUnsubscribe("a/#")
        .sendUnsuback()
        .expectPingreq()
        .sendPingresp()
        .expectDisconnect()
        .expectClose();
    TestClient client = client().speaking(version);

    client.connected("me", true);
    client.subscribe(3, "a/#", 1);
    client.expect("SUBACK id=3");
    client.expect("PUBLISH id=7 qos=1 a/b=one");
    client.acknowledge(MqttMessageType.PUBACK, 7);
    client.publish("c", "two", 2, 9);
    client.expect("PUBREC id=9");
    client.acknowledge(MqttMessageType.PUBREL, 9);
    client.expect("PUBCOMP id=9");
    client.unsubscribe(4, "a/#");
    client.expect("UNSUBACK id=4");
    client.ping();
    client.expect("PINGRESP");
    client.disconnect();
    client.close();

    server.verify();
    assertThat(server.transcript())
        .contains(">> CONNECT version=" + version.protocolLevel() + " client='me' clean start")
        .contains("<< PUBLISH id=7 qos=1 'a/b' 3 B")
        .contains(">> PUBLISH id=9 qos=2 'c' 3 B")
        .contains("connection closed by the client");
  }

  @Test
  void saysWhatWasExpectedWhatCameAndTheWholeTranscript() throws IOException {
    server.onConnection().expectConnect().sendConnack().expectPuback(7);
    TestClient client = client().connected("me", true);

    assertThatThrownBy(() -> client.acknowledge(MqttMessageType.PUBREC, 7))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("Connection 1: expected PUBACK id=7, but received PUBREC id=7")
        .hasMessageContaining(">> CONNECT version=4 client='me'")
        .hasMessageContaining("<< CONNACK");
    assertThatThrownBy(server::verify).hasMessageContaining("but received PUBREC id=7");
    assertThat(server.connection(1, Duration.ZERO).wasReset()).isTrue();
    client.close();
  }

  @Test
  void failsOnTheWrongPacketIdentifier() throws IOException {
    server.onConnection().expectConnect().sendConnack().expectPuback(7);
    TestClient client = client().connected("me", true);

    assertThatThrownBy(() -> client.acknowledge(MqttMessageType.PUBACK, 8))
        .hasMessageContaining("packet identifier should be 7 but is 8");
    client.close();
  }

  @Test
  void failsWhenTheTestsOwnCheckFails() {
    server.onConnection().expectConnect(c -> assertThat(c.keepAliveSeconds()).isEqualTo(5));
    TestClient client = client();

    assertThatThrownBy(() -> client.connect("me", true))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("at CONNECT: received CONNECT version=4")
        .hasMessageContaining("5");
  }

  @Test
  void failsOnAPacketAfterTheScriptButNotOnDisconnect() throws IOException {
    server.onConnection().expectConnect().sendConnack();
    TestClient polite = client().connected("polite", true);
    polite.disconnect();
    polite.close();
    server.verify();

    server.onConnection().expectConnect().sendConnack();
    TestClient rude = client().connected("rude", true);
    assertThatThrownBy(rude::ping)
        .hasMessageContaining("Connection 2: expected nothing more, but received PINGREQ");
  }

  @Test
  void failsWhenTheClientClosesInsteadOfSending() throws IOException {
    server.onConnection().expectConnect().sendConnack().expectPublish("a");
    TestClient client = client().connected("me", true);

    assertThatThrownBy(client::close)
        .hasMessageContaining("expected PUBLISH to 'a', but the client closed");
  }

  @Test
  void saysWhichStepAnUnfinishedScriptWaitsFor() throws IOException {
    server.onConnection().expectConnect().sendConnack().expectPublish("a");
    client().connected("me", true);

    assertThatThrownBy(server::verify)
        .hasMessageContaining("in vain for PUBLISH to 'a' on connection 1");
  }

  @Test
  void failsOnAConnectionThatNobodyForesaw() {
    assertThatThrownBy(server::openConnection).hasMessageContaining("no script");
  }

  @Test
  void showsTheBytesOfAMalformedPacket() throws IOException {
    server.onConnection().expectConnect().sendConnack().expectPublish("a");
    TestClient client = client().connected("me", true);

    assertThatThrownBy(() -> client.sendBytes(0x36, 0x03, 0x00, 0x01, 0x61))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("malformed packet")
        .hasMessageContaining("36 03 00 01 61");
  }

  @Test
  void seesAPacketWhoseFieldsAreLongerThanItself() throws IOException {
    server.onConnection().expectConnect().sendConnack().expectPublish("a");
    TestClient client = client().connected("me", true);

    assertThatThrownBy(() -> client.sendBytes(0x30, 0x03, 0x00, 0x09, 0x61))
        .hasMessageContaining("30 03 00 09 61");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7})
  void readsPacketsHoweverTheyAreSplit(int size) throws IOException {
    server.onConnection().expectConnect().sendConnack().expectPublish("a/b").sendPuback();
    TestClient client = client().connected("me", true);
    byte[] packet = client.encode(TestClient.publishPacket("a/b", "x", 1, 5, false));

    for (int at = 0; at < packet.length; at += size) {
      client.sendBytes(Arrays.copyOfRange(packet, at, Math.min(packet.length, at + size)));
    }

    client.expect("PUBACK id=5");
    assertThat(server.packets(PacketType.PUBLISH).get(0).bytes()).isEqualTo(packet);
  }

  @Test
  void waitsForAVirtualDelay() throws IOException {
    server.onConnection().expectConnect().delay(Duration.ofSeconds(30)).sendConnack();
    TestClient client = client();
    client.connect("me", true);
    time.advance(Duration.ofMillis(29_999));
    assertThat(client.next()).isEqualTo("nothing");

    time.advance(Duration.ofMillis(1));

    client.expect("CONNACK");
    assertThat(server.transcript()).contains("30.000 s [1] << CONNACK");
  }

  @Test
  void expectsSilence() throws IOException {
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .expectNothing(Duration.ofSeconds(10))
        .expectPingreq();
    TestClient client = client().connected("me", true);
    time.advance(Duration.ofSeconds(10));
    client.ping();
    server.verify();
  }

  @Test
  void failsWhenSilenceIsBroken() throws IOException {
    server.onConnection().expectConnect().sendConnack().expectNothing(Duration.ofSeconds(10));
    TestClient client = client().connected("me", true);
    time.advance(Duration.ofSeconds(9));

    assertThatThrownBy(client::ping)
        .hasMessageContaining("expected nothing for PT10S, but received PINGREQ");
  }

  @Test
  void sendsAndExpectsBytesAsTheyAre() throws IOException {
    server.onConnection().expectConnect().sendBytes("20 02 00 00").expectBytes("C0 00");
    TestClient client = client().connected("me", true);

    client.sendBytes(0xC0);
    client.sendBytes(0x00);

    server.verify();
  }

  @Test
  void failsOnOtherBytes() throws IOException {
    server.onConnection().expectConnect().sendConnack().expectBytes("C0 00");
    TestClient client = client().connected("me", true);

    assertThatThrownBy(() -> client.sendBytes(0xE0, 0x00))
        .hasMessageContaining("at the bytes c0 00: received the bytes e0 00");
  }

  @Test
  void answersInTheVersionOfAConnectThatWasExpectedAsBytes() throws IOException {
    server
        .onConnection()
        .expectBytes("10 10 00 04 4D 51 54 54 05 02 00 00 00 00 03 61 62 63")
        .sendConnack(c -> c.property(Property.RECEIVE_MAXIMUM, 2));
    ScriptedConnection connection = server.openConnection();

    connection.receive(HexFormat.of().parseHex("101000044d515454050200000000" + "03616263"));

    assertThat(connection.takeOutgoing()).startsWith(0x20, 0x06, 0x00, 0x00, 0x03, 0x21);
  }

  @Test
  void sendsAPacketInTwoPieces() throws IOException {
    server
        .onConnection()
        .expectConnect()
        .sendSplit(OutgoingPacket.connack(), 1, Duration.ofSeconds(1));
    TestClient client = client();
    client.connect("me", true);

    assertThat(client.readBytes()).hasSize(1);
    assertThat(client.readBytes()).isEmpty();
    time.advance(Duration.ofSeconds(1));
    assertThat(client.readBytes()).hasSize(3);
  }

  @Test
  void sendsInPieces() throws IOException {
    server.onConnection().expectConnect().inPiecesOf(3).sendConnack();
    TestClient client = client();
    client.connect("me", true);

    assertThat(client.readBytes()).hasSize(3);
    assertThat(client.readBytes()).hasSize(1);
    assertThat(client.readBytes()).isEmpty();
  }

  @Test
  void refusesWithAReasonAndCloses() throws IOException {
    server.onConnection().expectConnect().refuse(0x87);
    TestClient client = client().speaking(MqttVersion.MQTT_5);
    client.connect("me", true);

    MqttConnAckMessage connack = (MqttConnAckMessage) client.read();
    assertThat(connack.variableHeader().connectReturnCode().byteValue()).isEqualTo((byte) 0x87);
    assertThat(server.connection(1, Duration.ZERO).isClosed()).isTrue();
  }

  @Test
  void dropsPacketsThenGoesOn() throws IOException {
    server.onConnection().expectConnect().sendConnack().drop(2).expectPublish("c").sendPuback();
    TestClient client = client().connected("me", true);
    client.publish("a", "", 1, 1);
    client.publish("b", "", 1, 2);
    client.publish("c", "", 1, 3);

    client.expect("PUBACK id=3");
    assertThat(server.packets()).hasSize(4);
  }

  @Test
  void swallowsEverythingAfterTheScript() throws IOException {
    server.onConnection().expectConnect().sendConnack().swallow();
    TestClient client = client().connected("me", true);
    client.ping();
    client.publish("a", "", 1, 1);

    assertThat(client.next()).isEqualTo("nothing");
    assertThat(server.takePacket(PacketType.PUBLISH, Duration.ZERO).topic()).isEqualTo("a");
    assertThat(server.takePacket(Duration.ZERO).type()).isEqualTo(PacketType.CONNECT);
  }

  @Test
  void answersPingsWhereverTheyCome() throws IOException {
    server.onConnection().expectConnect().sendConnack().answerPings().expectPublish("a");
    TestClient client = client().connected("me", true);
    client.ping();
    client.expect("PINGRESP");
    client.publish("a", "", 0, 0);
    client.ping();
    client.expect("PINGRESP");
    server.verify();
  }

  @Test
  void readsNothingWhileItDoesNotRead() throws IOException {
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .stopReading()
        .delay(Duration.ofSeconds(1))
        .resumeReading()
        .expectPublish("a")
        .sendPuback();
    TestClient client = client().connected("me", true);
    client.publish("a", "", 1, 1);
    time.advance(Duration.ofMillis(999));
    assertThat(client.next()).isEqualTo("nothing");
    assertThat(server.connection(1, Duration.ZERO).bytesReceived()).isEqualTo(16);

    time.advance(Duration.ofMillis(1));
    client.expect("PUBACK id=1");
  }

  @Test
  void takesFurtherStepsWhileTheConnectionIsOpen() throws IOException {
    ServerScript script = server.onConnection().expectConnect().sendConnack();
    TestClient client = client().connected("me", true);

    script.sendPublish("a", "x").closeConnection();

    client.expect("PUBLISH qos=0 a=x");
    assertThat(server.connection(1, Duration.ZERO).isClosed()).isTrue();
    assertThat(server.connection(1, Duration.ZERO).isClosedByClient()).isFalse();
  }

  @Test
  void takesSeveralStepsBeforeThePacketsThatTheFirstLetsIn() throws IOException {
    ServerScript script = server.onConnection().expectConnect().sendConnack().stopReading();
    TestClient client = client().connected("me", true);
    client.ping();

    script.together(more -> more.resumeReading().expectPingreq().sendPingresp());

    client.expect("PINGRESP");
    server.verify();
  }

  @Test
  void cutsAfterBytesReceived() throws IOException {
    server.onConnection().expectConnect().sendConnack().cutAfterReceiving(4).swallow();
    TestClient client = client().connected("me", true);
    long before = server.connection(1, Duration.ZERO).bytesReceived();
    client.publish("a/b/c", "long", 0, 0);

    ScriptedConnection connection = server.connection(1, Duration.ZERO);
    assertThat(connection.bytesReceived() - before).isEqualTo(4);
    assertThat(connection.wasReset()).isTrue();
    assertThat(server.packets(PacketType.PUBLISH)).isEmpty();
  }

  @Test
  void cutsAfterBytesSent() throws IOException {
    server.onConnection().cutAfterSending(3).expectConnect().sendConnack();
    TestClient client = client();
    client.connect("me", true);

    assertThat(client.readBytes()).hasSize(3);
    assertThat(server.connection(1, Duration.ZERO).isClosed()).isTrue();
  }

  @Test
  void losesUntakenBytesInAReset() throws IOException {
    server.onConnection().expectConnect().sendConnack().resetConnection();
    TestClient client = client();
    client.connect("me", true);

    assertThat(client.next()).isEqualTo("nothing");
    assertThat(server.connection(1, Duration.ZERO).wasReset()).isTrue();
  }

  @Test
  void runsOneScriptForEveryConnection() throws IOException {
    server.onEveryConnection().expectConnect().sendConnack();
    client().connected("one", true);
    client().connected("two", true);

    server.verify();
    assertThat(server.connections()).isEqualTo(2);
    assertThat(server.openConnections()).isEqualTo(2);
  }

  @Test
  void refusesToAnswerAPacketThatNeverCame() {
    server.onConnection().expectConnect().sendPuback();
    TestClient client = client();

    assertThatThrownBy(() -> client.connect("me", true))
        .hasMessageContaining("no PUBLISH has come on this connection to answer");
  }

  private TestClient client() {
    return TestClient.over(server.openConnection());
  }
}
