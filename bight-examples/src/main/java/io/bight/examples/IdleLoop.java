// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;

/** What an idle loop costs: with a time to wait almost nothing, with loop(ZERO) a whole core. */
final class IdleLoop {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    try (MqttClient client = MqttClient.builder(uri).build()) {
      client.connect();
      System.out.println("loop(20 ms): " + percentOfACore(client, Duration.ofMillis(20)) + " %");
      System.out.println("loop(ZERO):  " + percentOfACore(client, Duration.ZERO) + " %");
    }
  }

  private static long percentOfACore(MqttClient client, Duration timeout) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long window = Duration.ofSeconds(1).toNanos();
    long processor = threads.getCurrentThreadCpuTime();
    long end = System.nanoTime() + window;
    while (System.nanoTime() < end) {
      client.loop(timeout); // returns early when there is something to do
    }
    return 100 * (threads.getCurrentThreadCpuTime() - processor) / window;
  }
}
