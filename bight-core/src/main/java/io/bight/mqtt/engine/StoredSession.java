// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import java.util.List;

/**
 * What a {@link SessionStore} has kept of a session.
 *
 * @param outgoing messages on their way out, by position
 * @param incoming packet identifiers of QoS 2 messages that the application has handled and whose
 *     PUBREL has not come
 * @param subscriptions the subscriptions wanted, in the order in which they were first put
 * @param standing what is known of the server's half
 */
public record StoredSession(
    List<StoredPublish> outgoing,
    List<Integer> incoming,
    List<StoredSubscription> subscriptions,
    Standing standing) {

  /** A session of which nothing is kept. */
  public static final StoredSession EMPTY =
      new StoredSession(List.of(), List.of(), List.of(), Standing.KNOWN);

  /** What is known of the server's half of a session. */
  public enum Standing {
    /** It is the one that the last CONNACK told of. */
    KNOWN,
    /**
     * A CONNECT was sent whose answer did not arrive: if the server had lost the session, it has
     * begun a new one without the client's knowledge.
     */
    UNCERTAIN,
    /** Its Session Expiry Interval has passed since the connection ended. */
    EXPIRED
  }

  /**
   * Makes the record.
   *
   * @param outgoing messages on their way out, by position
   * @param incoming packet identifiers of QoS 2 messages handled and not released
   * @param subscriptions the subscriptions wanted
   * @param standing what is known of the server's half
   */
  public StoredSession {
    outgoing = List.copyOf(outgoing);
    incoming = List.copyOf(incoming);
    subscriptions = List.copyOf(subscriptions);
  }
}
