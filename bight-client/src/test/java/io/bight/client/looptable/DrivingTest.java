// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.mqtt.Qos;
import io.bight.testkit.FaultLink;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ScriptedServer;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Rows L1 to L13 of docs/loop-table.md: driving the loop. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class DrivingTest {
  @RegisterExtension static final RealServer SERVER = new RealServer();

  private static final Duration LIMIT = Await.LIMIT;

  private final BlockingQueue<String> received = new LinkedBlockingQueue<>();

  private MqttClientBuilder builder() {
    return MqttClient.builder(SERVER.uri()).onMessage(message -> received.add(text(message)));
  }

  private static String text(Message message) {
    return message.payloadUtf8();
  }

  private static void publishElsewhere(String topic, String... payloads) {
    try (MqttClient publisher = MqttClient.builder(SERVER.uri()).build()) {
      publisher.connect(LIMIT);
      for (String payload : payloads) {
        publisher.publish(topic, payload, Qos.AT_LEAST_ONCE).await(LIMIT);
      }
    }
  }

  // ---- L1

  @Test
  void l1IdleTurnTakesTheTimeoutAndNoProcessorTime() {
    try (MqttClient client = builder().build()) {
      client.connect(LIMIT);
      while (client.loop(Duration.ZERO)) {
        // what is left of connecting
      }
      var threads = ManagementFactory.getThreadMXBean();
      client.loop(Duration.ofMillis(10)); // the code is loaded
      long[] processorNanos = new long[5];
      for (int i = 0; i < processorNanos.length; i++) {
        long before = threads.getCurrentThreadCpuTime();
        Duration took = Await.time(() -> client.loop(Duration.ofMillis(100)));
        processorNanos[i] = threads.getCurrentThreadCpuTime() - before;
        assertThat(took).isBetween(Duration.ofMillis(80), Await.within(Duration.ofMillis(120)));
      }
      assertThat(Duration.ofNanos(LongStream.of(processorNanos).min().orElseThrow()))
          .isLessThan(Duration.ofMillis(1));
    }
  }

  @Test
  void l1WaitingMessageIsHandledInTheFirstTurnWithoutWaiting() {
    try (MqttClient client = builder().build()) {
      client.connect(LIMIT);
      client.subscribe("l1/waiting", Qos.AT_MOST_ONCE).await(LIMIT);
      MqttFuture<?> published = client.publish("l1/waiting", "here", Qos.AT_LEAST_ONCE);
      published.await(LIMIT); // the server routes before it acknowledges
      Duration took = Duration.ZERO;
      if (received.isEmpty()) {
        took = Await.time(() -> client.loop(Duration.ofSeconds(5)));
      }
      assertThat(received).containsExactly("here");
      assertThat(took).isLessThan(Await.within(Duration.ofSeconds(1)));
    }
  }

  @Test
  void l1LoopZeroNeverBlocks() {
    try (MqttClient client = builder().build()) {
      client.connect(LIMIT);
      Duration took = Await.medianTime(100, () -> client.loop(Duration.ZERO));
      assertThat(took).isLessThan(Duration.ofMillis(1));
    }
  }

  // ---- L2

  @Test
  void l2LoopStartRunsOnItsOwnNamedDaemonThread() {
    try (MqttLoop loop = MqttLoop.create("l2-loop")) {
      loop.loopStart();
      CompletableFuture<Thread> thread = new CompletableFuture<>();
      loop.execute(() -> thread.complete(Thread.currentThread()));
      Thread driver = Await.passively(thread);
      assertThat(driver.getName()).isEqualTo("l2-loop");
      assertThat(driver.isDaemon()).isTrue();
      assertThat(loop.driver()).contains(driver);
    }
  }

  @Test
  void l2SecondLoopStartIsAnErrorThatNamesTheDriver() {
    try (MqttLoop loop = MqttLoop.create("l2-twice")) {
      loop.loopStart();
      assertThatThrownBy(loop::loopStart)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("loopStart()")
          .hasMessageContaining("thread 'l2-twice'")
          .hasMessageContaining("loopStop()");
    }
  }

  @Test
  void l2LoopStartReconnects() throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      CompletableFuture<Void> again = new CompletableFuture<>();
      client.loopStart();
      client.connect(LIMIT);
      client.onConnect(event -> again.complete(null));
      server.resetConnections();
      Await.passively(again);
      assertThat(server.connections()).isEqualTo(2);
    }
  }

  // ---- L3

  @Test
  void l3LoopForeverEndsWithLoopStop() {
    try (MqttLoop loop = MqttLoop.create()) {
      CompletableFuture<Void> ended = inThread(loop::loopForever);
      Await.until("driven", () -> loop.driver().isPresent());
      Duration took =
          Await.time(
              () -> {
                loop.loopStop();
                Await.passively(ended);
              });
      assertThat(took).isLessThan(Await.within(Duration.ofMillis(100)));
    }
  }

  @ParameterizedTest
  @MethodSource("transports")
  void l3LoopForeverEndsWhenInterruptedAndKeepsTheFlag(boolean nio) {
    MqttLoop.Builder options = nio ? MqttLoop.builder().nio() : MqttLoop.builder();
    try (MqttLoop loop = options.build()) {
      CompletableFuture<Boolean> flag = new CompletableFuture<>();
      Thread thread =
          new Thread(
              () -> {
                loop.loopForever();
                flag.complete(Thread.currentThread().isInterrupted());
              });
      thread.start();
      Await.until("driven", () -> loop.driver().isPresent());
      Duration took =
          Await.time(
              () -> {
                thread.interrupt();
                assertThat(Await.passively(flag)).isTrue();
              });
      assertThat(took).isLessThan(Await.within(Duration.ofMillis(100)));
    }
  }

  static Stream<Boolean> transports() {
    return Stream.of(false, true);
  }

  @Test
  void l3LoopForeverEndsWhenEveryClientWasDisconnectedByTheUser() {
    try (MqttLoop loop = MqttLoop.create();
        MqttClient one = builder().loop(loop).build();
        MqttClient two = builder().loop(loop).build()) {
      one.connect(LIMIT);
      two.connect(LIMIT);
      CompletableFuture<Void> ended = inThread(loop::loopForever);
      Await.until("driven", () -> loop.driver().isPresent());
      Await.passively(one.disconnectAsync());
      assertThat(ended).isNotDone();
      Await.passively(two.disconnectAsync());
      Duration took = Await.time(() -> Await.passively(ended));
      assertThat(took).isLessThan(Await.within(Duration.ofMillis(100)));
    }
  }

  // ---- L4

  @ParameterizedTest
  @EnumSource(names = "BLOCKING_CALLS", mode = EnumSource.Mode.EXCLUDE)
  void l4LoopStopFromAnotherThreadEndsTheDriverAndTheLoopGoesOnLater(DrivingMode mode) {
    try (MqttLoop loop = MqttLoop.create();
        MqttClient client = builder().loop(loop).build()) {
      client.connect(LIMIT);
      client.subscribe("l4/+", Qos.AT_LEAST_ONCE).await(LIMIT);
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        if (mode != DrivingMode.MANUAL_LOOP) {
          Duration took = Await.time(loop::loopStop);
          assertThat(took).isLessThan(Await.within(Duration.ofMillis(100)));
          assertThat(loop.driver()).isEmpty();
        }
        loop.loopStop(); // twice
      }
      for (DrivingMode next : DrivingMode.values()) {
        receivesOneMessage(client, next, "l4/" + next);
      }
    }
  }

  private void receivesOneMessage(MqttClient client, DrivingMode mode, String topic) {
    try (DrivingMode.Driver driver = mode.drive(client.loop())) {
      client.publish(topic, topic, Qos.AT_LEAST_ONCE).await(LIMIT);
      if (mode == DrivingMode.BLOCKING_CALLS && received.isEmpty()) {
        client.loop(LIMIT);
      }
      assertThat(received.poll(LIMIT.toMillis(), TimeUnit.MILLISECONDS)).isEqualTo(topic);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"LOOP_START", "LOOP_FOREVER"})
  void l4LoopStopInOnMessageEndsTheDriverAndKeepsWhatFollows(DrivingMode mode) {
    List<String> handled = Collections.synchronizedList(new ArrayList<>());
    try (MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(SERVER.uri())
                .loop(loop)
                .onMessage(
                    message -> {
                      handled.add(text(message));
                      loop.loopStop();
                    })
                .build()) {
      client.connect(LIMIT);
      client.subscribe("l4/stop/" + mode, Qos.AT_LEAST_ONCE).await(LIMIT);
      publishElsewhere("l4/stop/" + mode, "1", "2", "3");
      for (int i = 1; i <= 3; i++) {
        CompletableFuture<Void> left = inThread(loop::loopForever);
        Await.passively(left);
        assertThat(handled).hasSize(i);
      }
      assertThat(handled).containsExactly("1", "2", "3");
    }
  }

  @Test
  void l4LoopStopInOnDisconnect() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      client.connect(LIMIT);
      client.onDisconnect(event -> event.client().loopStop());
      CompletableFuture<Void> ended = inThread(client::loopForever);
      Await.until("driven", () -> client.loop().driver().isPresent());
      server.resetConnections();
      Await.passively(ended);
    }
  }

  @Test
  void l4LoopStopWithAnUnacknowledgedQos2Message() {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      server.onConnection().expectConnect().sendConnack().expectPublish("a").swallow();
      client.loopStart();
      client.connect(LIMIT);
      MqttFuture<?> published = client.publish("a", "x", Qos.EXACTLY_ONCE);
      server.awaitScripts(LIMIT);
      assertThat(Await.time(client::loopStop)).isLessThan(Await.within(Duration.ofMillis(100)));
      assertThat(published).isNotDone();
    }
  }

  @Test
  void l4LoopStopMidBackoffAndTheAttemptComesWhenDrivenAgain() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      CompletableFuture<Void> failed = new CompletableFuture<>();
      CompletableFuture<Void> again = new CompletableFuture<>();
      client.onConnectFailure(event -> failed.complete(null));
      client.loopStart();
      client.connect(LIMIT);
      client.onConnect(event -> again.complete(null));
      server.stopListening();
      server.resetConnections();
      Await.passively(failed);
      assertThat(Await.time(client::loopStop)).isLessThan(Await.within(Duration.ofMillis(100)));
      server.startListening();
      client.loopStart();
      Await.passively(again);
    }
  }

  @Test
  void l4LoopStopWithAHalfOpenLink() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        FaultLink link = FaultLink.to(server.uri());
        MqttClient client = MqttClient.builder(link.uri()).build()) {
      client.loopStart();
      client.connect(LIMIT);
      link.pause();
      client.publish("l4/half", "x", Qos.AT_LEAST_ONCE);
      assertThat(Await.time(client::loopStop)).isLessThan(Await.within(Duration.ofMillis(100)));
      assertThat(client.loop().driver()).isEmpty();
    }
  }

  @Test
  void l4LoopStopFromTwoThreadsAtOnce() {
    try (MqttLoop loop = MqttLoop.create()) {
      for (int i = 0; i < 50; i++) {
        loop.loopStart();
        CompletableFuture<Void> one = inThread(loop::loopStop);
        CompletableFuture<Void> two = inThread(loop::loopStop);
        Await.passively(one);
        Await.passively(two);
        assertThat(loop.driver()).isEmpty();
      }
    }
  }

  @Test
  void l4LoopStopEndsABlockingCallThatDrives() {
    try (MqttClient client = builder().build()) {
      client.connect(LIMIT);
      MqttFuture<?> never = client.publish("l4/never", "x", Qos.AT_LEAST_ONCE);
      never.await(LIMIT);
      CompletableFuture<Void> unsubscribed = new CompletableFuture<>();
      client.loop().execute(() -> client.loop().loopStop());
      assertThatThrownBy(() -> client.subscribe("l4/x", Qos.AT_MOST_ONCE).await(LIMIT))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("loopStop()");
      assertThat(unsubscribed).isNotDone();
    }
  }

  // ---- L5

  @Test
  void l5OwnershipMovesWithoutAReconnect() throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .onMessage(message -> received.add(text(message)))
                .build()) {
      client.connect(LIMIT);
      client.subscribe("l5", Qos.AT_LEAST_ONCE).await(LIMIT);
      client.publish("l5", "main", Qos.AT_LEAST_ONCE);
      drainUntil(loop, "main");
      ExecutorService pool = Executors.newFixedThreadPool(3);
      for (int i = 0; i < 30; i++) {
        String payload = "pool" + i;
        client.publish("l5", payload, Qos.AT_LEAST_ONCE);
        pool.submit(() -> drainUntil(loop, payload)).get(10, TimeUnit.SECONDS);
      }
      pool.shutdown();
      loop.loopStart();
      client.publish("l5", "start", Qos.AT_LEAST_ONCE);
      assertThat(received.poll(10, TimeUnit.SECONDS)).isEqualTo("start");
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  private void drainUntil(MqttLoop loop, String payload) {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (received.isEmpty() && System.nanoTime() < deadline) {
      loop.loop(Duration.ofMillis(100));
    }
    assertThat(received.poll()).isEqualTo(payload);
  }

  // ---- L6

  @Test
  void l6SecondDriverIsRefusedAndTheFirstIsNotDisturbed() throws Exception {
    try (MqttLoop loop = MqttLoop.create("l6");
        MqttClient client = builder().loop(loop).build()) {
      loop.loopStart();
      client.connect(LIMIT);
      client.subscribe("l6", Qos.AT_LEAST_ONCE).await(LIMIT);
      for (Runnable second :
          List.<Runnable>of(
              loop::loopForever, loop::loopStart, () -> loop.loop(Duration.ofSeconds(1)))) {
        assertThatThrownBy(second::run)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("driven by loopStart() on thread 'l6'");
        client.publish("l6", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
        assertThat(received.poll(10, TimeUnit.SECONDS)).isEqualTo("x");
      }
    }
  }

  @Test
  void l6TwoThreadsInLoopAtOnce() {
    try (MqttLoop loop = MqttLoop.create()) {
      CompletableFuture<Void> first = inThread(() -> loop.loop(Duration.ofSeconds(30)));
      Await.until("driven", () -> loop.driver().isPresent());
      assertThatThrownBy(() -> loop.loop(Duration.ZERO))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("loop(Duration)");
      assertThat(first).isNotDone();
      loop.loopStop();
      Await.passively(first);
    }
  }

  @Test
  void l6ProgramThatDrivesByHandIsNotDisturbedByBlockingCallsOfOtherThreads() {
    try (MqttLoop loop = MqttLoop.create();
        MqttClient client = builder().loop(loop).build()) {
      client.connect(LIMIT);
      CompletableFuture<Void> others =
          inThread(
              () -> {
                for (int i = 0; i < 200; i++) {
                  client.publish("l6/other", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
                }
              });
      while (!others.isDone()) {
        loop.loop(Duration.ofMillis(1)); // never refused
      }
      Await.passively(others);
    }
  }

  // ---- L7

  @ParameterizedTest
  @MethodSource("permutations")
  void l7AnyOrderOfStepsBeforeAndAfterConnect(List<String> order) throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      // A message can only arrive if it was subscribed to before: without order, by two clients.
      try (MqttClient other = MqttClient.builder(server.uri()).build()) {
        CompletableFuture<String> otherReceived = new CompletableFuture<>();
        other.onMessage(message -> otherReceived.complete(text(message)));
        other.loopStart();
        other.connect(LIMIT);
        other.subscribe("l7/out", Qos.AT_LEAST_ONCE).await(LIMIT);
        for (String step : order) {
          switch (step) {
            case "callback" -> client.onMessage(message -> received.add(text(message)));
            case "subscribe" -> client.subscribe("l7/in", Qos.AT_LEAST_ONCE);
            case "publish" -> client.publish("l7/out", "out", Qos.AT_LEAST_ONCE);
            case "loopStart" -> client.loopStart();
            default -> client.connectAsync();
          }
        }
        assertThat(Await.passively(otherReceived)).isEqualTo("out");
        Await.until(
            "subscribed", () -> server.broker().subscriptions(client.clientId()).contains("l7/in"));
        server.broker().publish("l7/in", "in", 1);
        assertThat(received.poll(10, TimeUnit.SECONDS)).isEqualTo("in");
        assertThat(server.connections()).isEqualTo(2);
      }
    }
  }

  static Stream<List<String>> permutations() {
    return permute(List.of("callback", "subscribe", "publish", "loopStart", "connect"));
  }

  private static Stream<List<String>> permute(List<String> steps) {
    if (steps.isEmpty()) {
      return Stream.of(List.of());
    }
    return IntStream.range(0, steps.size())
        .boxed()
        .flatMap(
            i -> {
              List<String> rest = new ArrayList<>(steps);
              String first = rest.remove((int) i);
              return permute(rest)
                  .map(
                      tail -> {
                        List<String> whole = new ArrayList<>(List.of(first));
                        whole.addAll(tail);
                        return whole;
                      });
            });
  }

  // ---- L8: the warning is in UndrivenWatchTest

  @Test
  void l8BlockingCallsDriveWhenNobodyDoes() {
    Thread main = Thread.currentThread();
    AtomicReference<Thread> handledBy = new AtomicReference<>();
    try (MqttClient client =
        builder().onMessage(message -> handledBy.set(Thread.currentThread())).build()) {
      client.connect(LIMIT);
      client.subscribe("l8", Qos.EXACTLY_ONCE).await(LIMIT);
      client.publish("l8", "x", Qos.EXACTLY_ONCE).await(LIMIT);
      client.publish("l8", "y", Qos.AT_MOST_ONCE).await(LIMIT);
      client.unsubscribe("l8").await(LIMIT);
      assertThat(received).contains("x");
      assertThat(handledBy).hasValue(main);
    }
  }

  @Test
  void l8SeveralThreadsBlockAndOneOfThemDrives() {
    try (MqttClient client = builder().build()) {
      client.connect(LIMIT);
      List<CompletableFuture<Void>> threads = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        threads.add(
            inThread(
                () -> {
                  for (int k = 0; k < 50; k++) {
                    client.publish("l8/many", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
                  }
                }));
      }
      threads.forEach(Await::passively);
    }
  }

  // ---- L9

  @Test
  void l9BlockingInsideACallbackIsRefusedAndNamesTheOtherForm() {
    try (MqttClient client = builder().build()) {
      CompletableFuture<Throwable> refused = new CompletableFuture<>();
      client.onConnect(
          event -> {
            try {
              event.client().publish("l9", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
            } catch (IllegalStateException e) {
              refused.complete(e);
            }
          });
      client.connect(LIMIT);
      assertThat(Await.passively(refused))
          .hasMessageContaining("inside a callback")
          .hasMessageContaining("whenComplete");
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void l9EverythingElseIsLegalInEveryCallback(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create()) {
      for (String action : List.of("publish", "subscribe", "disconnect", "loopStop", "close")) {
        for (String callback : List.of("connect", "message", "disconnect", "failure")) {
          actInCallback(server, loop, mode, action, callback);
        }
      }
    }
  }

  private static void actInCallback(
      ScriptedServer server, MqttLoop loop, DrivingMode mode, String action, String callback) {
    CompletableFuture<Void> acted = new CompletableFuture<>();
    CompletableFuture<Throwable> error = new CompletableFuture<>();
    MqttClient client = MqttClient.builder(server.uri()).loop(loop).build();
    Runnable act =
        () -> {
          switch (action) {
            case "publish" -> client.publish("l9/p", "x", Qos.AT_LEAST_ONCE);
            case "subscribe" -> client.subscribe("l9/s", Qos.AT_LEAST_ONCE);
            case "disconnect" -> client.disconnect();
            case "loopStop" -> client.loopStop();
            default -> client.close();
          }
          acted.complete(null);
        };
    client.onCallbackError(event -> error.complete(event.error()));
    switch (callback) {
      case "connect" -> client.onConnect(event -> act.run());
      case "message" -> client.onMessage("l9/m", message -> act.run());
      case "disconnect" -> client.onDisconnect(event -> act.run());
      default -> client.onConnectFailure(event -> act.run());
    }
    if (callback.equals("failure")) {
      server.broker().refuseConnects(0x87);
    }
    try (DrivingMode.Driver driver = mode.drive(loop)) {
      MqttFuture<?> connected = client.connectAsync();
      client.subscribe("l9/m", Qos.AT_MOST_ONCE);
      if (callback.equals("message")) {
        client.publish("l9/m", "x", Qos.AT_MOST_ONCE);
      }
      if (callback.equals("disconnect")) {
        connected.whenComplete((event, failure) -> client.disconnectAsync());
      }
      if (mode == DrivingMode.BLOCKING_CALLS) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!acted.isDone() && System.nanoTime() < deadline) {
          loop.loop(Duration.ofMillis(20));
        }
      }
      Await.passively(acted);
    } finally {
      server.broker().acceptConnects();
      client.close();
    }
    assertThat(error).as(action + " in " + callback).isNotDone();
  }

  // ---- L10

  @Test
  void l10PublishFromAnotherThreadWakesAnIdleLoopAtOnce() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      client.loopStart();
      client.connect(LIMIT);
      Duration took =
          Await.medianTime( // a publish at QoS 0 is done when it is written
              300, () -> Await.passively(client.publish("l10", "x", Qos.AT_MOST_ONCE)));
      // The table's 1 ms at the 99th percentile is measured on an idle machine; here a busy one
      // must not fail, and a loop that wakes by a tick must.
      assertThat(took).isLessThan(Duration.ofMillis(5));
    }
  }

  @Test
  void l10StopEndsAnIdleLoopAtOnce() {
    try (MqttLoop loop = MqttLoop.create()) {
      Duration took =
          Await.medianTime(
              50,
              () -> {
                loop.loopStart();
                loop.loopStop();
              });
      assertThat(took).isLessThan(Duration.ofMillis(10));
    }
  }

  // ---- L13

  @Test
  void l13EveryCallbackComesOnTheThreadThatDrives() {
    List<Thread> threads = Collections.synchronizedList(new ArrayList<>());
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .onConnect(event -> threads.add(Thread.currentThread()))
                .onDisconnect(event -> threads.add(Thread.currentThread()))
                .onConnectFailure(event -> threads.add(Thread.currentThread()))
                .onMessage(message -> threads.add(Thread.currentThread()))
                .onMessage(
                    message -> {
                      throw new IllegalStateException("for onCallbackError");
                    })
                .onCallbackError(event -> threads.add(Thread.currentThread()))
                .build()) {
      client.loopStart();
      Thread driver = client.loop().driver().orElseThrow();
      client.connect(LIMIT);
      client.subscribe("l13", Qos.AT_LEAST_ONCE).await(LIMIT);
      // A stage runs on the thread that adds it if the future is done, so it is added by the
      // driver.
      client
          .loop()
          .execute(
              () ->
                  client
                      .publish("l13", "x", Qos.AT_LEAST_ONCE)
                      .thenRun(() -> threads.add(Thread.currentThread())));
      Await.until("message", () -> threads.size() >= 4);
      server.broker().refuseConnects(0x88);
      server.resetConnections();
      Await.until("disconnect and failure", () -> threads.size() >= 6);
      assertThat(threads).containsOnly(driver);
    }
  }

  static CompletableFuture<Void> inThread(Runnable action) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                action.run();
                done.complete(null);
              } catch (Throwable t) {
                done.completeExceptionally(t);
              }
            });
    thread.setDaemon(true);
    thread.start();
    return done;
  }
}
