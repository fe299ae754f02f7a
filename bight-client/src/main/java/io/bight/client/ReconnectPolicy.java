// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * When to try again after a connection was lost or could not be made. The delays grow exponentially
 * with a random part, so that a thousand clients do not come back in the same moment. Immutable.
 */
public final class ReconnectPolicy {
  private static final int NO_LIMIT = Integer.MAX_VALUE;

  /** The first attempt after a loss comes almost at once, but not in step with other clients. */
  private static final Duration FIRST_DELAY = Duration.ofMillis(50);

  private static final Duration LONGEST_DELAY = Duration.ofDays(365);
  private static final double JITTER = 0.5;

  private static final ReconnectPolicy DEFAULT =
      exponential(Duration.ofMillis(500), Duration.ofSeconds(30));

  private final Duration minimumDelay;
  private final Duration maximumDelay;
  private final int maximumAttempts;
  private final boolean firstConnect;

  private ReconnectPolicy(
      Duration minimumDelay, Duration maximumDelay, int maximumAttempts, boolean firstConnect) {
    this.minimumDelay = minimumDelay;
    this.maximumDelay = maximumDelay;
    this.maximumAttempts = maximumAttempts;
    this.firstConnect = firstConnect;
  }

  /**
   * Returns the default: the first attempt within 50 ms, then after 0.5 s, 1 s, 2 s and so on up to
   * 30 s, each shortened by up to a half at random; without end; only after a connection has been
   * made once.
   *
   * <p>A connection that ends within 10 s, or twice the last delay if that is longer, does not let
   * the delays begin anew. After a refusal that trying again soon cannot heal, a wrong password for
   * instance, the longest delay is waited at once, unless a {@link MqttClientBuilder#beforeConnect}
   * hook may send something else.
   *
   * @return the default policy
   */
  public static ReconnectPolicy exponential() {
    return DEFAULT;
  }

  /**
   * Returns a policy with other delays. The first attempt after a loss comes within 50 ms, or the
   * minimum if that is shorter.
   *
   * @param minimum the delay before the second attempt
   * @param maximum what the doubled delays do not exceed
   * @return the policy
   * @throws IllegalArgumentException if the minimum is not positive or above the maximum, or the
   *     maximum is longer than 365 days
   */
  public static ReconnectPolicy exponential(Duration minimum, Duration maximum) {
    if (minimum.isNegative()
        || minimum.isZero()
        || minimum.compareTo(maximum) > 0
        || maximum.compareTo(LONGEST_DELAY) > 0) {
      throw new IllegalArgumentException(
          "reconnect delays are positive, grow, and end at "
              + LONGEST_DELAY.toDays()
              + " days: minimum "
              + minimum
              + ", maximum "
              + maximum);
    }
    return new ReconnectPolicy(minimum, maximum, NO_LIMIT, false);
  }

  /**
   * Returns a policy that never tries again.
   *
   * @return the policy
   */
  public static ReconnectPolicy never() {
    return new ReconnectPolicy(Duration.ofSeconds(1), Duration.ofSeconds(1), 0, false);
  }

  /**
   * Returns this policy with a limit.
   *
   * @param attempts how many attempts without success are made before the client gives up
   * @return the changed policy
   * @throws IllegalArgumentException if it is negative
   */
  public ReconnectPolicy maximumAttempts(int attempts) {
    if (attempts < 0) {
      throw new IllegalArgumentException("the number of attempts cannot be negative: " + attempts);
    }
    return new ReconnectPolicy(minimumDelay, maximumDelay, attempts, firstConnect);
  }

  /**
   * Returns this policy for the first connection too: {@code connect} keeps trying where it would
   * fail.
   *
   * <p>A program may so be started before the network, the server's name or the server exist. The
   * name is looked up anew for each attempt; the JDK itself remembers answers, by default 30 s
   * where a name was found and 10 s where it was not (the security properties {@code
   * networkaddress.cache.ttl} and {@code networkaddress.cache.negative.ttl}).
   *
   * @return the changed policy
   */
  public ReconnectPolicy alsoFirstConnect() {
    return new ReconnectPolicy(minimumDelay, maximumDelay, maximumAttempts, true);
  }

  boolean includesFirstConnect() {
    return firstConnect;
  }

  boolean allowsAttempt(int failedAttempts) {
    return failedAttempts < maximumAttempts;
  }

  /** Returns how long to wait before the next attempt, after so many have failed in a row. */
  Duration delay(int failedAttempts, DoubleSupplier random) {
    return shortened(fullDelay(failedAttempts), random);
  }

  /** Returns how long to wait when trying soon is of no use. */
  Duration longestDelay(DoubleSupplier random) {
    return shortened(maximumDelay, random);
  }

  /** Returns the delay without its random part. */
  Duration fullDelay(int failedAttempts) {
    if (failedAttempts == 0) {
      return FIRST_DELAY.compareTo(minimumDelay) < 0 ? FIRST_DELAY : minimumDelay;
    } else if (failedAttempts < Long.SIZE / 2) {
      Duration grown = minimumDelay.multipliedBy(1L << (failedAttempts - 1));
      return grown.compareTo(maximumDelay) < 0 ? grown : maximumDelay;
    }
    return maximumDelay;
  }

  private static Duration shortened(Duration full, DoubleSupplier random) {
    double part = 1 - JITTER * random.getAsDouble();
    return Duration.ofNanos((long) (full.toNanos() * part));
  }
}
