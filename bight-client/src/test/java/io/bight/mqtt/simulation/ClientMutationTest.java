// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The simulation of whole clients finds a client that connects wrongly in any of these ways. */
class ClientMutationTest {
  private static final long MOST_SEEDS = 10_000;

  @ParameterizedTest
  @MethodSource("io.bight.mqtt.simulation.ClientMutations#all")
  void isFound(Mutation mutation) throws ReflectiveOperationException {
    try (QuietLog log = new QuietLog()) {
      Object[] failure = mutation.find(ClientSimulation.class, MOST_SEEDS);
      assertThat(ClientSimulation.CLIENT.failureOf((long) failure[0]))
          .as("without the mutation")
          .isNull();
    }
  }
}
