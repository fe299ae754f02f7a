// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.client.ReconnectPolicy;
import java.time.Duration;
import java.util.SplittableRandom;

/**
 * What a seed stands for beyond its {@link Scenario}: how the client connects, and why it fails.
 */
final class ClientScenario {
  /** Whether the program prepares attempts. */
  enum Hook {
    NONE,
    DIRECT,
    STAGE
  }

  final long minimumDelayNanos;
  final long maximumDelayNanos;

  /** Negative: without limit. */
  final int maximumAttempts;

  final boolean alsoFirstConnect;
  final long connectTimeoutNanos;
  final long connackTimeoutNanos;

  final Hook hook;
  final int hookFailurePercent;
  final int hookHangPercent;

  final int connectRefusedPercent;
  final int connectHangPercent;
  final int stallPercent;
  final int closePercent;

  /** How often a callback asks for something, one in so many; 0: never. */
  final int actsInCallbacks;

  final boolean slowTurns;

  ClientScenario(SplittableRandom random) {
    minimumDelayNanos = Scenario.MILLISECOND * pick(random, 10, 100, 500);
    maximumDelayNanos = Math.max(minimumDelayNanos, Scenario.SECOND * pick(random, 0, 1, 5, 30));
    maximumAttempts = pick(random, -1, -1, -1, 0, 1, 3);
    alsoFirstConnect = random.nextInt(3) > 0;
    connectTimeoutNanos = Scenario.SECOND * pick(random, 1, 10);
    connackTimeoutNanos = Scenario.SECOND * pick(random, 1, 10);
    hook = Hook.values()[random.nextInt(5) % 3];
    hookFailurePercent = pick(random, 0, 0, 10, 40);
    hookHangPercent = hook == Hook.STAGE ? pick(random, 0, 10) : 0;
    connectRefusedPercent = pick(random, 0, 0, 10, 50);
    connectHangPercent = pick(random, 0, 0, 10);
    stallPercent = pick(random, 0, 0, 10, 40);
    closePercent = pick(random, 0, 0, 4);
    actsInCallbacks = pick(random, 0, 4, 15);
    slowTurns = random.nextInt(3) == 0;
  }

  private static int pick(SplittableRandom random, int... values) {
    return values[random.nextInt(values.length)];
  }

  ReconnectPolicy policy() {
    ReconnectPolicy policy =
        ReconnectPolicy.exponential(
            Duration.ofNanos(minimumDelayNanos), Duration.ofNanos(maximumDelayNanos));
    if (maximumAttempts >= 0) {
      policy = policy.maximumAttempts(maximumAttempts);
    }
    return alsoFirstConnect ? policy.alsoFirstConnect() : policy;
  }

  @Override
  public String toString() {
    return "delays "
        + minimumDelayNanos / Scenario.MILLISECOND
        + " to "
        + maximumDelayNanos / Scenario.MILLISECOND
        + " ms, attempts "
        + (maximumAttempts < 0 ? "without limit" : maximumAttempts)
        + (alsoFirstConnect ? ", also first" : "")
        + ", connect timeout "
        + connectTimeoutNanos / Scenario.SECOND
        + " s, CONNACK timeout "
        + connackTimeoutNanos / Scenario.SECOND
        + " s, hook "
        + hook
        + "; in percent: hook fails "
        + hookFailurePercent
        + ", hangs "
        + hookHangPercent
        + ", connection refused "
        + connectRefusedPercent
        + ", hangs "
        + connectHangPercent
        + ", stalls "
        + stallPercent
        + ", closes "
        + closePercent;
  }
}
