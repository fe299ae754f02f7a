// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

/** A program for row B4, run as a child process: its handler hangs until it is killed, or not. */
final class HandlingProgram {
  private HandlingProgram() {}

  public static void main(String[] arguments) throws InterruptedException {
    boolean hangs = arguments[0].equals("hangs");
    CountDownLatch never = new CountDownLatch(1);
    MqttClient client =
        MqttClient.builder(arguments[1])
            .clientId("b4-killed")
            .cleanStart(false)
            .sessionExpiryInterval(Duration.ofMinutes(5))
            .callbackExecutor(Executors.newCachedThreadPool())
            .onMessage(
                message -> {
                  System.out.println("handling " + message.payloadUtf8());
                  if (hangs) {
                    awaitForEver(never);
                  }
                })
            .build();
    client.loopStart();
    client.connect(Duration.ofSeconds(10));
    client.subscribe("b4/killed", Qos.AT_LEAST_ONCE).await(Duration.ofSeconds(10));
    System.out.println("ready");
    never.await();
  }

  private static void awaitForEver(CountDownLatch never) {
    try {
      never.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
