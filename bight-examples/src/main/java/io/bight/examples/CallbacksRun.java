// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** Callbacks run while somebody drives the loop: three ways to do so, one after the other. */
final class CallbacksRun {
  public static void main(String[] args) throws InterruptedException {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client = MqttClient.builder(uri).build()) {
      client.subscribe("house/bell", Qos.AT_LEAST_ONCE, m -> System.out.println(m.payloadUtf8()));
      client.connect(); // drives while it waits, and no longer

      // 1. My thread, a turn at a time: in a loop of the program's own.
      client.publish("house/bell", "seen by loop(Duration)", Qos.AT_LEAST_ONCE);
      long end = System.nanoTime() + Duration.ofMillis(500).toNanos();
      while (System.nanoTime() < end) {
        client.loop(Duration.ofMillis(50));
      }

      // 2. A thread in the background, and this one does something else.
      CountDownLatch rung = new CountDownLatch(1);
      client.onMessage(m -> rung.countDown());
      client.loopStart();
      client.publish("house/bell", "seen by loopStart()", Qos.AT_LEAST_ONCE);
      rung.await();
      client.loopStop();

      // 3. This thread is the loop, until a callback says loopStop().
      client.onMessage(m -> client.loopStop());
      client.publish("house/bell", "seen by loopForever()", Qos.AT_LEAST_ONCE);
      client.loopForever();
    }
  }
}
