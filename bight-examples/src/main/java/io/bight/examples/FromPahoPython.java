// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.ConnectEvent;
import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;

/** The program on the front page of Paho for Python, in Bight. */
final class FromPahoPython {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client =
        MqttClient.builder(uri)
            .onConnect(FromPahoPython::onConnect)
            .onMessage(FromPahoPython::onMessage)
            .build()) {
      client.connect();
      client.loopForever();
    }
  }

  private static void onConnect(ConnectEvent event) {
    System.out.println("connected, session present: " + event.isSessionPresent());
    event.client().subscribe("house/#", Qos.AT_LEAST_ONCE);
  }

  private static void onMessage(Message message) {
    System.out.println(message.topic() + " " + message.payloadUtf8());
  }
}
