// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttConnectException;
import io.bight.testkit.ScriptedServer;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A name service that does not answer harms nobody but those who wait for it. */
@Timeout(60)
class HangingNameTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private final CountDownLatch answer = new CountDownLatch(1);
  private NameResolver.LookUp system;

  @BeforeEach
  void letNamesHang() {
    system =
        NameResolver.replaceLookUp(
            host -> {
              if (host.endsWith(".hangs")) {
                awaitAnswer();
                throw new UnknownHostException(host);
              }
              return InetAddress.getAllByName(host);
            });
  }

  private void awaitAnswer() {
    try {
      answer.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @AfterEach
  void letNamesGo() {
    answer.countDown();
    NameResolver.replaceLookUp(system);
  }

  @Test
  void m4NamesThatHangDoNotStallTheOthersOnTheirLoop() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create()) {
      List<MqttFuture<?>> hanging = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        hanging.add(
            MqttClient.builder("mqtt://n" + i + ".hangs").loop(loop).build().connectAsync());
      }
      loop.loopStart();
      String byName = "mqtt://localhost:" + server.uri().getPort();
      for (String uri : List.of(server.uri().toString(), byName)) {
        MqttClient other = MqttClient.builder(uri).loop(loop).build();
        other.connect(LIMIT);
        assertThat(other.isConnected()).isTrue();
      }
      assertThat(hanging).noneMatch(MqttFuture::isDone);
    }
  }

  @Test
  void r9NameServiceThatDoesNotAnswerIsGivenUpAfterTheConnectTimeout() {
    try (MqttClient client =
        MqttClient.builder("mqtt://broker.hangs")
            .connectTimeout(Duration.ofMillis(100))
            .reconnect(ReconnectPolicy.never())
            .build()) {
      assertThatThrownBy(() -> client.connect(LIMIT))
          .isInstanceOf(MqttConnectException.class)
          .hasMessageContaining("did not tell the address of 'broker.hangs' within 100 ms")
          .hasMessageContaining("check the DNS");
    }
  }
}
