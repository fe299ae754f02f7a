// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.broker.EmbeddedBroker;
import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttFuture;
import io.bight.client.ReconnectPolicy;
import io.bight.client.Registration;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.testkit.FaultLink;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.MosquittoServer;
import io.bight.testkit.ScriptedServer;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Row B9 of docs/loop-table.md: callbacks per topic filter. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class FilterTest {
  private static final Duration LIMIT = Await.LIMIT;
  private static final ReconnectPolicy FAST =
      ReconnectPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(100));

  private static EmbeddedBroker hiveMq;
  private static MosquittoServer mosquitto;

  private final List<String> calls = Collections.synchronizedList(new ArrayList<>());

  @BeforeAll
  static void startServers() {
    hiveMq = EmbeddedBroker.start();
    mosquitto = MosquittoServer.isInstalled() ? MosquittoServer.start() : null;
  }

  @AfterAll
  static void stopServers() {
    hiveMq.close();
    if (mosquitto != null) {
      mosquitto.close();
    }
  }

  /** Each real server with each version that has shared subscriptions there. */
  static Stream<Arguments> serversAndVersions() {
    Stream.Builder<Arguments> all = Stream.builder();
    for (MqttVersion version : List.of(MqttVersion.MQTT_3_1_1, MqttVersion.MQTT_5)) {
      all.add(Arguments.of(URI.create(hiveMq.uri()), version));
      if (mosquitto != null) {
        all.add(Arguments.of(mosquitto.uri(), version));
      }
    }
    return all.build();
  }

  private static MqttClientBuilder of(URI server, MqttVersion version) {
    return MqttClient.builder(server.toString()).version(version).reconnect(FAST);
  }

  /** A handler that writes down its name and what it was given. */
  private Consumer<Message> named(String name) {
    return message -> calls.add(name + " " + message.payloadUtf8());
  }

  private List<String> callsWith(String payload) {
    synchronized (calls) {
      return calls.stream().filter(call -> call.endsWith(" " + payload)).toList();
    }
  }

  // ---- overlapping

  @Test
  void b9EachMatchingCallbackIsCalledOnceInTheOrderInWhichTheyWereRegistered() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client =
            of(server.uri(), MqttVersion.MQTT_5)
                .onMessage("a/+", named("plus"))
                .onMessage(named("all"))
                .build()) {
      client.loopStart();
      client.onMessage("a/b/#", named("parent too"));
      client.onMessage("a/c", named("another"));
      client.onMessage("$share/group/+/b", named("shared"));
      Registration removed = client.onMessage("#", named("removed"));
      client.onMessage("a/b", named("exact"));
      client.onMessage("a/b", named("exact again"));
      removed.close();
      client.connect(LIMIT);
      client.subscribe("a/b", Qos.AT_LEAST_ONCE, named("subscribed")).await(LIMIT);
      server.broker().publish("a/b", "x", 1);
      server.broker().publish("a/b", "last", 1);
      Await.until("all is there", () -> callsWith("last").size() == 7);
      assertThat(callsWith("x"))
          .containsExactly(
              "plus x",
              "all x",
              "parent too x",
              "shared x",
              "exact x",
              "exact again x",
              "subscribed x");
    }
  }

  @Test
  void b9SubscribingAgainPutsTheNewHandlerInThePlaceOfTheOldOne() {
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttClient client = of(server.uri(), MqttVersion.MQTT_5).build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("a", Qos.AT_LEAST_ONCE, named("first")).await(LIMIT);
      client.onMessage("a", named("second"));
      client.subscribe("a", Qos.AT_LEAST_ONCE, named("first anew")).await(LIMIT);
      server.broker().publish("a", "x", 1);
      Await.until("all is there", () -> calls.size() >= 2);
      client.unsubscribe("a").await(LIMIT);
      assertThat(calls).containsExactly("first anew x", "second x");
    }
  }

  @ParameterizedTest
  @MethodSource("serversAndVersions")
  void b9OverlappingSubscriptionsCallEachHandlerOnceForEachMessage(
      URI server, MqttVersion version) {
    try (MqttClient client = of(server, version).build()) {
      client.loopStart();
      client.connect(LIMIT);
      client.subscribe("b9/over/+", Qos.AT_LEAST_ONCE, named("plus")).await(LIMIT);
      client.subscribe("b9/over/a", Qos.EXACTLY_ONCE, named("exact")).await(LIMIT);
      client.onMessage(named("all"));
      client.publish("b9/over/a", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
      client.publish("b9/over/a", "last", Qos.AT_LEAST_ONCE).await(LIMIT);
      Await.until("all is there", () -> callsWith("last").size() >= 3);
      // The server may send a message once for each subscription [MQTT-3.3.4-2].
      int copies = callsWith("x").size() / 3;
      assertThat(copies).isBetween(1, 2);
      assertThat(callsWith("x"))
          .isEqualTo(
              IntStream.range(0, copies)
                  .boxed()
                  .flatMap(copy -> Stream.of("plus x", "exact x", "all x"))
                  .toList());
    }
  }

  // ---- shared subscriptions

  @ParameterizedTest
  @MethodSource("serversAndVersions")
  void b9HandlersOfSharedSubscriptionsAreGivenTheirMessages(URI server, MqttVersion version) {
    String topic = "b9/shared/" + version + "/x";
    String filter = "$share/group/b9/shared/" + version + "/+";
    try (MqttClient one = of(server, version).build();
        MqttClient two = of(server, version).onMessage(filter, named("two")).build();
        MqttClient publisher = of(server, version).build()) {
      for (MqttClient client : List.of(one, two, publisher)) {
        client.loopStart();
        client.connect(LIMIT);
      }
      one.subscribe(filter, Qos.AT_LEAST_ONCE, named("one")).await(LIMIT);
      publish(publisher, topic, 10);
      Await.until("the first has all", () -> countOf("one ") == 10);
      two.subscribe(filter, Qos.AT_LEAST_ONCE).await(LIMIT);
      publish(publisher, topic, 10);
      Await.until("each has come once", () -> calls.size() == 20);
      one.unsubscribe(filter).await(LIMIT);
      int before = countOf("two ");
      publish(publisher, topic, 10);
      Await.until("the second has all", () -> countOf("two ") == before + 10);
      assertThat(calls).hasSize(30);
    }
  }

  private static void publish(MqttClient publisher, String topic, int messages) {
    for (int i = 0; i < messages; i++) {
      publisher.publish(topic, "" + i, Qos.AT_LEAST_ONCE).await(LIMIT);
    }
  }

  private int countOf(String name) {
    synchronized (calls) {
      return (int) calls.stream().filter(call -> call.startsWith(name)).count();
    }
  }

  // ---- $

  @Test
  void b9WildcardsAtTheFirstLevelDoNotMatchTopicsThatBeginWithDollar() {
    for (MqttVersion version : List.of(MqttVersion.MQTT_3_1_1, MqttVersion.MQTT_5)) {
      calls.clear();
      try (ScriptedServer server = ScriptedServer.start();
          MqttClient client =
              of(server.uri(), version)
                  .onMessage("#", named("all levels"))
                  .onMessage("+/broker/load", named("one level"))
                  .onMessage("$share/group/#", named("shared"))
                  .onMessage("$SYS/#", named("$SYS"))
                  .onMessage("$SYS/+/load", named("$SYS/+"))
                  .onMessage(named("without a filter"))
                  .build()) {
        server
            .onConnection()
            .expectConnect()
            .sendConnack()
            .sendPublish("$SYS/broker/load", "x")
            .sendPublish("SYS/broker/load", "y")
            .expectDisconnect()
            .expectClose();
        client.loopStart();
        client.connect(LIMIT);
        Await.until("all is there", () -> callsWith("y").size() == 4);
        client.disconnect();
        server.awaitScripts(LIMIT);
      }
      assertThat(calls)
          .containsExactly(
              "$SYS x",
              "$SYS/+ x",
              "without a filter x",
              "all levels y",
              "one level y",
              "shared y",
              "without a filter y");
    }
  }

  // ---- reconnects

  /** Each is subscribed to with a call of its own; a new session asks for all in few packets. */
  @Test
  void b9TenThousandFiltersEachWithItsOwnHandlerSurviveAReconnect() {
    int filters = 10_000;
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        FaultLink link = FaultLink.to(server.uri());
        MqttClient client =
            of(link.uri(), MqttVersion.MQTT_5)
                .cleanStart(true)
                .sessionExpiryInterval(Duration.ZERO)
                .build()) {
      client.loopStart();
      client.connect(LIMIT);
      AtomicInteger subscribes = new AtomicInteger();
      MqttFuture<?> last = null;
      for (int i = 0; i < filters; i++) {
        String filter = i % 2 == 0 ? "site/" + i + "/state" : "site/" + i + "/+";
        last = client.subscribe(filter, Qos.AT_LEAST_ONCE, named("h" + i));
      }
      last.await(LIMIT);
      client.onPacket(line -> subscribes.addAndGet(line.contains(">> SUBSCRIBE") ? 1 : 0));
      for (String payload : List.of("before", "after")) {
        for (int i : List.of(0, 1, 4_999, 9_998)) {
          server.broker().publish("site/" + i + "/state", payload, 1);
        }
        Await.until("all is there", () -> callsWith(payload).size() == 4);
        assertThat(callsWith(payload))
            .containsExactly(
                "h0 " + payload, "h1 " + payload, "h4999 " + payload, "h9998 " + payload);
        if (payload.equals("before")) {
          link.reset();
          Await.until("it is back", () -> subscribes.get() > 0);
          client.subscribe("marker", Qos.AT_LEAST_ONCE).await(LIMIT);
        }
      }
      assertThat(subscribes).hasValueLessThanOrEqualTo(filters / 100 + 1);
      client.unsubscribe("site/1/+").await(LIMIT);
      server.broker().publish("site/1/state", "unwanted", 1);
      server.broker().publish("site/0/state", "wanted", 1);
      Await.until("it is there", () -> callsWith("wanted").size() == 1);
      assertThat(callsWith("unwanted")).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("serversAndVersions")
  void b9HandlersSurviveAReconnectThatLosesTheSession(URI server, MqttVersion version) {
    surviveAReconnect(server, version, true);
  }

  @ParameterizedTest
  @MethodSource("serversAndVersions")
  void b9HandlersSurviveAReconnectThatResumesTheSession(URI server, MqttVersion version) {
    surviveAReconnect(server, version, false);
  }

  private void surviveAReconnect(URI server, MqttVersion version, boolean newSession) {
    String base = "b9/again/" + version + "/" + newSession;
    MqttClientBuilder builder =
        MqttClient.builder(server.toString()).version(version).reconnect(FAST);
    try (FaultLink link = FaultLink.to(server);
        MqttClient client =
            of(link.uri(), version)
                .clientId(base.replace('/', '-'))
                .cleanStart(newSession)
                .sessionExpiryInterval(newSession ? Duration.ZERO : Duration.ofHours(1))
                .onMessage(base + "/local/#", named("local"))
                .build();
        MqttClient publisher = builder.build()) {
      client.loopStart();
      publisher.loopStart();
      client.connect(LIMIT);
      publisher.connect(LIMIT);
      client.subscribe("$share/g/" + base + "/shared/+", Qos.AT_LEAST_ONCE, named("shared"));
      client.subscribe(base + "/own/+", Qos.AT_LEAST_ONCE, named("own"));
      client.subscribe(base + "/local/+", Qos.AT_LEAST_ONCE).await(LIMIT);
      for (int round = 0; round < 3; round++) {
        String payload = "" + round;
        if (round > 0) {
          int before = link.connections();
          link.reset();
          Await.until("it is back", () -> link.connections() > before && client.isConnected());
          // What the client has said on this connection is answered, SUBSCRIBE included.
          client.publish(base + "/nobody", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
          client.subscribe(base + "/marker", Qos.AT_LEAST_ONCE).await(LIMIT);
        }
        for (String kind : List.of("shared", "own", "local")) {
          publisher.publish(base + "/" + kind + "/a", payload, Qos.AT_LEAST_ONCE).await(LIMIT);
        }
        Await.until("round " + round, () -> callsWith(payload).size() >= 3);
        assertThat(callsWith(payload))
            .containsExactlyInAnyOrder("shared " + payload, "own " + payload, "local " + payload);
      }
      client.disconnect();
    }
  }
}
