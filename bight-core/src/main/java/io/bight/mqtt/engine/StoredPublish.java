// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.packet.Publish;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A message on its way out as a {@link SessionStore} keeps it.
 *
 * @param position its place among the messages of the session: they are sent in this order. A
 *     message put at a position that is taken replaces the one there
 * @param message the message
 * @param offlinePolicy what it was published with
 * @param tag what the program knows it by, or null
 * @param nanosToLive how long it may still wait to be sent; {@link #NEVER_EXPIRES}: for ever
 * @param state how far it has come
 * @param packetIdentifier its packet identifier where it is in flight, else 0
 */
public record StoredPublish(
    long position,
    Publish message,
    OfflinePolicy offlinePolicy,
    @Nullable String tag,
    long nanosToLive,
    State state,
    int packetIdentifier) {

  /** The life of a message without a Message Expiry Interval. */
  public static final long NEVER_EXPIRES = Long.MAX_VALUE;

  /** How far a stored message has come. */
  public enum State {
    /** It waits for its first transmission. */
    QUEUED,
    /** It was sent in a session that is lost, and waits to be sent anew. */
    QUEUED_AGAIN,
    /** PUBLISH may have been sent; it is repeated with DUP. */
    PUBLISHED,
    /** PUBREC has come; PUBREL is sent in place of the message. */
    RELEASED;

    /**
     * Tells whether a message in this state has a packet identifier.
     *
     * @return true if it is in flight
     */
    public boolean isInFlight() {
      return this == PUBLISHED || this == RELEASED;
    }
  }

  /**
   * Makes the record.
   *
   * @param position its place among the messages of the session
   * @param message the message
   * @param offlinePolicy what it was published with
   * @param tag what the program knows it by, or null
   * @param nanosToLive how long it may still wait to be sent
   * @param state how far it has come
   * @param packetIdentifier its packet identifier where it is in flight, else 0
   * @throws IllegalArgumentException if state and packet identifier do not go together
   */
  public StoredPublish {
    Objects.requireNonNull(message, "message");
    Objects.requireNonNull(offlinePolicy, "offlinePolicy");
    if (state.isInFlight() != (packetIdentifier >= 1 && packetIdentifier <= 65_535)) {
      throw new IllegalArgumentException(
          "the packet identifier " + packetIdentifier + " does not go with " + state);
    }
  }
}
