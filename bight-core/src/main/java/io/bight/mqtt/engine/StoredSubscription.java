// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.packet.Subscription;
import java.util.Objects;

/**
 * What the program wants of a topic filter, as a {@link SessionStore} keeps it.
 *
 * @param subscription the topic filter and its options
 * @param identifier its Subscription Identifier; 0: none
 * @param state how far it has come
 */
public record StoredSubscription(Subscription subscription, int identifier, State state) {
  /** How far a wish about a topic filter has come. */
  public enum State {
    /** The program has subscribed, and the server's answer has not come. */
    ASKED,
    /** The server has granted it, in the session as it is now. */
    GRANTED,
    /** The server had granted it in a session that is lost; it is to be asked for again. */
    LOST,
    /**
     * The program has unsubscribed, and the server's answer has not come. Of the subscription only
     * the topic filter means anything.
     */
    UNWANTED
  }

  /**
   * Makes the record.
   *
   * @param subscription the topic filter and its options
   * @param identifier its Subscription Identifier; 0: none
   * @param state how far it has come
   */
  public StoredSubscription {
    Objects.requireNonNull(subscription, "subscription");
    Objects.requireNonNull(state, "state");
  }
}
