// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static io.bight.client.looptable.OfflineTest.numbers;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.MqttBatchException;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.client.PublishEvent;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttOvertakenException;
import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.PacketType;
import io.bight.testkit.Property;
import io.bight.testkit.ReceivedPacket;
import io.bight.testkit.ScriptedServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages that are published together, with one future. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class PublishBatchTest {
  private static final Duration LIMIT = Await.LIMIT;

  /** Where nothing listens. */
  private static final String NOWHERE = "mqtt://127.0.0.1:1";

  private static List<Publish> messages(int first, int last, Qos qos) {
    return IntStream.rangeClosed(first, last)
        .mapToObj(i -> Publish.builder("batch").payload("" + i).qos(qos).build())
        .toList();
  }

  private static List<String> payloads(ScriptedServer server) {
    return server.packets(PacketType.PUBLISH).stream().map(ReceivedPacket::payloadUtf8).toList();
  }

  /** At QoS 0 a message is done when it has been written. */
  private static void assertArrived(ScriptedServer server, List<String> payloads) {
    Await.until("all have come", () -> payloads(server).size() >= payloads.size());
    assertThat(payloads(server)).isEqualTo(payloads);
  }

  private static MqttClientBuilder bounded(String uri, int messages, OverflowPolicy policy) {
    return MqttClient.builder(uri).queueMaximum(messages, 1 << 20).overflowPolicy(policy);
  }

  private static MqttBatchException failureOf(MqttFuture<Void> batch) {
    try {
      batch.await(LIMIT);
    } catch (MqttBatchException e) {
      return e;
    }
    throw new AssertionError("it has not failed");
  }

  @ParameterizedTest
  @EnumSource(DrivingMode.class)
  void messagesOfEveryQosGoOutInOrderAndTheirFutureIsDoneAfterTheLast(DrivingMode mode) {
    Queue<String> told = new ConcurrentLinkedQueue<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder(server.uri())
                .loop(loop)
                .onPublished(
                    event ->
                        told.add(new String(event.message().payload(), StandardCharsets.UTF_8)))
                .build();
        DrivingMode.Driver driver = mode.drive(loop)) {
      List<Publish> all = new ArrayList<>();
      for (int i = 0; i < 1_000; i++) {
        all.addAll(messages(i, i, Qos.values()[i % 3]));
      }
      client.connect(LIMIT);
      client.publishAll(all.subList(0, 1)).await(LIMIT);
      client.publishAll(all.subList(1, 700)).await(LIMIT);
      assertThat(told).as("each is told before the future").hasSize(700);
      client.publishAll(all.subList(700, 1_000)).await(LIMIT);
      assertArrived(server, numbers(0, 999));
      assertThat(told).containsExactlyInAnyOrderElementsOf(numbers(0, 999));
      assertThat(client.diagnostics()).contains("0 messages queued, 0 in flight (0 B in all)");
    }
  }

  @Test
  void anEmptyBatchIsDoneAtOnce() {
    try (MqttClient client = MqttClient.builder(NOWHERE).build()) {
      assertThat(client.publishAll(List.of())).isCompletedWithValue(null);
    }
  }

  @Test
  void aBatchWithoutAConnectionWaitsBehindWhatWasPublishedBefore() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      client.publish("batch", "0", Qos.AT_MOST_ONCE);
      MqttFuture<Void> batch = client.publishAll(messages(1, 200, Qos.AT_LEAST_ONCE));
      MqttFuture<?> after = client.publish("batch", "201", Qos.AT_MOST_ONCE);
      assertThatThrownBy(() -> batch.await(Duration.ofMillis(10)))
          .hasMessageContaining("publishing 200 messages by")
          .hasMessageContaining("did not complete within 10 ms");
      client.connect(LIMIT);
      batch.await(LIMIT);
      after.await(LIMIT);
      assertArrived(server, numbers(0, 201));
    }
  }

  @Test
  void aBatchFromACallbackDoesNotWait() {
    CompletableFuture<MqttFuture<Void>> published = new CompletableFuture<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .onConnect(
                    event ->
                        published.complete(
                            event.client().publishAll(messages(0, 199, Qos.AT_LEAST_ONCE))))
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      Await.passively(published).await(LIMIT);
      assertArrived(server, numbers(0, 199));
    }
  }

  @Test
  void whatTheServerDoesNotTakeIsToldByItsPlace() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      server
          .broker()
          .adjustConnack(connack -> connack.property(Property.MAXIMUM_PACKET_SIZE, 100L));
      client.connect(LIMIT);
      List<Publish> all = new ArrayList<>(messages(0, 99, Qos.AT_LEAST_ONCE));
      for (int place = 10; place < 80; place += 10) {
        all.set(place, Publish.builder("too/large").payload("x".repeat(100)).build());
      }
      MqttBatchException failure = failureOf(client.publishAll(all));
      assertThat(failure.failures().keySet()).containsExactly(10, 20, 30, 40, 50, 60, 70);
      assertThat(failure)
          .hasMessageContaining("published 93 of 100 messages, but not message 11 to 'too/large':")
          .hasMessageContaining("the server accepts 100")
          .hasMessageContaining("message 51 to")
          .hasMessageEndingWith("; and 2 more")
          .hasCause(failure.failures().get(10));
      assertThat(payloads(server)).hasSize(93).startsWith("0").endsWith("99");
    }
  }

  @Test
  void aBatchThatDoesNotFitMeetsTheBoundMessageByMessage() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).queueMaximum(100, 1 << 20).build()) {
      MqttFuture<Void> batch = client.publishAll(messages(0, 149, Qos.AT_LEAST_ONCE));
      client.connect(LIMIT);
      MqttBatchException failure = failureOf(batch);
      assertThat(failure.failures().keySet())
          .containsExactlyElementsOf(IntStream.range(100, 150).boxed().toList());
      assertThat(failure.failures().values())
          .allSatisfy(each -> assertThat(each).isInstanceOf(MqttQueueFullException.class));
      assertArrived(server, numbers(0, 99));
      client
          .publishAll(messages(100, 199, Qos.AT_LEAST_ONCE))
          .await(LIMIT); // what was taken is back
    }
  }

  @Test
  void aBatchWaitsForRoomWhereThePolicySaysSo() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = bounded(server.uri().toString(), 100, OverflowPolicy.BLOCK).build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.publishAll(messages(0, 999, Qos.AT_LEAST_ONCE)).await(LIMIT);
      assertArrived(server, numbers(0, 999));
    }
  }

  @Test
  void aBatchThatHasWaitedInVainDoesNotWaitForEachMessageAgain() {
    try (MqttClient client =
        bounded(NOWHERE, 10, OverflowPolicy.BLOCK).blockTimeout(Duration.ofMillis(50)).build()) {
      MqttFuture<Void> batch = client.publishAll(messages(0, 29, Qos.AT_LEAST_ONCE));
      client.close();
      MqttBatchException failure = failureOf(batch);
      assertThat(failure.failures()).hasSize(30);
      assertThat(failure.failures().get(10))
          .isInstanceOf(MqttQueueFullException.class)
          .hasMessageContaining("after waiting for room for 50 ms");
      assertThat(failure.failures().tailMap(11).values())
          .allSatisfy(
              each ->
                  assertThat(each)
                      .isInstanceOf(MqttQueueFullException.class)
                      .hasMessageContaining("there is room for 10 messages")
                      .message()
                      .doesNotContain("after waiting"));
    }
  }

  @Test
  void loopStopEndsTheWaitOfAWholeBatch() {
    try (MqttLoop loop = MqttLoop.create();
        MqttClient client = bounded(NOWHERE, 10, OverflowPolicy.BLOCK).loop(loop).build()) {
      CompletableFuture<MqttFuture<Void>> published = new CompletableFuture<>();
      DrivingTest.inThread(
          () -> published.complete(client.publishAll(messages(0, 29, Qos.AT_LEAST_ONCE))));
      Await.until("it drives", () -> !client.diagnostics().contains("nobody drives"));
      loop.loopStop();
      MqttFuture<Void> batch = Await.passively(published);
      client.close();
      assertThat(failureOf(batch).failures().get(10)).hasMessageContaining("loopStop()");
    }
  }

  @Test
  void theOldestMessageOfABatchIsDroppedForANewerOne() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            bounded(server.uri().toString(), 100, OverflowPolicy.DROP_OLDEST).build()) {
      MqttFuture<Void> batch = client.publishAll(messages(0, 99, Qos.AT_LEAST_ONCE));
      MqttFuture<?> newest = client.publish("batch", "100", Qos.AT_LEAST_ONCE);
      client.connect(LIMIT);
      newest.await(LIMIT);
      MqttBatchException failure = failureOf(batch);
      assertThat(failure.failures().keySet()).containsExactly(0);
      assertThat(failure).hasMessageContaining("that waited longest");
      assertArrived(server, numbers(1, 100));
    }
  }

  @Test
  void otherPoliciesHoldForEachMessage() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      MqttBatchException offline =
          failureOf(client.publishAll(messages(0, 1, Qos.AT_LEAST_ONCE), OfflinePolicy.FAIL));
      assertThat(offline.failures().values())
          .hasSize(2)
          .allSatisfy(each -> assertThat(each).isInstanceOf(MqttDisconnectedException.class));
      MqttFuture<Void> latest =
          client.publishAll(messages(0, 9, Qos.AT_LEAST_ONCE), OfflinePolicy.LATEST_PER_TOPIC);
      client.connect(LIMIT);
      MqttBatchException overtaken = failureOf(latest);
      assertThat(overtaken.failures().values())
          .hasSize(9)
          .allSatisfy(each -> assertThat(each).isInstanceOf(MqttOvertakenException.class));
      assertArrived(server, List.of("9"));
    }
  }

  @Test
  void aBatchEndsTheTurnOfALatestMessageOnItsTopic() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      Publish first = messages(0, 0, Qos.AT_LEAST_ONCE).get(0);
      Publish last = messages(3, 3, Qos.AT_LEAST_ONCE).get(0);
      client.publish(first, OfflinePolicy.LATEST_PER_TOPIC);
      client.publishAll(messages(1, 2, Qos.AT_LEAST_ONCE));
      MqttFuture<?> after = client.publish(last, OfflinePolicy.LATEST_PER_TOPIC);
      client.connect(LIMIT);
      after.await(LIMIT);
      assertThat(payloads(server)).endsWith("1", "2", "3");
    }
  }

  @Test
  void aNewerMessageOvertakesInAFullQueueAlsoAfterBatches() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = bounded(server.uri().toString(), 10, OverflowPolicy.REJECT).build()) {
      client.connect(LIMIT);
      for (int i = 0; i < 3; i++) {
        client.publishAll(messages(0, 9, Qos.AT_LEAST_ONCE)).await(LIMIT);
      }
      client.disconnect();
      Publish older = Publish.builder("latest").payload("older").qos(Qos.AT_LEAST_ONCE).build();
      Publish newer = Publish.builder("latest").payload("newer").qos(Qos.AT_LEAST_ONCE).build();
      MqttFuture<?> overtaken = client.publish(older, OfflinePolicy.LATEST_PER_TOPIC);
      client.publishAll(messages(1, 9, Qos.AT_LEAST_ONCE));
      client.loop(Duration.ZERO);
      MqttFuture<?> latest = client.publish(newer, OfflinePolicy.LATEST_PER_TOPIC);
      client.connect(LIMIT);
      latest.await(LIMIT);
      assertThat(overtaken).isCompletedExceptionally();
    }
  }

  @Test
  void cancellingTakesBackWhatHasNotBeenSent() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = MqttClient.builder(server.uri()).build()) {
      MqttFuture<Void> inTheCommandQueue = client.publishAll(messages(0, 99, Qos.AT_LEAST_ONCE));
      assertThat(inTheCommandQueue.cancel(false)).isTrue();
      MqttFuture<Void> inTheSession = client.publishAll(messages(100, 199, Qos.AT_MOST_ONCE));
      client.loop(Duration.ZERO);
      assertThat(client.diagnostics()).contains("100 messages queued");
      assertThat(inTheSession.cancel(false)).isTrue();
      MqttFuture<Void> oneByOne =
          client.publishAll(messages(200, 201, Qos.AT_LEAST_ONCE), OfflinePolicy.LATEST_PER_TOPIC);
      assertThat(oneByOne.cancel(false)).isTrue();
      client.connect(LIMIT);
      client.publish("batch", "last", Qos.AT_LEAST_ONCE).await(LIMIT);
      assertArrived(server, List.of("last"));
      assertThat(client.diagnostics()).contains("0 messages queued, 0 in flight (0 B in all)");
      assertThat(inTheSession.cancel(false)).as("cancelled already").isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void cancellingGivesTheRoomBack(boolean whenTheClientHasIt) {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = bounded(server.uri().toString(), 100, OverflowPolicy.REJECT).build()) {
      for (int i = 0; i < 3; i++) {
        MqttFuture<Void> batch = client.publishAll(messages(0, 99, Qos.AT_LEAST_ONCE));
        assertThat(batch).isNotDone();
        if (whenTheClientHasIt) {
          client.loop(Duration.ZERO);
        }
        batch.cancel(false);
        client.loop(Duration.ZERO);
      }
      MqttFuture<Void> last = client.publishAll(messages(0, 99, Qos.AT_LEAST_ONCE));
      client.connect(LIMIT);
      last.await(LIMIT);
      assertArrived(server, numbers(0, 99));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void closingFailsWhatWaitsWithTheReason(boolean ofTheLoop) {
    Queue<PublishEvent> told = new ConcurrentLinkedQueue<>();
    MqttLoop loop = MqttLoop.create();
    MqttClient client = MqttClient.builder(NOWHERE).loop(loop).onPublished(told::add).build();
    MqttFuture<Void> queued = client.publishAll(messages(0, 99, Qos.AT_LEAST_ONCE));
    loop.loop(Duration.ZERO);
    MqttFuture<Void> underway = client.publishAll(messages(100, 199, Qos.AT_LEAST_ONCE));
    if (!ofTheLoop) {
      client.close();
    }
    loop.close();
    MqttFuture<Void> late = client.publishAll(messages(200, 299, Qos.AT_LEAST_ONCE));
    for (MqttFuture<Void> batch : Arrays.asList(queued, underway, late)) {
      assertThat(batch).isCompletedExceptionally();
      assertThatThrownBy(() -> batch.getNow(null))
          .isInstanceOf(CompletionException.class)
          .cause()
          .isInstanceOfSatisfying(
              MqttBatchException.class, failure -> assertThat(failure.failures()).hasSize(100))
          .hasMessageContaining("published 0 of 100 messages, but not message 1 to 'batch': ")
          .hasMessageContaining("is closed")
          .hasMessageEndingWith("; and 95 more");
    }
    assertThat(told).as("of what the client had taken").hasSizeGreaterThanOrEqualTo(100);
  }

  @Test
  void aMessageThatFailsInTheMiddleOfABatchMayCloseTheClient() {
    AtomicInteger told = new AtomicInteger();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .onPublished(
                    event -> {
                      told.incrementAndGet();
                      if (event.failure().isPresent()) {
                        event.client().close();
                      }
                    })
                .build()) {
      server
          .broker()
          .adjustConnack(connack -> connack.property(Property.MAXIMUM_PACKET_SIZE, 100L));
      client.connect(LIMIT);
      List<Publish> all = new ArrayList<>(messages(0, 59, Qos.AT_MOST_ONCE));
      all.set(30, Publish.builder("too/large").payload("x".repeat(100)).build());
      MqttBatchException failure = failureOf(client.publishAll(all));
      assertThat(failure.failures().keySet())
          .containsExactlyElementsOf(IntStream.range(30, 60).boxed().toList());
      assertArrived(server, numbers(0, 29));
      assertThat(told).hasValue(60);
    }
  }

  @Test
  void aMessageThatFailsInTheMiddleOfABatchMayCancelTheRest() {
    AtomicReference<MqttFuture<Void>> batch = new AtomicReference<>();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            MqttClient.builder(server.uri())
                .onPublished(
                    event -> {
                      if (event.failure().isPresent()) {
                        batch.get().cancel(false);
                      }
                    })
                .build()) {
      server
          .broker()
          .adjustConnack(connack -> connack.property(Property.MAXIMUM_PACKET_SIZE, 100L));
      client.connect(LIMIT);
      List<Publish> all = new ArrayList<>(messages(0, 59, Qos.AT_MOST_ONCE));
      all.set(30, Publish.builder("too/large").payload("x".repeat(100)).build());
      batch.set(client.publishAll(all));
      client.publish("batch", "last", Qos.AT_LEAST_ONCE).await(LIMIT);
      assertThat(payloads(server)).endsWith("28", "29", "last");
      assertThat(client.diagnostics()).contains("0 messages queued, 0 in flight (0 B in all)");
    }
  }

  @Test
  void aBatchLeavesEachTurnToTheOthers() throws Exception {
    int many = 100_000;
    Publish message = messages(0, 0, Qos.AT_MOST_ONCE).get(0);
    try (PlainServer server = new PlainServer();
        MqttLoop loop = MqttLoop.create();
        MqttClient flooding = MqttClient.builder(server.uri()).loop(loop).build();
        MqttClient other = MqttClient.builder(server.uri()).loop(loop).build()) {
      flooding.connect(LIMIT);
      other.connect(LIMIT);
      AtomicInteger flooded = new AtomicInteger();
      flooding.onPublished(event -> flooded.incrementAndGet());
      MqttFuture<Void> batch = flooding.publishAll(Collections.nCopies(many, message));
      AtomicInteger before = new AtomicInteger();
      other
          .publish("other", "x", Qos.AT_MOST_ONCE)
          .whenComplete((result, failure) -> before.set(flooded.get()))
          .toCompletableFuture()
          .join();
      assertThat(before).as("of the flood, before the other's turn").hasValueLessThan(5_000);
      batch.await(LIMIT);
      Await.until("all have come", () -> server.published() == many + 1);
    }
  }

  @Test
  void aBatchWithNullIsRefusedAsAWhole() {
    try (MqttClient client = MqttClient.builder(NOWHERE).build()) {
      List<Publish> all = Arrays.asList(messages(0, 0, Qos.AT_MOST_ONCE).get(0), null);
      assertThatThrownBy(() -> client.publishAll(all)).isInstanceOf(NullPointerException.class);
      assertThat(client.diagnostics()).contains("0 messages queued");
    }
  }

  @Test
  void failuresCannotBeChanged() {
    try (MqttClient client = MqttClient.builder(NOWHERE).build()) {
      MqttBatchException failure =
          failureOf(client.publishAll(messages(0, 0, Qos.AT_MOST_ONCE), OfflinePolicy.FAIL));
      MqttException why = failure.failures().get(0);
      assertThatThrownBy(() -> failure.failures().put(1, why))
          .isInstanceOf(UnsupportedOperationException.class);
    }
  }
}
