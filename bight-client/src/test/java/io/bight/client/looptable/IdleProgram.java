// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A program for row M1, run as a child process: connects clients to a server, on one loop, and
 * tells how much heap each takes that is connected and idle. Arguments: the server's URI and the
 * number of clients.
 */
final class IdleProgram {
  private static final int FIRST_CLIENTS = 50;

  private IdleProgram() {}

  public static void main(String[] arguments) {
    String uri = arguments[0];
    int count = Integer.parseInt(arguments[1]);
    try (MqttLoop loop = MqttLoop.create("idle")) {
      loop.loopStart();
      // What all clients share is there after the first ones.
      connect(loop, uri, FIRST_CLIENTS);
      long before = UsedHeap.afterCollection();
      connect(loop, uri, count);
      System.out.println((UsedHeap.afterCollection() - before) / count);
    }
  }

  private static void connect(MqttLoop loop, String uri, int count) {
    List<MqttFuture<?>> connected = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      MqttClient client = MqttClient.builder(uri).loop(loop).onMessage(message -> {}).build();
      connected.add(client.connectAsync());
    }
    connected.forEach(future -> future.await(Duration.ofSeconds(30)));
  }
}
