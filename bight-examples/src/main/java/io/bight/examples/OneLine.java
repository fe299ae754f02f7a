// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.Message;
import io.bight.client.Mqtt;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import java.time.Duration;

/** One line each: for scripts and tests that do one thing. */
final class OneLine {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    Publish open =
        Publish.builder("house/door").payload("open").qos(Qos.AT_LEAST_ONCE).retain(true).build();
    Mqtt.publish(uri, open, Duration.ofSeconds(10));
    Message message = Mqtt.receive(uri, "house/door", Duration.ofSeconds(10));
    System.out.println(message.topic() + " " + message.payloadUtf8());
  }
}
