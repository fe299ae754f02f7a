// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.FilterIndex;
import io.bight.mqtt.Topics;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A handler of messages on topics that match a filter, or of all; each is its own, even where the
 * program's code is the same.
 */
final class MessageHandler extends FilterIndex.Entry {
  final Consumer<Message> handler;

  /** How it is given messages; null: as the client says. */
  final @Nullable MessageHandling handling;

  /** Where its messages go if not where the client's go; set once, by the driver or at birth. */
  @Nullable DeliveryTarget target;

  MessageHandler(
      @Nullable String topicFilter, Consumer<Message> handler, @Nullable MessageHandling handling) {
    super(topicFilter);
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
    return new MessageHandler(topicFilter(), handler, handling);
  }

  boolean matches(String topic) {
    String filter = topicFilter();
    return filter == null || Topics.matches(filter, topic);
  }

  /** Tells whether it is simply called as a message arrives, where the client's handlers are. */
  boolean isDirect() {
    return target == null && (handling == null || handling.isDirect());
  }
}
