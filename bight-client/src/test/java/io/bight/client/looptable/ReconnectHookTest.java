// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.bight.client.ConnectAttempt;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.PacketType;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ScriptedServer;
import io.bight.testkit.tls.TestCertificates;
import io.bight.testkit.tls.TlsFront;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Row R2 of docs/loop-table.md: each attempt may send something else. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class ReconnectHookTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(5), Duration.ofMillis(20));

  /** The ways in which a program may give a token. */
  private enum Giving {
    AT_ONCE {
      @Override
      void to(MqttClientBuilder builder, Consumer<ConnectAttempt> give) {
        builder.beforeConnect(give);
      }
    },
    BY_A_STAGE_THAT_IS_COMPLETE {
      @Override
      void to(MqttClientBuilder builder, Consumer<ConnectAttempt> give) {
        builder.beforeConnectAsync(
            attempt -> {
              give.accept(attempt);
              return CompletableFuture.completedStage(null);
            });
      }
    },
    BY_ANOTHER_THREAD {
      @Override
      void to(MqttClientBuilder builder, Consumer<ConnectAttempt> give) {
        builder.beforeConnectAsync(attempt -> DrivingTest.inThread(() -> give.accept(attempt)));
      }
    };

    abstract void to(MqttClientBuilder builder, Consumer<ConnectAttempt> give);
  }

  private static void rotatesTokens(DrivingMode mode, Giving giving) {
    AtomicInteger tokens = new AtomicInteger();
    List<String> numbers = new CopyOnWriteArrayList<>();
    try (ScriptedServer server = ScriptedServer.start();
        MqttLoop loop = MqttLoop.create()) {
      server.onConnection().expectConnect().sendConnack().closeConnection();
      server.onConnection().expectConnect().refuse(0x87);
      server.onConnection().expectConnect().sendConnack().expectDisconnect();
      MqttClientBuilder builder =
          MqttClient.builder(server.uri()).loop(loop).reconnect(FAST).credentials("me", "built");
      giving.to(
          builder,
          attempt -> {
            numbers.add(attempt.number() + " " + attempt.isReconnect());
            attempt.credentials("me", "token " + tokens.incrementAndGet());
          });
      CompletableFuture<Void> again = new CompletableFuture<>();
      builder.onConnect(
          event -> {
            if (event.isReconnect()) {
              again.complete(null);
            }
          });
      try (MqttClient client = builder.build();
          DrivingMode.Driver driver = mode.drive(loop)) {
        client.connect(LIMIT);
        mode.awaitDriven(loop, again);
        client.disconnect();
      }
      server.awaitScripts(LIMIT);
      assertThat(server.packets(PacketType.CONNECT).stream().map(ReconnectHookTest::password))
          .containsExactly("token 1", "token 2", "token 3");
      assertThat(numbers).containsExactly("1 false", "1 true", "2 true");
    }
  }

  private static String password(ReceivedPacket connect) {
    return new String(connect.password(), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r2TokenIsAnotherInEachAttempt(DrivingMode mode) {
    rotatesTokens(mode, Giving.AT_ONCE);
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r2TokenThatAnotherThreadFetchesInEachMode(DrivingMode mode) {
    rotatesTokens(mode, Giving.BY_ANOTHER_THREAD);
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r2TokenByAStageThatIsCompleteInEachMode(DrivingMode mode) {
    rotatesTokens(mode, Giving.BY_A_STAGE_THAT_IS_COMPLETE);
  }

  @Test
  void r2WhatTheHookDoesNotSetIsAsBuiltInEveryAttempt() {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(FAST)
                .credentials("built", "secret")
                .keepAlive(Duration.ofSeconds(30))
                .userProperty("always", "1")
                .beforeConnect(
                    attempt -> {
                      if (!attempt.isReconnect()) {
                        attempt
                            .credentials("first", (String) null)
                            .keepAlive(Duration.ofSeconds(7))
                            .cleanStart(false)
                            .userProperty("once", "2")
                            .will(
                                Publish.builder("gone").payload("x").build(),
                                Duration.ofSeconds(3));
                      }
                    })
                .build()) {
      server.onConnection().expectConnect().sendConnack().resetConnection();
      server.onConnection().expectConnect().sendConnack().expectDisconnect();
      client.loopStart();
      client.connect(LIMIT);
      Await.until("two", () -> server.packets(PacketType.CONNECT).size() == 2);
      Await.until("connected", client::isConnected);
      client.disconnect();
      server.awaitScripts(LIMIT);
      ReceivedPacket first = server.packets(PacketType.CONNECT).get(0);
      assertThat(first.userName()).isEqualTo("first");
      assertThat(first.password()).isNull();
      assertThat(first.keepAliveSeconds()).isEqualTo(7);
      assertThat(first.cleanStart()).isFalse();
      assertThat(first.will().topic()).isEqualTo("gone");
      assertThat(first.toString()).contains("once");
      ReceivedPacket second = server.packets(PacketType.CONNECT).get(1);
      assertThat(second.userName()).isEqualTo("built");
      assertThat(password(second)).isEqualTo("secret");
      assertThat(second.keepAliveSeconds()).isEqualTo(30);
      assertThat(second.will()).isNull();
      assertThat(second.toString()).contains("always").doesNotContain("once");
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r2FailsOverToAnotherServerAndNamesTheOneThatWasTried(DrivingMode mode) {
    BlockingQueue<String> failures = new LinkedBlockingQueue<>();
    BlockingQueue<String> losses = new LinkedBlockingQueue<>();
    CompletableFuture<Void> back = new CompletableFuture<>();
    try (ScriptedServer one = ScriptedServer.behavingBroker();
        ScriptedServer two = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(one.uri())
                .loop(loop)
                .clientId("roamer")
                .reconnect(FAST.alsoFirstConnect())
                .beforeConnect(
                    attempt -> {
                      if (attempt.number() % 2 == 0) {
                        attempt.server("mqtt://me:hidden@127.0.0.1:" + two.port());
                      }
                    })
                .onConnectFailure(event -> failures.add(event.failure().getMessage()))
                .onDisconnect(event -> losses.add(event.client().server()))
                .build();
        DrivingMode.Driver driver = mode.drive(loop)) {
      one.stopListening();
      client.connect(LIMIT);
      assertThat(failures.poll())
          .contains("client 'roamer' of " + one.uri() + " could not connect")
          .contains("nothing listens on 127.0.0.1 port " + one.port());
      assertThat(client.server()).isEqualTo("mqtt://127.0.0.1:" + two.port());
      assertThat(client.toString()).contains(client.server()).doesNotContain("hidden");
      ReceivedPacket connect = two.packets(PacketType.CONNECT).get(0);
      assertThat(connect.userName()).isEqualTo("me");
      assertThat(password(connect)).isEqualTo("hidden");
      client.onConnect(event -> back.complete(null));
      one.startListening();
      two.stopListening();
      two.closeConnections();
      mode.awaitDriven(loop, back);
      assertThat(losses).containsExactly("mqtt://127.0.0.1:" + two.port());
      assertThat(client.server()).isEqualTo(one.uri().toString());
    }
  }

  @Test
  void r2RefusalOfTheOtherServerNamesTheOtherServer() {
    try (ScriptedServer one = ScriptedServer.behavingBroker();
        ScriptedServer two = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(one.uri())
                .beforeConnect(attempt -> attempt.server(two.uri().toString()))
                .build()) {
      two.broker().refuseConnects(0x86);
      assertThatThrownBy(() -> client.connect(LIMIT))
          .hasMessageContaining(two.uri().toString())
          .hasMessageNotContaining(one.uri().toString());
    }
  }

  @Test
  void r2WebSocketHeadersAreOthersInEachAttempt() throws Exception {
    BlockingQueue<String> seen = new LinkedBlockingQueue<>();
    HttpServer http =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    http.createContext(
        "/",
        exchange -> {
          seen.add(
              exchange.getRequestHeaders().get("Authorization")
                  + " "
                  + exchange.getRequestHeaders().get("X-Built"));
          exchange.sendResponseHeaders(401, -1);
          exchange.close();
        });
    http.start();
    try (MqttClient client =
        MqttClient.builder("ws://localhost:" + http.getAddress().getPort() + "/mqtt")
            .reconnect(FAST.alsoFirstConnect().maximumAttempts(3))
            .webSocketHeader("authorization", "built")
            .webSocketHeader("X-Built", "kept")
            .beforeConnect(
                attempt -> attempt.webSocketHeader("Authorization", "Bearer " + attempt.number()))
            .build()) {
      assertThatThrownBy(() -> client.connect(LIMIT))
          .hasMessageContaining("401")
          .hasMessageNotContaining("Bearer");
      assertThat(seen)
          .containsExactly("[Bearer 1] [kept]", "[Bearer 2] [kept]", "[Bearer 3] [kept]");
    } finally {
      http.stop(0);
    }
  }

  @Test
  void r2TlsMaterialIsAnotherInEachAttempt() {
    TestCertificates old = TestCertificates.forNames("dns:localhost");
    TestCertificates renewed = TestCertificates.forNames("dns:localhost");
    BlockingQueue<String> failures = new LinkedBlockingQueue<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        TlsFront front = new TlsFront(renewed.server(), server.port());
        MqttClient client =
            MqttClient.builder("mqtts://localhost:" + front.port())
                .sslContext(old.client())
                .reconnect(FAST.alsoFirstConnect())
                .beforeConnect(
                    attempt -> {
                      if (attempt.number() == 3) {
                        attempt.sslContext(renewed.client());
                      }
                    })
                .onConnectFailure(event -> failures.add(event.failure().getMessage()))
                .build()) {
      client.connect(LIMIT);
      assertThat(failures).hasSize(2).allMatch(text -> text.contains("is not trusted"));
    }
  }
}
