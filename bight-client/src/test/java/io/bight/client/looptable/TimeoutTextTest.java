// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bight.client.Mqtt;
import io.bight.client.MqttClient;
import io.bight.client.MqttGroup;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttTimeoutException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Row R9 of docs/loop-table.md: what a call says that has waited in vain. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class TimeoutTextTest {
  private static final Duration SHORT = Duration.ofMillis(300);

  @Test
  void r9CallThatDroveItselfDoesNotSayThatNobodyDroveAndTellsWhyThereIsNoConnection() {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri())
                .clientId("late")
                .reconnect(
                    ReconnectPolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(20))
                        .alsoFirstConnect())
                .build()) {
      server.stopListening();
      assertThatThrownBy(() -> client.connect(SHORT))
          .isInstanceOf(MqttTimeoutException.class)
          .hasMessageStartingWith("connecting client 'late' of " + server.uri())
          .hasMessageContaining("did not complete within 300 ms; ")
          .hasMessageContaining("CONNECTING, since client 'late' of ")
          .hasMessageContaining("connection refused")
          .hasMessageContaining("this call drove the loop")
          .hasMessageNotContaining("nobody drives");
      client.loopStart();
      assertThatThrownBy(
              () -> client.publish("r9", "x", Qos.AT_LEAST_ONCE).await(Duration.ofMillis(50)))
          .hasMessageContaining("publishing to 'r9' at QoS 1 by client 'late'")
          .hasMessageContaining("connection refused")
          .hasMessageContaining("driven by loopStart()");
    }
  }

  @Test
  void r9CallOfAGroupThatDroveItselfSaysSo() {
    try (ScriptedServer server = ScriptedServer.start();
        MqttGroup group = MqttGroup.create()) {
      server.onConnection().expectConnect().sendConnack().swallow();
      group.add(server.uri().toString());
      group.connect(Await.LIMIT).orThrow();
      var sent = group.publish("r9", "x", Qos.AT_LEAST_ONCE).await(SHORT);
      assertThat(sent)
          .asString()
          .contains("did not complete within 300 ms; the client is CONNECTED; this call drove");
    }
  }

  @Test
  void r9ReceiveNamesTheLimitThatItWasGiven() {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      assertThatThrownBy(() -> Mqtt.receive(server.uri().toString(), "r9/none", SHORT))
          .isInstanceOf(MqttTimeoutException.class)
          .hasMessageStartingWith("waiting for a message for 'r9/none' by client 'bight-")
          .hasMessageContaining("did not complete within 300 ms; the client is CONNECTED")
          .hasMessageNotContaining("nobody drives");
    }
  }

  @Test
  void r9PublishAllSaysOnceWhatItWaitedFor() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.onConnection().expectConnect().sendConnack().swallow();
      List<Publish> seven =
          IntStream.range(0, 7)
              .mapToObj(i -> Publish.builder("r9").payload("x").qos(Qos.AT_LEAST_ONCE).build())
              .toList();
      MqttTimeoutException failure =
          catchThrowableOfType(
              MqttTimeoutException.class,
              () -> Mqtt.publishAll(server.uri().toString(), seven, SHORT));
      assertThat(failure)
          .hasMessageContaining("published 0 of 7 messages, but not ")
          .hasMessageContaining(
              "message 1 to 'r9', message 2 to 'r9', message 3 to 'r9', message 4 to 'r9',"
                  + " message 5 to 'r9' and 2 more, which the server had not acknowledged within"
                  + " 300 ms; the client is CONNECTED")
          .hasMessageNotContaining(" 0 ms")
          .hasMessageNotContaining("nobody drives");
    }
  }
}
