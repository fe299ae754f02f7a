// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import java.util.concurrent.CountDownLatch;

/** What a program for Paho's Java client does, in Bight. */
final class FromPahoJava {
  public static void main(String[] args) throws InterruptedException {
    CountDownLatch arrived = new CountDownLatch(1);
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client =
        MqttClient.builder(uri)
            .clientId("paho-user")
            .cleanStart(true)
            .onConnect(event -> System.out.println("connectComplete"))
            .onDisconnect(event -> System.out.println("connectionLost: " + event.message()))
            .onMessage(
                message -> {
                  System.out.println("messageArrived: " + message.payloadUtf8());
                  arrived.countDown();
                })
            .onPublished(
                event -> System.out.println("deliveryComplete: " + event.message().topic()))
            .build()) {
      client.loopStart(); // Paho starts its threads by itself; here it is one line, and one thread
      client.connect();
      client.subscribe("house/door", Qos.EXACTLY_ONCE).await();
      Publish message =
          Publish.builder("house/door").payload("open").qos(Qos.EXACTLY_ONCE).retain(false).build();
      client.publish(message).await();
      arrived.await();
    }
  }
}
