// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The demo's cut is a real one: connections end, and nobody listens until it is mended. */
@Timeout(60)
class RelayTest {
  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

  @Test
  void endsEveryConnectionAndRefusesNewOnesUntilMended() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 50, LOOPBACK);
        Relay relay = new Relay(LOOPBACK.getHostAddress(), server.getLocalPort())) {
      // Many rounds: the relay's own threads close the same sockets as the cut does.
      for (int round = 0; round < 50; round++) {
        List<Socket> sockets = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          Socket client = new Socket(LOOPBACK, relay.port());
          Socket accepted = server.accept();
          sockets.add(client);
          sockets.add(accepted);
          client.getOutputStream().write(round);
          assertThat(accepted.getInputStream().read()).isEqualTo(round);
        }

        // Bound while the relay holds its own port: a socket that got that one would reach itself.
        Socket late = new Socket();
        late.bind(new InetSocketAddress(LOOPBACK, 0));

        relay.cut();

        for (Socket socket : sockets) {
          assertThat(hasEnded(socket)).isTrue();
          socket.close();
        }
        assertThatThrownBy(() -> late.connect(new InetSocketAddress(LOOPBACK, relay.port())))
            .isInstanceOf(ConnectException.class);
        late.close();
        relay.mend();
      }
    }
  }

  /** Mostly by a reset; which of the two it is depends on what the relay's threads are doing. */
  private static boolean hasEnded(Socket socket) throws IOException {
    try {
      return socket.getInputStream().read() < 0;
    } catch (SocketException e) {
      return true;
    }
  }

  @Test
  void closesAConnectionWhoseServerIsGone() throws IOException {
    ServerSocket server = new ServerSocket(0, 50, LOOPBACK);
    int port = server.getLocalPort();
    server.close();
    try (Relay relay = new Relay(LOOPBACK.getHostAddress(), port);
        Socket client = new Socket(LOOPBACK, relay.port())) {
      assertThat(client.getInputStream().read()).isEqualTo(-1);
    }
  }
}
