// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.bight.client.CallbackErrorPolicy;
import io.bight.client.ConnectEvent;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.client.Registration;
import io.bight.client.SubscribeEvent;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.OutgoingPacket;
import io.bight.testkit.PacketType;
import io.bight.testkit.ScriptedServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows B1 and B2 of docs/loop-table.md: every event has its callback, and no exception is lost. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class CallbackTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(100));

  /** The callbacks that can throw. */
  enum Thrower {
    CONNECT,
    CONNECT_FAILURE,
    DISCONNECT,
    MESSAGE,
    MESSAGE_BY_FILTER,
    PUBLISHED,
    SUBSCRIBED,
    UNSUBSCRIBED,
    TRANSPORT,
    PACKET;

    /** Whether it throws before the client is connected. */
    boolean isEarly() {
      return this == CONNECT || this == TRANSPORT || this == PACKET;
    }
  }

  private static final class Thrown extends NullPointerException {
    private static final long serialVersionUID = 1L;
  }

  private static MqttClientBuilder throwing(MqttClientBuilder builder, Thrower thrower) {
    return switch (thrower) {
      case CONNECT -> builder.onConnect(event -> fail());
      case CONNECT_FAILURE -> builder.onConnectFailure(event -> fail());
      case DISCONNECT -> builder.onDisconnect(event -> fail());
      case MESSAGE -> builder.onMessage(message -> failAtFirst(message.payloadUtf8()));
      case MESSAGE_BY_FILTER ->
          builder.onMessage("b2/+", message -> failAtFirst(message.payloadUtf8()));
      case PUBLISHED -> builder.onPublished(event -> fail());
      case SUBSCRIBED -> builder.onSubscribed(event -> failAt(event, "b2/thrower"));
      case UNSUBSCRIBED -> builder.onUnsubscribed(event -> fail());
      case TRANSPORT -> builder.onTransport(event -> fail());
      case PACKET -> builder.onPacket(line -> fail());
    };
  }

  private static void fail() {
    throw new Thrown();
  }

  private static void failAt(SubscribeEvent event, String topicFilter) {
    if (event.topicFilters().contains(topicFilter)) {
      fail();
    }
  }

  private static void failAtFirst(String payload) {
    if (payload.equals("first")) {
      fail();
    }
  }

  /** Makes each callback happen: a connection, two messages, a loss, a failed attempt. */
  private static void provoke(ScriptedServer server, MqttClient client, Thrower thrower) {
    server.broker().publish("b2/a", "first", 1);
    server.broker().publish("b2/a", "second", 1);
    switch (thrower) {
      case PUBLISHED -> client.publish("elsewhere", "x", Qos.AT_LEAST_ONCE);
      case SUBSCRIBED -> client.subscribe("b2/thrower", Qos.AT_MOST_ONCE);
      case UNSUBSCRIBED -> client.unsubscribe("elsewhere");
      case DISCONNECT -> server.resetConnections();
      case CONNECT_FAILURE -> {
        server.broker().refuseConnects(0x88);
        server.resetConnections();
      }
      default -> {}
    }
  }

  private static void driveUntil(MqttLoop loop, DrivingMode mode, CompletableFuture<?> future) {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (mode == DrivingMode.BLOCKING_CALLS && !future.isDone() && System.nanoTime() < deadline) {
      loop.loop(Duration.ofMillis(20));
    }
    Await.passively(future);
  }

  // ---- B1

  @Test
  void b1EachCallbackFiresWithItsFields() {
    List<String> events = Collections.synchronizedList(new ArrayList<>());
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .expectSubscribe("b1/#")
          .sendSuback()
          .expectPublish("b1/out")
          .sendPuback()
          .expectPublish("b1/refused")
          .send(OutgoingPacket.acknowledgement(PacketType.PUBACK, 3).reasonCode(0x87))
          .sendPublish("b1/in", "x")
          .expectUnsubscribe("b1/#")
          .sendUnsuback()
          .closeConnection();
      server.onConnection().expectConnect().refuse(0x87);
      try (MqttClient client =
          MqttClient.builder(server.uri())
              .clientId("b1")
              .credentials("me", "secret-word")
              .onConnect(event -> events.add("connect " + event.isSessionPresent()))
              .onConnectFailure(event -> events.add("failure " + event.failure().reasonCode()))
              .onDisconnect(event -> events.add("disconnect " + event.by()))
              .onMessage(message -> events.add("message " + message.topic()))
              .onMessage("b1/+", message -> events.add("by filter " + message.payloadUtf8()))
              .onPublished(
                  event ->
                      events.add(
                          "published "
                              + event.message().topic()
                              + " "
                              + event.result().isPresent()
                              + event.failure().isPresent()))
              .onSubscribed(event -> events.add("subscribed " + event.topicFilters()))
              .onUnsubscribed(event -> events.add("unsubscribed " + event.topicFilters()))
              .onTransport(event -> events.add("transport " + event.isOpened()))
              .onPacket(line -> events.add(line))
              .build()) {
        client.loopStart();
        client.connect(LIMIT);
        client.subscribe("b1/#", Qos.AT_LEAST_ONCE).await(LIMIT);
        client.publish("b1/out", "12345", Qos.AT_LEAST_ONCE).await(LIMIT);
        assertThatThrownBy(() -> client.publish("b1/refused", "", Qos.AT_LEAST_ONCE).await(LIMIT))
            .hasMessageContaining("not authorized");
        Await.until("message", () -> events.contains("by filter x"));
        client.unsubscribe("b1/#").await(LIMIT);
        Await.until("failure", () -> events.toString().contains("failure not authorized"));
        assertThat(client.diagnostics())
            .contains(
                "client 'b1'",
                "driven by loopStart()",
                "last loss",
                "0 messages queued",
                "1 client, last turn");
      }
      server.awaitScripts(LIMIT);
    }
    assertThat(events)
        .contains(
            "connect false",
            "subscribed [b1/#]",
            "published b1/out truefalse",
            "published b1/refused falsetrue",
            "message b1/in",
            "by filter x",
            "unsubscribed [b1/#]",
            "disconnect SERVER",
            "failure not authorized (0x87)",
            "transport true",
            "transport false",
            ">> CONNECT 5.0 'b1' clean keepAlive=60 user='me' password=***",
            "<< CONNACK success (0x00)",
            ">> SUBSCRIBE id=1 'b1/#' qos=1",
            ">> PUBLISH id=2 qos=1 'b1/out' 5 B",
            "<< PUBACK id=2",
            "<< PUBACK id=3 not authorized (0x87)",
            "<< PUBLISH qos=0 'b1/in' 1 B");
    assertThat(events.toString()).doesNotContain("secret-word");
  }

  @Test
  void b1SeveralListenersEachAndTheyCanBeRemoved() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      List<String> events = Collections.synchronizedList(new ArrayList<>());
      client.onConnect(event -> events.add("one"));
      client.onConnect(event -> events.add("two")).close();
      client.onConnect(event -> events.add("three"));
      Consumer<ConnectEvent> twice = event -> events.add("added twice");
      Registration first = client.onConnect(twice);
      client.onConnect(twice);
      first.close();
      first.close();
      client.connect(LIMIT);
      assertThat(events).containsExactly("one", "three", "added twice");
    }
  }

  // ---- B2: CONTINUE

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void b2ByDefaultItIsReportedAndTheLoopGoesOn(DrivingMode mode) {
    for (Thrower thrower : Thrower.values()) {
      try (ScriptedServer server = ScriptedServer.behavingBroker();
          MqttLoop loop = MqttLoop.create();
          MqttClient client =
              throwing(MqttClient.builder(server.uri()).loop(loop).reconnect(FAST), thrower)
                  .build()) {
        CompletableFuture<Throwable> reported = new CompletableFuture<>();
        CompletableFuture<Void> second = new CompletableFuture<>();
        CompletableFuture<Void> again = new CompletableFuture<>();
        client.onCallbackError(event -> reported.complete(event.error()));
        client.onMessage(
            message -> {
              if (message.payloadUtf8().equals("second")) {
                second.complete(null);
              }
            });
        client.connect(LIMIT);
        client.subscribe("b2/+", Qos.AT_LEAST_ONCE).await(LIMIT);
        client.onConnect(event -> again.complete(null));
        try (DrivingMode.Driver driver = mode.drive(loop)) {
          provoke(server, client, thrower);
          driveUntil(loop, mode, reported);
          assertThat(Await.passively(reported)).as(thrower.name()).isInstanceOf(Thrown.class);
          server.broker().acceptConnects();
          if (thrower == Thrower.DISCONNECT || thrower == Thrower.CONNECT_FAILURE) {
            driveUntil(loop, mode, again);
          } else {
            driveUntil(loop, mode, second);
          }
        }
      }
    }
  }

  // ---- B2: STOP_LOOP

  private static MqttClient connectedWith(
      ScriptedServer server, MqttLoop loop, CallbackErrorPolicy policy, Thrower thrower) {
    MqttClient client =
        throwing(
                MqttClient.builder(server.uri())
                    .loop(loop)
                    .reconnect(FAST)
                    .callbackErrorPolicy(policy),
                thrower)
            .build();
    if (thrower.isEarly()) {
      client.connectAsync();
    } else {
      client.connect(LIMIT);
      client.subscribe("b2/+", Qos.AT_LEAST_ONCE).await(LIMIT);
      provoke(server, client, thrower);
    }
    return client;
  }

  @ParameterizedTest
  @EnumSource(Thrower.class)
  void b2StopPolicyMakesLoopAndLoopForeverThrowIt(Thrower thrower) {
    for (boolean forever : new boolean[] {true, false}) {
      try (ScriptedServer server = ScriptedServer.behavingBroker();
          MqttLoop loop = MqttLoop.create();
          MqttClient client = connectedWith(server, loop, CallbackErrorPolicy.STOP_LOOP, thrower)) {
        assertThatThrownBy(
                () -> {
                  if (forever) {
                    loop.loopForever();
                  } else {
                    long deadline = System.nanoTime() + LIMIT.toNanos();
                    while (System.nanoTime() < deadline) {
                      loop.loop(Duration.ofMillis(50));
                    }
                  }
                })
            .isInstanceOf(Thrown.class);
        assertThat(loop.driver()).isEmpty();
        server.broker().acceptConnects();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Thrower.class)
  void b2StopPolicyMakesABlockingCallThatDrivesThrowIt(Thrower thrower) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = connectedWith(server, loop, CallbackErrorPolicy.STOP_LOOP, thrower)) {
      server.broker().withhold(PacketType.PUBACK, 1);
      assertThat(catchThrowable(() -> client.publish("b2", "x", Qos.AT_LEAST_ONCE).await(LIMIT)))
          .isInstanceOf(Thrown.class);
      server.broker().acceptConnects();
    }
  }

  @ParameterizedTest
  @EnumSource(Thrower.class)
  void b2StopPolicyEndsTheThreadOfLoopStartWithIt(Thrower thrower) throws Exception {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = connectedWith(server, loop, CallbackErrorPolicy.STOP_LOOP, thrower)) {
      BlockingQueue<Throwable> uncaught = new LinkedBlockingQueue<>();
      Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
      Thread.setDefaultUncaughtExceptionHandler((thread, error) -> uncaught.add(error));
      try {
        loop.loopStart();
        assertThat(uncaught.poll(10, TimeUnit.SECONDS)).isInstanceOf(Thrown.class);
      } finally {
        Thread.setDefaultUncaughtExceptionHandler(before);
        server.broker().acceptConnects();
      }
    }
  }

  @Test
  void b2StopPolicyKeepsWhatHasArrivedForTheNextDriver() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            connectedWith(server, loop, CallbackErrorPolicy.STOP_LOOP, Thrower.MESSAGE)) {
      CompletableFuture<String> next = new CompletableFuture<>();
      assertThatThrownBy(loop::loopForever).isInstanceOf(Thrown.class);
      client.onMessage(message -> next.complete(message.payloadUtf8()));
      driveUntil(loop, DrivingMode.BLOCKING_CALLS, next);
      assertThat(next).isCompletedWithValue("second");
    }
  }

  // ---- B2: DISCONNECT

  @Test
  void b2DisconnectPolicyEndsTheClientAndLeavesTheMessageUnacknowledged() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .onConnection()
          .expectConnect()
          .sendConnack()
          .sendPublish("b2/a", "first", 1, 7)
          .expectDisconnect(0)
          .expectClose();
      CompletableFuture<Void> disconnected = new CompletableFuture<>();
      try (MqttClient client =
          throwing(
                  MqttClient.builder(server.uri())
                      .callbackErrorPolicy(CallbackErrorPolicy.DISCONNECT)
                      .onDisconnect(event -> disconnected.complete(null)),
                  Thrower.MESSAGE)
              .build()) {
        client.loopStart();
        client.connect(LIMIT);
        Await.passively(disconnected);
        server.awaitScripts(LIMIT);
        assertThat(client.state()).isEqualTo(MqttClient.State.DISCONNECTED);
      }
    }
  }
}
