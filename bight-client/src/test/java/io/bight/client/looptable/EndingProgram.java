// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import io.bight.client.MqttClient;
import io.bight.client.MqttLoop;
import io.bight.mqtt.Qos;
import java.time.Duration;

/** Programs for row E3, run as child processes: does the JVM end by itself? */
final class EndingProgram {
  private EndingProgram() {}

  public static void main(String[] arguments) {
    String uri = arguments[1];
    switch (arguments[0]) {
      case "closes" -> {
        try (MqttClient client = MqttClient.builder(uri).build()) {
          client.loopStart();
          client.connect(Duration.ofSeconds(10));
        }
        System.out.println("closed");
      }
      case "daemon" -> {
        MqttClient client = MqttClient.builder(uri).build();
        client.loopStart();
        client.connect(Duration.ofSeconds(10));
        System.out.println("main ends");
      }
      default -> {
        MqttLoop loop = MqttLoop.builder().daemon(false).build();
        MqttClient client =
            MqttClient.builder(uri)
                .loop(loop)
                .onMessage(
                    message -> {
                      System.out.println("stopped by the loop");
                      loop.close();
                    })
                .build();
        loop.loopStart();
        client.connect(Duration.ofSeconds(10));
        System.out.println("main ends");
        client
            .subscribe("end", Qos.AT_MOST_ONCE)
            .thenRun(() -> client.publish("end", "now", Qos.AT_MOST_ONCE));
      }
    }
  }
}
