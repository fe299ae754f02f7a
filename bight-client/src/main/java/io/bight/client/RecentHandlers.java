// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which handlers were found lately, for topics that come again and again: they are the same {@code
 * String} each time, as the decoder hands them out. Belongs to the driver; takes nothing before the
 * first message.
 */
final class RecentHandlers {
  /** A power of two; a topic has one slot. */
  private static final int SLOTS = 16;

  private static final Answer[] NONE = {};

  private final MessageHandlers handlers;
  private @Nullable Answer[] answers = NONE;

  /**
   * What was found.
   *
   * @param changes how often the handlers had changed before it was looked for
   */
  private record Answer(String topic, int changes, List<MessageHandler> found) {}

  RecentHandlers(MessageHandlers handlers) {
    this.handlers = handlers;
  }

  /** Returns the handlers whose filter matches, as {@link MessageHandlers#matching} does. */
  @SuppressWarnings("ReferenceEquality") // another String with the same name is looked up anew
  List<MessageHandler> matching(String topic) {
    if (answers.length == 0) {
      answers = new Answer[SLOTS];
    }
    int slot = topic.hashCode() & (SLOTS - 1);
    int changes = handlers.changes(); // first: what changes while we look is looked for again
    Answer known = answers[slot];
    if (known != null && known.topic == topic && known.changes == changes) {
      return known.found;
    }
    List<MessageHandler> found = handlers.matching(topic);
    answers[slot] = new Answer(topic, changes, found);
    return found;
  }
}
