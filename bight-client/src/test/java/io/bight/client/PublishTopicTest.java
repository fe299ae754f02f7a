// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.PacketType;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Topic names are checked when a message is published, though those sent lately are known. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class PublishTopicTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  /** So many that they are put together before they are written, which is when names are kept. */
  private static final int BURST = 500;

  @Test
  void topicsThatAreNotAllowedAreRefusedAlsoWhenOthersAreKnown() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      client.connect(LIMIT);
      for (int round = 0; round < 2; round++) {
        for (int i = 1; i < BURST; i++) {
          client.publish(new String("plant/temperature"), "21.5", Qos.AT_MOST_ONCE);
        }
        byte[] bytes = {1, 2};
        var last = client.publish("plant/temperature", bytes, Qos.AT_LEAST_ONCE);
        bytes[0] = 9; // it was copied
        last.await(LIMIT);
        for (String topic : List.of("", "plant/temperature/#", "plant/+", "a\0b", "\ud800")) {
          assertThatThrownBy(() -> client.publish(topic, "x", Qos.AT_MOST_ONCE))
              .as(topic)
              .isInstanceOf(IllegalArgumentException.class);
          assertThatThrownBy(() -> client.publish(topic, bytes, Qos.AT_LEAST_ONCE))
              .as(topic)
              .isInstanceOf(IllegalArgumentException.class);
        }
      }
      assertThatThrownBy(() -> client.publish("plant/temperature", "x", null))
          .isInstanceOf(NullPointerException.class)
          .hasMessageContaining("qos");
      var published = server.packets(PacketType.PUBLISH);
      assertThat(published).hasSize(2 * BURST);
      assertThat(published).allMatch(publish -> publish.topic().equals("plant/temperature"));
      assertThat(published.get(BURST - 1).payload()).containsExactly(1, 2);
    }
  }
}
