// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ResourceCounts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Rows M1, M2 and L11 of docs/loop-table.md: many clients on one loop. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class ManyClientsTest {
  @RegisterExtension static final RealServer SERVER = new RealServer();

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int CLIENTS = 1_000;

  @Test
  void m1ThousandClientsOnOneLoopNeedNoThreadEachAndL11CostNothingWhenIdle() {
    ResourceCounts before = ResourceCounts.snapshot();
    Set<String> received = ConcurrentHashMap.newKeySet();
    try (MqttLoop loop = MqttLoop.create("m1")) {
      List<MqttClient> clients = new ArrayList<>();
      List<MqttFuture<?>> ready = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        MqttClient client =
            MqttClient.builder(SERVER.uri())
                .clientId("m1-" + i)
                .loop(loop)
                .onMessage(message -> received.add(message.topic()))
                .build();
        clients.add(client);
        ready.add(client.connectAsync());
        ready.add(client.subscribe("m1/" + i, Qos.AT_LEAST_ONCE));
      }
      loop.loopStart();
      ready.forEach(future -> future.await(LIMIT));
      assertThat(clients).allMatch(MqttClient::isConnected);
      int threads = ResourceCounts.snapshot().threadCount() - before.threadCount();
      assertThat(threads).as("the loop's thread, a name resolver's, a timer's").isLessThan(8);

      for (int i = 0; i < CLIENTS; i++) {
        clients.get((i + 1) % CLIENTS).publish("m1/" + i, "x", Qos.AT_LEAST_ONCE);
      }
      Await.until("all have received", () -> received.size() == CLIENTS);
      costsNothingWhenIdle(loop);
    }
  }

  private static void costsNothingWhenIdle(MqttLoop loop) {
    Duration window = Duration.ofSeconds(1);
    Thread driver = loop.driver().orElseThrow();
    Duration quietest =
        Stream.generate(() -> Await.processorTimeOf(driver, window))
            .limit(3) // the first may still see acknowledgements
            .min(Comparator.naturalOrder())
            .orElseThrow();
    assertThat(quietest).isLessThan(window.dividedBy(100));
  }

  @Test
  void m2TwoClientsAndOneLoopForever() throws Exception {
    try (MqttLoop loop = MqttLoop.create("m2")) {
      CompletableFuture<String> one = new CompletableFuture<>();
      CompletableFuture<String> two = new CompletableFuture<>();
      MqttClient first = client(loop, "m2/1", one);
      MqttClient second = client(loop, "m2/2", two);
      CompletableFuture<Void> ended = DrivingTest.inThread(loop::loopForever);
      first.publish("m2/2", "to two", Qos.AT_LEAST_ONCE);
      second.publish("m2/1", "to one", Qos.AT_LEAST_ONCE);
      assertThat(one.get(10, TimeUnit.SECONDS)).isEqualTo("to one");
      assertThat(two.get(10, TimeUnit.SECONDS)).isEqualTo("to two");
      loop.loopStop();
      Await.passively(ended);
    }
  }

  private static MqttClient client(MqttLoop loop, String topic, CompletableFuture<String> first) {
    MqttClient client =
        MqttClient.builder(SERVER.uri())
            .loop(loop)
            .onMessage(message -> first.complete(message.payloadUtf8()))
            .build();
    client.connect(LIMIT);
    client.subscribe(topic, Qos.AT_LEAST_ONCE).await(LIMIT);
    return client;
  }
}
