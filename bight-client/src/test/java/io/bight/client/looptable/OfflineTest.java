// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttOvertakenException;
import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.MosquittoServer;
import io.bight.testkit.PacketType;
import io.bight.testkit.Property;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ScriptedServer;
import io.bight.testkit.ServerScript;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Row R5 of docs/loop-table.md: what happens to messages that cannot be sent at once. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class OfflineTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(5), Duration.ofMillis(20)).alsoFirstConnect();

  /** Where nothing listens. */
  private static final String NOWHERE = "mqtt://127.0.0.1:1";

  private static Publish message(String topic, String payload) {
    return Publish.builder(topic).payload(payload).qos(Qos.AT_LEAST_ONCE).build();
  }

  private static List<String> payloads(ScriptedServer server) {
    return server.broker().acceptedMessages().stream().map(ReceivedPacket::payloadUtf8).toList();
  }

  static List<String> numbers(int first, int last) {
    return IntStream.rangeClosed(first, last).mapToObj(Integer::toString).toList();
  }

  private static Throwable failureOf(CompletableFuture<?> future) {
    try {
      future.getNow(null);
    } catch (CompletionException e) {
      return e.getCause();
    }
    throw new AssertionError("it has not failed: " + future);
  }

  // ---- queue

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r5PublisherOverTenRestartsLosesNothingWithQueue(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = MqttClient.builder(server.uri()).loop(loop).reconnect(FAST).build();
        DrivingMode.Driver driver = mode.drive(loop)) {
      client.connectAsync();
      List<MqttFuture<?>> published = new ArrayList<>();
      for (int restart = 0; restart < 10; restart++) {
        publishTen(client, published);
        if (restart % 2 == 0) {
          server.stopListening(); // it is down for a while
          publishTen(client, published);
          server.startListening();
        } else {
          server.restart(false); // at once, in the middle of what is going on
          publishTen(client, published);
        }
        published.get(published.size() - 1).await(LIMIT);
      }
      published.forEach(future -> future.await(LIMIT));
      // At least once: what was in flight comes again.
      assertThat(payloads(server).stream().distinct().toList()).isEqualTo(numbers(0, 199));
    }
  }

  private static void publishTen(MqttClient client, List<MqttFuture<?>> published) {
    for (int i = 0; i < 10; i++) {
      published.add(client.publish("r5", Integer.toString(published.size()), Qos.AT_LEAST_ONCE));
    }
  }

  @Test
  void r5PublisherOverTenRestartsOfARealServerLosesNothingWithQueue() {
    assumeTrue(MosquittoServer.isInstalled(), "mosquitto is not installed");
    Set<String> received = ConcurrentHashMap.newKeySet();
    try (MosquittoServer server = MosquittoServer.startPersistent();
        MqttClient subscriber =
            client(server.uri(), "r5-subscriber")
                .onMessage(message -> received.add(message.payloadUtf8()))
                .build();
        MqttClient publisher = client(server.uri(), "r5-publisher").build()) {
      subscriber.loopStart();
      publisher.loopStart();
      subscriber.connect(LIMIT);
      subscriber.subscribe("r5", Qos.AT_LEAST_ONCE).await(LIMIT);
      publisher.connect(LIMIT);
      List<MqttFuture<?>> published = new ArrayList<>();
      for (int restart = 0; restart < 10; restart++) {
        publishTen(publisher, published);
        server.stop();
        publishTen(publisher, published);
        server.restart();
      }
      published.forEach(future -> future.await(LIMIT));
      Await.until("all have come", () -> received.size() == 200);
    }
  }

  private static MqttClientBuilder client(URI uri, String identifier) {
    return MqttClient.builder(uri)
        .clientId(identifier)
        .cleanStart(false)
        .sessionExpiryInterval(Duration.ofHours(1))
        .reconnect(FAST);
  }

  // ---- fail

  @Test
  void r5FailFastSendsNoStaleValueOverTenRestarts() throws Exception {
    AtomicInteger connections = new AtomicInteger();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(FAST)
                .offlinePolicy(OfflinePolicy.FAIL)
                .onConnect(event -> connections.incrementAndGet())
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      // For each value the newest connection that it may have been published on.
      List<Integer> publishedOn = Collections.synchronizedList(new ArrayList<>());
      List<MqttFuture<?>> published = Collections.synchronizedList(new ArrayList<>());
      CompletableFuture<Void> stop = new CompletableFuture<>();
      CompletableFuture<Void> publisher =
          DrivingTest.inThread(
              () -> {
                while (!stop.isDone()) {
                  int value = publishedOn.size();
                  Qos qos = value % 2 == 0 ? Qos.AT_MOST_ONCE : Qos.AT_LEAST_ONCE;
                  published.add(client.publish("r5", Integer.toString(value), qos));
                  publishedOn.add(server.connections());
                  LockSupport.parkNanos(100_000); // a fast publisher, not a flood
                }
              });
      for (int restart = 1; restart <= 10; restart++) {
        int before = restart;
        Await.until("connected", () -> connections.get() == before);
        Await.until(
            "something came on it",
            () ->
                server.broker().acceptedMessages().stream()
                    .anyMatch(packet -> packet.connection() == before));
        server.restart(false);
      }
      Await.until("connected again", () -> connections.get() == 11);
      stop.complete(null);
      Await.passively(publisher);
      for (ReceivedPacket packet : server.broker().acceptedMessages()) {
        assertThat(packet.connection())
            .as("value " + packet.payloadUtf8())
            .isLessThanOrEqualTo(publishedOn.get(Integer.parseInt(packet.payloadUtf8())));
      }
      Await.until("all are done", () -> published.stream().allMatch(MqttFuture::isDone));
      assertThat(published).anyMatch(MqttFuture::isCompletedExceptionally);
    }
  }

  @Test
  void r5FailFastFailsAtOnceWithoutAConnection() {
    try (MqttClient client = MqttClient.builder(NOWHERE).build()) {
      MqttFuture<?> refused = client.publish(message("r5", "x"), OfflinePolicy.FAIL);
      assertThat(refused).isCompletedExceptionally();
      assertThat(failureOf(refused))
          .isInstanceOf(MqttDisconnectedException.class)
          .hasMessageContaining("not connected")
          .hasMessageContaining("'r5'")
          .hasMessageContaining(client.clientId());
      assertThat(client.publish(message("r5", "waits"))).isNotDone();
    }
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r5ValueThatTheLoopHadNotTakenWhenTheConnectionWasLostIsNotSentOnTheNext(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client = MqttClient.builder(server.uri()).loop(loop).reconnect(FAST).build()) {
      client.connect(LIMIT);
      AtomicInteger connects = new AtomicInteger();
      client.onConnect(event -> connects.incrementAndGet());
      // Nobody drives: the value waits, the server breaks the connection, and nobody knows.
      MqttFuture<?> stale = client.publish(message("r5", "stale"), OfflinePolicy.FAIL);
      assertThat(client.isConnected()).isTrue();
      server.restart(false);
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        assertThatThrownBy(() -> stale.await(LIMIT)).isInstanceOf(MqttDisconnectedException.class);
        client.publish(message("r5", "fresh")).await(LIMIT);
      }
      assertThat(connects).hasValue(1);
      assertThat(payloads(server)).containsExactly("fresh");
    }
  }

  @Test
  void r5FailFastInsideOnDisconnectFailsAndInsideOnConnectIsSent() {
    List<MqttFuture<?>> offline = Collections.synchronizedList(new ArrayList<>());
    CompletableFuture<MqttFuture<?>> online = new CompletableFuture<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .reconnect(FAST)
                .offlinePolicy(OfflinePolicy.FAIL)
                .onConnect(
                    event -> {
                      if (event.isReconnect()) {
                        online.complete(event.client().publish(message("r5", "online")));
                      }
                    })
                .onDisconnect(
                    event -> offline.add(event.client().publish(message("r5", "offline"))))
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      server.restart(false);
      Await.passively(online).await(LIMIT);
      assertThat(offline).singleElement().matches(MqttFuture::isCompletedExceptionally);
      assertThat(payloads(server)).containsExactly("online");
    }
  }

  // ---- latest per topic

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r5OnlyTheNewestOfEachTopicIsSentAfterwards(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .reconnect(FAST)
                .offlinePolicy(OfflinePolicy.LATEST_PER_TOPIC)
                .queueMaximum(3, 1 << 20)
                .build();
        DrivingMode.Driver driver = mode.drive(loop)) {
      List<MqttFuture<?>> published = new ArrayList<>();
      for (int i = 1; i <= 1000; i++) {
        for (String topic : List.of("a", "b", "c")) {
          published.add(client.publish(message(topic, topic + i)));
        }
      }
      client.connect(LIMIT);
      published.subList(2997, 3000).forEach(future -> future.await(LIMIT));
      assertThat(payloads(server)).containsExactly("a1000", "b1000", "c1000");
      for (MqttFuture<?> overtaken : published.subList(0, 2997)) {
        assertThat(failureOf(overtaken)).isInstanceOf(MqttOvertakenException.class);
      }
    }
  }

  @Test
  void r5LatestPerTopicKeepsTheOrderOfItsTopicAmongOtherMessages() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      client.publish(message("a", "1"), OfflinePolicy.LATEST_PER_TOPIC);
      client.publish(message("a", "2"));
      client.publish(message("a", "3"), OfflinePolicy.LATEST_PER_TOPIC);
      var last = client.publish(message("a", "4"), OfflinePolicy.LATEST_PER_TOPIC);
      client.connect(LIMIT);
      last.await(LIMIT);
      assertThat(payloads(server)).containsExactly("2", "4");
    }
  }

  // ---- overflow

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void r5DropOldestKeepsTheNewest(DrivingMode mode) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .queueMaximum(10, 1 << 20)
                .overflowPolicy(OverflowPolicy.DROP_OLDEST)
                .build();
        DrivingMode.Driver driver = mode.drive(loop)) {
      List<MqttFuture<?>> published = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        published.add(client.publish(message("r5", Integer.toString(i))));
      }
      client.connect(LIMIT);
      published.get(499).await(LIMIT);
      assertThat(payloads(server)).isEqualTo(numbers(490, 499));
      for (MqttFuture<?> dropped : published.subList(0, 490)) {
        assertThat(failureOf(dropped))
            .isInstanceOfSatisfying(
                MqttQueueFullException.class, full -> assertThat(full.isDropped()).isTrue());
      }
      assertThat(client.diagnostics()).contains("490 dropped so far");
    }
  }

  @Test
  void r5DropOldestHoldsItsBoundsWhileTheDriverIsStuckInACallback() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .queueMaximum(2_000, 64 << 20)
                .overflowPolicy(OverflowPolicy.DROP_OLDEST)
                .build()) {
      client.loopStart();
      List<MqttFuture<?>> published = new ArrayList<>();
      for (int i = 0; i < 2_000; i++) {
        published.add(client.publish(message("r5", Integer.toString(i))));
      }
      CountDownLatch stuck = new CountDownLatch(1);
      client.loop().execute(() -> hold(stuck, release));
      stuck.await();
      for (int i = 2_000; i < 10_000; i++) {
        published.add(client.publish(message("r5", Integer.toString(i))));
      }
      assertThat(published.stream().filter(future -> !future.isDone()).count())
          .isLessThanOrEqualTo(2_000 + 1_024);
      assertThat(published.get(9_999)).isNotDone();
      release.countDown();
      client.connect(LIMIT);
      published.get(9_999).await(LIMIT);
      Await.until("all are done", () -> published.stream().allMatch(MqttFuture::isDone));
      List<String> sent = payloads(server);
      assertThat(sent)
          .as("the newest, in order")
          .endsWith(numbers(9_000, 9_999).toArray(new String[0]));
    }
  }

  private static void hold(CountDownLatch stuck, CountDownLatch release) {
    stuck.countDown();
    try {
      release.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void r5DropNewestAndRejectKeepTheOldest() {
    for (OverflowPolicy policy : List.of(OverflowPolicy.REJECT, OverflowPolicy.DROP_NEWEST)) {
      try (MqttClient client =
          MqttClient.builder(NOWHERE).queueMaximum(2, 1 << 20).overflowPolicy(policy).build()) {
        MqttFuture<?> first = client.publish(message("r5", "1"));
        client.publish(message("r5", "2"));
        MqttFuture<?> third = client.publish(message("r5", "3"));
        assertThat(first).isNotDone();
        assertThat(failureOf(third))
            .hasMessageContaining("2 messages")
            .hasMessageContaining(client.clientId())
            .isInstanceOfSatisfying(
                MqttQueueFullException.class,
                full -> assertThat(full.isDropped()).isEqualTo(policy != OverflowPolicy.REJECT));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(OverflowPolicy.class)
  void r5MessageLargerThanTheBoundIsRefusedWhateverThePolicy(OverflowPolicy policy) {
    try (MqttClient client =
        MqttClient.builder(NOWHERE).queueMaximum(10, 1_000).overflowPolicy(policy).build()) {
      MqttFuture<?> small = client.publish(message("r5", "x"));
      MqttFuture<?> large = client.publish(message("r5", "x".repeat(1_000)));
      assertThat(failureOf(large))
          .isInstanceOf(MqttQueueFullException.class)
          .hasMessageContaining("larger than the whole queue");
      assertThat(small).isNotDone();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void r5MessageThatWaitsAgainAfterALostSessionCanBeCancelled(boolean inABatch) {
    try (ScriptedServer server = ScriptedServer.start();
        MqttClient client =
            MqttClient.builder(server.uri()).reconnect(FAST).cleanStart(false).build()) {
      ServerScript before = server.onConnection().expectConnect().sendConnack();
      before.expectPublish("1").expectPublish("2");
      ServerScript after = server.onConnection().expectConnect();
      after.sendConnack(connack -> connack.property(Property.RECEIVE_MAXIMUM, 1));
      after.expectPublish("1");
      client.loopStart();
      client.connect(LIMIT);
      MqttFuture<?> first = client.publish(message("1", "x"));
      Publish last = message("2", "x");
      MqttFuture<?> second = inABatch ? client.publishAll(List.of(last)) : client.publish(last);
      Await.until("both", () -> server.packets(PacketType.PUBLISH).size() == 2);
      client.onConnect(event -> second.cancel(false));
      before.closeConnection();
      Await.until("the first once more", () -> server.packets(PacketType.PUBLISH).size() == 3);
      after.sendPuback().expectDisconnect();
      first.await(LIMIT);
      client.disconnect();
      server.awaitScripts(LIMIT);
      assertThat(second).isCancelled();
    }
  }

  @Test
  void r5CancelledAndRefusedMessagesMakeRoomAgain() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).queueMaximum(2, 2_000).build()) {
      for (int round = 0; round < 100; round++) {
        MqttFuture<?> first = client.publish(message("r5", "1"));
        MqttFuture<?> second = client.publish(message("r5", "2"));
        assertThat(failureOf(client.publish(message("r5", "3"))))
            .isInstanceOf(MqttQueueFullException.class);
        first.cancel(false);
        second.cancel(false);
        while (client.loop(Duration.ZERO)) {
          // what was cancelled leaves the queue
        }
      }
      client.connect(LIMIT);
      for (int round = 0; round < 100; round++) {
        client.publish(message("r5", "sent")).await(LIMIT);
      }
      assertThat(payloads(server)).hasSize(100).containsOnly("sent");
    }
  }

  @Test
  void r5SubscribesThatWaitAreBoundedToo() {
    String longest = "/" + "x".repeat(60_000);
    try (MqttClient client = MqttClient.builder(NOWHERE).build()) {
      MqttFuture<?> refused = null;
      int asked = 0;
      for (; asked < 1_000 && refused == null; asked++) {
        MqttFuture<?> future =
            asked % 2 == 0
                ? client.subscribe(asked + longest, Qos.AT_LEAST_ONCE)
                : client.unsubscribe(asked + longest);
        refused = future.isDone() ? future : null;
      }
      assertThat(asked).as("64 MiB at four bytes a character").isBetween(270, 280);
      assertThat(failureOf(refused))
          .isInstanceOf(MqttQueueFullException.class)
          .hasMessageContaining("SUBSCRIBE and UNSUBSCRIBE")
          .hasMessageContaining(client.clientId());
    }
  }
}
