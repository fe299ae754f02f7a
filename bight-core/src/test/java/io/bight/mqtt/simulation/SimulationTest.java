// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
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

  private static final String FAILED_ONCE = "failed-once.txt";

  /** Runs the seeds that were asked for on the command line, or those of every build. */
  @Test
  @Order(2)
  void holdsItsWordWhateverHappens() {
    String replayed = System.getProperty("simulation.seed");
    if (replayed != null) {
      System.out.println(Simulations.trace(Long.parseLong(replayed)));
      assertThat(Simulations.failureOf(Long.parseLong(replayed))).isNull();
      return;
    }
    String base = System.getProperty("simulation.base", "1");
    boolean random = base.equals("random");
    Simulations.Result result =
        Simulations.run(
            random ? System.nanoTime() >>> 8 << 20 : Long.parseLong(base),
            Long.getLong("simulation.seeds", SEEDS),
            Double.parseDouble(System.getProperty("simulation.seconds", "" + MOST_SECONDS)),
            1,
            true);
    System.out.println("simulation: " + result);
    requireNoFailure(result.failed());
  }

  @Test
  @Order(1)
  void seedsThatFailedOnceFailNoMore() throws IOException {
    List<Long> seeds = failedOnce();
    assertThat(seeds).isNotEmpty();
    requireNoFailure(seeds.stream().filter(seed -> Simulations.failureOf(seed) != null).toList());
  }

  @Test
  @Order(3)
  void sameSeedIsTheSameToTheLastByte() {
    for (long seed = 1; seed <= 50; seed++) {
      assertThat(Simulations.trace(seed)).isEqualTo(Simulations.trace(seed));
    }
  }

  private static void requireNoFailure(List<Long> failed) {
    if (!failed.isEmpty()) {
      throw new AssertionError(Simulations.report(failed.get(0)));
    }
  }

  private static List<Long> failedOnce() throws IOException {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                SimulationTest.class.getResourceAsStream(FAILED_ONCE), StandardCharsets.UTF_8))) {
      return reader
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .map(line -> Long.parseLong(line.substring(0, line.indexOf(' '))))
          .toList();
    }
  }
}
