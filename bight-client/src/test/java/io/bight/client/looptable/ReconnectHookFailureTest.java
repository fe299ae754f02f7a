// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.ConnectAttempt;
import io.bight.client.ConnectFailureEvent;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttTimeoutException;
import io.bight.mqtt.MqttVersion;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ScriptedServer;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Row R2 of docs/loop-table.md: a hook that fails, or takes its time. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class ReconnectHookFailureTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(5), Duration.ofMillis(20));

  private static ConnectFailureEvent failureOf(MqttClientBuilder builder) {
    CompletableFuture<ConnectFailureEvent> failed = new CompletableFuture<>();
    try (MqttClient client = builder.clientId("r2").onConnectFailure(failed::complete).build()) {
      assertThatThrownBy(() -> client.connect(LIMIT)).isInstanceOf(MqttConnectException.class);
      return Await.passively(failed);
    }
  }

  @Test
  void r2HookThatThrowsIsAFailedAttempt() {
    RuntimeException thrown = new IllegalStateException("no token today");
    ConnectFailureEvent event =
        failureOf(
            MqttClient.builder("mqtt://127.0.0.1:1")
                .beforeConnect(
                    attempt -> {
                      throw thrown;
                    }));
    assertThat(event.failure())
        .hasMessageContaining("client 'r2' of mqtt://127.0.0.1:1 could not connect")
        .hasMessageContaining("the program's hook beforeConnect failed, so nothing was sent")
        .hasMessageContaining("IllegalStateException: no token today")
        .hasCause(thrown);
  }

  @Test
  void r2StageThatFailsIsAFailedAttempt() {
    Exception thrown = new IOException("the token service is down");
    ConnectFailureEvent event =
        failureOf(
            MqttClient.builder("mqtt://127.0.0.1:1")
                .beforeConnectAsync(
                    attempt -> CompletableFuture.failedFuture(thrown).thenApply(token -> token)));
    assertThat(event.failure()).hasMessageContaining("the token service is down").hasCause(thrown);
  }

  @Test
  void r2StageThatDoesNotCompleteIsAFailedAttempt() {
    AtomicReference<ConnectAttempt> late = new AtomicReference<>();
    ConnectFailureEvent event =
        failureOf(
            MqttClient.builder("mqtt://127.0.0.1:1")
                .connectTimeout(Duration.ofMillis(100))
                .beforeConnectAsync(
                    attempt -> {
                      late.set(attempt);
                      return new CompletableFuture<>();
                    }));
    assertThat(event.failure())
        .hasMessageContaining("did not complete within 100 ms")
        .hasCauseInstanceOf(MqttTimeoutException.class);
    assertThatThrownBy(() -> late.get().credentials("too", "late"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("too late");
  }

  @Test
  void r2BlockingInTheHookIsRefusedAndNullIsNoStage() {
    assertThat(
            failureOf(
                    MqttClient.builder("mqtt://127.0.0.1:1")
                        .beforeConnect(attempt -> attempt.client().connect()))
                .failure())
        .hasMessageContaining("a blocking call was made inside a callback");
    assertThat(
            failureOf(MqttClient.builder("mqtt://127.0.0.1:1").beforeConnectAsync(attempt -> null))
                .failure())
        .hasMessageContaining("beforeConnectAsync returned null");
  }

  @Test
  void r2FailedHookIsTriedAgainAndKnowsWhatWentWrong() throws Exception {
    BlockingQueue<String> known = new LinkedBlockingQueue<>();
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(FAST.alsoFirstConnect())
                .beforeConnect(
                    attempt -> {
                      known.add(attempt.lastFailure().map(Throwable::getMessage).orElse("none"));
                      if (attempt.number() == 1 && !attempt.isReconnect()) {
                        throw new IllegalStateException("first");
                      }
                    })
                .build()) {
      server.onConnection().expectConnect().refuse(0x88);
      server.onConnection().expectConnect().sendConnack().sendDisconnect(0x8B).closeConnection();
      server.onConnection().expectConnect().sendConnack().expectDisconnect();
      client.loopStart();
      client.connect(LIMIT);
      Await.until("again", () -> known.size() == 4 && client.isConnected());
      client.disconnect();
      assertThat(known.take()).isEqualTo("none");
      assertThat(known.take()).contains("IllegalStateException: first");
      assertThat(known.take()).contains("the server refused the connection");
      assertThat(known.take()).contains("was disconnected: the server disconnected");
      server.awaitScripts(LIMIT);
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r2DisconnectWhileTheHookIsPendingReturnsAtOnceAndNoAttemptFollows(DrivingMode mode) {
    CompletableFuture<ConnectAttempt> asked = new CompletableFuture<>();
    CompletableFuture<Void> pending = new CompletableFuture<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .beforeConnectAsync(
                    attempt -> {
                      asked.complete(attempt);
                      return pending;
                    })
                .build()) {
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        var connecting = client.connectAsync();
        mode.awaitDriven(loop, asked);
        assertThat(client.state()).isEqualTo(MqttClient.State.CONNECTING);
        assertThat(connecting).isNotDone();
        assertThat(Await.time(client::disconnect)).isLessThan(Duration.ofSeconds(2));
        assertThat(connecting).isCompletedExceptionally();
        assertThat(client.state()).isEqualTo(MqttClient.State.DISCONNECTED);
        assertThat(pending).isNotDone(); // others may wait for it too
        assertThatThrownBy(() -> asked.join().credentials("too", "late"))
            .isInstanceOf(IllegalStateException.class);
      }
      pending.complete(null);
      try (DrivingMode.Driver driver = DrivingMode.LOOP_START.drive(loop)) {
        server.awaitNoConnection(Duration.ofMillis(200));
      }
    }
  }

  @Test
  void r2HookMayDisconnectOrCloseTheClient() {
    for (Consumer<MqttClient> end :
        List.<Consumer<MqttClient>>of(MqttClient::disconnect, MqttClient::close)) {
      try (ScriptedServer server = ScriptedServer.behavingBroker();
          MqttLoop loop = MqttLoop.create();
          MqttClient client =
              MqttClient.builder(server.uri())
                  .loop(loop)
                  .beforeConnect(attempt -> end.accept(attempt.client()))
                  .build()) {
        assertThatThrownBy(() -> client.connect(LIMIT))
            .isInstanceOf(MqttDisconnectedException.class);
        loop.loop(Duration.ofMillis(50));
        assertThat(server.connections()).isZero();
      }
    }
  }

  @Test
  void r2LoopThatIsClosedWhileTheHookIsPending() throws Exception {
    CompletableFuture<Void> pending = new CompletableFuture<>();
    CompletableFuture<Void> asked = new CompletableFuture<>();
    try (MqttClient client =
        MqttClient.builder("mqtt://127.0.0.1:1")
            .version(MqttVersion.MQTT_3_1_1)
            .beforeConnectAsync(
                attempt -> {
                  asked.complete(null);
                  return pending;
                })
            .build()) {
      client.loopStart();
      var connecting = client.connectAsync();
      Await.passively(asked);
      client.close();
      assertThat(connecting).isCompletedExceptionally();
      pending.complete(null); // finds nobody, and is no error
      assertThatThrownBy(() -> connecting.get(1, TimeUnit.SECONDS))
          .hasCauseInstanceOf(MqttDisconnectedException.class);
    }
  }

  @Test
  void r2WrongTokenIsTriedAgainSoonSinceTheNextOneMayBeRight() {
    BlockingQueue<Duration> delays = new LinkedBlockingQueue<>();
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(ReconnectPolicy.exponential().alsoFirstConnect())
                .beforeConnect(attempt -> attempt.credentials("me", "t" + attempt.number()))
                .onConnectFailure(event -> event.nextAttemptIn().ifPresent(delays::add))
                .build()) {
      server.onConnection().expectConnect().refuse(0x86);
      server.onConnection().expectConnect().sendConnack().expectDisconnect();
      client.connect(LIMIT);
      client.disconnect();
      assertThat(delays).hasSize(1);
      assertThat(delays.peek()).isLessThanOrEqualTo(Duration.ofMillis(500));
      server.awaitScripts(LIMIT);
    }
  }
}
