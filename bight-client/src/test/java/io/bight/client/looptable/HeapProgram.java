// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import java.lang.management.ManagementFactory;
import java.time.Duration;

/**
 * A program for row R5, run as a child process in a small heap: fills a client's queue to its bound
 * and tells how much heap that took. Arguments: the bound in bytes, the payload in bytes, the
 * offline policy, who holds the messages ({@code commands}, {@code engine} or {@code flood}), and
 * properties ({@code plain} or {@code properties}).
 */
final class HeapProgram {
  private HeapProgram() {}

  public static void main(String[] arguments) {
    long bound = Long.parseLong(arguments[0]);
    int payloadBytes = Integer.parseInt(arguments[1]);
    OfflinePolicy offlinePolicy = OfflinePolicy.valueOf(arguments[2]);
    String holder = arguments[3];
    boolean properties = arguments[4].equals("properties");
    boolean flood = holder.equals("flood");
    try (MqttClient client =
        MqttClient.builder("mqtt://127.0.0.1:1")
            .queueMaximum(Integer.MAX_VALUE, bound)
            .overflowPolicy(flood ? OverflowPolicy.DROP_OLDEST : OverflowPolicy.REJECT)
            .build()) {
      long before = usedBytes();
      MqttFuture<?> last = client.publish(message(0, payloadBytes, properties), offlinePolicy);
      int accepted = 0;
      // Four times what fits, where the policy takes all.
      long most = flood ? 4 * bound / (payloadBytes + 300) : Long.MAX_VALUE;
      while (!last.isCompletedExceptionally() && accepted < most) {
        accepted++;
        last = client.publish(message(accepted, payloadBytes, properties), offlinePolicy);
        while (holder.equals("engine") && client.loop(Duration.ZERO)) {
          // the engine takes it over
        }
      }
      System.out.println((usedBytes() - before) + " " + accepted);
    }
  }

  private static Publish message(int number, int payloadBytes, boolean properties) {
    Publish.Builder message =
        Publish.builder("house/" + number + "/temperature")
            .payload(new byte[payloadBytes])
            .qos(Qos.AT_LEAST_ONCE);
    if (properties) {
      message
          .contentType("application/json;" + number)
          .correlationData(new byte[16])
          .messageExpiryInterval(Duration.ofSeconds(1000L + number))
          .userProperty("number-" + number, "value-" + number)
          .userProperty("second", "value-" + number);
    }
    return message.build();
  }

  private static long usedBytes() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }
}
