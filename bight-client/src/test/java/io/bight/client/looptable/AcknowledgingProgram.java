// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.mqtt.Qos;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * A program for row B6, run as a child process and killed between delivery and acknowledgement. It
 * says what it has received, and then does not come to the acknowledgement.
 */
final class AcknowledgingProgram {
  private AcknowledgingProgram() {}

  /** What makes the session last, here and in the test. */
  static MqttClientBuilder lastingSession(MqttClientBuilder builder) {
    return builder.cleanStart(false).sessionExpiryInterval(Duration.ofHours(1));
  }

  public static void main(String[] arguments) throws InterruptedException {
    boolean manual = arguments[2].equals("manual");
    MqttClientBuilder builder =
        lastingSession(MqttClient.builder(arguments[0]).clientId(arguments[1]));
    if (manual) {
      builder.manualAcknowledgement();
    }
    CountDownLatch never = new CountDownLatch(1);
    MqttClient client =
        builder
            .onMessage(
                message -> {
                  System.out.println("received " + message.payloadUtf8());
                  if (!manual) {
                    awaitForEver(never);
                  }
                })
            .build();
    client.loopStart();
    client.connect(Duration.ofSeconds(10));
    client.publish("alive", "x", Qos.AT_MOST_ONCE);
    never.await();
  }

  private static void awaitForEver(CountDownLatch never) {
    try {
      never.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
