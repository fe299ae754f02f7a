// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Row L8 of docs/loop-table.md: a loop that nobody drives says so, once. */
@ExtendWith(LeakCheck.class)
@Timeout(30)
class UndrivenWatchTest {
  private static final Duration PATIENCE = Duration.ofMillis(50);
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private final BlockingQueue<String> warnings = new LinkedBlockingQueue<>();

  private MqttLoop watchedLoop() {
    return MqttLoop.builder().name("watched").undriven(PATIENCE, warnings::add).build();
  }

  @Test
  void l8WorkThatWaitsForADriverIsReportedWithTheClientAndTheThreeWays() throws Exception {
    try (MqttLoop loop = watchedLoop();
        MqttClient client =
            MqttClient.builder("mqtt://127.0.0.1:1").clientId("lonely").loop(loop).build()) {
      client.connectAsync();
      assertThat(warnings.poll(10, TimeUnit.SECONDS))
          .contains("client 'lonely'")
          .contains("loopStart()")
          .contains("loopForever()")
          .contains("loop(Duration)");
    }
  }

  @Test
  void l8ConnectedClientThatNobodyDrivesIsReportedOnlyOnce() throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = watchedLoop();
        MqttClient client = MqttClient.builder(server.uri()).loop(loop).build()) {
      client.connect(LIMIT);
      assertThat(warnings.poll(10, TimeUnit.SECONDS)).contains("nobody has driven");
      client.publish("a", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      client.publish("a", "y", Qos.AT_LEAST_ONCE);
      assertThat(warnings.poll(PATIENCE.toMillis() * 4, TimeUnit.MILLISECONDS)).isNull();
    }
  }

  @Test
  void l8DrivenLoopAndIdleLoopAreNotReported() throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = watchedLoop();
        MqttClient client = MqttClient.builder(server.uri()).loop(loop).build()) {
      loop.loopStart();
      client.connect(LIMIT);
      client.publish("a", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      client.disconnect();
      loop.loopStop();
      assertThat(warnings.poll(PATIENCE.toMillis() * 4, TimeUnit.MILLISECONDS)).isNull();
    }
  }
}
