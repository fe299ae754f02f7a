// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;

/** Readings that are worthless when they are late, and an alarm that must arrive. */
final class WhileConnected {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client =
        MqttClient.builder(uri)
            .offlinePolicy(OfflinePolicy.FAIL) // without a connection, publishing fails at once
            .build()) {
      publish(client, "21.5"); // not connected yet
      client.publish(alarm(), OfflinePolicy.QUEUE); // this one waits
      client.connect();
      publish(client, "22.0");
      client.disconnect();
      publish(client, "22.5"); // not connected any more
    }
  }

  private static void publish(MqttClient client, String celsius) {
    try {
      client.publish("house/temp", celsius, Qos.AT_LEAST_ONCE).await();
      System.out.println(celsius + " published");
    } catch (MqttException e) {
      System.out.println(celsius + " is lost: " + e.getMessage());
    }
  }

  private static Publish alarm() {
    return Publish.builder("house/alarm").payload("cold").qos(Qos.AT_LEAST_ONCE).build();
  }
}
