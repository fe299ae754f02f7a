// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;

/** A program that only reacts: its main thread is the loop, so it ends when the loop does. */
final class StayAlive {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client = MqttClient.builder(uri).build()) {
      var subscribed =
          client.subscribe(
              "house/alarm",
              Qos.AT_LEAST_ONCE,
              message -> {
                System.out.println("alarm: " + message.payloadUtf8());
                if (message.payloadUtf8().equals("over")) {
                  client.disconnect(); // the only client has ended: loopForever() returns
                }
              });
      client.connect();
      subscribed.await();
      System.out.println("waiting");
      client.loopForever();
      System.out.println("the end");
    }
  }
}
