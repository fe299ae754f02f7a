// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.engine.EngineOptions.SessionLoss;
import io.bight.mqtt.engine.OutgoingPublish.Progress;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.Property;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Messages that wait to be sent: bounds, expiry, order, and taking them back. */
class QueueTest extends EngineFixture {
  private void bound(int messages, long bytes) {
    engine =
        newEngine(
            new EngineOptions(
                Duration.ofSeconds(10),
                messages,
                bytes,
                OverflowPolicy.REJECT,
                SessionLoss.REPUBLISH,
                0,
                65_535));
  }

  private OutgoingPublish enqueue(Publish.Builder message) {
    return engine.publish(message.build(), new Outcome<>(), now());
  }

  @Test
  void queueIsBoundedByCount() {
    bound(2, 1_000_000);
    Outcome<PublishResult> first = publish(qos0("a"));
    Outcome<PublishResult> second = publish(qos1("b"));
    assertThat(publish(qos1("c")).assertFailure("2 messages", "client 'test'"))
        .isInstanceOf(MqttQueueFullException.class);
    accepting().expectPublish("a").expectPublish("b").sendPuback();
    connect();
    first.assertSuccess();
    second.assertSuccess();
    assertNothingInFlight();
  }

  @Test
  void queueIsBoundedByBytes() {
    bound(100, 1000);
    publish(qos0("aa").payload(new byte[400])).assertOpen();
    assertThat(engine.session().heldBytes()).isEqualTo(604);
    publish(qos0("bb").payload(new byte[193])).assertFailure("604 B", "1000 B", "397 B");
    publish(qos0("bb").payload(new byte[192])).assertOpen();
    assertThat(engine.session().heldBytes()).isEqualTo(1000);
    assertThat(engine.session().queuedMessages()).isEqualTo(2);
    engine.failAll(new MqttException("end of the test", null));
    assertNothingInFlight();
  }

  @EachVersion
  void queueKeepsItsOrderAcrossQosAndConnections(MqttVersion with) {
    version = with;
    for (int i = 0; i < 3; i++) {
      enqueue(qos0("0/" + i));
      enqueue(qos1("1/" + i));
      enqueue(qos2("2/" + i));
    }
    var script = server.onConnection().expectConnect().sendConnack();
    for (int i = 0; i < 3; i++) {
      script.expectPublish("0/" + i).expectPublish("1/" + i).expectPublish("2/" + i);
    }
    connect();
    assertThat(engine.session().queuedMessages()).isZero();
    engine.failAll(new MqttException("end of the test", null));
  }

  @Test
  void messageThatWaitsIsNotOvertaken() {
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.RECEIVE_MAXIMUM, 1))
        .expectPublish("1")
        .expectNothing(Duration.ofSeconds(1))
        .sendPuback(1)
        .expectPublish("2")
        .expectPublish("3")
        .sendPuback(2);
    connect();
    publish(qos1("1"));
    publish(qos1("2"));
    publish(qos0("3"));
    advanceSeconds(1);
    assertNothingInFlight();
  }

  // ---- expiry

  @Test
  void messageThatHasWaitedSaysHowMuchOfItsLifeIsLeft() {
    Outcome<PublishResult> published =
        publish(qos1("a").messageExpiryInterval(Duration.ofSeconds(100)));
    advanceSeconds(30.5);
    accepting()
        .expectPublish(
            publish ->
                assertThat(publish.properties().number(Property.MESSAGE_EXPIRY_INTERVAL))
                    .isEqualTo(70))
        .sendPuback();
    connect();
    published.assertSuccess();
  }

  @Test
  void messageThatIsSentAtOnceKeepsItsInterval() {
    connected()
        .expectPublish(
            publish ->
                assertThat(publish.properties().number(Property.MESSAGE_EXPIRY_INTERVAL))
                    .isEqualTo(4_294_967_295L));
    publish(qos0("a").messageExpiryInterval(Duration.ofSeconds(4_294_967_295L))).assertSuccess();
  }

  @EachVersion
  void messageThatExpiresWhileItWaitsIsNotSent(MqttVersion with) {
    version = with;
    Outcome<PublishResult> expired =
        publish(qos1("a").messageExpiryInterval(Duration.ofSeconds(10)));
    Outcome<PublishResult> kept = publish(qos1("b").messageExpiryInterval(Duration.ofSeconds(11)));
    advanceSeconds(10);
    accepting().expectPublish("b").sendPuback();
    connect();
    expired.assertFailure("'a'", "expired");
    kept.assertSuccess();
    assertNothingInFlight();
  }

  @EachVersion
  @Normative(v5 = "4.3.3-7")
  void messageOnceSentIsRepeatedThoughItHasExpired(MqttVersion with) {
    connected(with).expectPublish("a").expectPublish("b");
    publish(qos2("a").messageExpiryInterval(Duration.ofSeconds(10)));
    publish(qos1("b").messageExpiryInterval(Duration.ofSeconds(100)));
    cut();
    advanceSeconds(20);
    var script = server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(true));
    List<Long> left = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      script.expectPublish(
          publish -> {
            if (with == MqttVersion.MQTT_5) {
              left.add(publish.properties().number(Property.MESSAGE_EXPIRY_INTERVAL));
            }
          });
    }
    script.sendPubrec(1).expectPubrel(1).sendPubcomp(1).sendPuback(2);
    connect();
    if (with == MqttVersion.MQTT_5) {
      assertThat(left).containsExactly(1L, 80L);
    }
    assertNothingInFlight();
  }

  // ---- taking back

  @Test
  void messageThatWaitsCanBeTakenBack() {
    enqueue(qos1("a"));
    OutgoingPublish second = enqueue(qos1("b").payload("bytes"));
    enqueue(qos1("c"));
    assertThat(engine.cancel(second)).isTrue();
    assertThat(second.progress()).isEqualTo(Progress.DONE);
    assertThat(engine.cancel(second)).isFalse();
    assertThat(engine.session().queuedMessages()).isEqualTo(2);
    assertThat(engine.session().heldBytes()).isEqualTo(2 * (200 + 2));
    accepting().expectPublish("a").expectPublish("c").sendPuback(1).sendPuback(2);
    connect();
    assertNothingInFlight();
  }

  @Test
  void messageThatWasSentCannotBeTakenBack() {
    var script = connected().expectPublish("a").expectPublish("b");
    OutgoingPublish qos1 = enqueue(qos1("a"));
    OutgoingPublish qos0 = enqueue(qos0("b"));
    assertThat(engine.cancel(qos1)).isFalse();
    assertThat(engine.cancel(qos0)).isFalse();
    carry();
    assertThat(engine.cancel(qos1)).isFalse();
    script.sendPuback(1);
    carry();
    assertThat(engine.cancel(qos1)).isFalse();
  }

  @Test
  void messageRefusedByTheQueueCannotBeTakenBack() {
    bound(0, 0);
    OutgoingPublish refused = enqueue(qos0("a"));
    assertThat(engine.cancel(refused)).isFalse();
    assertNothingInFlight();
  }

  @Test
  void lastOfThoseThatWaitAgainCanBeTakenBack() {
    connected().expectPublish("a").expectPublish("b").expectPublish("c");
    enqueue(qos1("a"));
    enqueue(qos1("b"));
    Tracked last = new Tracked(qos1("c")).publish(engine, now());
    carry();
    cut();
    var script =
        server
            .onConnection()
            .expectConnect()
            .sendConnack(c -> c.property(Property.RECEIVE_MAXIMUM, 1))
            .expectPublish("a");
    connect();
    assertThat(engine.cancel(last.entry)).isTrue();
    script.together(more -> more.sendPuback().expectPublish("b").sendPuback());
    carry();
    assertNothingInFlight();
  }

  @Test
  void messageThatWaitsAgainAfterALostSessionCanBeTakenBack() {
    connected().expectPublish("a");
    Tracked message = new Tracked(qos1("a")).publish(engine, now());
    carry();
    cut();
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.MAXIMUM_QOS, 1))
        .expectNothing(Duration.ofSeconds(1));
    events.whenConnected = connack -> assertThat(engine.cancel(message.entry)).isTrue();
    connect();
    advanceSeconds(1);
    assertNothingInFlight();
  }
}
