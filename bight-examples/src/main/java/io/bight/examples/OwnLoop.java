// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.client.MqttLoop;
import io.bight.mqtt.Qos;
import java.time.Duration;
import java.util.List;

/**
 * {@code loop(Duration)}: the program has a loop of its own, here one that draws, and MQTT gets a
 * turn in it. Many clients and servers, one thread. Ends when a message says so.
 */
final class OwnLoop {
  private boolean running = true;
  private int received;

  public static void main(String[] args) {
    new OwnLoop().run(args.length > 0 ? List.of(args) : List.of("mqtt://localhost"));
  }

  private void run(List<String> uris) {
    try (MqttLoop loop = MqttLoop.create()) {
      for (String uri : uris) {
        MqttClient client = MqttClient.builder(uri).loop(loop).onMessage(this::handle).build();
        client.subscribe("game/#", Qos.AT_LEAST_ONCE);
        client.connectAsync();
      }
      while (running) {
        loop.loop(Duration.ofMillis(5));
        render();
      }
    }
  }

  // Callbacks run inside loop(), on this thread: fields need no lock.
  private void handle(Message message) {
    received++;
    System.out.println(message.topic() + " " + message.payloadUtf8());
    running = !message.topic().equals("game/over");
  }

  private void render() {
    // Draw the next frame, with what has been received.
    if (!running) {
      System.out.println("messages: " + received);
    }
  }
}
