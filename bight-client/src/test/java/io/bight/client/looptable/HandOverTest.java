// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ResourceCounts;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What lies between the rows of docs/loop-table.md: the seat changes hands while others wait, stop,
 * interrupt or close.
 */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class HandOverTest {
  private static final Duration LIMIT = Await.LIMIT;

  private static MqttLoop loop(boolean nio) {
    return nio ? MqttLoop.builder().nio().build() : MqttLoop.create();
  }

  // ---- wake-ups

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void stopIsNotLostHoweverShortlyBeforeTheWaitItComes(boolean nio) {
    try (MqttLoop loop = loop(nio)) {
      for (int i = 0; i < 1_000; i++) {
        loop.loopStart();
        Await.delay(i % 300 * 500L);
        loop.loopStop();
        // A machine may stall for longer than loopStop() waits; a stop that is lost never comes.
        Await.until("the driver has left in round " + i, () -> loop.driver().isEmpty());
      }
    }
  }

  @Test
  void futureThatAnotherThreadCompletesEndsTheWaitHoweverShortlyBeforeItComes() {
    try (MqttClient client = MqttClient.builder("mqtt://127.0.0.1:1").build()) {
      for (int i = 0; i < 1_000; i++) {
        MqttFuture<?> waits = client.publish("a", "x", Qos.AT_LEAST_ONCE);
        int round = i;
        CompletableFuture<Void> cancelled =
            CompletableFuture.runAsync(
                () -> {
                  Await.delay(round % 300 * 500L);
                  waits.cancel(false);
                });
        assertThat(Await.time(() -> waits.exceptionally(cancel -> null).join()))
            .as("round " + i)
            .isLessThan(Await.within(Duration.ofSeconds(2)));
        Await.passively(cancelled);
      }
    }
  }

  // ---- interrupts

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void callbackThatSetsTheInterruptFlagDoesNotMakeTheLoopSpin(boolean nio) {
    try (MqttLoop loop = loop(nio)) {
      loop.loopStart();
      Thread driver = loop.driver().orElseThrow();
      CompletableFuture<Void> interrupted = new CompletableFuture<>();
      loop.execute(
          () -> {
            Thread.currentThread().interrupt();
            interrupted.complete(null);
          });
      Await.passively(interrupted);
      assertThat(Await.processorTimeOf(driver, Duration.ofMillis(300)))
          .isLessThan(Duration.ofMillis(50));
      CompletableFuture<Boolean> flag = new CompletableFuture<>();
      loop.execute(() -> flag.complete(Thread.currentThread().isInterrupted()));
      assertThat(Await.passively(flag)).isFalse();
    }
  }

  @Test
  void joinOnAnInterruptedThreadDrivesToTheEndAndKeepsTheFlag() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      CompletableFuture<Boolean> flag = new CompletableFuture<>();
      DrivingTest.inThread(
          () -> {
            Thread.currentThread().interrupt();
            client.connectAsync().join();
            flag.complete(Thread.currentThread().isInterrupted());
          });
      assertThat(Await.passively(flag)).isTrue();
      assertThat(client.isConnected()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void closeOnAnInterruptedThreadDisconnectsInOrderAndReleasesAll(boolean ownLoop) {
    try (ScriptedServer server = ScriptedServer.start();
        MqttLoop shared = MqttLoop.create()) {
      server.onConnection().expectConnect().sendConnack().expectDisconnect(0).expectClose();
      ResourceCounts before = ResourceCounts.snapshot();
      CompletableFuture<Boolean> flag = new CompletableFuture<>();
      var builder = MqttClient.builder(server.uri());
      MqttClient client = (ownLoop ? builder : builder.loop(shared)).build();
      DrivingTest.inThread(
          () -> {
            client.connect(LIMIT);
            Thread.currentThread().interrupt(); // as loopForever leaves it
            client.close();
            flag.complete(Thread.currentThread().isInterrupted());
          });
      assertThat(Await.passively(flag)).isTrue();
      server.awaitScripts(LIMIT);
      assertThat(client.state()).isEqualTo(MqttClient.State.CLOSED);
      Await.until("the server has closed its end", () -> server.openConnections() == 0);
      assertThat(ResourceCounts.snapshot().openDescriptors())
          .isLessThanOrEqualTo(before.openDescriptors());
    }
  }

  // ---- close

  @Test
  void closeIsNotDisturbedByLoopStopOrByAnotherClose() {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      for (int i = 0; i < 100; i++) {
        MqttLoop loop = MqttLoop.create();
        MqttClient client = MqttClient.builder(server.uri()).loop(loop).build();
        client.connect(LIMIT);
        List<CompletableFuture<Void>> closes = new ArrayList<>();
        closes.add(DrivingTest.inThread(loop::close));
        closes.add(DrivingTest.inThread(loop::close));
        closes.add(
            DrivingTest.inThread(
                () -> {
                  while (!loop.isClosed()) {
                    loop.loopStop();
                  }
                }));
        closes.forEach(Await::passively);
        assertThat(client.state()).isEqualTo(MqttClient.State.CLOSED);
      }
      Await.until("all connections are closed", () -> server.openConnections() == 0);
    }
  }

  @Test
  void everyFutureCompletesHoweverShortlyBeforeTheCloseItWasAskedFor() {
    try (ScriptedServer server = ScriptedServer.behavingBroker()) {
      for (int i = 0; i < 50; i++) {
        MqttClient client = MqttClient.builder(server.uri()).build();
        client.loopStart();
        client.connect(LIMIT);
        List<MqttFuture<?>> asked = new ArrayList<>();
        CompletableFuture<Void> asking =
            DrivingTest.inThread(
                () -> {
                  while (!client.loop().isClosed()) {
                    asked.add(client.publish("a", "x", Qos.AT_LEAST_ONCE));
                    Await.delay(5_000);
                  }
                  for (int k = 0; k < 100; k++) {
                    asked.add(client.publish("a", "x", Qos.AT_LEAST_ONCE));
                  }
                });
        Await.delay(i * 500L);
        client.close();
        Await.passively(asking);
        Await.until("all have an outcome", () -> asked.stream().allMatch(MqttFuture::isDone));
      }
    }
  }

  @Test
  void driverThatComesAsTheLoopIsClosedLeavesAgain() {
    for (int i = 0; i < 300; i++) {
      MqttLoop loop = MqttLoop.create();
      List<CompletableFuture<Void>> drivers = new ArrayList<>();
      for (int k = 0; k < 2; k++) {
        drivers.add(
            DrivingTest.inThread(
                () -> {
                  try {
                    loop.loopForever();
                  } catch (IllegalStateException e) {
                    assertThat(e).hasMessageContaining(loop.name());
                  }
                }));
      }
      Await.delay(i * 500L);
      loop.close();
      drivers.forEach(Await::passively);
    }
  }

  @Test
  void errorOfACallThatTheCloseHasCutOffNamesClientAndServer() {
    MqttClient client = MqttClient.builder("mqtt://127.0.0.1:1").clientId("kitchen").build();
    client.close();
    assertThatThrownBy(() -> client.publish("a", "x", Qos.AT_LEAST_ONCE).await(LIMIT))
        .isInstanceOf(MqttDisconnectedException.class)
        .hasMessageContaining("'kitchen'")
        .hasMessageContaining("mqtt://127.0.0.1:1")
        .hasMessageContaining("closed");
  }

  // ---- waiting

  @Test
  void timeLimitsOfTheJavaFutureAreThoseOfTheJdk() {
    try (MqttClient client = MqttClient.builder("mqtt://127.0.0.1:1").build()) {
      MqttFuture<?> never = client.publish("a", "x", Qos.AT_LEAST_ONCE);
      assertThatThrownBy(() -> never.get(-1, TimeUnit.SECONDS))
          .isInstanceOf(TimeoutException.class);
      never.cancel(false);
      assertThatThrownBy(() -> never.get(Long.MAX_VALUE, TimeUnit.DAYS))
          .isInstanceOf(java.util.concurrent.CancellationException.class);
    }
  }

  @Test
  void waitingAgainAndAgainForOneFutureLeavesNothingBehindInIt() {
    try (MqttClient client = MqttClient.builder("mqtt://127.0.0.1:1").build()) {
      MqttFuture<?> never = client.publish("a", "x", Qos.AT_LEAST_ONCE);
      for (int i = 0; i < 1_000; i++) {
        assertThatThrownBy(() -> never.await(Duration.ZERO))
            .isInstanceOf(io.bight.mqtt.MqttTimeoutException.class)
            .hasMessageContaining(client.clientId());
      }
      assertThat(never.getNumberOfDependents()).isLessThanOrEqualTo(1);
    }
  }

  @Test
  void workReadyCallbackThatThrowsDoesNotHarmWhoBroughtTheWork() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      client
          .loop()
          .onWorkReady(
              () -> {
                throw new IllegalStateException("thrown by the program");
              });
      MqttFuture<?> connecting = client.connectAsync();
      try {
        connecting.join();
      } catch (CompletionException e) {
        throw new AssertionError(e);
      }
      client.loop(Duration.ZERO);
      assertThat(client.isConnected()).isTrue();
    }
  }
}
