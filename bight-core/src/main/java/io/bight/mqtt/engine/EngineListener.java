// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Packet;

/**
 * Is told what happens in an engine. Each call is the last statement of a state change and comes on
 * the driver's thread, so it may issue any command. It must not throw.
 */
public interface EngineListener {
  /**
   * The server has accepted the connection. Messages queued and subscriptions wanted are on their
   * way when this is called.
   *
   * @param connack the server's answer
   */
  void onConnected(Connack connack);

  /**
   * A connection, or the attempt to make one, has ended; called exactly once for each {@link
   * MqttEngine#connectionOpened}. What is left to write is to be written and the transport closed.
   *
   * @param end who ended it and why
   */
  void onConnectionEnded(ConnectionEnd end);

  /**
   * A message has arrived. At QoS 1 and 2 it stays unacknowledged until {@link
   * MqttEngine#acknowledge}.
   *
   * @param message the message
   */
  void onMessage(IncomingPublish message);

  /**
   * A step of enhanced authentication has arrived; answer with {@link MqttEngine#authenticate}.
   *
   * @param auth the packet
   */
  default void onAuth(Auth auth) {}

  /**
   * Subscriptions could not be made again on a new session, or what an earlier process had asked
   * for was refused.
   *
   * @param failure which and why
   */
  default void onResubscribeFailure(MqttException failure) {}

  /**
   * The store of the session has stopped working. Messages that cannot be stored fail, and nothing
   * is sent that must be stored first. Comes in the middle of a state change: it must not issue
   * commands.
   *
   * @param failure what happened
   */
  default void onStoreFailure(MqttStoreException failure) {}

  /** The store works again and has been told the whole session. Must not issue commands. */
  default void onStoreRecovered() {}

  /**
   * A packet was encoded or decoded, for a log in words. Asked for only when {@link
   * #wantsPackets()}. Comes in the middle of a state change: it must not issue commands.
   *
   * @param sent true if it was sent, false if it was received
   * @param packet the packet
   */
  default void onPacket(boolean sent, Packet packet) {}

  /**
   * Tells whether {@link #onPacket} is wanted; asked once for packets that arrive, or leave,
   * together.
   *
   * @return true if it is
   */
  default boolean wantsPackets() {
    return false;
  }
}
