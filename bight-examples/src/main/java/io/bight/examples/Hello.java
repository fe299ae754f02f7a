// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;

/** Prints what is published below house/. The program on the front page. */
final class Hello {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client = MqttClient.builder(uri).build()) {
      client.subscribe("house/#", Qos.AT_LEAST_ONCE, m -> System.out.println(m.payloadUtf8()));
      client.connect();
      client.publish("house/door", "open", Qos.AT_LEAST_ONCE).await();
      client.loopForever();
    }
  }
}
