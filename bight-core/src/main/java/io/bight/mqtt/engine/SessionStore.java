// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttStoreException;

/**
 * Where a session outlives its engine. The engine writes ahead: every change is told here before
 * the bytes that follow from it are taken, with one {@link #commit} for all changes of a batch.
 *
 * <p>What was told since the last commit may be lost, but only as a whole: a store never comes back
 * with a part of it, except for {@link #putIncoming}. Each method may throw {@link
 * MqttStoreException}; whatever fails, the engine tells the whole session anew, beginning with
 * {@link #clear}, before it relies on the store again. All methods are the driver's.
 */
public interface SessionStore extends AutoCloseable {
  /** Keeps nothing: the session lives as long as the engine's own memory. */
  SessionStore IN_MEMORY =
      new SessionStore() {
        @Override
        public String toString() {
          return "in memory";
        }
      };

  /** What {@link #putConnected} and {@link #putEnded} are told of a session that never expires. */
  long NEVER_EXPIRES = 0xFFFF_FFFFL;

  /**
   * Returns what was kept. Called once, before any other method.
   *
   * @return the session; empty where nothing was kept
   */
  default StoredSession load() {
    return StoredSession.EMPTY;
  }

  /**
   * A message is on its way out. Comes when it is queued, and tells all of it; later changes are
   * told by position.
   *
   * @param message the message
   */
  default void putOutgoing(StoredPublish message) {}

  /**
   * A QoS 1 or 2 message is about to be sent.
   *
   * @param position its position
   * @param packetIdentifier its packet identifier
   */
  default void putPublished(long position, int packetIdentifier) {}

  /**
   * PUBREC has come for a QoS 2 message: from now on PUBREL is sent instead of it. Its payload will
   * not be asked for any more.
   *
   * @param position its position
   */
  default void putReleased(long position) {}

  /**
   * The server has lost its half of the session: a message that was sent waits to be sent anew.
   *
   * @param position its position
   */
  default void putQueuedAgain(long position) {}

  /**
   * An outgoing message has ended. From the next {@link #commit} on this survives the process; the
   * machine only with the next change that does, since a message that is sent once more does not do
   * the harm that waiting for the disk would.
   *
   * @param position its position
   */
  default void removeOutgoing(long position) {}

  /**
   * The application has handled an incoming QoS 2 message: it must not be given it again. This is
   * to survive the process from its return on, without a commit, so that a process killed right
   * after its handler does not handle the message twice; and the machine from the commit on.
   *
   * @param packetIdentifier its packet identifier
   */
  default void putIncoming(int packetIdentifier) {}

  /**
   * An incoming QoS 2 message is complete: the next one with this identifier is a new message.
   *
   * @param packetIdentifier its packet identifier
   */
  default void removeIncoming(int packetIdentifier) {}

  /** The server has lost its half of the session: no QoS 2 message will be repeated. */
  default void clearIncoming() {}

  /**
   * A subscription is wanted, or what is known of it has changed.
   *
   * @param subscription the subscription; replaces one with the same topic filter
   */
  default void putSubscription(StoredSubscription subscription) {}

  /**
   * A subscription is wanted no more.
   *
   * @param topicFilter its topic filter
   */
  default void removeSubscription(String topicFilter) {}

  /** CONNECT is about to be sent: until its outcome is told, the server's half is uncertain. */
  default void putConnecting() {}

  /**
   * CONNECT was refused, or not sent after all: what is known of the server's half is what it was
   * before {@link #putConnecting}, a time that runs since the connection ended included.
   */
  default void putNotConnected() {}

  /**
   * The server has accepted the connection, so its half of the session is known.
   *
   * @param sessionExpirySeconds how long the session lasts beyond the connection; {@link
   *     #NEVER_EXPIRES}: for ever; 0: it ends with the connection
   */
  default void putConnected(long sessionExpirySeconds) {}

  /**
   * A connection that was accepted has ended now: the time until the session expires begins.
   *
   * @param sessionExpirySeconds as in {@link #putConnected}; DISCONNECT may have changed it
   */
  default void putEnded(long sessionExpirySeconds) {}

  /**
   * Forgets all of the session but its standing (what {@link #putConnecting}, {@link
   * #putConnected}, {@link #putNotConnected} and {@link #putEnded} have told), since it is told
   * anew next. Brings a store that has failed back to work, if that can be done. Until the next
   * commit returns, what was committed before is what a restart finds.
   */
  default void clear() {}

  /**
   * Makes all changes since the last call last, before the bytes of the batch are written.
   *
   * @throws MqttStoreException if they cannot be stored
   */
  default void commit() {}

  /** Lets go of what is open: files, locks. What was committed stays. */
  @Override
  default void close() {}
}
