// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;

/** Ends when it has done its work, and also on Ctrl-C, each time with a DISCONNECT. */
final class EndInOrder {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    MqttClient client = MqttClient.builder(uri).build();
    Runtime.getRuntime().addShutdownHook(new Thread(client::close)); // Ctrl-C, kill, System.exit
    try (client) {
      client.loopStart(); // a daemon thread: it does not keep the program alive
      client.connect();
      client.publish("house/report", "done", Qos.AT_LEAST_ONCE).await();
    } // close() sends what waits, then DISCONNECT, and ends the loop's thread
    System.out.println("closed, " + client.state());
  }
}
