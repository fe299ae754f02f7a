// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.broker.EmbeddedBroker;
import io.bight.client.ConnectEvent;
import io.bight.client.GroupResult;
import io.bight.client.MqttClient;
import io.bight.client.MqttClient.State;
import io.bight.client.MqttFuture;
import io.bight.client.MqttGroup;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttTimeoutException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.PublishResult;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ResourceCounts;
import io.bight.testkit.ScriptedServer;
import io.bight.testkit.tls.TestCertificates;
import io.bight.testkit.tls.TlsFront;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows M3, M5 and M6 of docs/loop-table.md: many clients, of one server or several, as one. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class GroupTest {
  @RegisterExtension static final RealServer SERVER = new RealServer();

  private static final Duration LIMIT = Duration.ofSeconds(30);

  // ---- M3

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void m3LocalTcpAndRemoteSecureWebSocketServerWithOneHandler(DrivingMode mode) {
    TestCertificates certificates = TestCertificates.forNames("dns:localhost,ip:127.0.0.1");
    Queue<String> received = new ConcurrentLinkedQueue<>();
    try (EmbeddedBroker remote = EmbeddedBroker.builder().webSocketPort(0).start();
        TlsFront tls =
            new TlsFront(certificates.server(), URI.create(remote.webSocketUri()).getPort());
        MqttGroup group =
            MqttGroup.builder()
                .eachClient(client -> client.sslContext(certificates.client()))
                .onMessage(m -> received.add(m.client().server() + " " + m.payloadUtf8()))
                .build()) {
      String wss = "wss://localhost:" + tls.port() + "/mqtt";
      MqttClient there = group.add(wss);
      MqttClient here = group.add(SERVER.uri());
      try (DrivingMode.Driver driver = mode.drive(group.loops().get(0))) {
        group.subscribe("m3/" + mode, Qos.AT_LEAST_ONCE);
        GroupResult<ConnectEvent> connected = group.connect(LIMIT).orThrow();
        assertThat(connected.results().keySet()).containsExactly(there, here);
        assertThat(group.isConnected()).isTrue();

        GroupResult<PublishResult> sent =
            group.publish("m3/" + mode, "both", Qos.EXACTLY_ONCE).await(LIMIT);
        assertThat(sent.results()).containsOnlyKeys(there, here);
        here.publish("m3/" + mode, "one", Qos.AT_LEAST_ONCE).await(LIMIT);
        there.publish("m3/" + mode, "other", Qos.AT_LEAST_ONCE).await(LIMIT);
        driveUntil(group, mode, () -> received.size() == 4);
        assertThat(received)
            .containsExactlyInAnyOrder(
                here.server() + " both", there.server() + " both",
                here.server() + " one", there.server() + " other");
        assertThat(there.server()).isEqualTo(wss);
      }
    }
  }

  private static void driveUntil(MqttGroup group, DrivingMode mode, BooleanSupplier condition) {
    if (mode == DrivingMode.BLOCKING_CALLS) {
      // A call that waits for something else handles what comes meanwhile.
      Await.until(
          "it has come",
          () -> {
            group.publish("m3/tick", "", Qos.AT_LEAST_ONCE).await(LIMIT);
            return condition.getAsBoolean();
          });
    } else {
      Await.until("it has come", condition);
    }
  }

  @Test
  void m3OneServersFailureIsSeenAndDoesNotStopTheOthers() {
    try (ScriptedServer gone = ScriptedServer.start();
        MqttGroup group =
            MqttGroup.builder().eachClient(c -> c.reconnect(ReconnectPolicy.never())).build()) {
      gone.stopListening();
      MqttClient up = group.add(SERVER.uri());
      MqttClient down = group.add(gone.uri().toString(), client -> client.clientId("down"));
      GroupResult<ConnectEvent> connected = group.connect(LIMIT);
      assertThat(connected.allSucceeded()).isFalse();
      assertThat(connected.results()).containsOnlyKeys(up);
      assertThat(connected.failures()).containsOnlyKeys(down);
      assertThat(connected.failures().get(down)).isInstanceOf(MqttConnectException.class);
      assertThatThrownBy(connected::orThrow)
          .isInstanceOf(MqttException.class)
          .hasMessageContaining("connecting failed for 1 of 2 clients")
          .hasMessageContaining("client 'down' of " + down.server())
          .hasMessageContaining("connection refused");
      assertThat(group.states()).isEqualTo(Map.of(State.CONNECTED, 1, State.DISCONNECTED, 1));
      assertThat(group.isConnected()).isFalse();

      var sending = group.publish("m3/door", "open", Qos.AT_LEAST_ONCE);
      sending.of(up).await(LIMIT);
      GroupResult<PublishResult> sent = sending.await(Duration.ofMillis(50));
      assertThat(sent.results()).containsOnlyKeys(up);
      assertThat(sent.failures().get(down))
          .isInstanceOf(MqttTimeoutException.class)
          .hasMessageContaining("publishing to 'm3/door' at QoS 1 by client 'down'")
          .hasMessageContaining("did not complete within 50 ms");
      assertThat(sending).as("it goes on").isNotDone();
    }
  }

  @Test
  void m3ClosedGroupRefusesWhatIsAskedOfItsClients() {
    MqttGroup group = MqttGroup.builder().name("closed").build();
    var waiting = group.whenAllConnected();
    group.close();
    List<Runnable> asked =
        List.of(
            () -> group.add(SERVER.uri()),
            group::connectAsync,
            group::connect,
            () -> group.publish("m3", "x", Qos.AT_LEAST_ONCE),
            () -> group.subscribe("m3", Qos.AT_LEAST_ONCE),
            () -> group.subscribe("m3", Qos.AT_LEAST_ONCE, message -> {}),
            () -> group.unsubscribe("m3"),
            group::whenAllConnected);
    assertThat(asked)
        .allSatisfy(
            call ->
                assertThatThrownBy(call::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("the group 'closed' is closed; make a new one"));
    assertThat(waiting).isCompletedExceptionally();
    assertThat(group.disconnectAsync()).as("there is nothing to disconnect").isDone();
    group.close();
  }

  @Test
  void m3GroupWithoutClientsSaysSo() {
    try (MqttGroup group = MqttGroup.create()) {
      GroupResult<PublishResult> sent = group.publish("m3", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      assertThat(sent.results()).isEmpty();
      assertThat(sent.orThrow())
          .hasToString(
              "publishing to 'm3' at QoS 1 reached nobody: the group has no client; add(...) one");
      group.add(SERVER.uri());
      assertThat(group.connect(LIMIT)).hasToString("connecting succeeded for 1 client");
      assertThat(group).asString().endsWith("1 loop]");
    }
  }

  @Test
  void m3ClientsComeAndGoAtAnyTime() {
    Queue<String> received = new ConcurrentLinkedQueue<>();
    try (MqttGroup group = MqttGroup.builder().loops(2).build()) {
      group.loopStart();
      MqttFuture<Void> all = group.whenAllConnected();
      MqttClient first = group.add(SERVER.uri());
      group.connect(LIMIT).orThrow();
      all.await(LIMIT);
      group.subscribe("come/#", Qos.AT_LEAST_ONCE, m -> received.add(m.topic())).await(LIMIT);

      MqttClient second = group.add(SERVER.uri());
      assertThat(group.whenAllConnected()).isNotDone();
      assertThat(group.loops()).allMatch(loop -> loop.clients().size() == 1);
      second.connect(LIMIT);
      second.subscribe("m3/none", Qos.AT_LEAST_ONCE).await(LIMIT); // it comes after the group's
      group.publish("come/x", "", Qos.AT_LEAST_ONCE).await(LIMIT).orThrow();
      Await.until("both receive what both have sent", () -> received.size() == 4);
      assertThat(group.clients()).containsExactly(first, second);

      group.add(SERVER.uri(), client -> client.clientId("never-connected"));
      MqttFuture<Void> rest = group.whenAllConnected();
      assertThat(rest).isNotDone();
      group.remove(group.clients().get(2)).await(LIMIT);
      rest.await(LIMIT);
      first.close();
      assertThat(group.clients()).containsExactly(second);
      assertThatThrownBy(() -> group.remove(first)).hasMessageContaining("is not in the group");
      group.unsubscribe("come/#").await(LIMIT).orThrow();
      group.disconnectAsync().await(LIMIT).orThrow();
      assertThat(group.states()).isEqualTo(Map.of(State.DISCONNECTED, 1));
      group.connect(LIMIT).orThrow();
    }
  }

  // ---- M5

  @Test
  void m5TwoLoopsServeTwoThousandClientsOnTwoThreads() {
    int clients = 2_000;
    ResourceCounts before = ResourceCounts.snapshot();
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    AtomicInteger received = new AtomicInteger();
    try (MqttGroup group =
        MqttGroup.builder()
            .name("m5")
            .loops(2)
            .onMessage(
                message -> {
                  threads.add(Thread.currentThread());
                  received.incrementAndGet();
                })
            .build()) {
      group.subscribe("m5/all", Qos.AT_MOST_ONCE);
      for (int i = 0; i < clients; i++) {
        group.add(SERVER.uri());
      }
      group.loopStart();
      GroupResult<ConnectEvent> connected = group.connect(LIMIT).orThrow();
      assertThat(connected.results()).hasSize(clients);
      assertThat(group.loops()).allMatch(loop -> loop.clients().size() == clients / 2);
      group.subscribe("m5/none", Qos.AT_MOST_ONCE).await(LIMIT).orThrow(); // the first is granted
      int more = ResourceCounts.snapshot().threadCount() - before.threadCount();
      assertThat(more).as("two loops', the name resolver's, a timer's").isLessThan(9);

      group.clients().get(0).publish("m5/all", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      Await.until("all have received", () -> received.get() == clients);
      assertThat(threads).extracting(Thread::getName).containsExactlyInAnyOrder("m5-1", "m5-2");
      assertThat(group.toString())
          .contains("2000 CONNECTED", "0 of at most 100 connect", "2 loops");
    }
  }

  @Test
  void m5BlockingCallDrivesAllLoopsWhenNobodyDoes() {
    Set<String> threads = ConcurrentHashMap.newKeySet();
    try (MqttGroup group =
        MqttGroup.builder()
            .name("m5-blocking")
            .loops(3)
            .onConnect(event -> threads.add(Thread.currentThread().getName()))
            .build()) {
      for (int i = 0; i < 6; i++) {
        group.add(SERVER.uri());
      }
      group.connect(LIMIT).orThrow();
      group.publish("m5/blocking", "x", Qos.EXACTLY_ONCE).await(LIMIT).orThrow();
      assertThat(threads)
          .containsExactlyInAnyOrder(
              Thread.currentThread().getName(), "m5-blocking-2", "m5-blocking-3");
      group.loopStart(); // nobody is in the way
      group.publish("m5/blocking", "x", Qos.EXACTLY_ONCE).await(LIMIT).orThrow();
    }
  }

  @Test
  void m5OneThreadIsRefusedSeveralLoopsAndTheErrorNamesTheWayOut() {
    try (MqttGroup group = MqttGroup.builder().loops(2).build()) {
      assertThatThrownBy(() -> group.loop(Duration.ZERO))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the group has 2; call loopStart()");
      assertThatThrownBy(group::loopForever).isInstanceOf(IllegalStateException.class);
      group.loops().get(1).loopStart();
      assertThatThrownBy(group::loopStart).hasMessageContaining("loopStart()");
      assertThat(group.loops().get(0).driver()).as("all or none").isEmpty();
    }
  }

  @Test
  void m5BlockingInsideACallbackOfAnyLoopIsRefusedAndCloseIsLegalThere() {
    CompletableFuture<Throwable> refused = new CompletableFuture<>();
    CompletableFuture<MqttGroup> itself = new CompletableFuture<>();
    MqttGroup group =
        MqttGroup.builder()
            .loops(2)
            .onConnect(
                event -> {
                  MqttGroup mine = itself.join();
                  try {
                    mine.publish("m5/callback", "", Qos.AT_LEAST_ONCE).await(LIMIT);
                  } catch (IllegalStateException e) {
                    refused.complete(e);
                  }
                  mine.close();
                })
            .build();
    itself.complete(group);
    group.add(SERVER.uri());
    group.loopStart();
    group.connectAsync();
    assertThat(Await.passively(refused)).hasMessageContaining("inside a callback");
    Await.until("it is closed", () -> group.loops().stream().allMatch(MqttLoop::isClosed));
    assertThatThrownBy(() -> group.add(SERVER.uri())).hasMessageContaining("is closed");
  }

  // ---- M6

  /** Counts, at the server, what is under way at a time. */
  private static final class Gauge {
    private final AtomicInteger now = new AtomicInteger();
    private final AtomicInteger most = new AtomicInteger();

    void enter() {
      most.accumulateAndGet(now.incrementAndGet(), Math::max);
    }

    void leave() {
      now.decrementAndGet();
    }
  }

  @Test
  void m6ThousandClientsOpenAndCloseWithOneCallAndSoManyAtATime() {
    int clients = 1_000;
    int atATime = 20;
    Gauge handshakes = new Gauge();
    AtomicInteger disconnected = new AtomicInteger();
    AtomicInteger mostFarewells = new AtomicInteger();
    List<MqttClient> all = new ArrayList<>();
    try (ScriptedServer server = ScriptedServer.start();
        MqttGroup group =
            MqttGroup.builder()
                .loops(2)
                .connectConcurrency(atATime)
                .onDisconnect(
                    event -> {
                      int begun = disconnected.incrementAndGet();
                      long done = all.stream().filter(c -> c.state() == State.CLOSED).count();
                      mostFarewells.accumulateAndGet(begun - (int) done, Math::max);
                    })
                .build()) {
      server
          .onEveryConnection()
          .run(handshakes::enter)
          .expectConnect()
          .delay(Duration.ofMillis(1))
          .run(handshakes::leave)
          .sendConnack()
          .answerPings()
          .expectDisconnect()
          .expectClose();
      for (int i = 0; i < clients; i++) {
        all.add(group.add(server.uri().toString()));
      }
      group.loopStart();
      group.connect(LIMIT).orThrow();
      assertThat(server.openConnections()).isEqualTo(clients);
      assertThat(handshakes.most.get()).isBetween(atATime / 2, atATime);

      group.close(LIMIT);
      assertThat(group.clients()).isEmpty();
      server.awaitNoConnection(LIMIT);
      assertThat(mostFarewells.get()).isBetween(1, atATime);
      assertThat(disconnected.get()).isEqualTo(clients);
    }
  }

  @Test
  void m6ServerThatRestartsMeetsNoStormOfConnections() {
    int clients = 300;
    int atATime = 10;
    Gauge handshakes = new Gauge();
    try (ScriptedServer server = ScriptedServer.start();
        MqttGroup group =
            MqttGroup.builder()
                .connectConcurrency(atATime)
                .eachClient(
                    client ->
                        client.reconnect(
                            ReconnectPolicy.exponential(
                                Duration.ofMillis(1), Duration.ofMillis(1))))
                .build()) {
      server
          .onEveryConnection()
          .run(handshakes::enter)
          .expectConnect()
          .delay(Duration.ofMillis(1))
          .run(handshakes::leave)
          .sendConnack()
          .answerPings()
          .swallow();
      for (int i = 0; i < clients; i++) {
        group.add(server.uri().toString());
      }
      group.loopStart();
      group.connect(LIMIT).orThrow();
      int connections = server.connections();
      server.closeConnections();
      Await.until("all have come back", () -> server.connections() == connections + clients);
      group.whenAllConnected().await(LIMIT);
      assertThat(handshakes.most.get()).isBetween(atATime / 2, atATime);
    }
  }

  @Test
  void m6AttemptsThatFailOrAreGivenUpLetTheNextBegin() {
    try (ScriptedServer silent = ScriptedServer.start();
        ScriptedServer refusing = ScriptedServer.start();
        ScriptedServer good = ScriptedServer.behavingBroker();
        MqttGroup group =
            MqttGroup.builder()
                .connectConcurrency(1)
                .eachClient(client -> client.reconnect(ReconnectPolicy.never()))
                .build()) {
      silent.onEveryConnection().swallow();
      refusing.onEveryConnection().expectConnect().refuse(0x87);
      MqttClient stuck = group.add(silent.uri().toString());
      MqttClient refused = group.add(refusing.uri().toString());
      MqttClient givenUp = group.add(good.uri().toString());
      MqttClient last = group.add(good.uri().toString());
      group.loopStart();
      var connecting = group.connectAsync();
      silent.connection(1, LIMIT);
      Await.until(
          "the others wait",
          () -> group.toString().contains("1 of at most 1 connect, 3 wait for their turn"));
      assertThat(group.states()).isEqualTo(Map.of(State.CONNECTING, 4));
      givenUp.disconnectAsync().await(LIMIT); // while it waits
      stuck.disconnectAsync().await(LIMIT); // while it connects
      connecting.of(last).await(LIMIT);
      GroupResult<ConnectEvent> connected = connecting.await(LIMIT);
      assertThat(connected.results()).containsOnlyKeys(last);
      assertThat(connected.failures()).containsOnlyKeys(stuck, refused, givenUp);
      assertThat(List.of(silent.connections(), refusing.connections(), good.connections()))
          .containsExactly(1, 1, 1);
      assertThat(group.toString()).contains("0 of at most 1 connect, 0 wait");
      assertThat(group.diagnostics()).contains(group.loops().get(0).name(), stuck.clientId());
    }
  }

  @Test
  void m6CloseKeepsItsTimeWhenTheServersAreStuck() {
    try (ScriptedServer stuck = ScriptedServer.start()) {
      stuck.onEveryConnection().expectConnect().sendConnack().stopReading();
      MqttGroup group = MqttGroup.builder().connectConcurrency(1).build();
      for (int i = 0; i < 20; i++) {
        group.add(stuck.uri().toString());
      }
      group.connect(LIMIT).orThrow();
      assertThat(Await.time(() -> group.close(Duration.ofSeconds(1))))
          .isLessThan(Await.within(Duration.ofSeconds(1)));
      assertThat(group.clients()).isEmpty();
    }
  }
}
