// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The server on a real port; the script language itself is tested in memory. */
@ExtendWith(LeakCheck.class)
@LeakCheck.Threads("bight-testkit")
@ExtendWith(ScriptedServerExtension.class)
class ScriptedServerOnPortTest {
  private static final Duration SOON = Duration.ofSeconds(10);

  @Test
  void followsAScript(ScriptedServer server) throws IOException {
    server
        .onConnection()
        .expectConnect()
        .sendConnack()
        .expectPublish("a/b")
        .delay(Duration.ofMillis(1))
        .sendPuback()
        .expectClose();
    try (TestClient client = TestClient.over(server.uri()).connected("me", true)) {
      client.publish("a/b", "x", 1, 7);
      client.expect("PUBACK id=7");
    }

    server.awaitScripts(SOON);
    assertThat(server.takePacket(PacketType.PUBLISH, SOON).payloadUtf8()).isEqualTo("x");
    assertThat(server.connections()).isEqualTo(1);
    assertThat(server.uri().toString()).isEqualTo("mqtt://127.0.0.1:" + server.port());
  }

  @Test
  void tellsAFailureToTheOneWhoWaitsAndCutsTheClient(ScriptedServer server) throws IOException {
    server.onConnection().expectConnect().sendConnack().expectPublish("a");
    try (TestClient client = TestClient.over(server.uri()).connected("me", true)) {
      client.ping();

      assertThatThrownBy(() -> server.awaitScripts(SOON))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("expected PUBLISH to 'a', but received PINGREQ");
      assertThatThrownBy(client::next).isInstanceOf(SocketException.class);
    }
  }

  @Test
  void throwsAFailureThatNobodyHasSeenWhenItIsClosed() throws IOException {
    ScriptedServer server = ScriptedServer.start();
    server.onConnection().expectConnect().sendConnack();
    try (TestClient client = TestClient.over(server.uri()).connected("me", true)) {
      client.ping();
      assertThatThrownBy(client::next).isInstanceOf(SocketException.class);
    }

    assertThatThrownBy(server::close).hasMessageContaining("received PINGREQ");
  }

  @Test
  void resetsTheConnection(ScriptedServer server) throws IOException {
    server.onConnection().expectConnect().resetConnection();
    try (TestClient client = TestClient.over(server.uri())) {
      client.connect("me", true);

      assertThatThrownBy(client::next)
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
    }
  }

  @Test
  void closesTheConnectionInOrder(ScriptedServer server) throws IOException {
    server.onConnection().expectConnect().sendConnack().closeConnection();
    try (TestClient client = TestClient.over(server.uri()).connected("me", true)) {
      assertThat(client.next()).isEqualTo("nothing");
    }
  }

  @Test
  void seesAResetByTheClientAsTheEnd(ScriptedServer server) throws IOException {
    server.onConnection().expectConnect().sendConnack().expectClose();
    TestClient client = TestClient.over(server.uri()).connected("me", true);

    client.reset();

    server.awaitScripts(SOON);
    client.close();
  }

  @Test
  void saysWhatItWaitedForInVain(ScriptedServer server) {
    assertThatThrownBy(() -> server.takePacket(PacketType.CONNECT, Duration.ofMillis(1)))
        .hasMessageContaining("in vain for CONNECT");
    assertThatThrownBy(() -> server.connection(1, Duration.ofMillis(1)))
        .hasMessageContaining("in vain for connection 1");
  }

  @Test
  void refusesConnectsWhileItDoesNotListenAndComesBackOnTheSamePort(ScriptedServer server)
      throws IOException {
    server.onEveryConnection().expectConnect().sendConnack();
    TestClient first = TestClient.over(server.uri()).connected("me", true);
    server.stopListening();

    assertThatThrownBy(() -> TestClient.over(server.uri())).isInstanceOf(ConnectException.class);
    assertThatThrownBy(first::next).isInstanceOf(SocketException.class);
    first.close();

    server.startListening();
    TestClient.over(server.uri()).connected("me", true).close();
    server.awaitNoConnection(SOON);
    assertThat(server.connections()).isEqualTo(2);
  }

  @Test
  void leavesTheClientsBytesInTheNetworkWhileItDoesNotRead(ScriptedServer server)
      throws IOException {
    server.onConnection().expectConnect().sendConnack().stopReading();
    try (TestClient client = TestClient.over(server.uri()).connected("me", true)) {
      server.awaitScripts(SOON);
      client.ping();
      client.ping();
      assertThat(server.packets(PacketType.PINGREQ)).isEmpty();

      server
          .connection(1, SOON)
          .script()
          .together(more -> more.resumeReading().expectPingreq().expectPingreq());
      server.awaitScripts(SOON);
    }
  }
}
