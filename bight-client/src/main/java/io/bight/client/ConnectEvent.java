// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Properties;
import io.bight.mqtt.packet.Connack;

/** The server has accepted a connection, for the first time or again. */
public final class ConnectEvent {
  private final MqttClient client;
  private final Connack connack;
  private final boolean reconnect;

  ConnectEvent(MqttClient client, Connack connack, boolean reconnect) {
    this.client = client;
    this.connack = connack;
    this.reconnect = reconnect;
  }

  /**
   * Returns the client that is connected.
   *
   * @return the client
   */
  public MqttClient client() {
    return client;
  }

  /**
   * Tells whether the server has kept the session: subscriptions are still there, and messages in
   * flight go on.
   *
   * @return the Session Present flag
   */
  public boolean isSessionPresent() {
    return connack.sessionPresent();
  }

  /**
   * Tells whether this client was connected before.
   *
   * @return true if this is not its first connection
   */
  public boolean isReconnect() {
    return reconnect;
  }

  /**
   * Returns what else the server said in CONNACK.
   *
   * @return its properties; none before MQTT 5.0
   */
  public Properties properties() {
    return connack.properties();
  }

  /** Returns the client and whether the session is present. */
  @Override
  public String toString() {
    return "ConnectEvent[" + client.describe() + ", sessionPresent=" + isSessionPresent() + "]";
  }
}
