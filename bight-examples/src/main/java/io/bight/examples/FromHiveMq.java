// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;
import java.util.concurrent.CompletableFuture;

/** The asynchronous style of HiveMQ's client, in Bight: every call gives a CompletableFuture. */
final class FromHiveMq {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client = MqttClient.builder(uri).clientId("hive-user").build()) {
      CompletableFuture<String> first = new CompletableFuture<>();
      client.loopStart();
      client
          .connectAsync()
          .thenCompose(
              connected ->
                  client.subscribe(
                      "house/door", Qos.AT_LEAST_ONCE, m -> first.complete(m.payloadUtf8())))
          .thenCompose(subscribed -> client.publish("house/door", "open", Qos.AT_LEAST_ONCE, false))
          .thenAccept(published -> System.out.println("published"))
          .join();
      System.out.println("received " + first.join());
    }
  }
}
