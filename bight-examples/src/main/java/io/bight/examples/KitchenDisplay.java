// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;

/** {@code loopForever}: the thread that waits is the loop, and there is no other. */
final class KitchenDisplay {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client =
        MqttClient.builder(uri)
            .clientId("kitchen-display")
            .onConnect(event -> event.client().subscribe("house/#", Qos.AT_LEAST_ONCE))
            .onMessage(message -> System.out.println(message.topic() + " " + message.payloadUtf8()))
            .build()) {
      client.connect();
      client.loopForever();
    }
  }
}
