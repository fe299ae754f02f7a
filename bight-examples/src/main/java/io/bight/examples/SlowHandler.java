// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A handler that takes longer than the keep alive: off the loop it disturbs nobody. */
final class SlowHandler {
  public static void main(String[] args) throws InterruptedException {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    CountDownLatch done = new CountDownLatch(3);
    ExecutorService handlers = Executors.newCachedThreadPool(); // yours to shut down
    try (MqttClient client =
        MqttClient.builder(uri)
            .keepAlive(Duration.ofSeconds(1))
            .callbackExecutor(handlers) // in order, one at a time, acknowledged when handled
            .onDisconnect(event -> System.out.println("lost: " + event.message()))
            .onMessage(
                message -> {
                  work(message);
                  done.countDown();
                })
            .build()) {
      client.loopStart();
      client.connect();
      client.subscribe("jobs/#", Qos.AT_LEAST_ONCE).await();
      for (int i = 1; i <= 3; i++) {
        client.publish("jobs/print", "job " + i, Qos.AT_LEAST_ONCE).await();
      }
      done.await();
      System.out.println("still connected: " + client.isConnected());
    } finally {
      handlers.shutdown();
    }
  }

  private static void work(Message message) {
    try {
      Thread.sleep(2_000); // two keep alives
      System.out.println("done: " + message.payloadUtf8());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
