// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.broker.EmbeddedBroker;
import io.bight.client.Mqtt;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs each example in a process of its own, as its reader would. */
@Timeout(60)
class ExamplesTest {
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
  void helloPrintsWhatItPublishes() throws Exception {
    try (Example hello = new Example(Hello.class, broker.uri())) {
      assertThat(hello.readLine()).isEqualTo("open");
    }
  }

  @Test
  void kitchenDisplayPrintsTopicAndPayload() throws Exception {
    publishRetained("house/kitchen/temp", "21.5");
    try (Example display = new Example(KitchenDisplay.class, broker.uri())) {
      String line;
      do {
        line = display.readLine();
      } while (!line.startsWith("house/kitchen/"));
      assertThat(line).startsWith("house/kitchen/temp 2");
    }
  }

  @Test
  void backgroundLoopPublishesAndEnds() throws Exception {
    try (Example example = new Example(BackgroundLoop.class, broker.uri())) {
      assertThat(example.rest()).contains("house/kitchen/temp 22.0", "house/kitchen/temp 23.0");
      assertThat(example.status()).isZero();
    }
  }

  @Test
  void ownLoopServesTwoBrokersOnOneThread() throws Exception {
    try (EmbeddedBroker second = EmbeddedBroker.start()) {
      publishRetained("game/start", "one");
      try (Example example = new Example(OwnLoop.class, broker.uri(), second.uri())) {
        assertThat(example.readLine()).isEqualTo("game/start one");
        // Retained: it may come before the example has subscribed there.
        Mqtt.publish(second.uri(), retained("game/over", "two"), Duration.ofSeconds(10));
        assertThat(example.rest()).containsExactly("game/over two", "messages: 2");
        assertThat(example.status()).isZero();
      }
    }
  }

  @Test
  void blockingCallsPublishAndEnd() throws Exception {
    try (Example example = new Example(BlockingCalls.class, broker.uri())) {
      assertThat(example.rest()).singleElement().asString().startsWith("published at QoS 2: ");
      assertThat(example.status()).isZero();
    }
  }

  @Test
  void oneLinePublishesAndReceives() throws Exception {
    try (Example example = new Example(OneLine.class, broker.uri())) {
      assertThat(example.rest()).containsExactly("house/door open");
      assertThat(example.status()).isZero();
    }
  }

  @Test
  void l12SwingDashboardHandlesMessagesOnTheEventThread() throws Exception {
    publishRetained("plant/boiler/temp", "19");
    try (Example dashboard = new Example(SwingDashboard.class, broker.uri())) {
      String line;
      do {
        line = dashboard.readLine();
      } while (!line.startsWith("plant/boiler/temp"));
      assertThat(line).isEqualTo("plant/boiler/temp 19 on the event thread");
      Mqtt.publish(broker.uri(), "plant/end", "");
      assertThat(dashboard.rest()).last().asString().endsWith(" topics");
      assertThat(dashboard.status()).isZero();
    }
  }

  @Test
  void l12OwnSelectorServesTcpAndMqttOnOneThread() throws Exception {
    try (Example example = new Example(OwnSelector.class, broker.uri());
        Socket one = new Socket(InetAddress.getLoopbackAddress(), port(example));
        Socket two = new Socket(InetAddress.getLoopbackAddress(), one.getPort())) {
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(two.getInputStream(), StandardCharsets.UTF_8));
      // The second connection is there for sure when what it has sent comes back.
      send(two, "ready\n");
      assertThat(lines.readLine()).isEqualTo("ready");
      send(one, "hello\n");
      assertThat(lines.readLine()).isEqualTo("hello");
      send(one, "quit\n");
      assertThat(example.rest()).containsExactly("done");
      assertThat(example.status()).isZero();
    }
  }

  private static int port(Example example) throws IOException {
    return Integer.parseInt(example.readLine());
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
  }

  /** The front page shows the program that is compiled and run here. */
  @Test
  void helloStandsInTheReadme() throws IOException {
    Path root = Path.of("").toAbsolutePath().getParent();
    String readme = Files.readString(root.resolve("README.md"));
    String source =
        Files.readString(root.resolve("bight-examples/src/main/java/io/bight/examples/Hello.java"));
    String body = source.substring(source.indexOf("final class"));

    assertThat(readme.lines().map(String::strip).collect(Collectors.joining("\n")))
        .contains(body.strip().lines().map(String::strip).collect(Collectors.joining("\n")));
  }

  private static void publishRetained(String topic, String payload) {
    Mqtt.publish(broker.uri(), retained(topic, payload), Duration.ofSeconds(10));
  }

  private static Publish retained(String topic, String payload) {
    return Publish.builder(topic).payload(payload).qos(Qos.AT_LEAST_ONCE).retain(true).build();
  }
}
