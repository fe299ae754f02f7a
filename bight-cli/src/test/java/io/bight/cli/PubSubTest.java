// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code pub} and {@code sub} against real brokers. A retained message, or a session that is there
 * already, waits for the subscriber, so that nothing depends on time.
 */
@Timeout(60)
class PubSubTest {
  private ServerUnderTest.Running server;

  @AfterEach
  void stopServer() {
    if (server != null) {
      server.close();
    }
  }

  @ParameterizedTest
  @EnumSource
  void printTopicAndPayloadOfWhatWasPublished(ServerUnderTest kind) {
    server = kind.start();
    assertThat(pub("-r", "-t", "house/door", "-m", "open").status()).isZero();
    assertThat(pub("-r", "-q", "1", "-t", "house/roof", "-m", "größer").status()).isZero();

    CommandRun run = sub("-t", "house/door", "-t", "house/roof", "-v", "-C", "2");

    assertThat(run.out().lines()).containsExactlyInAnyOrder("house/door open", "house/roof größer");
    assertThat(run.status()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"mqttv31", "mqttv311", "mqttv5", "31", "311", "5"})
  void speakEachVersionAtEachQos(String version) {
    server = ServerUnderTest.MOSQUITTO.start();
    for (String qos : new String[] {"0", "1", "2"}) {
      assertThat(pub("-V", version, "-q", qos, "-r", "-t", "v/" + qos, "-m", qos).status())
          .isZero();
    }

    CommandRun run = sub("-V", version, "-q", "2", "-t", "v/#", "-F", "%t %p %q %r", "-C", "3");

    assertThat(run.out().lines()).containsExactlyInAnyOrder("v/0 0 0 1", "v/1 1 1 1", "v/2 2 2 1");
  }

  @ParameterizedTest
  @EnumSource
  void keepASessionBetweenRuns(ServerUnderTest kind) {
    server = kind.start();
    String[] session = {"-V", "mqttv5", "-c", "-i", "keeper", "-q", "1", "-t", "queue/#"};
    assertThat(sub(with(session, "-E")).status()).isZero();
    CommandRun published =
        CommandRun.withInput(
            "one\ntwo\nthree", "pub", "-p", server.portText(), "-q", "1", "-t", "queue/in", "-l");
    assertThat(published.status()).isZero();

    assertThat(sub(with(session, "-C", "2")).out()).isEqualTo("one\ntwo\n");
    assertThat(sub(with(session, "-C", "1")).out()).isEqualTo("three\n");
  }

  @ParameterizedTest
  @EnumSource
  void publishFilesInputAndNothing(ServerUnderTest kind, @TempDir Path folder) throws Exception {
    server = kind.start();
    Path file = Files.writeString(folder.resolve("payload"), "from a\nfile");
    assertThat(pub("-r", "-t", "f/file", "-f", file.toString()).status()).isZero();
    assertThat(
            CommandRun.withInput(
                    "whole\ninput", "pub", "-p", server.portText(), "-r", "-t", "f/input", "-s")
                .status())
        .isZero();

    assertThat(sub("-t", "f/file", "-C", "1").out()).isEqualTo("from a\nfile\n");
    assertThat(sub("-t", "f/input", "-N", "-C", "1").out()).isEqualTo("whole\ninput");

    assertThat(pub("-r", "-t", "f/file", "-n").status()).isZero();
    CommandRun cleared = sub("-t", "f/+", "-v", "-W", "1");
    assertThat(cleared.out()).isEqualTo("f/input whole\ninput\n");
    assertThat(cleared.status()).isEqualTo(27);
  }

  @ParameterizedTest
  @EnumSource
  void takeServerAndTopicFromOneUri(ServerUnderTest kind) {
    server = kind.start();
    String uri = "mqtt://127.0.0.1:" + server.port() + "/uri/topic";
    assertThat(CommandRun.of("pub", "-L", uri, "-r", "-m", "-t").status()).isZero();

    assertThat(CommandRun.of("sub", "-L", uri, "-C", "1").out()).isEqualTo("-t\n");
  }

  @ParameterizedTest
  @EnumSource
  void leaveOutWhatIsRetainedOrFilteredOut(ServerUnderTest kind) {
    server = kind.start();
    pub("-r", "-t", "o/a", "-m", "a");
    pub("-r", "-t", "o/b", "-m", "b");

    assertThat(sub("-t", "o/#", "-T", "o/a", "-C", "1").out()).isEqualTo("b\n");
    assertThat(sub("-t", "o/#", "-R", "-W", "1").out()).isEmpty();
  }

  private CommandRun pub(String... options) {
    return CommandRun.of(with(new String[] {"pub", "-p", server.portText()}, options));
  }

  private CommandRun sub(String... options) {
    return CommandRun.of(with(new String[] {"sub", "-p", server.portText()}, options));
  }

  private static String[] with(String[] first, String... more) {
    String[] all = java.util.Arrays.copyOf(first, first.length + more.length);
    System.arraycopy(more, 0, all, first.length, more.length);
    return all;
  }
}
