// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Row M1 of docs/loop-table.md: what a client takes that is connected and idle, measured. */
@Timeout(60)
class IdleConnectionTest {
  private static final int CLIENTS = 500;
  private static final byte[] CONNACK = {0x20, 3, 0, 0, 0};

  /** What a client takes, the transport's objects included, with 100 to spare. */
  private static final int MOST_BYTES = 3_968;

  @Test
  void m1IdleConnectionTakesLittleHeap() throws Exception {
    try (ServerSocket server = new ServerSocket(0, CLIENTS, InetAddress.getLoopbackAddress())) {
      acceptAll(server);
      Process process =
          new ProcessBuilder(
                  System.getProperty("java.home")
                      + File.separator
                      + "bin"
                      + File.separator
                      + "java",
                  "-Xmx64m",
                  "-XX:+UseSerialGC",
                  "-cp",
                  System.getProperty("java.class.path"),
                  IdleProgram.class.getName(),
                  "mqtt://127.0.0.1:" + server.getLocalPort(),
                  Integer.toString(CLIENTS))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).as(output).isTrue();
      assertThat(process.exitValue()).as(output).isZero();
      assertThat(Integer.parseInt(output.strip()))
          .as("bytes of heap for a connection")
          .isBetween(1_000, MOST_BYTES);
    }
  }

  /** Accepts every connection and says nothing more on it. */
  private static void acceptAll(ServerSocket server) {
    DrivingTest.inThread(
        () -> {
          List<Socket> open = new ArrayList<>();
          try {
            while (true) {
              Socket socket = server.accept();
              open.add(socket);
              socket.getInputStream().read(); // CONNECT has come
              socket.getOutputStream().write(CONNACK);
            }
          } catch (IOException e) { // the test is over
            for (Socket socket : open) {
              closeQuietly(socket);
            }
          }
        });
  }

  private static void closeQuietly(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // it is closed
    }
  }
}
