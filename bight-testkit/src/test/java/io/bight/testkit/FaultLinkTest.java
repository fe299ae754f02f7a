// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
@LeakCheck.Threads("bight-testkit")
class FaultLinkTest {
  /** Long enough for a byte to come that should not, short enough for a test. */
  private static final int SILENCE_MILLIS = 50;

  private ServerSocket listening;
  private FaultLink link;
  private Socket client;
  private Socket server;

  @BeforeEach
  void connect() throws IOException {
    listening = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    link = FaultLink.to("127.0.0.1", listening.getLocalPort());
    client = open();
    server = listening.accept();
    server.setSoTimeout(10_000);
  }

  @AfterEach
  void close() throws IOException {
    client.close();
    server.close();
    link.close();
    listening.close();
  }

  @Test
  void passesBytesBothWaysAndCountsThem() throws IOException {
    client.getOutputStream().write(new byte[] {1, 2, 3});
    assertThat(server.getInputStream().readNBytes(3)).containsExactly(1, 2, 3);
    server.getOutputStream().write(new byte[] {4, 5});
    assertThat(client.getInputStream().readNBytes(2)).containsExactly(4, 5);

    assertThat(link.bytesToServer()).isEqualTo(3);
    assertThat(link.bytesToClient()).isEqualTo(2);
    assertThat(link.connections()).isEqualTo(1);
  }

  @Test
  void holdsBytesWhilePausedAndTellsNobody() throws IOException {
    link.pause();
    client.getOutputStream().write(1);
    server.getOutputStream().write(2);
    assertSilence(server);
    assertSilence(client);

    link.resume();
    assertThat(server.getInputStream().read()).isEqualTo(1);
    assertThat(client.getInputStream().read()).isEqualTo(2);
  }

  @Test
  void pausesOneDirectionOnly() throws IOException {
    link.pauseToServer();
    client.getOutputStream().write(1);
    server.getOutputStream().write(2);

    assertThat(client.getInputStream().read()).isEqualTo(2);
    assertSilence(server);
  }

  @Test
  void holdsTheEndOfAConnectionWhilePaused() throws IOException {
    link.pause();
    server.close();
    assertSilence(client);

    link.resume();
    assertThat(client.getInputStream().read()).isEqualTo(-1);
  }

  @Test
  void passesTheEndOfAConnection() throws IOException {
    client.close();
    assertThat(server.getInputStream().read()).isEqualTo(-1);
  }

  @Test
  void cutsAfterExactlySoManyBytes() throws IOException {
    link.cutAfter(2);
    client.getOutputStream().write(new byte[] {1, 2, 3});

    assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
    assertThat(link.bytesToServer()).isEqualTo(2);
  }

  @Test
  void servesANewConnectionAfterACut() throws IOException {
    link.cutAfter(1);
    client.getOutputStream().write(1);
    assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);

    try (Socket next = open();
        Socket accepted = listening.accept()) {
      next.getOutputStream().write(7);
      assertThat(accepted.getInputStream().read()).isEqualTo(7);
    }
    assertThat(link.connections()).isEqualTo(2);
  }

  @Test
  void resetsBothSides() {
    link.reset();
    assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
    assertThatThrownBy(() -> server.getInputStream().read()).isInstanceOf(SocketException.class);
  }

  @Test
  void closesBothSidesInOrder() throws IOException {
    link.disconnect();
    assertThat(client.getInputStream().read()).isEqualTo(-1);
    assertThat(server.getInputStream().read()).isEqualTo(-1);
  }

  @Test
  void delaysBytes() throws IOException {
    link.delay(Duration.ofMillis(100));
    long sentNanos = System.nanoTime();
    client.getOutputStream().write(1);

    assertThat(server.getInputStream().read()).isEqualTo(1);
    assertThat(Duration.ofNanos(System.nanoTime() - sentNanos))
        .isGreaterThanOrEqualTo(Duration.ofMillis(100));
  }

  @Test
  void keepsTheOrderWhenTheDelayEnds() throws IOException {
    link.delay(Duration.ofMillis(50));
    client.getOutputStream().write(1);
    link.delay(Duration.ZERO);
    client.getOutputStream().write(2);

    assertThat(server.getInputStream().readNBytes(2)).containsExactly(1, 2);
  }

  @Test
  void resetsTheClientWhenTheServerIsNotThere() throws IOException {
    listening.close();
    try (Socket next = open()) {
      assertThatThrownBy(() -> next.getInputStream().read()).isInstanceOf(SocketException.class);
    }
  }

  @Test
  void refusesConnectionsWhileToldTo() throws IOException {
    link.refuseConnections(true);
    assertThatThrownBy(
            () -> {
              try (Socket next = open()) {
                next.getInputStream().read();
              }
            })
        .isInstanceOf(SocketException.class);

    link.refuseConnections(false);
    try (Socket next = open();
        Socket accepted = listening.accept()) {
      accepted.getOutputStream().write(3);
      assertThat(next.getInputStream().read()).isEqualTo(3);
    }
  }

  private Socket open() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), link.port());
    socket.setSoTimeout(10_000);
    return socket;
  }

  private static void assertSilence(Socket socket) throws IOException {
    socket.setSoTimeout(SILENCE_MILLIS);
    assertThatThrownBy(() -> socket.getInputStream().read())
        .isInstanceOf(SocketTimeoutException.class);
    socket.setSoTimeout(10_000);
  }
}
