// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A connection that the server had accepted has ended; there is one event for each. */
public final class DisconnectEvent {
  private final MqttClient client;
  private final ConnectionEnd end;
  private final @Nullable Duration reconnectIn;

  DisconnectEvent(MqttClient client, ConnectionEnd end, @Nullable Duration reconnectIn) {
    this.client = client;
    this.end = end;
    this.reconnectIn = reconnectIn;
  }

  /**
   * Returns the client that was connected.
   *
   * @return the client
   */
  public MqttClient client() {
    return client;
  }

  /**
   * Returns who ended it.
   *
   * @return the program, by {@code disconnect} or {@code close}; this library, since the server
   *     broke the protocol or a callback threw and the {@link CallbackErrorPolicy} asks for it; the
   *     server; or the network
   */
  public ConnectionEnd.By by() {
    return end.by();
  }

  /**
   * Returns the reason: the one in the DISCONNECT that was sent or received, or {@link
   * ReasonCode#KEEP_ALIVE_TIMEOUT} if the server was silent for too long.
   *
   * @return the reason, or empty if the connection ended without one
   */
  public Optional<ReasonCode> reasonCode() {
    return Optional.ofNullable(end.reasonCode());
  }

  /**
   * Returns what happened in words.
   *
   * @return as {@code the server closed the connection}
   */
  public String message() {
    return end.message();
  }

  /**
   * Returns what was thrown underneath.
   *
   * @return the cause, or empty if there was none
   */
  public Optional<Throwable> cause() {
    return Optional.ofNullable(end.cause());
  }

  /**
   * Returns what else the server said in its DISCONNECT.
   *
   * @return its properties
   */
  public Properties properties() {
    return end.properties();
  }

  /**
   * Returns when the client reconnects.
   *
   * @return the time from now, or empty if it does not
   */
  public Optional<Duration> reconnectIn() {
    return Optional.ofNullable(reconnectIn);
  }

  /** Returns the client, who and why, and when it reconnects. */
  @Override
  public String toString() {
    return "DisconnectEvent["
        + client.describe()
        + " by "
        + end.by()
        + ": "
        + end.message()
        + (reconnectIn == null ? "" : ", reconnect in " + reconnectIn.toMillis() + " ms")
        + "]";
  }
}
