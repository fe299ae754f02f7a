// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.mqtt.packet.Subscription;
import io.bight.testkit.OutgoingPacket;
import io.bight.testkit.PacketType;
import io.bight.testkit.Property;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** SUBSCRIBE and UNSUBSCRIBE, from the command to the server's answer. */
class SubscribeTest extends EngineFixture {
  // ---- answers

  @EachVersion
  @Normative(
      v311 = {"2.3.1-1", "3.8.1-1"},
      v5 = {"2.2.1-3", "3.8.1-1", "2.2.1-6", "3.8.4-2"})
  void subscribeIsGranted(MqttVersion with) {
    var script =
        connected(with)
            .expect(
                PacketType.SUBSCRIBE,
                subscribe -> {
                  assertThat(subscribe.packetIdentifier()).isOne();
                  assertThat(subscribe.topicFilters()).containsExactly("a", "b/#");
                });
    Outcome<SubscribeResult> subscribed = subscribe("a", "b/#");
    subscribed.assertOpen();
    assertThat(engine.session().packetIdentifiersInUse()).isOne();
    script.sendSuback(1, 0);
    carry();
    SubscribeResult result = subscribed.assertSuccess();
    assertThat(result.reasonCodes()).containsExactly(ReasonCode.GRANTED_QOS_1, ReasonCode.SUCCESS);
    assertThat(result.grantedQos(0)).isEqualTo(Qos.AT_LEAST_ONCE);
    assertThat(result.grantedQos(1)).isEqualTo(Qos.AT_MOST_ONCE);
    assertThat(engine.session().wantedTopicFilters()).containsExactly("a", "b/#");
    assertNothingInFlight();
  }

  @EachVersion
  void subscribeBeforeConnectWaitsForIt(MqttVersion with) {
    version = with;
    Outcome<SubscribeResult> subscribed = subscribe("a");
    Outcome<UnsubscribeResult> unsubscribed = unsubscribe("b");
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .expectSubscribe("a")
        .expectUnsubscribe("b")
        .sendSuback()
        .sendUnsuback();
    connect();
    subscribed.assertSuccess();
    unsubscribed.assertSuccess();
  }

  @EachVersion
  void refusedSubscribeIsAFailure(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback(0x80);
    subscribe("a").assertRefused(ReasonCode.UNSPECIFIED_ERROR, "'a'");
    assertThat(engine.session().wantedTopicFilters()).isEmpty();
    assertNothingInFlight();
  }

  @Test
  void partlyRefusedSubscribeIsAFailureThatKeepsWhatWasGranted() {
    connected()
        .expectSubscribe("a", "b", "c")
        .send(OutgoingPacket.suback(1, 1, 0x87, 0x8F).property(Property.REASON_STRING, "only a"));
    subscribe("a", "b", "c")
        .assertRefused(
            ReasonCode.NOT_AUTHORIZED, "'b': not authorized", "'c': topic filter", "only a");
    assertThat(engine.session().wantedTopicFilters()).containsExactly("a");
  }

  @EachVersion
  @Normative(v311 = "3.8.4-5", v5 = "3.8.4-6")
  void subackWithAnotherNumberOfCodesEndsTheConnection(MqttVersion with) {
    var script = connected(with).expectSubscribe("a", "b").sendSuback(1);
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x82);
    }
    script.expectClose();
    subscribe("a", "b").assertOpen();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR, "Suback");
    engine.failAll(new MqttException("end of the test", null));
  }

  @EachVersion
  @Normative(v311 = "3.9.3-1", v5 = "3.9.3-1")
  void codesOfSubackBelongToTheFiltersInTheirOrder(MqttVersion with) {
    connected(with).expectSubscribe("a", "b", "c").sendSuback(0, 0x80, 1);
    subscribe("a", "b", "c").assertFailure("'b'");
    assertThat(engine.session().wantedTopicFilters()).containsExactly("a", "c");
  }

  @EachVersion
  @Normative(v311 = "3.9.3-2", v5 = "3.9.3-2")
  void reservedCodeInSubackEndsTheConnection(MqttVersion with) {
    var script = connected(with).expectSubscribe("a");
    if (with == MqttVersion.MQTT_5) {
      script.sendBytes("90 04 00 01 00 03").expectDisconnect(0x82);
    } else {
      script.sendBytes("90 03 00 01 03");
    }
    script.expectClose();
    subscribe("a");
    assertThat(onlyEnd().by()).isEqualTo(By.CLIENT);
    engine.failAll(new MqttException("end of the test", null));
  }

  @EachVersion
  void subackForNothingEndsTheConnection(MqttVersion with) {
    var script = connected(with).send(OutgoingPacket.suback(5, 0));
    if (with == MqttVersion.MQTT_5) {
      script.expectDisconnect(0x82);
    }
    script.expectClose();
    carry();
    assertEnded(By.CLIENT, ReasonCode.PROTOCOL_ERROR);
  }

  @Test
  void unsubackForSubscribeEndsTheConnection() {
    connected()
        .expectSubscribe("a")
        .send(OutgoingPacket.unsuback(1, 0))
        .expectDisconnect(0x82)
        .expectClose();
    subscribe("a");
    engine.failAll(new MqttException("end of the test", null));
  }

  @Test
  void optionsAndIdentifierOfASubscriptionArrive() {
    connected()
        .expect(
            PacketType.SUBSCRIBE,
            subscribe -> {
              assertThat(subscribe.properties().number(Property.SUBSCRIPTION_IDENTIFIER))
                  .isEqualTo(7);
              assertThat(subscribe.subscriptions().get(0).noLocal()).isTrue();
            })
        .sendSuback();
    engine.subscribe(
        List.of(new Subscription("a", Qos.EXACTLY_ONCE).withNoLocal()),
        identifier(7),
        new Outcome<>(),
        now());
    carry();
  }

  @Test
  @Normative(
      v5 = {"3.11.3-1", "3.11.3-2"},
      v311 = "3.10.1-1")
  void unsubscribeIsAnswered() {
    connected().expectSubscribe("a").sendSuback().expectUnsubscribe("a").sendUnsuback(0x11);
    subscribe("a").assertSuccess();
    assertThat(unsubscribe("a").assertSuccess().reasonCodes())
        .containsExactly(ReasonCode.NO_SUBSCRIPTION_EXISTED);
    assertThat(engine.session().wantedTopicFilters()).isEmpty();
    assertNothingInFlight();
  }

  @Test
  void unsubackBefore5HasNoCodes() {
    connected(MqttVersion.MQTT_3_1_1).expectUnsubscribe("a").sendUnsuback();
    assertThat(unsubscribe("a").assertSuccess().reasonCodes()).isEmpty();
  }

  @Test
  void refusedUnsubscribeIsAFailure() {
    connected().expectUnsubscribe("a", "b").sendUnsuback(0, 0x87);
    unsubscribe("a", "b").assertRefused(ReasonCode.NOT_AUTHORIZED, "[a, b]");
  }

  @Test
  void unsubackWithAnotherNumberOfCodesEndsTheConnection() {
    connected().expectUnsubscribe("a", "b").sendUnsuback(0).expectDisconnect(0x82).expectClose();
    unsubscribe("a", "b");
    engine.failAll(new MqttException("end of the test", null));
  }

  // ---- the next connection

  @EachVersion
  void requestWhoseAnswerWasLostIsMadeAgain(MqttVersion with) {
    connected(with).expectSubscribe("a").expectUnsubscribe("b");
    Outcome<SubscribeResult> subscribed = subscribe("a");
    Outcome<UnsubscribeResult> unsubscribed = unsubscribe("b");
    cut();
    subscribed.assertOpen();
    assertThat(engine.session().packetIdentifiersInUse()).isZero();
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.sessionPresent(true))
        .expectSubscribe("a")
        .expectUnsubscribe("b")
        .sendSuback()
        .sendUnsuback();
    connect();
    subscribed.assertSuccess();
    unsubscribed.assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  void subscriptionsAreNotMadeAgainWhenTheServerHasThem(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback();
    subscribe("a");
    cut();
    resumed().expectNothing(Duration.ofSeconds(1));
    advanceSeconds(1);
  }

  @EachVersion
  void subscriptionsAreMadeAgainWhenTheSessionWasLost(MqttVersion with) {
    connected(with)
        .expectSubscribe("a", "b")
        .sendSuback()
        .expectSubscribe("c")
        .sendSuback()
        .expectUnsubscribe("b")
        .sendUnsuback();
    subscribe("a", "b");
    subscribe("c");
    unsubscribe("b");
    cut();
    server.onConnection().expectConnect().sendConnack().expectSubscribe("a", "c").sendSuback();
    connect();
    assertThat(events.resubscribeFailures).isEmpty();
    assertNothingInFlight();
  }

  @Test
  void subscriptionsAreMadeAgainWithTheirOptionsAndIdentifiers() {
    var script = connected();
    script.expectSubscribe("a").sendSuback().expectSubscribe("b").sendSuback();
    script.expectSubscribe("c").sendSuback();
    subscribe(identifier(7), "a");
    subscribe(identifier(8), "b");
    subscribe(identifier(7), "c");
    cut();
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .expect(
            PacketType.SUBSCRIBE,
            subscribe -> {
              assertThat(subscribe.topicFilters()).containsExactly("a", "c");
              assertThat(subscribe.properties().number(Property.SUBSCRIPTION_IDENTIFIER))
                  .isEqualTo(7);
            })
        .sendSuback()
        .expectSubscribe("b")
        .sendSuback();
    connect();
    assertNothingInFlight();
  }

  @Test
  void subscriptionsThatAreRefusedTheSecondTimeAreTold() {
    connected().expectSubscribe("a").sendSuback();
    subscribe("a");
    cut();
    server.onConnection().expectConnect().sendConnack().expectSubscribe("a").sendSuback(0x87);
    connect();
    assertThat(events.resubscribeFailures).singleElement().asString().contains("'a'");
    assertThat(engine.state()).isEqualTo(MqttEngine.State.CONNECTED);
  }

  @Test
  void subscriptionsThatTheServerCannotDoAnyMoreDoNotKeepTheOthersBack() {
    connected().expectSubscribe("a", "b/#", "c").sendSuback();
    subscribe("a", "b/#", "c");
    cut();
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.WILDCARD_SUBSCRIPTION_AVAILABLE, 0))
        .expectSubscribe("a", "c")
        .sendSuback();
    connect();
    assertThat(events.resubscribeFailures).singleElement().asString().contains("b/#");
  }

  @Test
  void endOfTheClientIsNoFailureToSubscribeAgain() {
    connected().expectSubscribe("a").sendSuback();
    subscribe("a");
    cut();
    accepting().expectSubscribe("a");
    connect();
    cut();
    engine.failAll(new MqttException("closed", null));
    assertThat(events.resubscribeFailures).isEmpty();
  }

  @Test
  void newRequestForAFilterTakesThePlaceOfTheOldSubscription() {
    connected().expectSubscribe("a").sendSuback();
    subscribe(identifier(1), "a");
    cut();
    Outcome<SubscribeResult> subscribed = subscribe(identifier(2), "a");
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .expect(
            PacketType.SUBSCRIBE,
            subscribe ->
                assertThat(subscribe.properties().number(Property.SUBSCRIPTION_IDENTIFIER))
                    .isEqualTo(2))
        .sendSuback();
    connect();
    subscribed.assertSuccess();
  }

  @Test
  void manySubscriptionsAreMadeAgainInPartsThatTheServerAccepts() {
    String[] filters = new String[250];
    for (int i = 0; i < filters.length; i++) {
      filters[i] = String.format("building/%03d/temperature", i);
    }
    connected().expect(PacketType.SUBSCRIBE).sendSuback();
    subscribe(filters).assertSuccess();
    cut();
    var script =
        server
            .onConnection()
            .expectConnect()
            .sendConnack(c -> c.property(Property.MAXIMUM_PACKET_SIZE, 2000));
    List<String> again = new ArrayList<>();
    int parts = 10; // of 26, since three bytes a character are assumed
    for (int i = 0; i < parts; i++) {
      script
          .expect(
              PacketType.SUBSCRIBE,
              subscribe -> {
                assertThat(subscribe.bytes().length).isLessThanOrEqualTo(2000);
                again.addAll(subscribe.topicFilters());
              })
          .sendSuback();
    }
    connect();
    assertThat(again).containsExactly(filters);
    assertNothingInFlight();
  }

  @Test
  void requestThatEndsEveryConnectionIsGivenUp() {
    connected().expectSubscribe("a").closeConnection();
    Outcome<SubscribeResult> subscribed = subscribe("a");
    carry();
    for (int i = 2; i <= 5; i++) {
      subscribed.assertOpen();
      server.onConnection().expectConnect().sendConnack().expectSubscribe("a").closeConnection();
      connect();
    }
    server.onConnection().expectConnect().sendConnack();
    connect();
    subscribed.assertFailure("SUBSCRIBE of [a]", "5 connections", "not asked for again");
    assertNothingInFlight();
  }

  @Test
  void filterUnsubscribedBeforeItsSubackIsNotWanted() {
    var script = connected().expectSubscribe("a").expectUnsubscribe("a");
    Outcome<SubscribeResult> subscribed = subscribe("a");
    Outcome<UnsubscribeResult> unsubscribed = unsubscribe("a");
    script.sendSuback().sendUnsuback();
    carry();
    subscribed.assertSuccess();
    unsubscribed.assertSuccess();
    assertThat(engine.session().wantedTopicFilters()).isEmpty();
  }

  @Test
  void filterSubscribedAgainAfterItsUnsubscribeIsWanted() {
    var script = connected().expectUnsubscribe("a").expectSubscribe("a");
    unsubscribe("a");
    subscribe("a");
    script.sendUnsuback().sendSuback();
    carry();
    assertThat(engine.session().wantedTopicFilters()).containsExactly("a");
  }

  @Test
  void filterIsUnwantedAsLongAsALaterUnsubscribeOfItIsOnItsWay() {
    var script =
        connected()
            .expectUnsubscribe("a")
            .expectSubscribe("a", "b")
            .expectUnsubscribe("c", "a")
            .expectSubscribe("c");
    unsubscribe("a");
    subscribe("a", "b");
    unsubscribe("c", "a");
    subscribe("c");
    script.send(OutgoingPacket.unsuback(1, 0)).send(OutgoingPacket.suback(2, 1, 1));
    carry();
    assertThat(engine.session().wantedTopicFilters()).containsExactly("b");
    script.send(OutgoingPacket.unsuback(3, 0, 0)).send(OutgoingPacket.suback(4, 1));
    carry();
    assertThat(engine.session().wantedTopicFilters()).containsExactly("b", "c");
    script.expectSubscribe("a").sendSuback();
    subscribe("a").assertSuccess();
    assertThat(engine.session().wantedTopicFilters()).containsExactly("b", "c", "a");
  }

  // ---- what the server has said it does not support

  @Test
  void wildcardIsNotAskedOfAServerWithout() {
    connectedWith(Property.WILDCARD_SUBSCRIPTION_AVAILABLE);
    subscribe("a/#").assertRefused(ReasonCode.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED, "[a/#]");
    assertNothingInFlight();
  }

  @Test
  void sharedSubscriptionIsNotAskedOfAServerWithout() {
    connectedWith(Property.SHARED_SUBSCRIPTION_AVAILABLE);
    subscribe("$share/g/a").assertRefused(ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED);
  }

  @Test
  void subscriptionIdentifierIsNotAskedOfAServerWithout() {
    connectedWith(Property.SUBSCRIPTION_IDENTIFIER_AVAILABLE);
    subscribe(identifier(1), "a").assertRefused(ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED);
  }

  @Test
  @Normative(v5 = "3.2.2-15")
  void requestLargerThanTheServerAcceptsFails() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.MAXIMUM_PACKET_SIZE, 30));
    connect();
    subscribe("a".repeat(40)).assertRefused(ReasonCode.PACKET_TOO_LARGE, "30");
    unsubscribe("a".repeat(40)).assertRefused(ReasonCode.PACKET_TOO_LARGE, "30");
    assertNothingInFlight();
  }

  @Test
  void requestThatCannotBeEncodedFailsAlone() {
    connected().expectSubscribe("good").sendSuback();
    Properties wrong = Properties.builder().set(io.bight.mqtt.Property.TOPIC_ALIAS, 3).build();
    subscribe(wrong, "bad").assertFailure("cannot send SUBSCRIBE for [bad]");
    subscribe("good").assertSuccess();
  }

  private void connectedWith(Property unavailable) {
    server.onConnection().expectConnect().sendConnack(c -> c.property(unavailable, 0));
    connect();
  }

  private static Properties identifier(int identifier) {
    return Properties.builder()
        .set(io.bight.mqtt.Property.SUBSCRIPTION_IDENTIFIER, identifier)
        .build();
  }
}
