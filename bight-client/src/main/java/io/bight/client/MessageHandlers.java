// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.FilterIndex;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A client's message handlers, in the order in which they were added; any thread. A few are tried
 * one by one, since most clients have few and should be small; as soon as there are more they stand
 * in an index, so that a message costs the same among ten thousand.
 */
final class MessageHandlers {
  /** How many are tried one by one, which takes no longer than to look in the index. */
  static final int MOST_TRIED = 4;

  private static final MessageHandler[] NONE = {};

  /** Replaced as a whole, under the lock; read by all. Empty from when there is an index. */
  private volatile MessageHandler[] few = NONE;

  /** Set once, before {@link #few} is emptied. */
  private volatile @Nullable FilterIndex<MessageHandler> index;

  /** How often they have changed, counted behind each change; written under the lock. */
  private volatile int changes;

  /** Returns how often the handlers have changed so far. */
  int changes() {
    return changes;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // under the lock
  private void onChanged() {
    changes++;
  }

  /** Returns the handlers whose filter matches; does not change afterwards. */
  List<MessageHandler> matching(String topic) {
    MessageHandler[] tried = few; // before the index, which is there when this is emptied
    FilterIndex<MessageHandler> all = index;
    if (tried.length == 0) {
      return all == null ? List.of() : all.matching(topic);
    }
    MessageHandler first = null;
    List<MessageHandler> several = null;
    for (MessageHandler handler : tried) {
      if (!handler.matches(topic)) {
        continue;
      }
      if (first == null) {
        first = handler;
      } else {
        if (several == null) {
          several = new ArrayList<>(tried.length);
          several.add(first);
        }
        several.add(handler);
      }
    }
    if (several != null) {
      return several;
    }
    return first == null ? List.of() : List.of(first);
  }

  /** Returns all at this moment. */
  List<MessageHandler> all() {
    MessageHandler[] tried = few; // before the index, which is there when this is emptied
    FilterIndex<MessageHandler> all = index;
    return tried.length > 0 || all == null ? List.of(tried) : all.all();
  }

  boolean isEmpty() {
    FilterIndex<MessageHandler> all;
    return few.length == 0 && ((all = index) == null || all.isEmpty());
  }

  /** Adds a handler behind all others. */
  synchronized void add(MessageHandler handler) {
    try {
      if (index != null) {
        index.add(handler);
      } else if (few.length < MOST_TRIED) {
        MessageHandler[] more = Arrays.copyOf(few, few.length + 1);
        more[few.length] = handler;
        few = more;
      } else {
        FilterIndex<MessageHandler> made = new FilterIndex<>();
        for (MessageHandler earlier : few) {
          made.add(earlier);
        }
        made.add(handler);
        index = made;
        few = NONE;
      }

    } finally {
      onChanged();
    }
  }

  /**
   * Puts a handler in the place of another, or behind all if that is not there any more. In one
   * step: a message that arrives meanwhile meets the one or the other.
   */
  synchronized void replace(MessageHandler earlier, MessageHandler handler) {
    try {
      if (index != null) {
        index.replace(earlier, handler);
        return;
      }
      int place = Arrays.asList(few).indexOf(earlier);
      if (place < 0) {
        add(handler);
      } else {
        MessageHandler[] changed = few.clone();
        changed[place] = handler;
        few = changed;
      }

    } finally {
      onChanged();
    }
  }

  /** Removes handlers in one step, as far as they are there. */
  synchronized void removeAll(Collection<MessageHandler> handlers) {
    try {
      if (index != null) {
        index.removeAll(handlers);
      } else {
        few =
            Arrays.stream(few)
                .filter(handler -> !handlers.contains(handler))
                .toArray(MessageHandler[]::new);
      }

    } finally {
      onChanged();
    }
  }
}
