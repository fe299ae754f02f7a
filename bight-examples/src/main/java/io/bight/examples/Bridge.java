// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.client.MqttLoop;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;

/** Two brokers on one thread: what one receives goes to the other, acknowledged when it arrived. */
final class Bridge {
  public static void main(String[] args) {
    String here = args.length > 0 ? args[0] : "mqtt://localhost";
    String there = args.length > 1 ? args[1] : "mqtt://localhost:1884";
    try (MqttLoop loop = MqttLoop.create("bridge");
        MqttClient source = MqttClient.builder(here).loop(loop).manualAcknowledgement().build();
        MqttClient target = MqttClient.builder(there).loop(loop).build()) {
      source.subscribe(
          "house/#",
          Qos.AT_LEAST_ONCE,
          message -> {
            Publish copy =
                Publish.builder("copy/" + message.topic())
                    .payload(message.payloadBytes())
                    .qos(Qos.AT_LEAST_ONCE)
                    .build();
            target.publish(copy).thenAccept(result -> message.acknowledge());
            System.out.println(message.topic() + " -> copy/" + message.topic());
          });
      source.connect();
      target.connect();
      System.out.println("bridging");
      loop.loopForever();
    }
  }
}
