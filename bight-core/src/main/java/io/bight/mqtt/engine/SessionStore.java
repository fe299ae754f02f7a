// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.packet.Publish;

/**
 * Where a session outlives its engine. The engine writes ahead: every change is told here before
 * the bytes that follow from it are taken, with one {@link #commit} for all changes of a batch.
 * Called by the driver only.
 */
public interface SessionStore {
  /** Keeps nothing: the session lives as long as the engine's own memory. */
  SessionStore IN_MEMORY = new SessionStore() {};

  /**
   * A QoS 1 or 2 message is about to be sent.
   *
   * @param packetIdentifier its packet identifier
   * @param message the message
   */
  default void putOutgoing(int packetIdentifier, Publish message) {}

  /**
   * PUBREC has come for a QoS 2 message: from now on PUBREL is sent instead of it.
   *
   * @param packetIdentifier its packet identifier
   */
  default void putReleased(int packetIdentifier) {}

  /**
   * An outgoing message has ended.
   *
   * @param packetIdentifier its packet identifier
   */
  default void removeOutgoing(int packetIdentifier) {}

  /**
   * PUBREC is about to be sent for an incoming QoS 2 message: it must not be delivered again.
   *
   * @param packetIdentifier its packet identifier
   */
  default void putIncoming(int packetIdentifier) {}

  /**
   * An incoming QoS 2 message is complete.
   *
   * @param packetIdentifier its packet identifier
   */
  default void removeIncoming(int packetIdentifier) {}

  /** The session has ended: forget all of it. */
  default void clear() {}

  /** Makes all changes since the last call last, before the bytes of the batch are written. */
  default void commit() {}
}
