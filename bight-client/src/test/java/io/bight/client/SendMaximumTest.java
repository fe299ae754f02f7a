// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.broker.EmbeddedBroker;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.PublishResult;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.MosquittoServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** How many messages a client has under way, where the server cannot say how many it bears. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class SendMaximumTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int MESSAGES = 500;

  @Test
  void isFrom1To65535() {
    MqttClientBuilder builder = MqttClient.builder("mqtt://localhost");
    for (int wrong : new int[] {0, -1, 65_536}) {
      assertThatThrownBy(() -> builder.sendMaximum(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("1 to 65535");
    }
  }

  /** Mosquitto 2.0.11 with its own limit of 20 resets the connection again and again without. */
  @Test
  void aServerWithALimitThatItCannotTellGetsEveryMessage() throws Exception {
    if (MosquittoServer.isInstalled()) {
      try (MosquittoServer server = MosquittoServer.start("max_queued_messages 0")) {
        requireThatAllArrive(server.uri().toString());
      }
    } else {
      try (EmbeddedBroker server = EmbeddedBroker.start()) {
        requireThatAllArrive(server.uri());
      }
    }
  }

  private static void requireThatAllArrive(String uri) {
    Set<String> arrived = new HashSet<>();
    try (MqttLoop loop = MqttLoop.create();
        MqttClient consumer =
            MqttClient.builder(uri).loop(loop).version(MqttVersion.MQTT_3_1_1).build();
        MqttClient publisher =
            MqttClient.builder(uri)
                .loop(loop)
                .version(MqttVersion.MQTT_3_1_1)
                .sendMaximum(20)
                .build()) {
      consumer.connect(LIMIT);
      consumer
          .subscribe("t", Qos.EXACTLY_ONCE, message -> arrived.add(message.payloadUtf8()))
          .await(LIMIT);
      publisher.connect(LIMIT);
      List<MqttFuture<PublishResult>> futures = new ArrayList<>();
      for (int i = 0; i < MESSAGES; i++) {
        futures.add(publisher.publish("t", "" + i, Qos.EXACTLY_ONCE));
      }
      futures.forEach(future -> future.await(LIMIT));
      long deadline = System.nanoTime() + Duration.ofSeconds(15).toNanos();
      while (arrived.size() < MESSAGES && System.nanoTime() - deadline < 0) {
        loop.loop(Duration.ofMillis(20));
      }
      assertThat(arrived).hasSize(MESSAGES);
    }
  }
}
