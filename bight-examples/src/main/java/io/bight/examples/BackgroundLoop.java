// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;
import java.time.Duration;

/** {@code loopStart}: a thread of the library's drives, and the program does something else. */
final class BackgroundLoop {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client =
        MqttClient.builder(uri)
            .onMessage(message -> System.out.println(message.topic() + " " + message.payloadUtf8()))
            .build()) {
      client.loopStart();
      client.connect();
      client.subscribe("house/kitchen/+", Qos.AT_LEAST_ONCE).await(Duration.ofSeconds(5));
      for (double celsius = 21.5; celsius < 24; celsius += 0.5) {
        client
            .publish("house/kitchen/temp", String.valueOf(celsius), Qos.AT_LEAST_ONCE)
            .await(Duration.ofSeconds(5));
      }
    }
  }
}
