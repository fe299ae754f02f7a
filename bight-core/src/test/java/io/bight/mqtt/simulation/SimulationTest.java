// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The engine with its store against a model server, through accidents of every kind. What is
 * simulated, and how to run more of it: docs/simulation.md.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SimulationTest {
  private static final long SEEDS = 100_000;

  /** On a machine that is busy with other things. */
  private static final double MOST_SECONDS = 120;

  @Test
  @Order(2)
  void holdsItsWordWhateverHappens() {
    Simulations.ENGINE.runFromCommandLine(SEEDS, MOST_SECONDS);
  }

  @Test
  @Order(1)
  void seedsThatFailedOnceFailNoMore() throws IOException {
    Simulations.ENGINE.runFailedOnce("failed-once.txt");
  }

  @Test
  @Order(3)
  void sameSeedIsTheSameToTheLastByte() {
    for (long seed = 1; seed <= 50; seed++) {
      assertThat(Simulations.ENGINE.trace(seed)).isEqualTo(Simulations.ENGINE.trace(seed));
    }
  }
}
