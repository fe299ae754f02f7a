// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.client.MqttGroup;
import io.bight.mqtt.Qos;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** Five hundred clients as one: one handler, two threads, fifty connecting at a time. */
final class HundredsOfClients {
  private static final int CLIENTS = 500;

  public static void main(String[] args) throws InterruptedException {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    CountDownLatch received = new CountDownLatch(CLIENTS);
    try (MqttGroup group =
        MqttGroup.builder()
            .loops(2)
            .connectConcurrency(50)
            .onMessage(message -> received.countDown()) // message.client() tells whose it is
            .build()) {
      for (int i = 0; i < CLIENTS; i++) {
        String identifier = "meter-" + i;
        group.add(uri, client -> client.clientId(identifier));
      }
      group.loopStart();
      group.connect(Duration.ofSeconds(30)).orThrow();
      System.out.println("connected: " + group.states().get(MqttClient.State.CONNECTED));
      group.subscribe("meters/all", Qos.AT_LEAST_ONCE).await(Duration.ofSeconds(30)).orThrow();
      group.clients().get(0).publish("meters/all", "report", Qos.AT_LEAST_ONCE);
      received.await();
      System.out.println("received by all, threads: " + group.loops().size());
    } // closes all within 5 s
  }
}
