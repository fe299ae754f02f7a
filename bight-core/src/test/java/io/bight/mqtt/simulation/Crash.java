// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

/**
 * The simulated process dies here. An error, so that nothing in the engine takes it for a failure
 * that it can go on from; without a stack trace, since it is thrown thousands of times a second.
 */
final class Crash extends Error {
  private static final long serialVersionUID = 1L;

  static final Crash NOW = new Crash();

  private Crash() {
    super("the simulated process dies", null, false, false);
  }
}
