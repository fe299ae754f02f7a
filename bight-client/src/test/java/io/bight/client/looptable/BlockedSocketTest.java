// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.Qos;
import io.bight.testkit.FaultLink;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The server, or the network, takes nothing more: what is kept, what is refused, what goes on. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class BlockedSocketTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final byte[] LARGE = new byte[256 * 1024];

  @Test
  void deadConnectionThatTakesNoBytesIsGivenUpAndMadeAgain() {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri())
                .keepAlive(Duration.ofSeconds(1))
                .reconnect(
                    ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(50)))
                .build()) {
      server.onConnection().expectConnect().sendConnack().stopReading();
      server.onConnection().expectConnect().sendConnack().swallow();
      CompletableFuture<Void> lost = new CompletableFuture<>();
      CompletableFuture<Void> again = new CompletableFuture<>();
      client.loopStart();
      client.connect(LIMIT);
      client.onDisconnect(event -> lost.complete(null));
      client.onConnect(event -> again.complete(null));
      for (int i = 0; i < 100; i++) {
        client.publish("a", LARGE, Qos.AT_MOST_ONCE);
      }
      Await.passively(lost);
      Duration took = Await.time(() -> Await.passively(again));
      assertThat(took).isLessThan(Await.within(Duration.ofSeconds(2)));
    }
  }

  @Test
  void whatWasBlockedIsWrittenWhenTheServerReadsAgain() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        FaultLink link = FaultLink.to(server.uri());
        MqttClient client = MqttClient.builder(link.uri()).build()) {
      client.loopStart();
      client.connect(LIMIT);
      link.pause();
      List<MqttFuture<?>> published = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        published.add(
            client.publish("a", LARGE, i % 2 == 0 ? Qos.AT_MOST_ONCE : Qos.AT_LEAST_ONCE));
      }
      assertThat(published.get(99)).isNotDone();
      link.resume();
      published.forEach(future -> future.await(LIMIT));
      assertThat(server.broker().acceptedMessages()).hasSize(100);
    }
  }

  @Test
  void floodThatNobodyDrivesStaysWithinTheQueuesBounds() {
    try (MqttClient client =
        MqttClient.builder("mqtt://127.0.0.1:1").queueMaximum(2_000, 1 << 20).build()) {
      List<MqttFuture<?>> published = new ArrayList<>();
      for (int i = 0; i < 3_000; i++) {
        published.add(client.publish("a", "x", Qos.AT_LEAST_ONCE));
      }
      assertThat(published.stream().filter(MqttFuture::isDone)).hasSize(1_000);
      assertThatThrownBy(() -> published.get(2_999).await(LIMIT))
          .isInstanceOf(MqttQueueFullException.class)
          .hasMessageContaining(client.clientId())
          .hasMessageContaining("2000 messages");
    }
  }

  @Test
  void floodOfLargeMessagesThatNobodyDrivesStaysWithinTheBytes() {
    try (MqttClient client =
        MqttClient.builder("mqtt://127.0.0.1:1").queueMaximum(1_000, 1 << 20).build()) {
      List<MqttFuture<?>> published = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        published.add(client.publish("a", LARGE, Qos.AT_LEAST_ONCE));
      }
      assertThat(published.stream().filter(MqttFuture::isDone)).hasSize(7);
    }
  }
}
