// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Counts at the broker's side: a QoS 2 subscriber that is never killed and keeps its session
 * however often the broker goes away.
 */
final class CountingSubscriber implements AutoCloseable {
  private final MqttClient client;
  private final CompletableFuture<Void> end = new CompletableFuture<>();

  /** What has come, as lines of a ledger. Guarded by itself: the loop's thread adds. */
  private final List<Ledger.Line> received = new ArrayList<>();

  CountingSubscriber(String uri) {
    client =
        MqttClient.builder(uri)
            .clientId("counter")
            .cleanStart(false)
            .sessionExpiryInterval(Duration.ofDays(1))
            .reconnect(ReconnectPolicy.exponential(Duration.ofMillis(20), Duration.ofMillis(200)))
            .onMessage(this::onMessage)
            .build();
    client.loopStart();
    client.connect();
    client.subscribe(Numbers.FILTER, Qos.EXACTLY_ONCE).await();
  }

  private void onMessage(Message message) {
    if (message.topic().equals(Numbers.END_TOPIC)) {
      end.complete(null);
      return;
    }
    Ledger.Line line;
    try {
      int number = Numbers.number(message.topic(), message.payloadBytes());
      line = new Ledger.Line("received", Integer.toString(number), System.currentTimeMillis());
    } catch (IllegalArgumentException e) {
      line = new Ledger.Line("violation", e.getMessage(), System.currentTimeMillis());
    }
    synchronized (received) {
      received.add(line);
    }
  }

  /** Publishes the last message of all and waits until it has come. */
  void publishEnd(Duration limit) throws Exception {
    client
        .publish(Publish.builder(Numbers.END_TOPIC).payload("end").qos(Qos.EXACTLY_ONCE).build())
        .await(limit);
    end.get(limit.toNanos(), TimeUnit.NANOSECONDS);
  }

  List<Ledger.Line> received() {
    synchronized (received) {
      return List.copyOf(received);
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
