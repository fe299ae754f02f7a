// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * Whole clients with their reconnects against a model server, through accidents of every kind. What
 * is simulated, and how to run more of it: docs/simulation.md.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ClientSimulationTest {
  private static final long SEEDS = 30_000;

  /** On a machine that is busy with other things. */
  private static final double MOST_SECONDS = 60;

  private static QuietLog log;

  @BeforeAll
  static void beQuiet() {
    log = new QuietLog();
  }

  @AfterAll
  static void speakAgain() {
    log.close();
  }

  @Test
  @Order(1)
  void seedsThatFailedOnceFailNoMore() throws IOException {
    ClientSimulation.CLIENT.runFailedOnce("client-failed-once.txt");
  }

  @Test
  @Order(2)
  void holdsItsWordWhateverHappens() {
    ClientSimulation.CLIENT.runFromCommandLine(SEEDS, MOST_SECONDS);
  }

  @Test
  @Order(3)
  void sameSeedIsTheSameToTheLastByte() {
    for (long seed = 1; seed <= 50; seed++) {
      assertThat(ClientSimulation.CLIENT.trace(seed))
          .isEqualTo(ClientSimulation.CLIENT.trace(seed));
    }
  }
}
