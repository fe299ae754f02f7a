// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Normative;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.mqtt.engine.MqttEngine.State;
import io.bight.testkit.PacketType;
import io.bight.testkit.Property;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Keep alive, from both sides' view: PINGREQ in time, and a dead peer found. */
class KeepAliveTest extends EngineFixture {
  private int pings() {
    return server.packets(PacketType.PINGREQ).size();
  }

  @EachVersion
  @Normative(v311 = "3.1.2-23", v5 = "3.1.2-20")
  void pingsBeforeAnIntervalHasPassedWithoutAnythingSent(MqttVersion with) {
    keepAliveSeconds = 10;
    connected(with).answerPings();
    advanceSeconds(8.9);
    assertThat(pings()).isZero();
    advanceSeconds(1.1);
    assertThat(pings()).isOne();
    advanceSeconds(10);
    assertThat(pings()).isEqualTo(2);
  }

  @EachVersion
  void doesNotPingWhileBothSidesSend(MqttVersion with) {
    keepAliveSeconds = 10;
    var script = connected(with);
    for (int i = 0; i < 10; i++) {
      script.expectPublish("a").sendPuback();
      publish(qos1("a")).assertSuccess();
      advanceSeconds(5);
    }
    assertThat(pings()).isZero();
  }

  @Test
  void pingsWhenOnlyReceivingStopsThoughTheApplicationSends() {
    keepAliveSeconds = 10;
    connected().swallow();
    for (int i = 0; i < 11; i++) {
      publish(qos0("a"));
      advanceSeconds(1);
    }
    assertThat(pings()).isOne();
    assertThat(engine.state()).isEqualTo(State.CONNECTED);
  }

  @EachVersion
  void silentServerIsFoundWithinOneAndAHalfIntervalsThoughTheApplicationSends(MqttVersion with) {
    keepAliveSeconds = 10;
    connected(with).swallow();
    for (int i = 0; i < 15 && isOpen(); i++) {
      advanceSeconds(1);
      engine.publish(qos0("a").build(), new Outcome<>(), now());
    }
    assertEnded(By.NETWORK, ReasonCode.KEEP_ALIVE_TIMEOUT, "nothing was received for", "PINGREQ");
    assertThat(onlyEnd().established()).isTrue();
    engine.failAll(new io.bight.mqtt.MqttException("end of the test", null));
  }

  @EachVersion
  void nothingMoreIsWrittenToASilentServer(MqttVersion with) {
    keepAliveSeconds = 10;
    connected(with).expectPingreq().expectClose();
    advanceSeconds(15);
    assertThat(isOpen()).isFalse();
  }

  @Test
  void anyPacketIsASignOfLife() {
    keepAliveSeconds = 10;
    var script = connected();
    for (int i = 0; i < 5; i++) {
      script.expectPingreq().delay(Duration.ofSeconds(4)).sendPublish("a", "no PINGRESP");
      advanceSeconds(10);
    }
    assertThat(engine.state()).isEqualTo(State.CONNECTED);
  }

  @Test
  @Normative(v5 = {"3.1.2-21", "3.2.2-21"})
  void serverKeepAliveReplacesTheClients() {
    keepAliveSeconds = 60;
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.SERVER_KEEP_ALIVE, 5))
        .answerPings();
    connect();
    advanceSeconds(5);
    assertThat(pings()).isOne();
  }

  @Test
  void serverKeepAliveCountsFromConnectNotFromConnack() {
    keepAliveSeconds = 60;
    server
        .onConnection()
        .expectConnect()
        .delay(Duration.ofSeconds(3))
        .sendConnack(c -> c.property(Property.SERVER_KEEP_ALIVE, 5))
        .answerPings();
    connect();
    advanceSeconds(5);
    assertThat(pings()).isOne();
  }

  @Test
  void serverKeepAliveOfZeroTurnsItOff() {
    keepAliveSeconds = 5;
    server
        .onConnection()
        .expectConnect()
        .sendConnack(c -> c.property(Property.SERVER_KEEP_ALIVE, 0));
    connect();
    assertThat(engine.nextDeadlineNanos()).isEqualTo(MqttEngine.NO_DEADLINE);
  }

  @EachVersion
  void keepAliveOfZeroIsNone(MqttVersion with) {
    connected(with);
    assertThat(engine.nextDeadlineNanos()).isEqualTo(MqttEngine.NO_DEADLINE);
    advance(Duration.ofDays(30));
    assertThat(engine.state()).isEqualTo(State.CONNECTED);
  }

  @Test
  void worksAtOneSecond() {
    keepAliveSeconds = 1;
    connected().answerPings();
    advanceSeconds(10);
    assertThat(pings()).isBetween(10, 12);
    assertThat(engine.state()).isEqualTo(State.CONNECTED);
  }

  @Test
  void earlyTimerDoesNothing() {
    keepAliveSeconds = 10;
    connected();
    engine.handleTimeout(now());
    assertThat(engine.hasOutgoing()).isFalse();
  }

  @Test
  void serverThatIsNotReadIsNotTakenForDead() {
    keepAliveSeconds = 10;
    connected().answerPings();
    engine.pauseReceiving();
    // Its answers wait in the transport, which is not read meanwhile.
    for (int i = 0; i < 60; i++) {
      time.advance(Duration.ofSeconds(1));
      engine.handleTimeout(now());
      carryToServer();
    }
    assertThat(engine.state()).isEqualTo(State.CONNECTED);
    assertThat(pings()).isBetween(6, 7); // the server still wants its signs of life
    engine.resumeReceiving(now());
    carry();
    advanceSeconds(60);
    assertThat(engine.state()).isEqualTo(State.CONNECTED);
  }

  @Test
  void serverThatDiedWhileItWasNotReadIsFoundAfterwards() {
    keepAliveSeconds = 10;
    connected().swallow();
    engine.pauseReceiving();
    time.advance(Duration.ofSeconds(60));
    engine.handleTimeout(now());
    engine.resumeReceiving(now());
    advanceSeconds(15);
    assertEnded(By.NETWORK, ReasonCode.KEEP_ALIVE_TIMEOUT);
  }

  @Test
  @Normative(v311 = "3.1.2-23", v5 = "3.1.2-20")
  void pingsOfManyConnectionsGoOutTogetherAndNoneTooLate() {
    Random random = new Random(1);
    for (int seconds : new int[] {1, 2, 7, 10, 60, 65_535}) {
      long interval = TimeUnit.SECONDS.toNanos(seconds);
      long together = Math.min(interval / 40, TimeUnit.MILLISECONDS.toNanos(250));
      for (int i = 0; i < 10_000; i++) {
        long sent = random.nextLong(); // a clock may be below zero, and may wrap round
        KeepAlive keepAlive = new KeepAlive(seconds, sent);
        long waits = keepAlive.deadlineNanos() - sent;
        assertThat(waits).isBetween(interval - 4 * together, interval - 3 * together);
        assertThat(keepAlive.isPingDue(sent + waits - 1)).isFalse();
        assertThat(keepAlive.isPingDue(sent + waits)).isTrue();
      }
      long first = new KeepAlive(seconds, 0).deadlineNanos();
      for (long later = 1 - together; later <= 0; later += together / 7) {
        assertThat(new KeepAlive(seconds, later).deadlineNanos()).isEqualTo(first);
      }
    }
  }
}
