// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.Inbox;
import io.bight.client.Message;
import io.bight.client.MessageHandling;
import io.bight.client.MqttClient;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.PacketType;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Messages that threads of the program take, and what happens when they do not: back-pressure. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class InboxTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(100));

  private static List<Integer> pubacks(ScriptedServer server) {
    return server.packets(PacketType.PUBACK).stream()
        .map(ReceivedPacket::packetIdentifier)
        .toList();
  }

  private static MqttClient subscribed(ScriptedServer server, MqttLoop loop, Qos qos) {
    MqttClient client =
        MqttClient.builder(server.uri())
            .loop(loop)
            .reconnect(FAST)
            .sessionExpiryInterval(Duration.ofMinutes(1))
            .build();
    client.connect(LIMIT);
    client.subscribe("inbox/#", qos).await(LIMIT);
    return client;
  }

  // ---- taking

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void messagesAreTakenInOrderAndAcknowledgedWhenTaken(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = subscribed(server, loop, Qos.AT_LEAST_ONCE);
        Inbox inbox = client.inbox("inbox/#", 10)) {
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        for (int i = 0; i < 100; i++) {
          server.broker().publish("inbox/a", "m" + i, 1);
        }
        for (int i = 0; i < 50; i++) {
          assertThat(inbox.take().payloadUtf8()).isEqualTo("m" + i);
        }
        client.publish("other", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
        assertThat(pubacks(server)).hasSizeLessThanOrEqualTo(50);
        assertThat(inbox.size()).isLessThanOrEqualTo(10);
        for (int i = 50; i < 100; i++) {
          assertThat(inbox.take(LIMIT).orElseThrow().payloadUtf8()).isEqualTo("m" + i);
        }
        client.publish("other", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
        Await.until("all acknowledged", () -> pubacks(server).size() == 100);
        assertThat(pubacks(server)).isSorted();
        assertThat(inbox.take(Duration.ofMillis(20))).isEmpty();
        assertThat(inbox.tryTake()).isEmpty();
      }
    }
  }

  @Test
  void manyThreadsTakeEachMessageOnce() {
    List<String> taken = Collections.synchronizedList(new ArrayList<>());
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = subscribed(server, loop, Qos.EXACTLY_ONCE);
        Inbox inbox = client.inbox("inbox/#", 5)) {
      // Nobody drives but those who take.
      List<CompletableFuture<Void>> takers = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        takers.add(
            DrivingTest.inThread(
                () -> {
                  for (Message message : inbox) {
                    taken.add(message.payloadUtf8());
                  }
                }));
      }
      for (int i = 0; i < 1_000; i++) {
        server.broker().publish("inbox/a", "m" + i, 2);
      }
      Await.until("all taken", () -> taken.size() == 1_000);
      inbox.close();
      takers.forEach(Await::passively);
      assertThat(new HashSet<>(taken)).hasSize(1_000);
    }
  }

  @Test
  void manualAcknowledgementIsThePrograms() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = subscribed(server, loop, Qos.AT_LEAST_ONCE);
        Inbox inbox = client.inbox("inbox/#", 5).acknowledgeManually()) {
      loop.loopStart();
      for (int i = 0; i < 20; i++) {
        server.broker().publish("inbox/a", "m" + i, 1);
      }
      List<Message> messages = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        messages.add(inbox.take());
      }
      client.publish("other", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      assertThat(pubacks(server)).isEmpty();
      Collections.reverse(messages);
      messages.forEach(Message::acknowledge);
      Await.until("all acknowledged", () -> pubacks(server).size() == 20);
      assertThat(pubacks(server)).isSorted();
    }
  }

  @Test
  void waitingInsideACallbackIsRefusedButNotTaking() {
    CompletableFuture<Throwable> refused = new CompletableFuture<>();
    CompletableFuture<String> taken = new CompletableFuture<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = subscribed(server, loop, Qos.AT_LEAST_ONCE);
        Inbox inbox = client.inbox("inbox/#", 5)) {
      client.onMessage(
          "inbox/#",
          message -> {
            taken.complete(inbox.take().payloadUtf8());
            try {
              inbox.take();
            } catch (IllegalStateException e) {
              refused.complete(e);
            }
          });
      loop.loopStart();
      server.broker().publish("inbox/a", "x", 1);
      assertThat(Await.passively(taken)).isEqualTo("x");
      assertThat(Await.passively(refused)).hasMessageContaining("inside a callback");
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void interruptEndsAWaitAndIsKeptAndLosesNoMessage(DrivingMode mode) throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = subscribed(server, loop, Qos.AT_LEAST_ONCE);
        Inbox inbox = client.inbox("inbox/#", 5)) {
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        CompletableFuture<Boolean> flag = new CompletableFuture<>();
        Thread taker =
            new Thread(
                () -> {
                  try {
                    inbox.take();
                  } catch (MqttException e) {
                    flag.complete(Thread.currentThread().isInterrupted());
                  }
                });
        taker.start();
        taker.interrupt();
        assertThat(Await.passively(flag)).isTrue();
        taker.join();
        server.broker().publish("inbox/a", "x", 1);
        assertThat(inbox.take().payloadUtf8()).isEqualTo("x");
      }
    }
  }

  // ---- the end

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void closeEndsWhoeverWaits(DrivingMode mode) {
    for (boolean client : new boolean[] {false, true}) {
      try (ScriptedServer server = ScriptedServer.behavingBroker();
          MqttLoop loop = MqttLoop.create();
          MqttClient closing = subscribed(server, loop, Qos.AT_LEAST_ONCE)) {
        Inbox inbox = closing.inbox("inbox/#", 5);
        try (DrivingMode.Driver driver = mode.drive(loop)) {
          CountDownLatch began = new CountDownLatch(3);
          CompletableFuture<Void> iterating =
              DrivingTest.inThread(
                  () -> {
                    began.countDown();
                    assertThat(inbox.iterator().hasNext()).isFalse();
                  });
          CompletableFuture<Void> taking =
              DrivingTest.inThread(
                  () -> {
                    began.countDown();
                    assertThatThrownBy(inbox::take).isInstanceOf(MqttDisconnectedException.class);
                  });
          CompletableFuture<Void> takingForATime =
              DrivingTest.inThread(
                  () -> {
                    began.countDown();
                    assertThatThrownBy(() -> inbox.take(LIMIT))
                        .isInstanceOf(MqttDisconnectedException.class)
                        .hasMessageContaining("the inbox 'inbox/#' of client");
                  });
          assertThat(began.await(10, TimeUnit.SECONDS)).isTrue();
          if (client) {
            closing.close();
          } else {
            inbox.close();
          }
          Await.passively(iterating);
          Await.passively(taking);
          Await.passively(takingForATime);
          assertThat(inbox.isClosed()).isTrue();
          assertThat(inbox.tryTake()).isEmpty();
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Qos.class,
      names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
  void messagesThatWereNotTakenComeAgainOnTheNextConnection(Qos qos) {
    BlockingQueue<String> later = new LinkedBlockingQueue<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = subscribed(server, loop, qos)) {
      loop.loopStart();
      Inbox inbox = client.inbox("inbox/#", 5);
      for (int i = 0; i < 3; i++) {
        server.broker().publish("inbox/a", "m" + i, qos.ordinal());
      }
      Await.until("they have arrived", () -> inbox.size() == 3);
      inbox.close();
      client.onMessage(message -> later.add(message.payloadUtf8()));
      client.publish("other", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      assertThat(later).isEmpty();
      server.resetConnections();
      Await.until("they have come again", () -> later.size() == 3);
      assertThat(later).containsExactly("m0", "m1", "m2");
    }
  }

  @Test
  void inboxGoesOnAfterAReconnectWithoutLossOrRepetition() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = subscribed(server, loop, Qos.AT_LEAST_ONCE);
        Inbox inbox = client.inbox("inbox/#", 3)) {
      CompletableFuture<Void> again = new CompletableFuture<>();
      client.onConnect(event -> again.complete(null));
      loop.loopStart();
      for (int i = 0; i < 10; i++) {
        server.broker().publish("inbox/a", "m" + i, 1);
      }
      assertThat(inbox.take().payloadUtf8()).isEqualTo("m0");
      Await.until("acknowledged", () -> pubacks(server).size() == 1);
      server.resetConnections();
      Await.passively(again);
      for (int i = 1; i < 10; i++) {
        assertThat(inbox.take(LIMIT).orElseThrow().payloadUtf8()).isEqualTo("m" + i);
      }
      assertThat(inbox.take(Duration.ofMillis(20))).isEmpty();
    }
  }

  // ---- back-pressure

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void fullInboxAtQos1StopsTheServerWhilePingsAndAcknowledgementsFlow(DrivingMode mode) {
    int messages = 200;
    AtomicInteger lost = new AtomicInteger();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .receiveMaximum(20)
                .keepAlive(Duration.ofSeconds(1))
                .onDisconnect(event -> lost.incrementAndGet())
                .build();
        Inbox inbox = client.inbox("inbox/#", 5)) {
      client.connect(LIMIT);
      client.subscribe("inbox/#", Qos.AT_LEAST_ONCE).await(LIMIT);
      for (int i = 0; i < messages; i++) {
        server.broker().publish("inbox/a", "m" + i, 1);
      }
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        long full = System.nanoTime();
        while (System.nanoTime() - full < TimeUnit.MILLISECONDS.toNanos(2_500)) {
          client.publish("mine", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
          client.publish("mine", "x", Qos.EXACTLY_ONCE).await(LIMIT);
          assertThat(inbox.size()).isLessThanOrEqualTo(5);
        }
        assertThat(client.isConnected()).isTrue();
        assertThat(lost).hasValue(0);
        assertThat(pubacks(server)).isEmpty();
        for (int i = 0; i < messages; i++) {
          assertThat(inbox.take(LIMIT).orElseThrow().payloadUtf8()).isEqualTo("m" + i);
        }
      }
    }
  }

  @Test
  void handlerThatIsFullAtQos0StopsTheSocketButNotThePingsNorOtherClients() {
    int messages = 5_000;
    byte[] payload = new byte[2_000];
    AtomicInteger lost = new AtomicInteger();
    CountDownLatch release = new CountDownLatch(1);
    List<Integer> sizes = Collections.synchronizedList(new ArrayList<>());
    BlockingQueue<String> others = new LinkedBlockingQueue<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient other =
            MqttClient.builder(server.uri())
                .loop(loop)
                .onMessage(message -> others.add(message.payloadUtf8()))
                .build();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .keepAlive(Duration.ofSeconds(1))
                .onDisconnect(event -> lost.incrementAndGet())
                .messageHandling(MessageHandling.on(task -> new Thread(task).start()).capacity(10))
                .onMessage(
                    message -> {
                      awaitQuietly(release);
                      sizes.add(Integer.parseInt(message.topic().substring(6)));
                    })
                .build()) {
      loop.loopStart();
      client.connect(LIMIT);
      other.connect(LIMIT);
      client.subscribe("inbox/#", Qos.AT_MOST_ONCE).await(LIMIT);
      other.subscribe("other", Qos.AT_LEAST_ONCE).await(LIMIT);
      for (int i = 0; i < messages; i++) {
        server.broker().publish("inbox/" + i, payload, 0, false);
      }
      long pings = server.packets(PacketType.PINGREQ).size();
      for (int i = 1; i <= 3; i++) { // for longer than two keep alives
        int more = i;
        Await.until("pinged", () -> server.packets(PacketType.PINGREQ).size() >= pings + more);
        server.broker().publish("other", "m" + i, 1);
        Await.until("the other client is served", () -> others.size() == more);
      }
      assertThat(client.isConnected()).isTrue();
      assertThat(lost).hasValue(0);
      // 1 MiB of what waits, and what was read with the last of it.
      assertThat(waiting(client)).isBetween(500, 700);
      release.countDown();
      Await.until("all have come", () -> sizes.size() == messages);
      assertThat(sizes).isEqualTo(IntStream.range(0, messages).boxed().toList());
      assertThat(lost).hasValue(0);
    }
  }

  private static int waiting(MqttClient client) {
    String text = client.diagnostics();
    String before = text.substring(0, text.indexOf(" waiting for a handler"));
    return Integer.parseInt(before.substring(before.lastIndexOf(' ') + 1));
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void removingTheHandlerThatWasFullLetsTheRestGoOn() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = subscribed(server, loop, Qos.AT_MOST_ONCE)) {
      Inbox inbox = client.inbox("inbox/#", 1);
      for (int i = 0; i < 5_000; i++) {
        server.broker().publish("inbox/a", "m" + i, 0);
      }
      loop.loopStart();
      Await.until("it is full", () -> waiting(client) > 1_000);
      inbox.close();
      client.publish("other", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
    }
  }

  @Test
  void handlerThatEndsTheConnectionWhileOthersWaitGetsNoneOfThem() {
    for (boolean close : new boolean[] {false, true}) {
      List<String> handled = Collections.synchronizedList(new ArrayList<>());
      try (ScriptedServer server = ScriptedServer.behavingBroker();
          MqttLoop loop = MqttLoop.create();
          MqttClient client = subscribed(server, loop, Qos.AT_LEAST_ONCE)) {
        loop.loopStart();
        for (int i = 0; i < 3; i++) {
          server.broker().publish("inbox/a", "m" + i, 1);
        }
        Await.until("they wait", () -> waiting(client) == 3);
        client.onMessage(
            message -> {
              handled.add(message.payloadUtf8());
              if (close) {
                client.close();
              } else {
                client.disconnectAsync();
              }
              client.onMessage("another", another -> {}); // looks for what waits
            });
        Await.until("disconnected", () -> server.openConnections() == 0);
        Await.until("told", () -> client.state() != MqttClient.State.CONNECTED);
        assertThat(waiting(client)).isZero();
        assertThat(handled).containsExactly("m0");
      }
    }
  }

  @Test
  void loopStopWhileFullAndRoomAfterwardsOverlap() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = subscribed(server, loop, Qos.AT_MOST_ONCE);
        Inbox inbox = client.inbox("inbox/#", 1)) {
      for (int i = 0; i < 5_000; i++) {
        server.broker().publish("inbox/a", "m" + i, 0);
      }
      loop.loopStart();
      Await.until("it is full", () -> waiting(client) > 1_000);
      loop.loopStop();
      for (int i = 0; i < 2_500; i++) {
        assertThat(inbox.take().payloadUtf8()).isEqualTo("m" + i);
      }
      loop.loopStart();
      for (int i = 2_500; i < 5_000; i++) {
        assertThat(inbox.take().payloadUtf8()).isEqualTo("m" + i);
      }
    }
  }

  @Test
  void takingAcknowledgesTheMessageBeforeAlsoWhereNobodyDrivesAndMoreWait() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build();
        Inbox inbox = client.inbox("undriven", 10)) {
      client.connect(LIMIT);
      client.subscribe("undriven", Qos.AT_LEAST_ONCE).await(LIMIT);
      for (int i = 0; i < 3; i++) {
        server.broker().publish("undriven", "m" + i, 1);
      }
      while (inbox.size() < 3) {
        client.loop(LIMIT);
      }
      assertThat(inbox.take().payloadUtf8()).isEqualTo("m0");
      assertThat(inbox.take().payloadUtf8()).isEqualTo("m1");
      server.takePacket(PacketType.PUBACK, LIMIT);
      assertThat(inbox.size()).isEqualTo(1);
    }
  }
}
