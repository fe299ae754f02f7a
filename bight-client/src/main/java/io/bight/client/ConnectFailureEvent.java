// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttConnectException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An attempt to connect has failed. */
public final class ConnectFailureEvent {
  private final MqttClient client;
  private final MqttConnectException failure;
  private final int attempt;
  private final @Nullable Duration nextAttemptIn;

  ConnectFailureEvent(
      MqttClient client,
      MqttConnectException failure,
      int attempt,
      @Nullable Duration nextAttemptIn) {
    this.client = client;
    this.failure = failure;
    this.attempt = attempt;
    this.nextAttemptIn = nextAttemptIn;
  }

  /**
   * Returns the client that is not connected.
   *
   * @return the client
   */
  public MqttClient client() {
    return client;
  }

  /**
   * Returns why.
   *
   * @return the failure
   */
  public MqttConnectException failure() {
    return failure;
  }

  /**
   * Returns how many attempts have failed in a row.
   *
   * @return 1 or more
   */
  public int attempt() {
    return attempt;
  }

  /**
   * Returns when the next attempt is made.
   *
   * @return the time from now, or empty if the client has given up
   */
  public Optional<Duration> nextAttemptIn() {
    return Optional.ofNullable(nextAttemptIn);
  }

  /** Returns the client, why, and when it tries again. */
  @Override
  public String toString() {
    return "ConnectFailureEvent["
        + failure.getMessage()
        + (nextAttemptIn == null ? "" : ", next attempt in " + nextAttemptIn.toMillis() + " ms")
        + "]";
  }
}
