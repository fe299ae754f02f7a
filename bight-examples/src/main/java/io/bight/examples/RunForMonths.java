// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.Qos;
import java.time.Duration;

/** Starts before the server does, outlasts it, and says what it is doing when asked. */
final class RunForMonths {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client =
        MqttClient.builder(uri)
            .clientId("meter-7") // the same after a restart, so the server knows the session
            .cleanStart(false)
            .sessionExpiryInterval(Duration.ofDays(7))
            .reconnect(
                ReconnectPolicy.exponential(Duration.ofMillis(200), Duration.ofMinutes(1))
                    .alsoFirstConnect())
            .queueMaximum(10_000, 16 << 20)
            .onConnect(event -> System.out.println("connected"))
            .onConnectFailure(
                event -> System.out.println("not yet: " + event.failure().getMessage()))
            .onDisconnect(event -> System.out.println("lost: " + event.message()))
            .build()) {
      client.subscribe(
          "meter/7/command",
          Qos.AT_LEAST_ONCE,
          message -> {
            switch (message.payloadUtf8()) {
              case "status" -> System.out.println(client.diagnostics());
              case "stop" -> client.disconnect();
              default -> System.out.println("unknown: " + message.payloadUtf8());
            }
          });
      client.connectAsync();
      client.loopForever();
    }
  }
}
