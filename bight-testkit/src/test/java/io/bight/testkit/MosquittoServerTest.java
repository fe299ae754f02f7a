// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.handler.codec.mqtt.MqttConnAckMessage;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MosquittoServerTest {
  @BeforeEach
  void needsMosquitto() {
    assumeTrue(MosquittoServer.isInstalled(), "Mosquitto is not installed");
  }

  @Test
  void servesClients() throws IOException {
    try (MosquittoServer server = MosquittoServer.start();
        TestClient client = TestClient.over(server.uri()).connected("me", true)) {
      client.subscribe(1, "a/#", 1);
      client.expect("SUBACK id=1");
      client.publish("a/b", "x", 1, 2);
      assertThat(client.next() + ", " + client.next())
          .contains("PUBACK id=2")
          .contains("PUBLISH id=1 qos=1 a/b=x");
      assertThat(server.isRunning()).isTrue();
      assertThat(server.log()).contains("Received PUBLISH from me");
    }
  }

  @Test
  void isGoneAfterKillAndBackOnTheSamePortAfterRestart() throws IOException {
    try (MosquittoServer server = MosquittoServer.start()) {
      URI uri = server.uri();
      server.kill();
      assertThat(server.isRunning()).isFalse();
      assertThatThrownBy(() -> TestClient.over(uri)).isInstanceOf(ConnectException.class);

      server.restart();
      assertThat(server.uri()).isEqualTo(uri);
      TestClient.over(uri).connected("me", true).close();
    }
  }

  @Test
  void keepsSessionsOverARestartWhenPersistent() throws IOException {
    try (MosquittoServer server = MosquittoServer.startPersistent()) {
      try (TestClient client = TestClient.over(server.uri()).connected("me", false)) {
        client.subscribe(1, "a", 1);
        client.expect("SUBACK id=1");
      }
      server.restart();
      assertThat(sessionPresent(server)).isTrue();
    }
  }

  @Test
  void forgetsSessionsInARestartOtherwise() throws IOException {
    try (MosquittoServer server = MosquittoServer.start()) {
      TestClient.over(server.uri()).connected("me", false).close();
      server.restart();
      assertThat(sessionPresent(server)).isFalse();
    }
  }

  @Test
  void takesMoreConfiguration() throws IOException {
    try (MosquittoServer server = MosquittoServer.start("clientid_prefixes good-")) {
      TestClient.over(server.uri()).connected("good-one", true).close();
      try (TestClient refused = TestClient.over(server.uri())) {
        refused.connect("bad-one", true);
        MqttConnAckMessage connack = (MqttConnAckMessage) refused.read();
        assertThat(connack.variableHeader().connectReturnCode().byteValue()).isNotZero();
      }
    }
  }

  @Test
  void saysWhyItDoesNotStart() {
    assertThatThrownBy(() -> MosquittoServer.start("no_such_option true"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Mosquitto does not start")
        .hasMessageContaining("no_such_option");
  }

  private static boolean sessionPresent(MosquittoServer server) throws IOException {
    try (TestClient client = TestClient.over(server.uri())) {
      client.connect("me", false);
      return ((MqttConnAckMessage) client.read()).variableHeader().isSessionPresent();
    }
  }
}
