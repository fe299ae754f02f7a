// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;
import java.time.Duration;

/**
 * Handles each message once: at QoS 2 by the protocol, at QoS 1 by a window of what was handled.
 */
final class NotTwice {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client =
        MqttClient.builder(uri)
            .deduplicationWindow(1_000) // QoS 1: what the server repeats is not handled again
            .build()) {
      client.onMessage(
          "shop/order",
          message ->
              System.out.println(
                  message.payloadUtf8()
                      + (message.isDuplicate() ? ", maybe sent before" : ", sent once")
                      + (message.isRetained() ? ", kept by the server" : ", new")));
      client.connect();
      client.subscribe("shop/order", Qos.EXACTLY_ONCE).await(); // one filter, not two that overlap
      client.publish("shop/order", "one coffee", Qos.EXACTLY_ONCE).await();
      while (client.loop(Duration.ofSeconds(1))) {
        // until nothing has come for a second
      }
    }
  }
}
