// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.MqttClient;
import io.bight.client.MqttLoop;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Row L12 of docs/loop-table.md: executors that cannot drive, from the start or from some time. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class UnfitExecutorTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final ExecutorService executor = Executors.newSingleThreadExecutor();

  @AfterEach
  void endExecutor() {
    executor.shutdown();
  }

  @Test
  void l12ExecutorThatRunsItsTasksInTheCallersThreadIsRefused() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create("inline");
        MqttClient client = MqttClient.builder(server.uri()).loop(loop).build()) {
      client.onConnect(event -> {});
      var connecting = client.connectAsync();
      assertThatThrownBy(() -> loop.driveOn(Runnable::run))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("cannot drive the loop 'inline'")
          .hasMessageContaining("on the thread that calls execute(Runnable)");
      assertThat(loop.driver()).isEmpty();
      assertThat(connecting).as("no turn was run").isNotDone();
      loop.driveOn(executor); // another one may drive
      connecting.await(LIMIT);
    }
  }

  @Test
  void l12ExecutorThatTurnsToTheCallersThreadLaterDrivesNoMore() {
    TurningExecutor turning = new TurningExecutor();
    Set<String> threads = ConcurrentHashMap.newKeySet();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create("later-inline");
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .onMessage(message -> threads.add(Thread.currentThread().getName()))
                .build()) {
      loop.driveOn(turning);
      client.connect(LIMIT);
      client.subscribe("l12", Qos.AT_LEAST_ONCE).await(LIMIT);
      assertThat(TestLog.during(() -> turnAndPublish(turning, loop, server)))
          .anyMatch(line -> line.contains("loop 'later-inline'") && line.contains("nobody drives"));
      assertThat(threads).as("no handler ran on a thread that waits for sockets").isEmpty();
      assertRefusedUntilStopped(loop, client, "on the thread that calls execute(Runnable)");
    }
  }

  private void turnAndPublish(TurningExecutor turning, MqttLoop loop, ScriptedServer server) {
    turning.turn();
    CompletableFuture.runAsync(() -> {}, executor).join(); // the turns given before have been run
    server.broker().publish("l12", "x", 1);
    Await.until("no executor drives", () -> loop.toString().contains("nobody drives the loop"));
  }

  /** Runs tasks on a thread of its own until it turns; then on the caller's. */
  private final class TurningExecutor implements Executor {
    private boolean inline;

    synchronized void turn() {
      inline = true;
    }

    @Override
    public void execute(Runnable task) {
      synchronized (this) {
        if (!inline) {
          executor.execute(task);
          return;
        }
      }
      task.run();
    }
  }

  @Test
  void l12ExecutorThatIsShutDownIsRefusedAtOnce() {
    executor.shutdown();
    try (MqttLoop loop = MqttLoop.create("down")) {
      assertThatThrownBy(() -> loop.driveOn(executor))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("driveOn(Executor) cannot drive the loop 'down'")
          .hasMessageContaining("takes no tasks")
          .hasCauseInstanceOf(RejectedExecutionException.class);
      loop.loopStart(); // nobody drives
    }
  }

  @Test
  void l12BlockingCallsFailWhenTheExecutorIsShutDownLater() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create("shut-down");
        MqttClient client = MqttClient.builder(server.uri()).loop(loop).build()) {
      loop.driveOn(executor);
      client.connect(LIMIT);
      executor.shutdown();
      assertRefusedUntilStopped(loop, client, "takes no more tasks");
    }
  }

  @Test
  void l12CloseIsInOrderThoughTheExecutorIsShutDown() {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      MqttLoop loop = MqttLoop.create("closed-late");
      MqttClient client = MqttClient.builder(server.uri()).loop(loop).build();
      loop.driveOn(executor);
      client.connect(LIMIT);
      executor.shutdown();
      client.publish("l12", "x", Qos.AT_MOST_ONCE);
      client.close();
      assertThat(client.state()).isEqualTo(MqttClient.State.CLOSED);
      assertThat(server.takePacket(io.bight.testkit.PacketType.DISCONNECT, LIMIT)).isNotNull();
      loop.close();
    }
  }

  private static void assertRefusedUntilStopped(MqttLoop loop, MqttClient client, String why) {
    assertThatThrownBy(() -> client.publish("l12", "x", Qos.AT_LEAST_ONCE).await(LIMIT))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the loop '" + loop.name() + "'")
        .hasMessageContaining(why)
        .hasMessageContaining("loopStop()");
    loop.loopStop(); // the program knows: a blocking call may drive now
    client.publish("l12", "y", Qos.AT_LEAST_ONCE).await(LIMIT);
    assertThat(client.isConnected()).isTrue();
  }
}
