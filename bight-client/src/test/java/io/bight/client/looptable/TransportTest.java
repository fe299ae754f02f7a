// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.bight.broker.EmbeddedBroker;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.tls.TestCertificates;
import io.bight.testkit.tls.TlsFront;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * TLS and WebSocket against the embedded broker, and row R9 of docs/loop-table.md: what people are
 * told when the transport is not the server's.
 */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class TransportTest {
  private static final Duration LIMIT = Await.LIMIT;

  private static TestCertificates certificates;
  private static EmbeddedBroker broker;
  private static TlsFront mqtts;
  private static TlsFront wss;

  @BeforeAll
  static void start() {
    certificates = TestCertificates.forNames("dns:localhost,ip:127.0.0.1");
    broker = EmbeddedBroker.builder().webSocketPort(0).start();
    mqtts = new TlsFront(certificates.server(), broker.port());
    wss = new TlsFront(certificates.server(), URI.create(broker.webSocketUri()).getPort());
  }

  @AfterAll
  static void stop() {
    mqtts.close();
    wss.close();
    broker.close();
  }

  private static String uri(String scheme) {
    return switch (scheme) {
      case "mqtt" -> broker.uri();
      case "mqtts" -> "mqtts://localhost:" + mqtts.port();
      case "ws" -> broker.webSocketUri();
      default -> "wss://localhost:" + wss.port() + "/mqtt";
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"mqtt", "mqtts", "ws", "wss"})
  void messagesTravelOverEveryTransport(String scheme) throws Exception {
    BlockingQueue<String> received = new LinkedBlockingQueue<>();
    MqttClientBuilder builder =
        MqttClient.builder(uri(scheme))
            .sslContext(certificates.client())
            .onMessage(message -> received.add(message.payloadUtf8()));
    try (MqttClient client = builder.build()) {
      client.loopStart();
      client.connect(LIMIT);
      assertMessagesTravel(client, "transport/" + scheme, received);
      client.disconnect();
      client.connect(LIMIT);
    }
  }

  private static void assertRefused(MqttClientBuilder builder, String... parts) {
    try (MqttClient client = builder.clientId("r9-client").build()) {
      assertThatThrownBy(() -> client.connect(LIMIT))
          .isInstanceOf(MqttConnectException.class)
          .hasMessageContaining("client 'r9-client' of " + client.server())
          .hasMessageContainingAll(parts);
    }
  }

  @Test
  void r9PlainMqttToATlsPort() {
    assertRefused(
        MqttClient.builder("mqtt://localhost:" + mqtts.port()),
        "port " + mqtts.port() + " answered with TLS",
        "use mqtts://");
  }

  /** Answers whatever comes with the same text. */
  private static ServerSocket answering(String text) throws IOException {
    ServerSocket listener = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    DrivingTest.inThread(
        () -> {
          while (!listener.isClosed()) {
            try (Socket socket = listener.accept()) {
              if (socket.getInputStream().read() >= 0) {
                socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
                socket.getInputStream().transferTo(OutputStream.nullOutputStream());
              }
            } catch (IOException e) {
              // the client has gone, or the test is over
            }
          }
        });
    return listener;
  }

  @Test
  void r9TlsToAPlainPort() throws IOException {
    try (ServerSocket plain = answering("220 plain text server ready\r\n")) {
      assertRefused(
          MqttClient.builder("mqtts://localhost:" + plain.getLocalPort()),
          "port " + plain.getLocalPort() + " does not speak TLS",
          "use mqtt://");
    }
  }

  @Test
  void r9TlsToAServerThatClosesAtOnce() {
    assertRefused(
        MqttClient.builder("mqtts://localhost:" + broker.port()).sslContext(certificates.client()),
        "port " + broker.port() + " closed the connection during the handshake",
        "does it speak TLS?");
  }

  @Test
  void r9MqttToAnHttpPort() throws IOException {
    try (ServerSocket web = answering("HTTP/1.1 400 Bad Request\r\n\r\n")) {
      assertRefused(
          MqttClient.builder("mqtt://localhost:" + web.getLocalPort()),
          "port " + web.getLocalPort() + " answered with HTTP",
          "it is a web server");
    }
  }

  @Test
  void r9WebSocketToAWrongPath() throws IOException {
    HttpServer http =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    http.start();
    try {
      assertRefused(
          MqttClient.builder("ws://localhost:" + http.getAddress().getPort() + "/nothing"),
          "did not agree to a WebSocket at '/nothing'",
          "404",
          "check the path");
    } finally {
      http.stop(0);
    }
  }

  @Test
  void r9CertificateThatIsNotTrusted() {
    assertRefused(
        MqttClient.builder(uri("mqtts")),
        "the certificate of localhost port " + mqtts.port() + " is not trusted",
        "sslContext");
  }

  @Test
  void r9CertificateForAnotherHost() {
    TestCertificates other = TestCertificates.forNames("dns:other.example");
    try (TlsFront front = new TlsFront(other.server(), broker.port())) {
      String uri = "mqtts://localhost:" + front.port();
      assertRefused(
          MqttClient.builder(uri).sslContext(other.client()),
          "the certificate of localhost port " + front.port() + " does not fit",
          "localhost",
          "connect by the name that it is for");
      try (MqttClient client =
          MqttClient.builder(uri)
              .sslContext(other.client())
              .insecureSkipHostNameVerification()
              .build()) {
        client.connect(LIMIT);
        assertThat(client.isConnected()).isTrue();
      }
    }
  }

  @Test
  void r9HostThatIsNotKnown() {
    assertRefused(
        MqttClient.builder("mqtt://no-such-host.invalid"),
        "the host 'no-such-host.invalid' is not known",
        "check its name and the DNS");
  }

  @Test
  void r9PortWhereNothingListens() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    assertRefused(
        MqttClient.builder("mqtt://127.0.0.1:" + port),
        "connection refused: nothing listens on 127.0.0.1 port " + port,
        "check that the server runs");
  }

  /**
   * A message that is longer than several reads and than many records of TLS, and many short ones,
   * go to the server and come back, in order.
   */
  static void assertMessagesTravel(MqttClient client, String topic, BlockingQueue<String> received)
      throws InterruptedException {
    client.subscribe(topic, Qos.EXACTLY_ONCE).await(LIMIT);
    String large = "x".repeat(1_500_000);
    client.publish(topic, large, Qos.EXACTLY_ONCE);
    for (int i = 0; i < 1_000; i++) {
      client.publish(topic, "m" + i, Qos.AT_LEAST_ONCE);
    }
    assertThat(received.poll(20, TimeUnit.SECONDS)).isEqualTo(large);
    for (int i = 0; i < 1_000; i++) {
      assertThat(received.poll(20, TimeUnit.SECONDS)).isEqualTo("m" + i);
    }
  }
}
