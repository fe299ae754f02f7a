// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.logging.LogManager;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedBrokerTest {

  private static final byte CONNACK = 0x20;
  private static final byte PUBACK = 0x40;

  private static final Duration THREAD_END = Duration.ofSeconds(10);

  @Test
  void answersConnectWithConnack() throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.start();
        RawClient client = RawClient.open(broker)) {
      byte[] connack = client.connect("first");

      assertThat(connack[0]).isEqualTo(CONNACK);
      assertThat(connack[3]).as("reason code").isZero();
    }
  }

  @Test
  void startsAgainInTheSameJvm() throws Exception {
    for (String clientIdentifier : new String[] {"first", "second"}) {
      try (EmbeddedBroker broker = EmbeddedBroker.start();
          RawClient client = RawClient.open(broker)) {
        assertThat(client.connect(clientIdentifier)[0]).isEqualTo(CONNACK);
      }
    }
  }

  @Test
  void runsBesideAnotherBroker() throws Exception {
    try (EmbeddedBroker one = EmbeddedBroker.start();
        EmbeddedBroker other = EmbeddedBroker.start()) {
      assertThat(one.port()).isNotEqualTo(other.port());
      one.close();
      try (RawClient client = RawClient.open(other)) {
        assertThat(client.connect("left")[0]).isEqualTo(CONNACK);
      }
    }
  }

  @Test
  void listensOnLoopbackByDefault() {
    try (EmbeddedBroker broker = EmbeddedBroker.start()) {
      assertThat(broker.host()).isEqualTo("127.0.0.1");
      assertThat(broker.uri()).isEqualTo("mqtt://127.0.0.1:" + broker.port());
      assertThat(broker.port()).isPositive();
      assertThat(broker.log())
          .anyMatch(line -> line.contains("on address 127.0.0.1 and on port " + broker.port()))
          .noneMatch(line -> line.contains("0.0.0.0 "));
    }
  }

  @Test
  void upgradesToWebSocket() throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.builder().webSocketPort(0).start()) {
      URI uri = URI.create(broker.webSocketUri());
      try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
        socket.setSoTimeout(30_000);
        socket
            .getOutputStream()
            .write(
                ("GET "
                        + uri.getPath()
                        + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                        + "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        + "Sec-WebSocket-Protocol: mqtt\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
        byte[] answer = socket.getInputStream().readNBytes(12);
        assertThat(new String(answer, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 101");
      }
    }
  }

  @Test
  void refusesTheWebSocketUriWithoutAWebSocketListener() {
    try (EmbeddedBroker broker = EmbeddedBroker.start()) {
      assertThatIllegalStateException()
          .isThrownBy(broker::webSocketUri)
          .withMessageContaining("webSocketPort(0)");
    }
  }

  @Test
  void namesThePortThatIsTakenAndTheRemedy() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      assertThatThrownBy(() -> EmbeddedBroker.builder().port(taken.getLocalPort()).start())
          .isInstanceOf(BrokerException.class)
          .hasMessageContaining("port " + taken.getLocalPort())
          .hasMessageContaining("port(0)");
      assertThatThrownBy(() -> EmbeddedBroker.builder().webSocketPort(taken.getLocalPort()).start())
          .isInstanceOf(BrokerException.class)
          .hasMessageContaining("port " + taken.getLocalPort())
          .hasMessageContaining("webSocketPort(0)");
    }
  }

  @Test
  void namesTheHostItCannotListenOn() {
    // An address of the documentation's network, which no machine has.
    assertThatThrownBy(() -> EmbeddedBroker.builder().host("192.0.2.1").start())
        .isInstanceOf(BrokerException.class)
        .hasMessageContaining("192.0.2.1");
  }

  @Test
  void refusesAPortOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EmbeddedBroker.builder().port(65_536))
        .withMessageContaining("65536");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EmbeddedBroker.builder().webSocketPort(-1))
        .withMessageContaining("-1");
  }

  @Test
  void restartsEmptyOnTheSamePort() throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.start()) {
      int port = broker.port();
      try (RawClient client = RawClient.open(broker)) {
        client.connect("kept");
        broker.restart();
        assertThat(client.receiveEnd()).as("the connection ended").isTrue();
      }
      assertThat(broker.port()).isEqualTo(port);
      try (RawClient client = RawClient.open(broker)) {
        assertThat(client.connect("kept")[2]).as("session present").isZero();
      }
    }
  }

  @Test
  void persistentBrokerKeepsSessionsAndRetainedMessages(@TempDir Path folder) throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.builder().persistent(folder).start()) {
      try (RawClient client = RawClient.open(broker)) {
        client.connect("kept");
        assertThat(client.publishRetained("house/door", "open")[0]).isEqualTo(PUBACK);
      }
      broker.restart();
      assertSessionAndRetainedMessage(broker);
    }
    try (EmbeddedBroker next = EmbeddedBroker.builder().persistent(folder).start()) {
      assertSessionAndRetainedMessage(next);
    }
    assertThat(folder).isNotEmptyDirectory();
  }

  private static void assertSessionAndRetainedMessage(EmbeddedBroker broker) throws Exception {
    try (RawClient client = RawClient.open(broker)) {
      assertThat(client.connect("kept")[2]).as("session present").isEqualTo((byte) 1);
      client.subscribe("house/#");
      assertThat(new String(client.receive(), StandardCharsets.UTF_8))
          .contains("house/door", "open");
    }
  }

  @Test
  void restartsAfterStopAndNotAfterClose() throws Exception {
    EmbeddedBroker broker = EmbeddedBroker.start();
    broker.stop();
    assertThat(broker.isRunning()).isFalse();
    broker.restart();
    try (RawClient client = RawClient.open(broker)) {
      assertThat(client.connect("again")[0]).isEqualTo(CONNACK);
    }
    broker.close();
    broker.close();
    assertThatIllegalStateException().isThrownBy(broker::restart).withMessageContaining("closed");
  }

  @Test
  void leavesNoThreadBehind() throws Exception {
    Set<Thread> before = Set.copyOf(Thread.getAllStackTraces().keySet());
    try (EmbeddedBroker broker = EmbeddedBroker.start();
        RawClient client = RawClient.open(broker)) {
      client.connect("busy");
    }
    Set<Thread> left = new HashSet<>(Thread.getAllStackTraces().keySet());
    left.removeAll(before);
    left.removeIf(Thread::isDaemon);
    // Netty's global executor ends itself after a second without work.
    for (Thread thread : left) {
      thread.join(THREAD_END.toMillis());
    }
    assertThat(left).noneMatch(Thread::isAlive);
  }

  @Test
  void leavesTheApplicationsGlobalsAlone() throws Exception {
    int handlers = LogManager.getLogManager().getLogger("").getHandlers().length;
    Thread.UncaughtExceptionHandler uncaught = Thread.getDefaultUncaughtExceptionHandler();
    ClassLoader context = Thread.currentThread().getContextClassLoader();

    try (EmbeddedBroker broker = EmbeddedBroker.start()) {
      assertThat(broker.isRunning()).isTrue();
      assertThat(Thread.getDefaultUncaughtExceptionHandler()).isSameAs(uncaught);
      assertThat(Thread.currentThread().getContextClassLoader()).isSameAs(context);
      assertThat(LogManager.getLogManager().getLogger("").getHandlers()).hasSize(handlers);
      assertThat(
              ManagementFactory.getPlatformMBeanServer().queryNames(null, null).stream()
                  .map(Object::toString)
                  .filter(name -> name.contains("hivemq") || name.contains("metrics"))
                  .collect(Collectors.toSet()))
          .isEmpty();
      assertThat(System.getProperty("hivemq.log.folder")).isNull();
    }
  }

  @Test
  void printsNothingLeavesNoFileAndLetsTheJvmEnd(@TempDir Path temporary) throws Exception {
    ChildJvm child = ChildJvm.run(temporary, "close");
    assertThat(child.output()).isEmpty();
    assertThat(child.exitStatus()).isZero();
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void deletesItsTemporaryFolderWhenTheJvmEndsWithoutClose(@TempDir Path temporary)
      throws Exception {
    ChildJvm child = ChildJvm.run(temporary, "exit");
    assertThat(child.output()).isEmpty();
    assertThat(child.exitStatus()).isEqualTo(7);
    assertThat(temporary).isEmptyDirectory();
  }
}
