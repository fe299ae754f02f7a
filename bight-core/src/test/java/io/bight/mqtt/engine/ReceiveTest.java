// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.testkit.OutgoingPacket;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes from the server: in pieces, wrong, and while nobody wants them. */
class ReceiveTest extends EngineFixture {
  // ---- what is wrong

  @ParameterizedTest
  @CsvSource({
    "40 01 00, 81, too short",
    "40 02 00 00, 82, packet identifier 0",
    "36 06 00 01 61 00 01 00, 81, QoS 3",
    "62 00, 81, PUBREL without an identifier",
    "60 02 00 01, 81, PUBREL with flags 0000",
    "00 00, 81, packet type 0",
    "30 ff ff ff ff 01, 81, remaining length of five bytes",
    "30 05 00 02 ff fe 00, 81, ill-formed UTF-8",
    "30 05 00 02 61 00 00, 81, U+0000",
    "30 06 00 02 61 23 00 78, 81, wildcard in a topic name",
    "30 06 00 01 61 02 02 00, 81, bytes of the properties do not add up",
    "30 08 00 01 61 04 01 00 01 00, 82, property twice",
    "30 05 00 01 61 01 7f, 81, unknown property",
    "40 04 00 01 01 00, 82, reason that PUBACK does not have",
    "82 06 00 01 00 00 01 61, 82, SUBSCRIBE from a server",
    "c0 00, 82, PINGREQ from a server",
    "f1 00, 81, AUTH with flags"
  })
  @Normative(v5 = {"4.13.1-1", "2.1.3-1", "3.3.1-4", "3.6.1-1", "3.15.1-1", "1.5.4-1", "1.5.4-2"})
  void wrongPacketIsAnsweredWithItsReasonIn5(String hex, String reasonCode, String what) {
    connected().sendBytes(hex).expectDisconnect(Integer.parseInt(reasonCode, 16)).expectClose();
    carry();
    assertThat(onlyEnd().by()).as(what).isEqualTo(By.CLIENT);
    assertThat(onlyEnd().message()).as(what).contains("the server sent a packet that is not valid");
    assertThat(events.messages).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "40 01 00",
        "40 02 00 00",
        "36 05 00 01 61 00 01",
        "60 02 00 01",
        "00 00",
        "30 04 00 02 ff fe",
        "30 04 00 02 61 00",
        "30 04 00 02 61 23",
        "c0 00",
        "e0 00",
        "f0 00"
      })
  @Normative(v311 = {"4.8.0-1", "4.8.0-2", "2.2.2-2", "3.3.1-4", "3.6.1-1", "1.5.3-1", "1.5.3-2"})
  void wrongPacketClosesTheConnectionBefore5(String hex) {
    connected(MqttVersion.MQTT_3_1_1).sendBytes(hex).expectClose();
    carry();
    assertThat(onlyEnd().by()).isEqualTo(By.CLIENT);
    assertThat(server.packets()).hasSize(1);
  }

  @EachVersion
  void wrongPacketInsteadOfConnackClosesTheConnection(MqttVersion with) {
    version = with;
    server.onConnection().expectConnect().sendBytes("48 54 54 50 2f 31 2e 31 20 34").expectClose();
    connect();
    assertThat(onlyEnd().by()).isEqualTo(By.CLIENT);
    assertThat(onlyEnd().established()).isFalse();
  }

  @Test
  void whatFollowsAWrongPacketIsNotRead() {
    connected().sendBytes("40 02 00 00 30 04 00 01 61 00").expectDisconnect(0x82).expectClose();
    carry();
    assertThat(events.messages).isEmpty();
  }

  @Test
  void whatCameBeforeAWrongPacketIsHandled() {
    connected().sendBytes("30 04 00 01 61 00 40 02 00 00").expectDisconnect(0x82).expectClose();
    carry();
    assertThat(events.messages).hasSize(1);
  }

  // ---- in pieces

  @EachVersion
  @Normative(v311 = "7.1.2-1", v5 = "4.2-1")
  void packetsArriveInPiecesOfAnySize(MqttVersion with) {
    acknowledgeAtOnce();
    for (int size = 1; size <= 12; size++) {
      int count = events.messages.size();
      var script = server.onConnection().expectConnect().sendConnack().inPiecesOf(size);
      script
          .sendPublish("a", "first", 1, 1)
          .expectPuback(1)
          .sendPublish("a", "x".repeat(3000), 2, 2)
          .expectPubrec(2)
          .sendPubrel(2)
          .expectPubcomp(2)
          .sendPublish("a", "last");
      version = with;
      connect();
      assertThat(events.messages).hasSize(count + 3);
      cut();
    }
  }

  @Test
  void connectionMayEndInTheMiddleOfAPacket() {
    connected().sendBytes("30 7f 00 01 61 00 78").closeConnection();
    carry();
    assertThat(events.messages).isEmpty();
    assertThat(onlyEnd().by()).isEqualTo(By.SERVER);
  }

  @Test
  void bytesAfterTheEndMeanNothing() {
    receive(HexFormat.of().parseHex("300400016100"));
    assertThat(events.messages).isEmpty();
  }

  // ---- paused

  @EachVersion
  void pausedEngineKeepsPacketsUntilItIsResumed(MqttVersion with) {
    events.whenMessage = message -> engine.pauseReceiving();
    connected(with).sendPublish("a", "1").sendPublish("a", "2").sendPublish("a", "3");
    carry();
    assertThat(payloads()).containsExactly("1");
    engine.resumeReceiving(now());
    assertThat(payloads()).containsExactly("1", "2");
    events.whenMessage = message -> {};
    engine.resumeReceiving(now());
    assertThat(payloads()).containsExactly("1", "2", "3");
    engine.resumeReceiving(now());
  }

  @Test
  void pausedEngineTakesMoreBytes() {
    engine.pauseReceiving();
    engine.resumeReceiving(now());
    var script = connected();
    engine.pauseReceiving();
    script.sendPublish("a", "1");
    carry();
    script.sendBytes("30 05 00 01");
    carry();
    script.sendBytes("61 00 32");
    carry();
    assertThat(payloads()).isEmpty();
    engine.resumeReceiving(now());
    assertThat(payloads()).containsExactly("1", "2");
  }

  @Test
  void pausedEngineStillSends() {
    connected().expectPublish("a");
    engine.pauseReceiving();
    publish(qos0("a")).assertSuccess();
  }

  @Test
  void pauseEndsWithTheConnection() {
    connected();
    engine.pauseReceiving();
    cut();
    connected().sendPublish("a", "1");
    carry();
    assertThat(payloads()).containsExactly("1");
  }

  @Test
  void resumingWithinTheEventThatPausedGoesOn() {
    events.whenMessage =
        message -> {
          engine.pauseReceiving();
          engine.resumeReceiving(now());
        };
    connected().sendPublish("a", "1").sendPublish("a", "2");
    carry();
    assertThat(payloads()).containsExactly("1", "2");
  }

  @Test
  void pausedEngineCanBeDisconnected() {
    connected().sendPublish("a", "1").expectDisconnect().expectClose();
    engine.pauseReceiving();
    carry();
    disconnect();
    engine.resumeReceiving(now());
    assertThat(payloads()).isEmpty();
    assertEnded(By.USER, ReasonCode.SUCCESS);
  }

  @Test
  void unknownReasonFromTheServerIsAProtocolError() {
    connected().send(OutgoingPacket.disconnect(0x01)).expectDisconnect(0x82).expectClose();
    carry();
  }
}
