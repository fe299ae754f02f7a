// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.engine.StoredSubscription;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a session's database holds, read as a whole, with what could not be read. */
final class SessionContent {
  final TreeMap<Long, MessageRecord> messages = new TreeMap<>();

  /** By the order in which they were first put. */
  final TreeMap<Long, StoredSubscription> subscriptions = new TreeMap<>();

  /** Null where they could not be read, or there are none yet. */
  @Nullable SessionFacts facts;

  long lostMessages;
  long lostSubscriptions;

  /** Whether something is wrong that cannot be counted. */
  boolean isPartial;

  /** Tells whether all is here that was there. */
  boolean isWhole() {
    return lostMessages == 0 && lostSubscriptions == 0 && !isPartial;
  }

  /** Takes what is missing here from an older state. */
  void addFrom(SessionContent older) {
    if (facts == null) {
      facts = older.facts;
    }
    if (lostMessages > 0 || isPartial) {
      for (var message : older.messages.entrySet()) {
        if (messages.putIfAbsent(message.getKey(), message.getValue()) == null) {
          lostMessages = Math.max(0, lostMessages - 1);
        }
      }
    }
    if (lostSubscriptions > 0 || isPartial) {
      for (var subscription : older.subscriptions.entrySet()) {
        if (subscriptions.putIfAbsent(subscription.getKey(), subscription.getValue()) == null) {
          lostSubscriptions = Math.max(0, lostSubscriptions - 1);
        }
      }
    }
  }
}
