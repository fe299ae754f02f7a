// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Row R5 of docs/loop-table.md: publish waits for room, {@link OverflowPolicy#BLOCK}. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class BlockingPublishTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final String NOWHERE = "mqtt://127.0.0.1:1";

  private static MqttClientBuilder blocking(String uri) {
    return MqttClient.builder(uri)
        .queueMaximum(5, 1 << 20)
        .overflowPolicy(OverflowPolicy.BLOCK)
        .reconnect(ReconnectPolicy.exponential(Duration.ofMillis(5), Duration.ofMillis(20)));
  }

  private static Publish message(String payload) {
    return Publish.builder("r5").payload(payload).qos(Qos.AT_LEAST_ONCE).build();
  }

  private static void fill(MqttClient client) {
    for (int i = 0; i < 5; i++) {
      assertThat(client.publish(message("fills"))).isNotDone();
    }
  }

  /** A publish on a thread of its own, which waits for room. */
  private static final class Blocked {
    final CompletableFuture<Thread> thread = new CompletableFuture<>();
    final CompletableFuture<MqttFuture<?>> returned = new CompletableFuture<>();
    final CompletableFuture<Boolean> interrupted = new CompletableFuture<>();

    Blocked(MqttClient client) {
      this(client, OfflinePolicy.QUEUE);
    }

    Blocked(MqttClient client, OfflinePolicy policy) {
      DrivingTest.inThread(
          () -> {
            thread.complete(Thread.currentThread());
            try {
              returned.complete(client.publish(message("blocked"), policy));
            } catch (Throwable t) {
              returned.completeExceptionally(t);
            }
            interrupted.complete(Thread.currentThread().isInterrupted());
          });
      Await.until("it waits", () -> waits(Await.passively(thread)) || returned.isDone());
      assertThat(returned).isNotDone();
    }

    private static boolean waits(Thread thread) {
      Thread.State state = thread.getState();
      return state == Thread.State.WAITING
          || state == Thread.State.TIMED_WAITING
          || List.of(thread.getStackTrace()).stream()
              .anyMatch(frame -> frame.getMethodName().equals("driveUntilDone"));
    }

    Throwable failure() {
      MqttFuture<?> future = Await.passively(returned);
      try {
        future.getNow(null);
      } catch (CompletionException e) {
        return e.getCause();
      }
      throw new AssertionError("it has not failed: " + future);
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r5BlockWaitsForRoomInEveryModeAndLosesNothing(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = blocking(server.uri().toString()).loop(loop).build();
        DrivingMode.Driver driver = mode.drive(loop)) {
      client.connect(LIMIT);
      List<MqttFuture<?>> published = new ArrayList<>();
      for (int i = 0; i < 1_000; i++) {
        published.add(client.publish(message(Integer.toString(i))));
        if (i % 250 == 100) {
          server.restart(false);
        }
      }
      published.forEach(future -> future.await(LIMIT));
      assertThat(
              server.broker().acceptedMessages().stream()
                  .map(ReceivedPacket::payloadUtf8)
                  .distinct()
                  .toList())
          .isEqualTo(IntStream.range(0, 1_000).mapToObj(Integer::toString).toList());
    }
  }

  @Test
  void r5BlockServesSeveralThreads() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = blocking(server.uri().toString()).build()) {
      client.connect(LIMIT);
      List<CompletableFuture<Void>> threads = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        threads.add(
            DrivingTest.inThread(
                () -> {
                  for (int i = 0; i < 100; i++) {
                    client.publish(message("x"));
                  }
                }));
      }
      threads.forEach(Await::passively);
      client.publish(message("last")).await(LIMIT);
      Await.until("all have come", () -> server.broker().acceptedMessages().size() >= 401);
    }
  }

  @Test
  void r5BlockBoundsWhatIsInFlightByItsBytes() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .queueMaximum(1_000_000, 10_000)
                .overflowPolicy(OverflowPolicy.BLOCK)
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      List<MqttFuture<?>> published = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        published.add(client.publish(message("x".repeat(780))));
        assertThat(published.stream().filter(future -> !future.isDone()).count())
            .as("ten fit, and one whose room is free may not have been told yet")
            .isLessThanOrEqualTo(11);
      }
      published.forEach(future -> future.await(LIMIT));
    }
  }

  @Test
  void r5BlockIsInterruptedAndKeepsTheFlag() {
    try (MqttClient client = blocking(NOWHERE).build()) {
      fill(client);
      Blocked blocked = new Blocked(client);
      Await.passively(blocked.thread).interrupt();
      assertThat(blocked.failure())
          .isInstanceOf(MqttException.class)
          .hasMessageContaining("interrupted")
          .hasMessageContaining("waited for room");
      assertThat(Await.passively(blocked.interrupted)).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r5BlockEndsWhenTheClientIsClosed(DrivingMode mode) {
    Blocked blocked;
    try (MqttLoop loop = MqttLoop.create();
        DrivingMode.Driver driver = mode.drive(loop);
        MqttClient client = blocking(NOWHERE).loop(loop).build()) {
      fill(client);
      blocked = new Blocked(client);
      client.close();
      assertThat(blocked.failure())
          .isInstanceOf(MqttDisconnectedException.class)
          .hasMessageContaining("closed");
    }
  }

  @Test
  void r5BlockEndsWhenTheLoopIsClosed() {
    MqttClient client = blocking(NOWHERE).build();
    fill(client);
    Blocked blocked = new Blocked(client);
    client.close();
    assertThat(blocked.failure()).isInstanceOf(MqttException.class).hasMessageContaining("closed");
  }

  @Test
  void r5BlockEndsAfterItsTimeLimit() {
    try (MqttClient client = blocking(NOWHERE).blockTimeout(Duration.ofMillis(50)).build()) {
      fill(client);
      MqttFuture<?>[] late = new MqttFuture<?>[1];
      Duration took = Await.time(() -> late[0] = client.publish(message("late")));
      assertThat(took).isGreaterThanOrEqualTo(Duration.ofMillis(50));
      assertThat(late[0]).isCompletedExceptionally();
      assertThat(late[0].handle((result, failure) -> failure).getNow(null))
          .isInstanceOf(MqttQueueFullException.class)
          .hasMessageContaining("after waiting for room for 50 ms");
    }
  }

  @Test
  void r5BlockInsideACallbackIsRefusedAndSaysWhy() {
    CompletableFuture<Throwable> refused = new CompletableFuture<>();
    try (MqttClient client = blocking(NOWHERE).build()) {
      client.loopStart();
      fill(client);
      client
          .loop()
          .execute(
              () ->
                  client
                      .publish(message("inside"))
                      .whenComplete((result, failure) -> refused.complete(failure)));
      assertThat(Await.passively(refused))
          .isInstanceOf(MqttQueueFullException.class)
          .hasMessageContaining("inside a callback")
          .hasMessageContaining("another thread");
    }
  }

  @Test
  void r5BlockedFailFastMessageFailsWithItsConnection() {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client = blocking(server.uri().toString()).build()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack(connack -> connack.property(io.bight.testkit.Property.RECEIVE_MAXIMUM, 1))
          .swallow();
      server.onConnection().expectConnect().sendConnack().swallow();
      client.loopStart();
      client.connect(LIMIT);
      client.publish(message("in flight"));
      fill(client);
      Blocked blocked = new Blocked(client, OfflinePolicy.FAIL);
      server.resetConnections();
      assertThat(blocked.failure())
          .isInstanceOf(MqttDisconnectedException.class)
          .hasMessageContaining("lost its connection");
      server.awaitScripts(LIMIT); // what follows the loss is not cut short by the client's close
    }
  }

  @Test
  void r5BlockedPublishGivesWayToADriver() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = blocking(server.uri().toString()).build()) {
      fill(client);
      Blocked blocked = new Blocked(client);
      client.loopStart();
      client.connect(LIMIT);
      Await.passively(blocked.returned).await(LIMIT);
    }
  }
}
