// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Topics;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A handler of messages; each is its own, even where the program's code is the same. */
final class MessageHandler {
  /** What it is for, without a share name; null: everything. */
  private final @Nullable String topicFilter;

  final Consumer<Message> handler;

  /** How it is given messages; null: as the client says. */
  final @Nullable MessageHandling handling;

  /** Where its messages go if not where the client's go; set once, by the driver or at birth. */
  @Nullable DeliveryTarget target;

  MessageHandler(
      @Nullable String topicFilter, Consumer<Message> handler, @Nullable MessageHandling handling) {
    this.topicFilter = topicFilter == null ? null : Topics.withoutShare(topicFilter);
    this.handler = Objects.requireNonNull(handler, "handler");
    this.handling = handling;
  }

  /** Makes the handler of an inbox. */
  MessageHandler(String topicFilter, DeliveryTarget inbox) {
    this(topicFilter, message -> {}, null);
    this.target = inbox;
  }

  /** Returns the same handler for another client. */
  MessageHandler copy() {
    return new MessageHandler(topicFilter, handler, handling);
  }

  boolean matches(String topic) {
    return topicFilter == null || Topics.matches(topicFilter, topic);
  }

  /** Tells whether it is simply called as a message arrives, where the client's handlers are. */
  boolean isDirect() {
    return target == null && (handling == null || handling.isDirect());
  }
}
