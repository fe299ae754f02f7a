// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.CallbackErrorPolicy;
import io.bight.client.MqttClient;
import io.bight.client.MqttLoop;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import java.awt.EventQueue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Row L12 of docs/loop-table.md: a selector or UI thread of the program's own drives. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class ExternalLoopTest {
  @RegisterExtension static final RealServer SERVER = new RealServer();

  private static final Duration LIMIT = Duration.ofSeconds(30);

  @BeforeAll
  static void swingNeedsNoScreen() {
    System.setProperty("java.awt.headless", "true");
  }

  private static MqttLoop loop(boolean nio) {
    MqttLoop.Builder builder = MqttLoop.builder();
    return nio ? builder.nio().build() : builder.build();
  }

  /** A thread with a selector of its own, that runs tasks between two selects. */
  private static final class OwnSelector implements AutoCloseable {
    final Selector selector;
    final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    final AtomicInteger rounds = new AtomicInteger();
    final Thread thread;

    OwnSelector() throws IOException {
      selector = Selector.open();
      thread = new Thread(this::run, "own-selector");
      thread.setDaemon(true);
      thread.start();
    }

    void execute(Runnable task) {
      tasks.add(task);
      selector.wakeup();
    }

    private void run() {
      try {
        while (selector.isOpen()) {
          selector.select();
          rounds.incrementAndGet();
          for (Runnable task; (task = tasks.poll()) != null; ) {
            task.run();
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void close() throws IOException {
      execute(
          () -> {
            try {
              selector.close();
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
      try {
        thread.join(LIMIT.toMillis());
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  private static Duration medianRoundTrip(MqttClient client, SynchronousQueue<String> arrived) {
    return Await.medianTime(
        51,
        () -> {
          client.publish(client.clientId() + "/echo", "x", Qos.AT_MOST_ONCE);
          try {
            assertThat(arrived.poll(10, TimeUnit.SECONDS)).isEqualTo("x");
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        });
  }

  private static MqttClient echo(
      MqttLoop loop, SynchronousQueue<String> arrived, Set<Thread> callbackThreads) {
    return MqttClient.builder(SERVER.uri())
        .loop(loop)
        .onConnect(
            event -> {
              callbackThreads.add(Thread.currentThread());
              event.client().subscribe(event.client().clientId() + "/echo", Qos.AT_MOST_ONCE);
            })
        .onDisconnect(event -> callbackThreads.add(Thread.currentThread()))
        .onMessage(
            message -> {
              callbackThreads.add(Thread.currentThread());
              try {
                arrived.offer(message.payloadUtf8(), 5, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            })
        .build();
  }

  private static void awaitSubscribed(MqttClient client) {
    Await.passively(client.connectAsync());
    Await.passively(client.subscribe(client.clientId() + "/echo", Qos.AT_MOST_ONCE));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void l12ExecutorOfAProgramsSelectorDrivesWithoutAPollingTick(boolean nio) throws Exception {
    Set<Thread> callbackThreads = ConcurrentHashMap.newKeySet();
    SynchronousQueue<String> arrived = new SynchronousQueue<>();
    try (OwnSelector own = new OwnSelector();
        MqttLoop loop = loop(nio)) {
      loop.driveOn(own::execute);
      MqttClient client = echo(loop, arrived, callbackThreads);
      awaitSubscribed(client);
      assertThat(medianRoundTrip(client, arrived)).isLessThan(Duration.ofMillis(10));
      costsNothingWhenIdle(loop, own);
      client.close();
      assertThat(callbackThreads).containsExactly(own.thread);
    }
  }

  private static void costsNothingWhenIdle(MqttLoop loop, OwnSelector own) {
    Thread watch =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().equals(loop.name() + "-watch"))
            .findAny()
            .orElseThrow();
    int roundsBefore = own.rounds.get();
    long cpuBefore = ManagementFactory.getThreadMXBean().getThreadCpuTime(watch.getId());
    Duration window = Duration.ofMillis(500);
    Await.processorTimeOf(own.thread, window);
    long cpu = ManagementFactory.getThreadMXBean().getThreadCpuTime(watch.getId()) - cpuBefore;
    assertThat(own.rounds.get() - roundsBefore).as("no tick").isLessThan(5);
    assertThat(Duration.ofNanos(cpu)).isLessThan(window.dividedBy(20));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void l12WakeUpCallbackTellsAlsoOfWhatArrives(boolean nio) throws Exception {
    Set<Thread> callbackThreads = ConcurrentHashMap.newKeySet();
    SynchronousQueue<String> arrived = new SynchronousQueue<>();
    CountDownLatch end = new CountDownLatch(1);
    AtomicInteger rounds = new AtomicInteger();
    try (Selector selector = Selector.open();
        MqttLoop loop = loop(nio)) {
      loop.onWorkReady(selector::wakeup);
      CompletableFuture<Void> ended =
          DrivingTest.inThread(
              () -> {
                try {
                  while (end.getCount() > 0) {
                    loop.loop(Duration.ZERO);
                    rounds.incrementAndGet();
                    long millis = loop.nextDeadline().map(Duration::toMillis).orElse(0L);
                    if (loop.nextDeadline().filter(Duration::isZero).isEmpty()) {
                      selector.select(Math.max(1, millis));
                    }
                  }
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
      MqttClient client = echo(loop, arrived, callbackThreads);
      var connecting = client.connectAsync();
      passivelyDriven(connecting);
      passivelyDriven(client.subscribe(client.clientId() + "/echo", Qos.AT_MOST_ONCE));
      assertThat(medianRoundTrip(client, arrived)).isLessThan(Duration.ofMillis(10));
      int before = rounds.get();
      Await.processorTimeOf(Thread.currentThread(), Duration.ofMillis(300));
      assertThat(rounds.get() - before).as("no tick").isLessThan(5);
      assertThat(callbackThreads).hasSize(1);
      end.countDown();
      selector.wakeup();
      Await.passively(ended);
    }
  }

  /** Waits without driving, as a blocking call would between two turns of the program. */
  private static void passivelyDriven(CompletableFuture<?> future) {
    Await.until("it is done", future::isDone);
  }

  @Test
  void l12SwingEventThreadDrives() throws Exception {
    Set<Thread> callbackThreads = ConcurrentHashMap.newKeySet();
    SynchronousQueue<String> arrived = new SynchronousQueue<>();
    CompletableFuture<Thread> eventThread = new CompletableFuture<>();
    EventQueue.invokeLater(() -> eventThread.complete(Thread.currentThread()));
    try (MqttLoop loop = MqttLoop.create()) {
      loop.driveOn(EventQueue::invokeLater);
      MqttClient client = echo(loop, arrived, callbackThreads);
      awaitSubscribed(client);
      assertThat(medianRoundTrip(client, arrived)).isLessThan(Duration.ofMillis(10));
      // Blocking calls on the event thread itself drive there.
      EventQueue.invokeAndWait(
          () -> {
            client.publish("l12/swing", "x", Qos.EXACTLY_ONCE).await(LIMIT);
            client.disconnect();
            client.connect(LIMIT);
          });
      EventQueue.invokeAndWait(loop::close);
      assertThat(callbackThreads).containsExactly(Await.passively(eventThread));
    }
  }

  @Test
  void l12OthersAreRefusedUntilLoopStopAndThenMayDrive() throws Exception {
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try (MqttClient client = MqttClient.builder(SERVER.uri()).build()) {
      MqttLoop loop = client.loop();
      loop.driveOn(executor);
      client.connect(LIMIT);
      assertThatThrownBy(loop::loopStart)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("driven on an executor", "loopStop()");
      assertThatThrownBy(() -> loop.loop(Duration.ZERO)).hasMessageContaining("driveOn(Executor)");
      assertThatThrownBy(() -> loop.driveOn(executor)).hasMessageContaining("driveOn(Executor)");
      loop.loopStop();
      client.publish("l12/x", "x", Qos.AT_LEAST_ONCE).await(LIMIT); // this thread drives
      loop.loopStart();
      assertThatThrownBy(() -> loop.driveOn(executor)).hasMessageContaining("loopStart()");
      client.publish("l12/x", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      loop.loopStop();
      loop.driveOn(executor);
      client.publish("l12/x", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      assertThat(client.isConnected()).isTrue();
    } finally {
      executor.shutdown();
      assertThat(executor.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void l12ExecutorWithSeveralThreadsRunsOneTurnAtATime() throws Exception {
    int messages = 5_000;
    ExecutorService executor = Executors.newFixedThreadPool(4);
    Queue<Throwable> thrown = new ConcurrentLinkedQueue<>();
    AtomicInteger inCallback = new AtomicInteger();
    AtomicInteger overlaps = new AtomicInteger();
    CountDownLatch all = new CountDownLatch(messages);
    try (MqttClient client =
        MqttClient.builder(SERVER.uri())
            .onMessage(
                message -> {
                  overlaps.addAndGet(inCallback.getAndIncrement());
                  all.countDown();
                  inCallback.decrementAndGet();
                })
            .build()) {
      client
          .loop()
          .driveOn(
              task ->
                  executor.execute(
                      () -> {
                        try {
                          task.run();
                        } catch (Throwable t) {
                          thrown.add(t);
                        }
                      }));
      client.connect(LIMIT);
      client.subscribe("l12/pool", Qos.AT_LEAST_ONCE).await(LIMIT);
      for (int i = 0; i < messages; i++) {
        client.publish("l12/pool", "x", Qos.AT_LEAST_ONCE);
      }
      assertThat(all.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(overlaps).hasValue(0);
      assertThat(thrown).isEmpty();
    } finally {
      executor.shutdown();
      assertThat(executor.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void l12LoopStopAndCloseAreLegalInACallbackOfTheExecutor() {
    CompletableFuture<Void> stopped = new CompletableFuture<>();
    CompletableFuture<Void> closed = new CompletableFuture<>();
    ExecutorService executor = Executors.newSingleThreadExecutor();
    MqttClient client =
        MqttClient.builder(SERVER.uri())
            .onConnect(
                event -> {
                  event.client().loopStop();
                  stopped.complete(null);
                })
            .onMessage(
                message -> {
                  message.client().close();
                  closed.complete(null);
                })
            .build();
    client.loop().driveOn(executor);
    client.connectAsync();
    Await.passively(stopped);
    client.subscribe("l12/close", Qos.AT_LEAST_ONCE).await(LIMIT);
    client.loop().driveOn(executor);
    client.publish("l12/close", "x", Qos.AT_LEAST_ONCE);
    Await.passively(closed);
    Await.until("it is closed", () -> client.state() == MqttClient.State.CLOSED);
    executor.shutdown();
  }

  @Test
  void l12WhatACallbackThrowsUnderTheStopPolicyIsThrownByTheExecutorsTask() {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try (MqttClient client =
        MqttClient.builder(SERVER.uri())
            .callbackErrorPolicy(CallbackErrorPolicy.STOP_LOOP)
            .onConnect(
                event -> {
                  throw new NumberFormatException("x");
                })
            .build()) {
      client
          .loop()
          .driveOn(
              task ->
                  executor.execute(
                      () -> {
                        try {
                          task.run();
                        } catch (NumberFormatException e) {
                          thrown.complete(e);
                        }
                      }));
      client.connectAsync();
      assertThat(Await.passively(thrown)).hasMessage("x");
      Await.until("nobody drives", () -> client.loop().driver().isEmpty());
      client.loopStart(); // may be driven in another way
    } finally {
      executor.shutdown();
    }
  }
}
