// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.testkit.LeakCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Row L4 of docs/loop-table.md: what loopStop says of a driver who does not leave. */
@ExtendWith(LeakCheck.class)
@Timeout(30)
class LoopStopTest {
  private final CountDownLatch begun = new CountDownLatch(1);
  private final CountDownLatch release = new CountDownLatch(1);

  private void block() {
    begun.countDown();
    try {
      assertThat(release.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static List<String> linesOfTheLogWith(String words) throws IOException {
    Path log = Path.of(System.getProperty("org.slf4j.simpleLogger.logFile"));
    return Files.readAllLines(log).stream().filter(line -> line.contains(words)).toList();
  }

  @Test
  void l4LoopStopNamesTheCallbackThatHoldsItUp() throws Exception {
    try (MqttLoop loop = MqttLoop.create("stop-in-callback")) {
      loop.loopStart();
      loop.execute(this::block);
      assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
      loop.loopStop();
      assertThat(linesOfTheLogWith("'stop-in-callback' was told to stop"))
          .singleElement()
          .asString()
          .contains("loopStart() on thread 'stop-in-callback'")
          .contains("is inside a task given to execute(...), ")
          .contains("; it stops when that returns");
      release.countDown();
    }
  }

  @Test
  void l4WhoWantsToDriveAfterAStopThatFoundAStuckCallbackIsRefusedWithItsName() throws Exception {
    try (MqttLoop loop = MqttLoop.create("stuck")) {
      loop.loopStart();
      loop.execute(this::block);
      assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
      loop.loopStop();
      assertThatThrownBy(loop::loopStart)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("loopStart() cannot drive the loop 'stuck' yet: ")
          .hasMessageContaining("loopStart() on thread 'stuck' is inside a task given to execute(")
          .hasMessageFindingMatch("for at least \\d+ ms; it stops when that returns")
          .hasMessageFindingMatch("told to stop \\d+ ms ago");
      assertThatThrownBy(loop::loopForever).hasMessageContaining("loopForever() cannot drive");
      // One turn waits no longer than it is told to; by now the driver should have left.
      assertThatThrownBy(() -> loop.loop(Duration.ZERO)).hasMessageContaining("is inside a task");
      release.countDown();
      loop.loopStart(); // waits for the one who leaves now
    }
  }

  @Test
  void l4LoopStopWaitsLongerForADriverWhoIsInNoCallbackAndDoesNotSayThatHeIs() throws Exception {
    try (MqttLoop loop = MqttLoop.create("stop-in-no-callback")) {
      loop.loopStart();
      loop.eventLoop().execute(this::block); // nothing of the program's
      assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
      long start = System.nanoTime();
      loop.loopStop();
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(900));
      assertThat(linesOfTheLogWith("'stop-in-no-callback' was told to stop"))
          .singleElement()
          .asString()
          .contains("has not answered yet, though no callback runs");
      release.countDown();
    }
  }
}
