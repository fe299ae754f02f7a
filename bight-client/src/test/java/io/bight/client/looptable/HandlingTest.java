// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.CallbackErrorPolicy;
import io.bight.client.DeadLetterEvent;
import io.bight.client.Message;
import io.bight.client.MessageHandling;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.PacketType;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ScriptedServer;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Rows B3 (off the loop), B4, B5 and B7 of docs/loop-table.md: handlers on executors, in order,
 * bounded, latest only, and messages that no handler can handle.
 */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class HandlingTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(100));

  @RegisterExtension static final RealServer REAL = new RealServer();

  private final ExecutorService executor = Executors.newCachedThreadPool();

  @AfterEach
  void shutDown() {
    executor.shutdownNow();
  }

  /** Drives until something is so, where nobody else drives. */
  private static void driveUntil(MqttLoop loop, DrivingMode mode, BooleanSupplier condition) {
    Await.until(
        "it is so",
        () -> {
          if (mode == DrivingMode.BLOCKING_CALLS) {
            MqttClient any = loop.clients().iterator().next();
            any.publish("tick", "", Qos.AT_LEAST_ONCE).await(LIMIT);
          }
          return condition.getAsBoolean();
        });
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static List<Integer> pubacks(ScriptedServer server) {
    return server.packets(PacketType.PUBACK).stream()
        .map(ReceivedPacket::packetIdentifier)
        .toList();
  }

  // ---- B3: off the loop

  @Test
  void b3HandlerThatBlocksForTenKeepAlivesOffTheLoopLeavesTheLinkUp() {
    CountDownLatch release = new CountDownLatch(1);
    AtomicInteger lost = new AtomicInteger();
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
                .callbackExecutor(executor)
                .onDisconnect(event -> lost.incrementAndGet())
                .onMessage(message -> await(release))
                .build()) {
      loop.loopStart();
      client.connect(LIMIT);
      other.connect(LIMIT);
      client.subscribe("b3/slow", Qos.AT_LEAST_ONCE).await(LIMIT);
      other.subscribe("b3/other", Qos.AT_LEAST_ONCE).await(LIMIT);
      server.broker().publish("b3/slow", "x", 1);
      for (int i = 1; i <= 10; i++) {
        int pings = i;
        Await.until("pinged", () -> server.packets(PacketType.PINGREQ).size() >= pings);
        server.broker().publish("b3/other", "m" + i, 1);
        client.publish("b3/mine", "m" + i, Qos.AT_LEAST_ONCE).await(LIMIT);
      }
      Await.until("the other client is served", () -> others.size() == 10);
      assertThat(client.isConnected()).isTrue();
      assertThat(lost).hasValue(0);
      release.countDown();
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void b3CallbackExecutorRunsEveryCallback(DrivingMode mode) {
    Map<String, String> threads = new ConcurrentHashMap<>();
    List<String> order = Collections.synchronizedList(new ArrayList<>());
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .callbackExecutor(
                    task ->
                        executor.execute(
                            () -> {
                              Thread.currentThread().setName("mine");
                              task.run();
                            }))
                .onConnect(event -> note(threads, order, "connect"))
                .onDisconnect(event -> note(threads, order, "disconnect"))
                .onTransport(event -> note(threads, order, "transport " + event.isOpened()))
                .onPublished(event -> note(threads, order, "published"))
                .onSubscribed(event -> note(threads, order, "subscribed"))
                .onUnsubscribed(event -> note(threads, order, "unsubscribed"))
                .onPacket(line -> note(threads, order, "packet"))
                .onMessage(message -> note(threads, order, "message"))
                .build()) {
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        client.connect(LIMIT);
        client.subscribe("b3", Qos.AT_LEAST_ONCE).await(LIMIT);
        client.publish("b3", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
        driveUntil(loop, mode, () -> threads.containsKey("message"));
        client.unsubscribe("b3").await(LIMIT);
        client.disconnectAsync().await(LIMIT);
        Await.until("told of the end", () -> threads.containsKey("transport false"));
      }
    }
    assertThat(threads)
        .hasSize(9)
        .allSatisfy((name, thread) -> assertThat(thread).isEqualTo("mine"));
    assertThat(order.stream().filter(name -> !name.equals("packet") && !name.equals("message")))
        .containsSubsequence("transport true", "connect", "subscribed", "published")
        .containsSubsequence("unsubscribed", "disconnect", "transport false");
  }

  private static void note(Map<String, String> threads, List<String> order, String name) {
    threads.put(name, Thread.currentThread().getName());
    order.add(name);
  }

  @Test
  void b3VirtualThreadsWhereTheJdkHasThem() throws Exception {
    ExecutorService perTask = newThreadPerTaskExecutor();
    List<Boolean> virtual = Collections.synchronizedList(new ArrayList<>());
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .callbackExecutor(perTask)
                .onMessage(
                    message -> {
                      // A call that waits is legal here.
                      message.client().publish("b3/answer", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
                      virtual.add(isVirtual(Thread.currentThread()));
                    })
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b3/question", Qos.AT_LEAST_ONCE).await(LIMIT);
      for (int i = 0; i < 10; i++) {
        server.broker().publish("b3/question", "m" + i, 1);
      }
      Await.until("all handled", () -> virtual.size() == 10);
      assertThat(virtual).containsOnly(Runtime.version().feature() >= 21);
    } finally {
      perTask.shutdownNow();
    }
  }

  private static ExecutorService newThreadPerTaskExecutor() throws Exception {
    return Runtime.version().feature() >= 21
        ? (ExecutorService)
            Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null)
        : Executors.newCachedThreadPool();
  }

  private static boolean isVirtual(Thread thread) {
    try {
      return Runtime.version().feature() >= 21
          && (boolean) Thread.class.getMethod("isVirtual").invoke(thread);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void b3ExceptionOnTheExecutorStopsWhoeverDrives(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .messageHandling(MessageHandling.on(executor))
                .callbackErrorPolicy(CallbackErrorPolicy.STOP_LOOP)
                .onMessage(
                    message -> {
                      throw new IllegalStateException("thrown off the loop");
                    })
                .build()) {
      CompletableFuture<Throwable> reported = new CompletableFuture<>();
      client.onCallbackError(event -> reported.complete(event.error()));
      client.connect(LIMIT);
      client.subscribe("b3", Qos.AT_LEAST_ONCE).await(LIMIT);
      server.broker().publish("b3", "x", 1);
      switch (mode) {
        case LOOP_START -> {
          CompletableFuture<Throwable> uncaught = new CompletableFuture<>();
          Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
          Thread.setDefaultUncaughtExceptionHandler((thread, error) -> uncaught.complete(error));
          try {
            loop.loopStart();
            assertThat(Await.passively(uncaught)).hasMessage("thrown off the loop");
          } finally {
            Thread.setDefaultUncaughtExceptionHandler(before);
          }
        }
        case LOOP_FOREVER ->
            assertThatThrownBy(loop::loopForever).hasMessage("thrown off the loop");
        case MANUAL_LOOP ->
            assertThatThrownBy(
                    () -> Await.until("thrown", () -> !loop.loop(Duration.ofMillis(50)) && false))
                .hasMessage("thrown off the loop");
        default -> {
          server.broker().withhold(PacketType.PUBACK, 1);
          assertThatThrownBy(() -> client.publish("a", "x", Qos.AT_LEAST_ONCE).await(LIMIT))
              .hasMessage("thrown off the loop");
        }
      }
      assertThat(Await.passively(reported)).hasMessage("thrown off the loop");
      assertThat(pubacks(server)).isEmpty();
    }
  }

  @Test
  void b3ExceptionOnTheExecutorDisconnectsIfSoSet() {
    CompletableFuture<Void> disconnected = new CompletableFuture<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .callbackExecutor(executor)
                .callbackErrorPolicy(CallbackErrorPolicy.DISCONNECT)
                .onDisconnect(event -> disconnected.complete(null))
                .onMessage(
                    message -> {
                      throw new IllegalStateException("thrown off the loop");
                    })
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b3", Qos.AT_LEAST_ONCE).await(LIMIT);
      server.broker().publish("b3", "x", 1);
      Await.passively(disconnected);
      assertThat(client.state()).isEqualTo(MqttClient.State.DISCONNECTED);
      assertThat(pubacks(server)).isEmpty();
    }
  }

  @Test
  void b3ExecutorThatIsShutDownIsReportedOnceAndMessagesStayUnacknowledged() {
    List<String> reports = Collections.synchronizedList(new ArrayList<>());
    AtomicInteger refused = new AtomicInteger();
    executor.shutdown();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .messageHandling(
                    MessageHandling.on(
                        task -> {
                          refused.incrementAndGet();
                          executor.execute(task);
                        }))
                .onCallbackError(event -> reports.add(event.callback() + ": " + event.error()))
                .onMessage(message -> {})
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b3", Qos.AT_LEAST_ONCE).await(LIMIT);
      server.broker().publish("b3", "m0", 1);
      Await.until("reported", () -> !reports.isEmpty());
      for (int i = 1; i < 20; i++) {
        server.broker().publish("b3", "m" + i, 1);
      }
      Await.until("tried again", () -> refused.get() >= 3);
      client.publish("b3/mine", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      assertThat(reports).hasSize(1);
      assertThat(reports.get(0))
          .startsWith("the executor of message handlers: ")
          .contains("refused to run them")
          .contains("1 message waits unacknowledged; close the client before its executor");
      assertThat(refused.get()).isLessThan(10);
      assertThat(pubacks(server)).isEmpty();
    }
  }

  @Test
  void b3ClosedClientStartsNoHandlerAnyMoreAndInterruptsNone() {
    CountDownLatch inHandler = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    List<String> handled = Collections.synchronizedList(new ArrayList<>());
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      MqttClient client =
          MqttClient.builder(server.uri())
              .messageHandling(MessageHandling.on(executor))
              .onMessage(
                  message -> {
                    inHandler.countDown();
                    await(release);
                    handled.add(message.payloadUtf8());
                  })
              .build();
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b3", Qos.AT_LEAST_ONCE).await(LIMIT);
      for (int i = 0; i < 10; i++) {
        server.broker().publish("b3", "m" + i, 1);
      }
      await(inHandler);
      client.close();
      release.countDown();
      executor.shutdown();
      assertThat(executor.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
      assertThat(handled).containsExactly("m0");
      assertThat(pubacks(server)).isEmpty();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  // ---- B4

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void b4TenHandlersRunAtOnceAndOrderPerTopicIsKept(DrivingMode mode) {
    CyclicBarrier allTen = new CyclicBarrier(10); // passed only when ten are in it at once
    Map<String, List<String>> handled = new ConcurrentHashMap<>();
    AtomicInteger count = new AtomicInteger();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .messageHandling(MessageHandling.on(executor).inOrderPerTopic().concurrency(10))
                .build()) {
      client.connect(LIMIT);
      client.onMessage(
          "b4/#",
          message -> {
            List<String> ofTopic =
                handled.computeIfAbsent(message.topic(), topic -> new ArrayList<>());
            try {
              allTen.await(10, TimeUnit.SECONDS);
            } catch (Exception e) {
              throw new AssertionError(e);
            }
            ofTopic.add(message.payloadUtf8()); // not synchronized: one at a time for each topic
            count.incrementAndGet();
          });
      client.subscribe("b4/#", Qos.AT_LEAST_ONCE).await(LIMIT);
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        for (int i = 0; i < 5; i++) {
          for (int topic = 0; topic < 10; topic++) {
            server.broker().publish("b4/" + topic, "m" + i, 1);
          }
        }
        driveUntil(loop, mode, () -> count.get() == 50);
        driveUntil(loop, mode, () -> pubacks(server).size() == 50);
      }
      assertThat(handled).hasSize(10);
      handled
          .values()
          .forEach(list -> assertThat(list).containsExactly("m0", "m1", "m2", "m3", "m4"));
      assertThat(pubacks(server)).isSorted();
    }
  }

  @Test
  void b4NoMoreHandlersThanAllowedRunAtOnce() {
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .messageHandling(MessageHandling.on(executor).unordered().concurrency(3))
                .onMessage(
                    message -> {
                      most.accumulateAndGet(running.incrementAndGet(), Math::max);
                      Thread.yield();
                      running.decrementAndGet();
                      done.incrementAndGet();
                    })
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b4", Qos.AT_LEAST_ONCE).await(LIMIT);
      for (int i = 0; i < 2_000; i++) {
        server.broker().publish("b4", "m" + i, 1);
      }
      Await.until("all handled", () -> done.get() == 2_000);
      assertThat(most.get()).isLessThanOrEqualTo(3);
      Await.until("all acknowledged", () -> pubacks(server).size() == 2_000);
    }
  }

  @Test
  void b4OrderPerKeyIsKept() {
    Map<Object, List<Integer>> handled = new ConcurrentHashMap<>();
    AtomicInteger count = new AtomicInteger();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .onMessage(
                    "b4/+",
                    message -> {
                      int number = Integer.parseInt(message.payloadUtf8());
                      handled.computeIfAbsent(number % 7, key -> new ArrayList<>()).add(number);
                      count.incrementAndGet();
                    },
                    MessageHandling.on(executor)
                        .inOrderPer(message -> Integer.parseInt(message.payloadUtf8()) % 7))
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b4/+", Qos.EXACTLY_ONCE).await(LIMIT);
      for (int i = 0; i < 700; i++) {
        server.broker().publish("b4/" + i % 3, String.valueOf(i), 2);
      }
      Await.until("all handled", () -> count.get() == 700);
      assertThat(handled).hasSize(7);
      handled.values().forEach(list -> assertThat(list).hasSize(100).isSorted());
    }
  }

  @Test
  void b4AcknowledgementsLeaveInOrderAndOnlyAfterSuccess() {
    Map<String, CountDownLatch> latches =
        Map.of("1", new CountDownLatch(1), "2", new CountDownLatch(1), "3", new CountDownLatch(1));
    BlockingQueue<String> done = new LinkedBlockingQueue<>();
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri())
                .messageHandling(MessageHandling.on(executor).unordered())
                .onMessage(message -> await(latches.get(message.payloadUtf8())))
                .onMessage(message -> done.add(message.payloadUtf8()))
                .build()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .sendPublish("b4/a", "1", 1, 11)
          .sendPublish("b4/b", "2", 1, 12)
          .sendPublish("b4/c", "3", 1, 13)
          .swallow();
      client.loopStart();
      client.connect(LIMIT);
      latches.get("3").countDown();
      latches.get("2").countDown();
      Await.until("the second handler had all", () -> done.size() == 3);
      assertThat(pubacks(server)).isEmpty(); // the first is not done
      latches.get("1").countDown();
      Await.until("all acknowledged", () -> pubacks(server).size() == 3);
      assertThat(pubacks(server)).containsExactly(11, 12, 13);
    }
  }

  @Test
  void b4MessagesOfALostConnectionAreHandledOnceWhenTheServerKeepsTheSession() {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch inHandler = new CountDownLatch(1);
    BlockingQueue<String> handled = new LinkedBlockingQueue<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(FAST)
                .sessionExpiryInterval(Duration.ofMinutes(1))
                .messageHandling(MessageHandling.on(executor))
                .onMessage(
                    message -> {
                      inHandler.countDown();
                      await(release);
                      handled.add(message.payloadUtf8());
                    })
                .build()) {
      CompletableFuture<Void> again = new CompletableFuture<>();
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b4", Qos.AT_LEAST_ONCE).await(LIMIT);
      for (int i = 0; i < 5; i++) {
        server.broker().publish("b4", "m" + i, 1);
      }
      await(inHandler);
      client.onConnect(event -> again.complete(null));
      server.resetConnections();
      Await.passively(again);
      release.countDown();
      server.broker().publish("b4", "end", 1);
      Await.until("all handled", () -> handled.contains("end"));
      // The one whose handler ran when the connection was lost comes twice, the others once.
      assertThat(handled).containsExactly("m0", "m0", "m1", "m2", "m3", "m4", "end");
    }
  }

  @Test
  void b4MessagesOfALostConnectionAreHandledWhenTheSessionEndsWithIt() {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch inHandler = new CountDownLatch(1);
    BlockingQueue<String> handled = new LinkedBlockingQueue<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(FAST)
                .messageHandling(MessageHandling.on(executor))
                .onMessage(
                    message -> {
                      inHandler.countDown();
                      await(release);
                      handled.add(message.payloadUtf8());
                    })
                .build()) {
      CompletableFuture<Void> again = new CompletableFuture<>();
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b4", Qos.AT_LEAST_ONCE).await(LIMIT);
      for (int i = 0; i < 5; i++) {
        server.broker().publish("b4", "m" + i, 1);
      }
      await(inHandler);
      Await.until(
          "all have arrived", () -> client.diagnostics().contains("5 messages unacknowledged"));
      client.onConnect(event -> again.complete(null));
      server.restart(false);
      Await.passively(again);
      release.countDown();
      Await.until("all handled", () -> handled.size() == 5);
      assertThat(handled).containsExactly("m0", "m1", "m2", "m3", "m4");
    }
  }

  @Test
  void b4ProcessThatIsKilledInTheMiddleOfAHandlerGetsTheMessageAgain() throws Exception {
    Process killed = program("hangs");
    try (MqttClient publisher = MqttClient.builder(REAL.uri()).build();
        BufferedReader output = killed.inputReader()) {
      awaitLine(output, "ready");
      publisher.connect(LIMIT);
      publisher.publish("b4/killed", "first", Qos.AT_LEAST_ONCE).await(LIMIT);
      publisher.publish("b4/killed", "second", Qos.AT_LEAST_ONCE).await(LIMIT);
      awaitLine(output, "handling first");
    } finally {
      killed.destroyForcibly().waitFor();
    }
    Process next = program("handles");
    try (BufferedReader output = next.inputReader()) {
      awaitLine(output, "handling first");
      awaitLine(output, "handling second");
    } finally {
      next.destroyForcibly().waitFor();
    }
  }

  private static Process program(String what) throws IOException {
    return new ProcessBuilder(
            System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
            "-cp",
            System.getProperty("java.class.path"),
            HandlingProgram.class.getName(),
            what,
            REAL.uri())
        .redirectErrorStream(true)
        .start();
  }

  private static void awaitLine(BufferedReader output, String wanted) throws IOException {
    StringBuilder seen = new StringBuilder();
    for (String line; (line = output.readLine()) != null; ) {
      if (line.equals(wanted)) {
        return;
      }
      seen.append(line).append('\n');
    }
    throw new AssertionError("the program ended without saying '" + wanted + "':\n" + seen);
  }

  // ---- B5

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void b5SlowHandlerOnAnExecutorIsGivenTheNewestOnly(DrivingMode mode) {
    for (MessageHandling handling :
        List.of(
            MessageHandling.on(executor).latestOnly(),
            MessageHandling.on(executor).inOrderPerTopic().latestOnly(),
            MessageHandling.on(executor).inOrderPer(Message::topic).latestOnly(),
            MessageHandling.on(executor).unordered().latestOnly().capacity(4))) {
      CountDownLatch inHandler = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      Map<String, List<String>> handled = new ConcurrentHashMap<>();
      try (ScriptedServer server = ScriptedServer.behavingBroker();
          MqttLoop loop = MqttLoop.create();
          MqttClient client =
              MqttClient.builder(server.uri())
                  .loop(loop)
                  .messageHandling(handling)
                  .onMessage(
                      message -> {
                        inHandler.countDown();
                        await(release);
                        note(handled, message);
                      })
                  .build()) {
        client.connect(LIMIT);
        client.subscribe("b5/#", Qos.AT_LEAST_ONCE).await(LIMIT);
        try (DrivingMode.Driver driver = mode.drive(loop)) {
          server.broker().publish("b5/0", "m0", 1);
          driveUntil(loop, mode, () -> inHandler.getCount() == 0);
          publishThousand(server);
          driveUntil(
              loop, mode, () -> client.diagnostics().contains("1001 messages unacknowledged"));
          release.countDown();
          driveUntil(loop, mode, () -> pubacks(server).size() == 1_001);
        }
        assertThat(handled.get("b5/0")).as("" + handling).containsExactly("m0", "m1000");
        // The first of this topic may have been in its handler before the others came.
        assertThat(handled.get("b5/1")).as("" + handling).endsWith("m999").hasSizeBetween(1, 2);
        assertThat(pubacks(server)).isSorted();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void b5SlowHandlerOnTheLoopEndsOnTheNewest(DrivingMode mode) {
    Map<String, List<String>> handled = new ConcurrentHashMap<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .messageHandling(MessageHandling.onLoop().latestOnly())
                .onMessage(
                    message -> {
                      if (message.payloadUtf8().equals("m0")) {
                        publishThousand(server); // however long it takes, they come meanwhile
                      }
                      note(handled, message);
                    })
                .build()) {
      client.connect(LIMIT);
      client.subscribe("b5/#", Qos.AT_LEAST_ONCE).await(LIMIT);
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        server.broker().publish("b5/0", "m0", 1);
        driveUntil(loop, mode, () -> pubacks(server).size() == 1_001);
      }
      assertThat(handled.get("b5/0")).endsWith("m1000").doesNotHaveDuplicates();
      assertThat(handled.get("b5/1")).endsWith("m999").doesNotHaveDuplicates();
      assertThat(handled.get("b5/0").size() + handled.get("b5/1").size()).isLessThan(1_001);
      assertThat(pubacks(server)).isSorted();
    }
  }

  private static void note(Map<String, List<String>> handled, Message message) {
    handled.computeIfAbsent(message.topic(), topic -> new ArrayList<>()).add(message.payloadUtf8());
  }

  /** Publishes to two topics in turn. */
  private static void publishThousand(ScriptedServer server) {
    for (int i = 1; i <= 1_000; i++) {
      server.broker().publish("b5/" + i % 2, "m" + i, 1);
    }
  }

  // ---- B7

  private static MqttClientBuilder poisoned(
      ScriptedServer server, BlockingQueue<DeadLetterEvent> deadLetters, AtomicInteger calls) {
    return MqttClient.builder(server.uri())
        .onDeadLetter(deadLetters::add)
        .onMessage(
            message -> {
              if (message.payloadUtf8().equals("poison")) {
                calls.incrementAndGet();
                throw new IllegalStateException("cannot digest");
              }
            });
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void b7PoisonMessageIsTriedAFewTimesAndThenADeadLetter(DrivingMode mode) {
    for (MessageHandling handling :
        List.of(MessageHandling.on(executor), MessageHandling.onLoop())) {
      BlockingQueue<DeadLetterEvent> deadLetters = new LinkedBlockingQueue<>();
      BlockingQueue<String> after = new LinkedBlockingQueue<>();
      AtomicInteger calls = new AtomicInteger();
      AtomicInteger errors = new AtomicInteger();
      try (ScriptedServer server = ScriptedServer.behavingBroker();
          MqttLoop loop = MqttLoop.create();
          MqttClient client =
              poisoned(server, deadLetters, calls)
                  .loop(loop)
                  .messageHandling(handling.attempts(3, Duration.ofMillis(20)))
                  .onCallbackError(event -> errors.incrementAndGet())
                  .onMessage(message -> after.add(message.payloadUtf8() + calls.get()))
                  .build()) {
        client.connect(LIMIT);
        client.subscribe("b7", Qos.AT_LEAST_ONCE).await(LIMIT);
        try (DrivingMode.Driver driver = mode.drive(loop)) {
          server.broker().publish("b7", "poison", 1);
          server.broker().publish("b7", "good", 1);
          driveUntil(loop, mode, () -> pubacks(server).size() == 2);
        }
        assertThat(calls).hasValue(3);
        assertThat(errors).hasValue(3);
        assertThat(deadLetters).hasSize(1);
        DeadLetterEvent dead = deadLetters.remove();
        assertThat(dead.attempts()).isEqualTo(3);
        assertThat(dead.error()).hasMessage("cannot digest");
        assertThat(dead.message().payloadUtf8()).isEqualTo("poison");
        assertThat(after).containsExactly("poison3", "good3"); // in order, after the last attempt
        assertThat(pubacks(server)).isSorted();
      }
    }
  }

  @Test
  void b7DeadLetterCanBeRejectedWithAReason() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .callbackExecutor(executor)
                .onDeadLetter(event -> event.message().reject(ReasonCode.PAYLOAD_FORMAT_INVALID))
                .onMessage(
                    message -> {
                      throw new IllegalStateException("cannot digest");
                    })
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b7", Qos.AT_LEAST_ONCE).await(LIMIT);
      server.broker().publish("b7", "poison", 1);
      Await.until("answered", () -> !server.packets(PacketType.PUBACK).isEmpty());
      assertThat(server.packets(PacketType.PUBACK).get(0).reasonCode()).isEqualTo(0x99);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Qos.class,
      names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
  void b7MessageThatStopsTheLoopOnEachConnectionEndsAsADeadLetter(Qos qos) {
    BlockingQueue<DeadLetterEvent> deadLetters = new LinkedBlockingQueue<>();
    AtomicInteger calls = new AtomicInteger();
    AtomicInteger stops = new AtomicInteger();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            poisoned(server, deadLetters, calls)
                .reconnect(FAST)
                .sessionExpiryInterval(Duration.ofMinutes(1))
                .callbackErrorPolicy(CallbackErrorPolicy.STOP_LOOP)
                .build()) {
      client.connect(LIMIT);
      client.subscribe("b7", qos).await(LIMIT);
      server.broker().publish("b7", "poison", qos.ordinal());
      Await.until(
          "a dead letter",
          () -> {
            try {
              client.loop(Duration.ofMillis(20));
            } catch (IllegalStateException e) {
              assertThat(e).hasMessage("cannot digest");
              stops.incrementAndGet();
              server.resetConnections();
            }
            return !deadLetters.isEmpty();
          });
      PacketType answer = qos == Qos.AT_LEAST_ONCE ? PacketType.PUBACK : PacketType.PUBREC;
      Await.until(
          "acknowledged",
          () -> {
            client.loop(Duration.ofMillis(20));
            return server.packets(answer).size() == 1;
          });
      assertThat(calls).hasValue(6);
      assertThat(stops).hasValue(5);
      assertThat(deadLetters.remove().attempts()).isEqualTo(6);
    }
  }

  @Test
  void b7MessageThatDisconnectsTheClientEachTimeEndsAsADeadLetter() {
    BlockingQueue<DeadLetterEvent> deadLetters = new LinkedBlockingQueue<>();
    AtomicInteger calls = new AtomicInteger();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            poisoned(server, deadLetters, calls)
                .sessionExpiryInterval(Duration.ofMinutes(1))
                .messageHandling(MessageHandling.on(executor).attempts(3, Duration.ZERO))
                .callbackErrorPolicy(CallbackErrorPolicy.DISCONNECT)
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b7", Qos.AT_LEAST_ONCE).await(LIMIT);
      server.broker().publish("b7", "poison", 1);
      for (int i = 1; i <= 2; i++) {
        int connections = i;
        Await.until(
            "disconnected",
            () ->
                calls.get() == connections
                    && client.state() == MqttClient.State.DISCONNECTED
                    && server.openConnections() == 0);
        client.connect(LIMIT);
      }
      Await.until("acknowledged", () -> pubacks(server).size() == 1);
      assertThat(calls).hasValue(3);
      assertThat(deadLetters.remove().attempts()).isEqualTo(3);
      assertThat(client.isConnected()).isTrue();
    }
  }

  @Test
  void b7MessageThatIsHandledAtLastIsNoDeadLetter() {
    AtomicInteger calls = new AtomicInteger();
    AtomicInteger deadLetters = new AtomicInteger();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .onDeadLetter(event -> deadLetters.incrementAndGet())
                .onMessage(
                    "b7",
                    message -> {
                      if (calls.incrementAndGet() < 3) {
                        throw new IllegalStateException("not yet");
                      }
                    },
                    MessageHandling.onLoop().attempts(5, Duration.ZERO))
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b7", Qos.AT_LEAST_ONCE).await(LIMIT);
      server.broker().publish("b7", "x", 1);
      Await.until("acknowledged", () -> pubacks(server).size() == 1);
      assertThat(calls).hasValue(3);
      assertThat(deadLetters).hasValue(0);
    }
  }
}
