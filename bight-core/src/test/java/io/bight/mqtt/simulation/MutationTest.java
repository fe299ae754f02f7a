// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The simulation finds what it is there to find: an engine broken at any of these places. */
class MutationTest {
  private static final long MOST_SEEDS = 10_000;

  @ParameterizedTest
  @MethodSource("io.bight.mqtt.simulation.Mutations#all")
  void isFound(Mutation mutation) throws ReflectiveOperationException {
    Object[] failure = mutation.find(Simulations.class, MOST_SEEDS);
    assertThat(Simulations.ENGINE.failureOf((long) failure[0])).as("without the mutation").isNull();
  }
}
