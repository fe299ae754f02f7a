// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What has gone wrong since the program asked for a connection, and when the next attempt follows
 * from it. As long as the connection is wanted; plain numbers of the driver's, without a clock.
 */
final class Retries {
  /** A connection that ends sooner does not prove that the trouble is over. */
  private static final long STABLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** Another client that is thrown out may take its time before it comes back. */
  private static final long TAKEOVER_MEMORY_NANOS = TimeUnit.MINUTES.toNanos(1);

  /**
   * A server that has acknowledged for so long has not taken the connection for a twin's: where two
   * clients throw each other out, the first few connections are shorter.
   */
  private static final long TRUSTED_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** So many connections in a row that end soon, without a reason, are no accident. */
  private static final int PATTERN = 3;

  private final ReconnectPolicy policy;
  private final boolean attemptsDiffer;
  private final DoubleSupplier random;

  private boolean connectedOnce;
  private int failures;
  private int shortConnections;
  private int unexplained;
  private int takeovers;
  private long acceptedNanos;
  private long acknowledgedNanos;
  private @Nullable MqttException lastFailure;

  /**
   * Makes the state of a connection that has just been asked for.
   *
   * @param attemptsDiffer whether the program may send something else in each attempt, so that no
   *     refusal is for ever
   */
  Retries(ReconnectPolicy policy, boolean attemptsDiffer, DoubleSupplier random) {
    this.policy = policy;
    this.attemptsDiffer = attemptsDiffer;
    this.random = random;
  }

  /** Returns how many attempts have failed in a row. */
  int failures() {
    return failures;
  }

  /** Returns why the last attempt failed or the last connection ended. */
  @Nullable MqttException lastFailure() {
    return lastFailure;
  }

  void onAccepted(long nowNanos) {
    connectedOnce = true;
    failures = 0;
    acceptedNanos = nowNanos;
    acknowledgedNanos = nowNanos;
  }

  /** The server has taken responsibility for a message. */
  void onAcknowledged(long nowNanos) {
    acknowledgedNanos = nowNanos;
  }

  /**
   * An attempt has failed.
   *
   * @return when the next one is made, or null if none is
   */
  @Nullable Duration onFailure(MqttConnectException failure) {
    failures++;
    unexplained = 0; // a server that another client is connected to is there to be found
    lastFailure = failure;
    boolean goesOn = connectedOnce || policy.includesFirstConnect();
    return goesOn && policy.allowsAttempt(failures) ? delay(failure.reasonCode()) : null;
  }

  /**
   * A connection was lost.
   *
   * @return when the next attempt is made, or null if none is
   */
  @Nullable Duration onLost(String client, ConnectionEnd end, long nowNanos) {
    lastFailure =
        new MqttDisconnectedException(client + " was disconnected: " + end.message(), end.cause());
    long livedNanos = nowNanos - acceptedNanos;
    // Two clients that throw each other out live for as long as the other one waits, so a
    // connection must outlive the delays before the delays begin anew.
    long delayNanos = 2 * policy.fullDelay(level()).toNanos();
    if (livedNanos >= Math.max(TAKEOVER_MEMORY_NANOS, delayNanos)) {
      takeovers = 0;
    }
    boolean takenOver = end.reasonCode() == ReasonCode.SESSION_TAKEN_OVER;
    if (takenOver) {
      takeovers++;
    }
    boolean isShort = livedNanos < Math.max(STABLE_NANOS, delayNanos);
    shortConnections = isShort ? shortConnections + 1 : 0;
    boolean trusted = acknowledgedNanos - acceptedNanos >= TRUSTED_NANOS;
    unexplained = isShort && !trusted && end.reasonCode() == null ? unexplained + 1 : 0;
    return policy.allowsAttempt(0) ? delay(end.reasonCode()) : null;
  }

  /** Returns a loss with what its repetition tells, once {@link #onLost} knows of it. */
  ConnectionEnd explained(ConnectionEnd end, String clientIdentifier) {
    if (end.reasonCode() == ReasonCode.SESSION_TAKEN_OVER) {
      return ConnectFailures.takenOver(end, clientIdentifier, takeovers);
    }
    return unexplained >= PATTERN
        ? ConnectFailures.endsSoon(end, clientIdentifier, unexplained)
        : end;
  }

  /**
   * A server that takes a connection and soon ends it is met less eagerly each time, from the
   * second time on: once is an accident, and the program is to have its connection back at once.
   */
  private int level() {
    return Math.max(Math.max(shortConnections - 1, 0), takeovers);
  }

  private Duration delay(@Nullable ReasonCode reason) {
    return ConnectFailures.isPermanent(reason) && !attemptsDiffer
        ? policy.longestDelay(random)
        : policy.delay(level() + failures, random);
  }
}
