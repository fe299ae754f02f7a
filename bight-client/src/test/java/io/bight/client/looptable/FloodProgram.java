// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import io.bight.client.MessageHandling;
import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Qos;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A program in a small heap, run as a child process: {@code publish URI POLICY QOS PAYLOAD CALLS}
 * publishes far more than fits while the server reads nothing, says so, and waits until all is
 * done; {@code leave URI QOS PAYLOAD CALLS} publishes a full queue and disconnects; {@code receive
 * URI MESSAGES} handles messages off the loop, slower than they come.
 */
final class FloodProgram {
  private static final long QUEUE_BYTES = 24 << 20;

  private FloodProgram() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("publish")) {
      publish(
          arguments[1],
          OverflowPolicy.valueOf(arguments[2]),
          Qos.of(Integer.parseInt(arguments[3])),
          new byte[Integer.parseInt(arguments[4])],
          Integer.parseInt(arguments[5]));
    } else if (arguments[0].equals("leave")) {
      leave(
          arguments[1],
          Qos.of(Integer.parseInt(arguments[2])),
          new byte[Integer.parseInt(arguments[3])],
          Integer.parseInt(arguments[4]));
    } else {
      receive(arguments[1], Integer.parseInt(arguments[2]));
    }
  }

  private static void leave(String uri, Qos qos, byte[] payload, int calls) throws Exception {
    try (MqttClient client =
        MqttClient.builder(uri).queueMaximum(Integer.MAX_VALUE, QUEUE_BYTES).build()) {
      client.loopStart();
      client.connect(Await.LIMIT);
      for (int i = 0; i < calls; i++) {
        client.publish("flood", payload, qos);
      }
      MqttFuture<Void> left = client.disconnectAsync();
      // It runs behind the disconnect.
      CompletableFuture.runAsync(() -> System.out.println("leaving"), client.loop()::execute);
      left.await();
      System.out.println(calls + " " + client.state());
    }
  }

  private static void publish(String uri, OverflowPolicy policy, Qos qos, byte[] payload, int calls)
      throws Exception {
    AtomicInteger sent = new AtomicInteger();
    AtomicInteger refused = new AtomicInteger();
    AtomicInteger disconnects = new AtomicInteger();
    try (MqttClient client =
        MqttClient.builder(uri)
            .queueMaximum(Integer.MAX_VALUE, QUEUE_BYTES)
            .overflowPolicy(policy)
            .onDisconnect(event -> disconnects.incrementAndGet())
            .build()) {
      client.loopStart();
      client.connect(Await.LIMIT);
      CountDownLatch done = new CountDownLatch(calls);
      for (int i = 0; i < calls; i++) {
        client
            .publish("flood", payload, qos)
            .whenComplete(
                (result, failure) -> {
                  if (failure == null) {
                    sent.incrementAndGet();
                  } else if (failure instanceof MqttQueueFullException) {
                    refused.incrementAndGet();
                  }
                  done.countDown();
                });
      }
      System.out.println("published");
      done.await();
      System.out.println(sent + " " + refused + " " + disconnects);
    }
  }

  private static void receive(String uri, int messages) throws Exception {
    AtomicInteger disconnects = new AtomicInteger();
    CountDownLatch handled = new CountDownLatch(messages);
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try (MqttClient client =
        MqttClient.builder(uri)
            .messageHandling(MessageHandling.on(executor))
            .onMessage(
                message -> {
                  Await.delay(20_000);
                  handled.countDown();
                })
            .onDisconnect(event -> disconnects.incrementAndGet())
            .build()) {
      client.loopStart();
      client.connect(Await.LIMIT);
      System.out.println("connected");
      handled.await();
      System.out.println(messages + " " + disconnects);
    } finally {
      executor.shutdown();
    }
  }
}
