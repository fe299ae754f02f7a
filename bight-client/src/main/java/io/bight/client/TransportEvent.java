// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.net.SocketAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A socket has been opened or closed, below MQTT. */
public final class TransportEvent {
  private final MqttClient client;
  private final boolean opened;
  private final @Nullable SocketAddress localAddress;
  private final @Nullable SocketAddress remoteAddress;

  TransportEvent(
      MqttClient client,
      boolean opened,
      @Nullable SocketAddress localAddress,
      @Nullable SocketAddress remoteAddress) {
    this.client = client;
    this.opened = opened;
    this.localAddress = localAddress;
    this.remoteAddress = remoteAddress;
  }

  /**
   * Returns the client whose socket it is.
   *
   * @return the client
   */
  public MqttClient client() {
    return client;
  }

  /**
   * Tells which of the two it is.
   *
   * @return true if it was opened, TLS and WebSocket included; false if it was closed
   */
  public boolean isOpened() {
    return opened;
  }

  /**
   * Returns this end's address.
   *
   * @return the address, or empty if it is not known any more
   */
  public Optional<SocketAddress> localAddress() {
    return Optional.ofNullable(localAddress);
  }

  /**
   * Returns the server's address.
   *
   * @return the address, or empty if it is not known any more
   */
  public Optional<SocketAddress> remoteAddress() {
    return Optional.ofNullable(remoteAddress);
  }

  /** Returns the client, what happened and the addresses. */
  @Override
  public String toString() {
    return "TransportEvent["
        + client.describe()
        + (opened ? " opened " : " closed ")
        + localAddress
        + " to "
        + remoteAddress
        + "]";
  }
}
