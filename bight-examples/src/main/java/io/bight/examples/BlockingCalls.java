// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.PublishResult;
import java.time.Duration;

/** Nobody drives: a call that waits drives until it is done. The program never hears of a loop. */
final class BlockingCalls {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client = MqttClient.builder(uri).build()) {
      client.connect(Duration.ofSeconds(10));
      PublishResult result =
          client.publish("house/door", "open", Qos.EXACTLY_ONCE).await(Duration.ofSeconds(5));
      System.out.println("published at QoS " + result.qos().code() + ": " + result.reasonCode());
    }
  }
}
