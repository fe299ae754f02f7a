// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttVersion;
import io.bight.testkit.PacketType;
import java.time.Duration;

/**
 * A server that may have begun a new session without our knowledge: a CONNECT was sent whose answer
 * did not arrive.
 */
class UncertainSessionTest extends RestartFixture {
  @EachVersion
  void afterACrashBetweenConnectAndConnackSubscriptionsAreMadeAgain(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback(1);
    subscribe("a").assertSuccess();
    cut();
    server.onConnection().expectConnect(); // it had lost the session, and begins one
    connect();
    crash();
    connecting(true)
        .expect(
            PacketType.SUBSCRIBE,
            packet -> {
              assertThat(packet.topicFilters()).containsExactly("a");
              if (with == MqttVersion.MQTT_5) {
                assertThat(packet.subscriptions().get(0).retainHandling()).isEqualTo(1);
              }
            })
        .sendSuback(1);
    connect();
    crash();
    connecting(false)
        .expect(
            PacketType.SUBSCRIBE,
            packet -> {
              assertThat(packet.topicFilters()).containsExactly("a");
              assertThat(packet.subscriptions().get(0).retainHandling()).isEqualTo(0);
            });
    connect();
  }

  @EachVersion
  void afterALostConnackSubscriptionsAreMadeAgainInTheSameProcess(MqttVersion with) {
    connected(with).expectSubscribe("a").sendSuback(1);
    subscribe("a").assertSuccess();
    cut();
    server.onConnection().expectConnect();
    connect();
    cut();
    connecting(true).expectSubscribe("a").sendSuback(1);
    connect();
    cut();
    connecting(true).expectNothing(Duration.ofSeconds(1));
    connect();
    advanceSeconds(1);
  }

  @EachVersion
  void identifiersFromBeforeMayMeanNewMessagesThen(MqttVersion with) {
    acknowledgeAtOnce();
    connected(with)
        .sendPublish("a", "x", 2, 7)
        .expectPubrec(7)
        .sendPublish("a", "y", 2, 8)
        .expectPubrec(8);
    carry();
    cut();
    server.onConnection().expectConnect();
    connect();
    crash();
    connecting(true)
        .sendPublish("new", "z", 2, 7) // DUP is 0: never sent before
        .expectPubrec(7)
        .send(
            io.bight.testkit.OutgoingPacket.publish("a", "y").qos(2).packetIdentifier(8).dup(true))
        .expectPubrec(8);
    connect();
    assertThat(payloads()).containsExactly("z");
  }

  @EachVersion
  void anIdentifierThatMeansANewMessageIsNotHandledUntilThatOneIs(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    carry();
    acknowledge(events.messages.get(0));
    cut();
    server.onConnection().expectConnect();
    connect();
    crash();
    connecting(true).sendPublish("new", "z", 2, 7);
    connect();
    engine.commit(now());
    crash(); // before the new message is handled
    connecting(true)
        .send(
            io.bight.testkit.OutgoingPacket.publish("new", "z")
                .qos(2)
                .packetIdentifier(7)
                .dup(true));
    connect();
    assertThat(payloads()).containsExactly("z");
  }

  @EachVersion
  void anIdentifierThatMeansANewMessageIsForgottenBeforeTheHandlerIsCalled(MqttVersion with) {
    connected(with).sendPublish("a", "x", 2, 7).expectPubrec(7);
    carry();
    acknowledge(events.messages.get(0));
    cut();
    server.onConnection().expectConnect();
    connect();
    crash();
    CrashingStore[] killed = new CrashingStore[1];
    events.whenMessage = message -> killed[0] = disk.afterCrash();
    connecting(true).sendPublish("new", "z", 2, 7);
    connect();
    events.whenMessage = message -> {};
    cut();
    restart(killed[0]);
    connecting(true)
        .send(
            io.bight.testkit.OutgoingPacket.publish("new", "z")
                .qos(2)
                .packetIdentifier(7)
                .dup(true));
    connect();
    assertThat(payloads()).containsExactly("z");
  }
}
