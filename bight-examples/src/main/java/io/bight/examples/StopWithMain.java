// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;

/** The main program fails; the loop ends with it, and the others learn of it by the will. */
final class StopWithMain {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    Publish gone = Publish.builder("machine/state").payload("gone").qos(Qos.AT_LEAST_ONCE).build();
    try (MqttClient client =
        MqttClient.builder(uri)
            .will(gone)
            .publishWillOnClose() // without it, an orderly close is no reason for the will
            .build()) {
      client.loopStart();
      client.connect();
      client.publish("machine/state", "working", Qos.AT_LEAST_ONCE).await();
      work();
    } // here, before the exception goes on: DISCONNECT, and the loop's thread ends
  }

  private static void work() {
    throw new IllegalStateException("out of paper");
  }
}
