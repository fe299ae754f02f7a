// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ResourceCounts;
import io.bight.testkit.ScriptedServer;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Row E5 of docs/loop-table.md: started before there is anything to connect to. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class StartBeforeServerTest {
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(5), Duration.ofMillis(20)).alsoFirstConnect();

  /** A client that completes a future when so many attempts have failed. */
  private static MqttClient failing(
      MqttClientBuilder builder, MqttLoop loop, int attempts, CompletableFuture<Void> failed) {
    return builder
        .loop(loop)
        .reconnect(FAST)
        .onConnectFailure(
            event -> {
              if (event.attempt() == attempts) {
                failed.complete(null);
              }
            })
        .build();
  }

  @Test
  void e5NameAppearsLaterAndItsAddressChangesInEachMode(@TempDir Path folder) throws Exception {
    Path names = Files.createFile(folder.resolve("names"));
    Process process =
        new ProcessBuilder(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "-cp",
                System.getProperty("java.class.path"),
                "-Djdk.net.hosts.file=" + names,
                LateNameProgram.class.getName())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(output).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    for (DrivingMode mode : DrivingMode.values()) {
      assertThat(output).contains(mode + " connected");
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void e5ServerListensLaterInEachMode(DrivingMode mode) {
    CompletableFuture<Void> failed = new CompletableFuture<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = failing(MqttClient.builder(server.uri()), loop, 10, failed)) {
      server.stopListening();
      // What the program asks for meanwhile is done when the server is there.
      var subscribed = client.subscribe("e5", Qos.AT_LEAST_ONCE);
      var published = client.publish("e5", "x", Qos.AT_LEAST_ONCE);
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        client.connectAsync();
        mode.awaitDriven(loop, failed);
        server.startListening();
        subscribed.await(Await.LIMIT);
        published.await(Await.LIMIT);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void e5ServerListensButIsNotReadyInEachMode(DrivingMode mode) {
    CompletableFuture<Void> failed = new CompletableFuture<>();
    MqttVersion version =
        mode == DrivingMode.MANUAL_LOOP ? MqttVersion.MQTT_3_1_1 : MqttVersion.MQTT_5;
    try (ScriptedServer server = ScriptedServer.start();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            failing(
                MqttClient.builder(server.uri())
                    .version(version)
                    .connackTimeout(Duration.ofMillis(100)),
                loop,
                3,
                failed)) {
      server.onConnection().expectConnect(); // and no answer
      server.onConnection().expectConnect().closeConnection();
      server.onConnection().expectConnect().refuse(version == MqttVersion.MQTT_5 ? 0x88 : 3);
      server.onConnection().expectConnect().sendConnack().expectDisconnect();
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        var connected = client.connectAsync();
        mode.awaitDriven(loop, failed);
        connected.await(Await.LIMIT);
        client.disconnect();
      }
      server.awaitScripts(Await.LIMIT);
    }
  }

  @Test
  void e5NothingGrowsInThousandsOfAttempts() {
    CompletableFuture<Void> some = new CompletableFuture<>();
    CompletableFuture<Void> thousands = new CompletableFuture<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder("mqtt://localhost:" + server.port())
                .loop(loop)
                .reconnect(
                    ReconnectPolicy.exponential(Duration.ofNanos(1000), Duration.ofNanos(1000))
                        .alsoFirstConnect())
                .beforeConnectAsync(attempt -> CompletableFuture.completedFuture(null))
                .onConnectFailure(
                    event -> {
                      if (event.attempt() == 500) {
                        some.complete(null);
                      } else if (event.attempt() == 3_000) {
                        thousands.complete(null);
                      }
                    })
                .build()) {
      server.stopListening();
      client.connectAsync();
      DrivingMode.BLOCKING_CALLS.awaitDriven(loop, some);
      ResourceCounts before = ResourceCounts.snapshot();
      long heapBefore = UsedHeap.afterCollection();
      DrivingMode.BLOCKING_CALLS.awaitDriven(loop, thousands);
      ResourceCounts after = ResourceCounts.snapshot();
      assertThat(UsedHeap.afterCollection() - heapBefore).isLessThan(2_500 * 100);
      assertThat(after.openDescriptors()).isLessThanOrEqualTo(before.openDescriptors() + 2);
      assertThat(after.threadCount()).isLessThanOrEqualTo(before.threadCount() + 4);
      server.startListening();
      client.connect(Await.LIMIT);
    }
  }
}
