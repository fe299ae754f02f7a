// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.client.MqttClient;
import io.bight.client.MqttLoop;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Row L1 of docs/loop-table.md: when in a turn that is written which waits for it. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class WriteOrderTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int PUBLISH_QOS_1 = 0x32;
  private static final byte[] PUBACK = {0x40, 2, 0, 1};

  @Test
  void l1WhatWaitsIsWrittenBeforeWhatHasArrivedIsHandled() throws Exception {
    AtomicInteger writtenBefore = new AtomicInteger(-1);
    try (PlainServer server = new PlainServer();
        MqttLoop loop = MqttLoop.create("l1-write-first");
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .onMessage(
                    message -> {
                      Await.until("the server has it", () -> server.published() == 1);
                      writtenBefore.set(server.published());
                    })
                .build()) {
      connectAndLetAMessageArrive(server, client);
      client.publish("leaves", "x", Qos.AT_MOST_ONCE); // waits, since nobody drives
      loop.loop(Duration.ZERO);
      assertThat(writtenBefore).hasValue(1);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void l1WhatHasArrivedIsHandledBeforeACommandEndsTheConnection(boolean close) throws Exception {
    AtomicInteger received = new AtomicInteger();
    try (PlainServer server = new PlainServer();
        MqttLoop loop = MqttLoop.create("l1-read-first");
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .onMessage(message -> received.incrementAndGet())
                .build()) {
      connectAndLetAMessageArrive(server, client);
      client.publish("before", "x", Qos.AT_MOST_ONCE);
      if (close) {
        client.close(); // drives, since nobody else does
      } else {
        client.disconnectAsync();
        client.publish("behind", "x", Qos.AT_MOST_ONCE);
        loop.loop(Duration.ZERO);
      }
      assertThat(received).hasValue(1);
      Await.until("the server has the first", () -> server.published() == 1);
    }
  }

  @Test
  void l1AnswersAndWhatTheProgramAsksForMeanwhileAreOneWrite() throws Exception {
    try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        MqttClient client =
            MqttClient.builder("mqtt://127.0.0.1:" + listening.getLocalPort()).build()) {
      client.onMessage(message -> publishFromAnotherThread(client));
      client.loopStart();
      client.connectAsync();
      try (Socket server = listening.accept()) {
        server.setSoTimeout((int) LIMIT.toMillis());
        InputStream in = server.getInputStream();
        OutputStream out = server.getOutputStream();
        byte[] bytes = new byte[1_000];
        assertThat(in.read(bytes)).as("CONNECT").isPositive();
        out.write(new byte[] {0x20, 3, 0, 0, 0});
        out.write(new byte[] {PUBLISH_QOS_1, 6, 0, 1, 'a', 0, 1, 0});
        int length = in.read(bytes);
        assertThat(Arrays.copyOf(bytes, PUBACK.length)).isEqualTo(PUBACK);
        assertThat(bytes[PUBACK.length] & 0xFF).as("what follows it").isEqualTo(0x30);
        assertThat(length).isEqualTo(PUBACK.length + 2 + bytes[PUBACK.length + 1]);
      }
    }
  }

  /** Nobody drives when it returns, and the message waits in the socket. */
  private static void connectAndLetAMessageArrive(PlainServer server, MqttClient client)
      throws Exception {
    MqttLoop loop = client.loop();
    client.connect(LIMIT);
    while (loop.loop(Duration.ZERO)) {
      // what is left of connecting
    }
    Semaphore ready = new Semaphore(0);
    loop.onWorkReady(ready::release);
    server.toClient(0).write(PlainServer.publish("arrives", 1));
    assertThat(ready.tryAcquire(30, TimeUnit.SECONDS)).as("it has arrived").isTrue();
    loop.onWorkReady(null);
  }

  private static void publishFromAnotherThread(MqttClient client) {
    CountDownLatch published = new CountDownLatch(1);
    DrivingTest.inThread(
        () -> {
          client.publish("meanwhile", "x", Qos.AT_MOST_ONCE);
          published.countDown();
        });
    try {
      assertThat(published.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
