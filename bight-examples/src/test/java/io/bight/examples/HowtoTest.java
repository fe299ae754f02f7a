// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.broker.EmbeddedBroker;
import io.bight.client.Mqtt;
import io.bight.client.MqttClient;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import io.bight.testkit.tls.TestCertificates;
import io.bight.testkit.tls.TlsFront;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs the programs of docs/howto and sees them do what their pages say. */
@Timeout(120)
class HowtoTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static EmbeddedBroker broker;

  @BeforeAll
  static void startBroker() {
    broker = EmbeddedBroker.start();
  }

  @AfterAll
  static void stopBroker() {
    broker.close();
  }

  @Test
  void callbacksRunInEachOfTheThreeWays() throws Exception {
    try (Example example = new Example(CallbacksRun.class, broker.uri())) {
      assertThat(example.rest())
          .containsExactly(
              "seen by loop(Duration)", "seen by loopStart()", "seen by loopForever()");
      assertThat(example.status()).isZero();
    }
  }

  @Test
  void stayAliveEndsWhenTheAlarmIsOver() throws Exception {
    try (Example example = new Example(StayAlive.class, broker.uri())) {
      assertThat(example.readLine()).isEqualTo("waiting");
      Mqtt.publish(broker.uri(), "house/alarm", "fire");
      Mqtt.publish(broker.uri(), "house/alarm", "over");
      assertThat(example.rest()).containsExactly("alarm: fire", "alarm: over", "the end");
      assertThat(example.status()).isZero();
    }
  }

  @Test
  void endInOrderClosesAndEnds() throws Exception {
    try (Example example = new Example(EndInOrder.class, broker.uri())) {
      assertThat(example.rest()).containsExactly("closed, CLOSED");
      assertThat(example.status()).isZero();
    }
  }

  @Test
  void idleLoopTakesNoProcessorTimeWhenItMayWait() throws Exception {
    try (Example example = new Example(IdleLoop.class, broker.uri())) {
      List<String> lines = example.rest();
      assertThat(lines).hasSize(2);
      assertThat(percent(lines.get(0))).isLessThan(10).isLessThan(percent(lines.get(1)));
      assertThat(example.status()).isZero();
    }
  }

  private static int percent(String line) {
    return Integer.parseInt(line.replaceAll(".*: +(\\d+) %", "$1"));
  }

  @Test
  void runForMonthsStartsBeforeItsServerAndAnswersCommands() throws Exception {
    try (EmbeddedBroker late = EmbeddedBroker.start()) {
      late.stop();
      try (Example example = new Example(RunForMonths.class, late.uri())) {
        assertThat(example.readLine()).startsWith("not yet: ").contains(late.uri());
        late.restart();
        example.readUntil("connected");
        Mqtt.publish(late.uri(), "meter/7/command", "status");
        assertThat(example.readUntil("  in: ")).anyMatch(line -> line.contains("CONNECTED"));
        Mqtt.publish(late.uri(), "meter/7/command", "stop");
        assertThat(example.rest()).containsExactly("lost: disconnected by the program");
        assertThat(example.status()).isZero();
      }
    }
  }

  @Test
  void surviveARestartPublishesEachReadingOnceThoughItIsKilled(@TempDir Path folder)
      throws Exception {
    try (EmbeddedBroker late = EmbeddedBroker.start()) {
      late.stop();
      try (Example killed = new Example(SurviveARestart.class, late.uri(), folder.toString())) {
        killed.readUntil("not yet");
      }
      late.restart();
      try (Listener readings = new Listener(late.uri(), "meter/7", Qos.EXACTLY_ONCE);
          Example example = new Example(SurviveARestart.class, late.uri(), folder.toString())) {
        assertThat(example.rest())
            .containsExactly("done 1", "done 2", "done 3", "done 4", "done 5", "done 6");
        assertThat(example.status()).isZero();
        for (int reading = 1; reading <= 6; reading++) {
          assertThat(readings.next()).isEqualTo("meter/7 reading " + reading);
        }
      }
    }
  }

  @Test
  void bridgeCopiesFromOneServerToTheOther() throws Exception {
    try (EmbeddedBroker second = EmbeddedBroker.start();
        Listener copies = new Listener(second.uri(), "copy/#");
        Example example = new Example(Bridge.class, broker.uri(), second.uri())) {
      example.readUntil("bridging");
      Mqtt.publish(broker.uri(), "house/bridge", "over the river");
      assertThat(copies.next()).isEqualTo("copy/house/bridge over the river");
    }
  }

  @Test
  void stopWithMainThrowsAndItsWillIsPublished() throws Exception {
    try (Listener states = new Listener(broker.uri(), "machine/state");
        Example example = new Example(StopWithMain.class, broker.uri())) {
      assertThat(states.next()).isEqualTo("machine/state working");
      assertThat(states.next()).isEqualTo("machine/state gone");
      assertThat(example.status()).isEqualTo(1);
      assertThat(example.errors()).contains("IllegalStateException: out of paper");
    }
  }

  @Test
  void fromPahoPythonPrintsWhatArrives() throws Exception {
    Publish retained =
        Publish.builder("house/paho").payload("python").qos(Qos.AT_LEAST_ONCE).retain(true).build();
    Mqtt.publish(broker.uri(), retained, LIMIT);
    try (Example example = new Example(FromPahoPython.class, broker.uri())) {
      assertThat(example.readLine()).startsWith("connected");
      example.readUntil("house/paho python");
    }
  }

  @Test
  void fromPahoJavaCallsItsCallbacks() throws Exception {
    try (Example example = new Example(FromPahoJava.class, broker.uri())) {
      assertThat(example.rest())
          .contains(
              "connectComplete",
              "messageArrived: open",
              "deliveryComplete: house/door",
              "connectionLost: disconnected by the program");
      assertThat(example.status()).isZero();
    }
  }

  @Test
  void fromHiveMqReceivesWhatItPublishes() throws Exception {
    try (Example example = new Example(FromHiveMq.class, broker.uri())) {
      assertThat(example.rest()).containsExactlyInAnyOrder("published", "received open");
      assertThat(example.status()).isZero();
    }
  }

  @Test
  void hundredsOfClientsConnectAndReceive() throws Exception {
    try (Example example = new Example(HundredsOfClients.class, broker.uri())) {
      assertThat(example.rest()).containsExactly("connected: 500", "received by all, threads: 2");
      assertThat(example.status()).isZero();
    }
  }

  @Test
  void notTwiceHandlesTheOrderOnce() throws Exception {
    try (Example example = new Example(NotTwice.class, broker.uri())) {
      assertThat(example.rest()).containsExactly("one coffee, sent once, new");
      assertThat(example.status()).isZero();
    }
  }

  @Test
  void slowHandlerDoesNotLoseTheConnection() throws Exception {
    try (Example example = new Example(SlowHandler.class, broker.uri())) {
      assertThat(example.rest())
          .startsWith("done: job 1", "done: job 2", "done: job 3", "still connected: true");
      assertThat(example.status()).isZero();
    }
  }

  @Test
  void whileConnectedPublishesNothingElse() throws Exception {
    try (Listener alarms = new Listener(broker.uri(), "house/alarm");
        Example example = new Example(WhileConnected.class, broker.uri())) {
      assertThat(example.rest())
          .satisfiesExactly(
              line -> assertThat(line).startsWith("21.5 is lost: ").contains("not connected"),
              line -> assertThat(line).isEqualTo("22.0 published"),
              line -> assertThat(line).startsWith("22.5 is lost: ").contains("not connected"));
      assertThat(example.status()).isZero();
      assertThat(alarms.next()).isEqualTo("house/alarm cold");
    }
  }

  @Test
  void ownCertificatesPublishesToAServerThatWantsOne(@TempDir Path folder) throws Exception {
    TestCertificates server = TestCertificates.signedForNames("dns:localhost");
    TestCertificates client = TestCertificates.forNames("dns:client");
    server.writeIssuer(folder.resolve("ca.pem"));
    client.writeCertificates(folder.resolve("client.pem"));
    client.writeKey(folder.resolve("client-key.pem"));
    try (TlsFront front =
            new TlsFront(
                server.serverThatTrusts(client),
                broker.port(),
                socket -> socket.setNeedClientAuth(true));
        Listener doors = new Listener(broker.uri(), "house/door");
        Example example =
            new Example(
                OwnCertificates.class, "mqtts://localhost:" + front.port(), folder.toString())) {
      assertThat(example.rest()).containsExactly("TLS by JDK", "published");
      assertThat(example.status()).isZero();
      assertThat(doors.next()).isEqualTo("house/door open");
    }
  }

  /** Collects what arrives at a server, as "topic payload". */
  private static final class Listener implements AutoCloseable {
    private final BlockingQueue<String> received = new LinkedBlockingQueue<>();
    private final MqttClient client;

    Listener(String uri, String topicFilter) {
      this(uri, topicFilter, Qos.AT_LEAST_ONCE);
    }

    Listener(String uri, String topicFilter, Qos qos) {
      client = MqttClient.builder(uri).build();
      client.loopStart();
      client.connect(LIMIT);
      client
          .subscribe(
              topicFilter,
              qos,
              message -> received.add(message.topic() + " " + message.payloadUtf8()))
          .await(LIMIT);
    }

    String next() throws InterruptedException {
      return received.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    @Override
    public void close() {
      client.close();
    }
  }
}
