// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.broker.EmbeddedBroker;
import io.bight.testkit.MosquittoServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;

/** The whole program in a process of its own, seen from outside. */
@Timeout(120)
class ProgramTest {
  static boolean mosquittoIsInstalled() {
    return MosquittoServer.isInstalled();
  }

  @Test
  void endsWithStatusOneWhereNobodyListens() throws Exception {
    // Bound but not listening: connections are refused, and nobody else gets the port.
    try (Socket reserved = new Socket()) {
      reserved.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      String port = String.valueOf(reserved.getLocalPort());
      try (Program pub = Program.bight("pub", "-h", "127.0.0.1", "-p", port, "-t", "a", "-m", "x");
          Program sub = Program.bight("sub", "-h", "127.0.0.1", "-p", port, "-t", "a", "-C", "1")) {
        for (CommandRun run : new CommandRun[] {pub.await(), sub.await()}) {
          assertThat(run.status()).isEqualTo(1);
          assertThat(run.err().lines()).hasSize(1);
          assertThat(run.err()).contains("refused").contains(port).contains("check that");
        }
      }
    }
  }

  @Test
  void keepsTryingWhenItIsToRunForLong() throws Exception {
    try (Socket reserved = new Socket()) {
      reserved.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      String port = String.valueOf(reserved.getLocalPort());
      try (Program sub = Program.bight("sub", "-h", "127.0.0.1", "-p", port, "-t", "a", "-v")) {
        assertThat(sub.readErrorLine()).contains("refused").contains("trying again in");
        assertThat(sub.readErrorLine()).contains("trying again in");

        reserved.close();
        try (EmbeddedBroker broker =
            EmbeddedBroker.builder().port(Integer.parseInt(port)).start()) {
          String said;
          do {
            said = sub.readErrorLine();
          } while (said.contains("trying again"));
          assertThat(said).contains("connected to mqtt://127.0.0.1:" + port);
          CommandRun.of(
              "pub", "-h", "127.0.0.1", "-p", port, "-r", "-q", "1", "-t", "a", "-m", "x");
          assertThat(sub.readLine()).isEqualTo("a x");

          sub.terminate();
          assertThat(sub.await().status()).isZero();
        }
      }
    }
  }

  @Test
  @EnabledIf("mosquittoIsInstalled")
  void disconnectsInOrderWhenItIsTerminated() throws Exception {
    try (MosquittoServer server = MosquittoServer.start()) {
      String port = String.valueOf(server.port());
      CommandRun.of("pub", "-p", port, "-r", "-t", "a", "-m", "x");
      try (Program sub = Program.bight("sub", "-p", port, "-i", "polite", "-t", "a")) {
        assertThat(sub.readLine()).isEqualTo("x");
        sub.terminate();
        assertThat(sub.await().status()).isZero();
      }
      server.stop();
      assertThat(server.log()).contains("Client polite disconnected.");
    }
  }

  @Test
  @EnabledIf("mosquittoIsInstalled")
  void understandsMosquittosToolsAndIsUnderstood() throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.start()) {
      String port = String.valueOf(broker.port());
      try (Program theirs =
          Program.of(
              "mosquitto_pub", "-p", port, "-r", "-q", "1", "-t", "their/topic", "-m", "ä")) {
        assertThat(theirs.await().status()).isZero();
      }
      assertThat(CommandRun.of("sub", "-p", port, "-v", "-t", "their/#", "-C", "1").out())
          .isEqualTo("their/topic ä\n");

      CommandRun.of("pub", "-p", port, "-r", "-q", "2", "-t", "our/topic", "-m", "ö");
      try (Program theirs =
          Program.of("mosquitto_sub", "-p", port, "-v", "-t", "our/#", "-C", "1")) {
        assertThat(theirs.await()).isEqualTo(new CommandRun(0, "our/topic ö", ""));
      }
    }
  }

  @Test
  void runsABrokerUntilItIsTerminated() throws Exception {
    try (Program broker = Program.bight("broker", "--port", "0")) {
      String line = broker.readLine();
      assertThat(line).startsWith("listening on mqtt://127.0.0.1:");
      String uri = line.substring("listening on ".length());
      assertThat(CommandRun.of("pub", "-L", uri + "/a", "-q", "1", "-m", "x").status()).isZero();

      broker.terminate();
      assertThat(broker.await().status()).isZero();
    }
  }

  @Test
  void losesNothingInTheDemo() throws Exception {
    try (Program demo = Program.bight("demo", "--seconds", "4")) {
      CommandRun run = demo.await();

      assertThat(run.out())
          .as("standard error: %s", run.err())
          .contains("the demo cuts its connection")
          .contains("disconnected")
          .contains("connected again; the broker has kept its session")
          .contains("All 16 readings have arrived at all four receivers")
          .containsPattern("receiver +loop\\(50 ms\\) +16 of 16 +0 ")
          .containsPattern("receiver +loopStart +16 of 16 +1 ")
          .containsPattern("receiver +loopForever +16 of 16 +0 ")
          .containsPattern("receiver +blocking +16 of 16 +0 ")
          .doesNotContain("\u001b");
      assertThat(run.err()).isEmpty();
      assertThat(run.status()).isZero();
    }
  }

  @Test
  void showsTheTableWhenTheDemoIsInterrupted() throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.start();
        Program demo = Program.bight("demo", "--forever", "--server", broker.uri())) {
      String line;
      do {
        line = demo.readLine();
      } while (!line.matches("\\d\\d:.* ms"));

      demo.terminate();
      CommandRun run = demo.await();
      assertThat(run.out()).contains("round trip").contains("readings have arrived at all four");
      assertThat(run.status()).isZero();
    }
  }
}
