// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Subscription;
import io.bight.testkit.PacketType;
import io.bight.testkit.Property;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Events and completions may issue any command. */
class ReentrancyTest extends EngineFixture {
  private final Outcome<PublishResult> inner = new Outcome<>();

  private void disconnectNow() {
    engine.disconnect(new Disconnect(ReasonCode.SUCCESS), now());
  }

  private void publishNow() {
    engine.publish(qos1("inner").build(), inner, now());
  }

  private Outcome<SubscribeResult> subscribeNow(String filter, Outcome<SubscribeResult> outcome) {
    engine.subscribe(
        List.of(new Subscription(filter, Qos.AT_LEAST_ONCE)), Properties.NONE, outcome, now());
    return outcome;
  }

  // ---- connected

  @EachVersion
  void onConnectedMayPublishAndSubscribe(MqttVersion with) {
    version = with;
    events.whenConnected =
        connack -> {
          publishNow();
          subscribeNow("a", new Outcome<>());
        };
    accepting().expectPublish("inner").expectSubscribe("a").sendPuback(1).sendSuback();
    connect();
    inner.assertSuccess();
  }

  @EachVersion
  void onConnectedMayDisconnect(MqttVersion with) {
    version = with;
    events.whenConnected = connack -> disconnectNow();
    accepting().expectDisconnect().expectClose();
    connect();
    assertEnded(By.USER, ReasonCode.SUCCESS);
  }

  @Test
  void failureOfARequestWhileConnectingMayDisconnect() {
    subscribeNow("a/#", new Outcome<SubscribeResult>().then(this::disconnectNow));
    Outcome<SubscribeResult> second = subscribeNow("b", new Outcome<>());
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.WILDCARD_SUBSCRIPTION_AVAILABLE, 0))
        .expectDisconnect()
        .expectClose();
    connect();
    second.assertOpen();
    assertThat(events.connacks).as("not connected any more").isEmpty();
    assertEnded(By.USER, ReasonCode.SUCCESS);
    engine.failAll(new MqttException("end of the test", null));
    assertNothingInFlight();
  }

  @Test
  void messageLostWithTheSessionMayDisconnect() {
    engine =
        newEngine(
            new EngineOptions(
                java.time.Duration.ofSeconds(10),
                10,
                1000,
                OverflowPolicy.REJECT,
                EngineOptions.SessionLoss.FAIL,
                0,
                65_535));
    connected().expectPublish("a");
    publish(qos1("a").build(), new Outcome<PublishResult>().then(this::disconnectNow));
    cut();
    accepting().expectDisconnect().expectClose();
    connect();
    assertThat(events.connacks).hasSize(1);
    assertThat(events.ends).hasSize(2);
  }

  private void publish(io.bight.mqtt.packet.Publish message, Outcome<PublishResult> outcome) {
    engine.publish(message, outcome, now());
    carry();
  }

  // ---- ended

  @EachVersion
  void onConnectionEndedMayGiveCommandsThatWaitForTheNextConnection(MqttVersion with) {
    events.whenEnded =
        end -> {
          publishNow();
          subscribeNow("a", new Outcome<>());
          disconnectNow();
        };
    connected(with).resetConnection();
    carry();
    events.whenEnded = end -> {};
    accepting().expectSubscribe("a").expectPublish("inner").sendSuback().sendPuback(2);
    connect();
    inner.assertSuccess();
  }

  @Test
  void onConnectionEndedMayFailAll() {
    events.whenEnded = end -> engine.failAll(new MqttException("closed", null));
    connected().expectPublish("a").expectSubscribe("b");
    Outcome<PublishResult> published = publish(qos1("a"));
    Outcome<SubscribeResult> subscribed = subscribe("b");
    cut();
    published.assertFailure("closed");
    subscribed.assertFailure("closed");
    assertNothingInFlight();
  }

  @Test
  void onConnectionEndedMayReportTheTransportClosed() {
    events.whenEnded = end -> engine.connectionClosed(null, now());
    connected().sendDisconnect(0x8B).closeConnection();
    carryToClient();
    assertThat(engine.wantsClose()).isFalse();
    assertThat(events.ends).hasSize(1);
    cut();
    connected();
  }

  // ---- messages

  @EachVersion
  void onMessageMayAcknowledgePublishSubscribeAndUnsubscribe(MqttVersion with) {
    events.whenMessage =
        message -> {
          engine.acknowledge(message, ReasonCode.SUCCESS, Properties.NONE, now());
          publishNow();
          subscribeNow("b", new Outcome<>());
          engine.unsubscribe(List.of("b"), Properties.NONE, new Outcome<>(), now());
        };
    connected(with)
        .sendPublish("a", "x", 1, 7)
        .expectPuback(7)
        .expectPublish("inner")
        .expectSubscribe("b")
        .expectUnsubscribe("b")
        .sendPuback(1)
        .sendSuback()
        .sendUnsuback();
    carry();
    inner.assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void onMessageMayDisconnectAndWhatFollowsIsNotDelivered(MqttVersion with) {
    events.whenMessage = message -> disconnectNow();
    connected(with)
        .together(
            more ->
                more.sendPublish("a", "1").sendPublish("a", "2").expectDisconnect().expectClose());
    carry();
    assertThat(payloads()).containsExactly("1");
  }

  @EachVersion
  void onMessageMayTakeOutgoing(MqttVersion with) {
    acknowledgeAtOnce();
    var acknowledging = events.whenMessage;
    events.whenMessage =
        message -> {
          acknowledging.accept(message);
          carryToServer();
        };
    connected(with)
        .together(
            more ->
                more.sendPublish("a", "1", 1, 1)
                    .sendPublish("a", "2", 1, 2)
                    .expectPuback(1)
                    .expectPuback(2));
    carry();
    assertThat(payloads()).containsExactly("1", "2");
  }

  @Test
  void onMessageMayReportTheTransportClosed() {
    events.whenMessage = message -> engine.connectionClosed(null, now());
    connected().sendPublish("a", "1").sendPublish("a", "2");
    carryToClient();
    assertThat(payloads()).containsExactly("1");
    assertThat(onlyEnd().by()).isEqualTo(By.SERVER);
    cut();
  }

  // ---- completions

  @EachVersion
  void pubackMayPublishTheNext(MqttVersion with) {
    connected(with).expectPublish("a").sendPuback().expectPublish("inner").sendPuback();
    publish(qos1("a").build(), new Outcome<PublishResult>().then(this::publishNow));
    inner.assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void pubcompMayDisconnect(MqttVersion with) {
    connected(with)
        .expectPublish("a")
        .sendPubrec()
        .expectPubrel(1)
        .sendPubcomp()
        .expectDisconnect()
        .expectClose();
    publish(qos2("a").build(), new Outcome<PublishResult>().then(this::disconnectNow));
    assertEnded(By.USER, ReasonCode.SUCCESS);
  }

  @EachVersion
  void subackMaySubscribeToMore(MqttVersion with) {
    Outcome<SubscribeResult> second = new Outcome<>();
    connected(with).expectSubscribe("a").sendSuback().expectSubscribe("b").sendSuback();
    subscribeNow("a", new Outcome<SubscribeResult>().then(() -> subscribeNow("b", second)));
    carry();
    second.assertSuccess();
  }

  @Test
  void qos0MayPublishTheNextFromItsCompletion() {
    connected().expectPublish("a").expectPublish("inner").sendPuback();
    publish(qos0("a").build(), new Outcome<PublishResult>().then(this::publishNow));
    inner.assertSuccess();
  }

  @Test
  void failureInTheQueueMayDisconnectAndTheRestGoesOut() {
    engine.publish(
        qos2("a").build(), new Outcome<PublishResult>().then(this::disconnectNow), now());
    engine.publish(qos0("b").build(), inner, now());
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.MAXIMUM_QOS, 1))
        .expectPublish("b")
        .expectDisconnect()
        .expectClose();
    connect();
    inner.assertSuccess();
    assertEnded(By.USER, ReasonCode.SUCCESS);
  }

  @Test
  void failureOfARepetitionMayDisconnect() {
    connected().expectPublish("a").expectPublish("b");
    publish(
        qos1("a").payload(new byte[100]).build(),
        new Outcome<PublishResult>().then(this::disconnectNow));
    Outcome<PublishResult> second = publish(qos1("b"));
    cut();
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.sessionPresent(true).property(Property.MAXIMUM_PACKET_SIZE, 50))
        .expectDisconnect()
        .expectClose();
    connect();
    second.assertOpen();
    assertThat(server.packets(PacketType.PUBLISH)).hasSize(2);
    engine.failAll(new MqttException("end of the test", null));
  }

  @Test
  void failureOfAFullQueueMayDisconnect() {
    engine =
        newEngine(
            new EngineOptions(
                java.time.Duration.ofSeconds(10),
                0,
                1000,
                OverflowPolicy.REJECT,
                EngineOptions.SessionLoss.REPUBLISH,
                0,
                65_535));
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.RECEIVE_MAXIMUM, 1))
        .expectPublish("a")
        .expectDisconnect()
        .expectClose();
    connect();
    publish(qos1("a"));
    publish(qos1("b").build(), new Outcome<PublishResult>().then(this::disconnectNow));
    assertEnded(By.USER, ReasonCode.SUCCESS);
    engine.failAll(new MqttException("end of the test", null));
  }

  // ---- authentication and deadlines

  @Test
  void onAuthMayDisconnect() {
    connectProperties.set(io.bight.mqtt.Property.AUTHENTICATION_METHOD, "m");
    events.whenAuth = auth -> disconnectNow();
    server
        .onConnection()
        .expectConnect()
        .send(
            io.bight.testkit.OutgoingPacket.auth(0x18)
                .property(Property.AUTHENTICATION_METHOD, "m"))
        .expectDisconnect()
        .expectClose();
    connect();
    assertEnded(By.USER, ReasonCode.SUCCESS);
  }

  @Test
  void endByADeadlineMayPublish() {
    keepAliveSeconds = 10;
    connected().swallow();
    events.whenEnded = end -> publishNow();
    advanceSeconds(15);
    assertThat(engine.session().queuedMessages()).isOne();
    engine.failAll(new MqttException("end of the test", null));
  }
}
