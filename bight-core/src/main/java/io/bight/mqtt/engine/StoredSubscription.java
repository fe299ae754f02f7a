// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.packet.Subscription;
import java.util.Objects;

/**
 * A subscription that the program wants, as a {@link SessionStore} keeps it.
 *
 * @param subscription the topic filter and its options
 * @param identifier its Subscription Identifier; 0: none
 * @param granted whether the server has granted it in the session as it is now; if not, it is to be
 *     asked for
 */
public record StoredSubscription(Subscription subscription, int identifier, boolean granted) {
  /**
   * Makes the record.
   *
   * @param subscription the topic filter and its options
   * @param identifier its Subscription Identifier; 0: none
   * @param granted whether the server has granted it in the session as it is now
   */
  public StoredSubscription {
    Objects.requireNonNull(subscription, "subscription");
  }
}
