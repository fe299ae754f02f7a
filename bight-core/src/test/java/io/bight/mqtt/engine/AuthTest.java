// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.mqtt.packet.Auth;
import io.bight.testkit.OutgoingPacket;
import io.bight.testkit.PacketType;
import io.bight.testkit.Property;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Enhanced authentication [MQTT 5.0, section 4.12]. */
class AuthTest extends EngineFixture {
  @BeforeEach
  void authenticateBySteps() {
    connectProperties.set(io.bight.mqtt.Property.AUTHENTICATION_METHOD, "steps");
  }

  private static Auth auth(ReasonCode reasonCode, String method, int... data) {
    byte[] bytes = new byte[data.length];
    for (int i = 0; i < data.length; i++) {
      bytes[i] = (byte) data[i];
    }
    return new Auth(
        reasonCode,
        Properties.builder()
            .set(io.bight.mqtt.Property.AUTHENTICATION_METHOD, method)
            .set(io.bight.mqtt.Property.AUTHENTICATION_DATA, bytes)
            .build());
  }

  private static OutgoingPacket serverAuth(int reasonCode, String method) {
    return OutgoingPacket.auth(reasonCode).property(Property.AUTHENTICATION_METHOD, method);
  }

  private static Consumer<OutgoingPacket> method(String method) {
    return connack -> connack.property(Property.AUTHENTICATION_METHOD, method);
  }

  private void answerEachStep() {
    events.whenAuth =
        step -> engine.authenticate(auth(ReasonCode.CONTINUE_AUTHENTICATION, "steps", 2), now());
  }

  @Test
  @Normative(v5 = {"3.1.2-30", "4.12.0-3", "4.12.0-5", "3.15.2-1"})
  void stepsGoBackAndForthBeforeConnackAndNothingElse() {
    answerEachStep();
    engine.publish(qos0("queued").build(), new Outcome<>(), now());
    subscribe("queued");
    server
        .onConnection()
        .expectConnect()
        .send(serverAuth(0x18, "steps"))
        .expect(
            PacketType.AUTH,
            packet -> {
              assertThat(packet.reasonCode()).isEqualTo(0x18);
              assertThat(packet.properties().text(Property.AUTHENTICATION_METHOD))
                  .isEqualTo("steps");
              assertThat(packet.properties().binary(Property.AUTHENTICATION_DATA))
                  .containsExactly(2);
            })
        .sendConnack(method("steps"))
        .expectSubscribe("queued")
        .expectPublish("queued")
        .sendSuback();
    connect();
    assertThat(events.auths).hasSize(1);
    assertThat(engine.state()).isEqualTo(MqttEngine.State.CONNECTED);
  }

  @Test
  @Normative(v5 = "4.12.1-1")
  void liveConnectionIsAuthenticatedAnew() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(method("steps"))
        .expect(PacketType.AUTH, packet -> assertThat(packet.reasonCode()).isEqualTo(0x19))
        .send(serverAuth(0x00, "steps"));
    connect();
    engine.authenticate(auth(ReasonCode.RE_AUTHENTICATE, "steps"), now());
    carry();
    assertThat(events.auths).extracting(Auth::reasonCode).containsExactly(ReasonCode.SUCCESS);
  }

  @Test
  void successMayLeaveOutEverything() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(method("steps"))
        .expect(PacketType.AUTH)
        .sendBytes("F0 00");
    connect();
    engine.authenticate(auth(ReasonCode.RE_AUTHENTICATE, "steps"), now());
    carry();
    assertThat(events.auths).hasSize(1);
    assertThat(engine.state()).isEqualTo(MqttEngine.State.CONNECTED);
  }

  @Test
  @Normative(v5 = "4.12.1-2")
  void failedNewAuthenticationEndsTheConnection() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(method("steps"))
        .expect(PacketType.AUTH)
        .sendDisconnect(0x87)
        .expectClose();
    connect();
    engine.authenticate(auth(ReasonCode.RE_AUTHENTICATE, "steps"), now());
    carry();
    assertEnded(By.SERVER, ReasonCode.NOT_AUTHORIZED);
  }

  @Test
  @Normative(v5 = "4.12.0-5")
  void authWithAnotherMethodEndsTheConnection() {
    server.onConnection().expectConnect().send(serverAuth(0x18, "other")).expectClose();
    connect();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "'other'", "'steps'");
    assertThat(events.auths).isEmpty();
  }

  @Test
  @Normative(v5 = "4.12.0-5")
  void connackWithoutTheMethodEndsTheConnection() {
    server.onConnection().expectConnect().sendConnack().expectClose();
    connect();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "'steps'");
  }

  @Test
  void refusingConnackNeedsNoMethod() {
    server.onConnection().expectConnect().refuse(0x8C);
    connect();
    assertEnded(By.SERVER, ReasonCode.BAD_AUTHENTICATION_METHOD);
  }

  @Test
  @Normative(v5 = "4.12.0-6")
  void authWithoutAMethodInConnectEndsTheConnection() {
    connectProperties = Properties.builder();
    server.onConnection().expectConnect().send(serverAuth(0x18, "steps")).expectClose();
    connect();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "AUTH", "named no method");
  }

  @Test
  @Normative(v5 = "4.12.0-6")
  void methodInConnackWithoutOneInConnectEndsTheConnection() {
    connectProperties = Properties.builder();
    server.onConnection().expectConnect().sendConnack(method("steps")).expectClose();
    connect();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR);
  }

  @Test
  @Normative(v5 = "4.12.0-7")
  void clientWithoutAMethodCannotSendAuth() {
    connectProperties = Properties.builder();
    connected();
    assertThatThrownBy(() -> engine.authenticate(auth(ReasonCode.RE_AUTHENTICATE, "steps"), now()))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void authNeedsAConnection() {
    assertThatThrownBy(() -> engine.authenticate(auth(ReasonCode.RE_AUTHENTICATE, "steps"), now()))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  @Normative(v5 = {"4.12.0-5", "4.12.1-1"})
  void anotherMethodIsTheCallersMistake() {
    server.onConnection().expectConnect().sendConnack(method("steps"));
    connect();
    assertThatThrownBy(() -> engine.authenticate(auth(ReasonCode.RE_AUTHENTICATE, "other"), now()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'other'");
  }

  @Test
  @Normative(v5 = {"3.15.2-2", "3.15.2-3"})
  void wordsAreLeftOutOfAuthWhereTheServerTakesOnlySmallPackets() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(
            c ->
                c.property(Property.AUTHENTICATION_METHOD, "steps")
                    .property(Property.MAXIMUM_PACKET_SIZE, 30))
        .expect(
            PacketType.AUTH,
            packet -> {
              assertThat(packet.bytes().length).isLessThanOrEqualTo(30);
              assertThat(packet.properties().asMap()).hasSize(1);
            });
    connect();
    engine.authenticate(
        new Auth(
            ReasonCode.RE_AUTHENTICATE,
            Properties.builder()
                .set(io.bight.mqtt.Property.AUTHENTICATION_METHOD, "steps")
                .set(io.bight.mqtt.Property.REASON_STRING, "once again, if you please")
                .userProperty("and", "more")
                .build()),
        now());
    carry();
  }

  @Test
  void thereIsNoAuthBefore5() {
    connected(MqttVersion.MQTT_3_1_1).sendBytes("F0 00").expectClose();
    carry();
    assertThat(onlyEnd().by()).isEqualTo(By.CLIENT);
  }
}
