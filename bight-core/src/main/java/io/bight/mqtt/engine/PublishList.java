// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Messages in order, linked through the messages themselves: adding and removing anywhere cost the
 * same at one message and at sixty thousand, without garbage. A message is in one list at a time.
 */
final class PublishList {
  private @Nullable OutgoingPublish first;
  private @Nullable OutgoingPublish last;
  private int size;

  @Nullable OutgoingPublish first() {
    return first;
  }

  int size() {
    return size;
  }

  boolean isEmpty() {
    return size == 0;
  }

  void forEach(Consumer<OutgoingPublish> action) {
    for (OutgoingPublish publish = first; publish != null; publish = publish.next) {
      action.accept(publish);
    }
  }

  void addFirst(OutgoingPublish publish) {
    publish.previous = null;
    publish.next = first;
    if (first == null) {
      last = publish;
    } else {
      first.previous = publish;
    }
    first = publish;
    size++;
  }

  void add(OutgoingPublish publish) {
    publish.previous = last;
    publish.next = null;
    if (last == null) {
      first = publish;
    } else {
      last.next = publish;
    }
    last = publish;
    size++;
  }

  void insertBefore(OutgoingPublish successor, OutgoingPublish publish) {
    publish.previous = successor.previous;
    publish.next = successor;
    if (successor.previous == null) {
      first = publish;
    } else {
      successor.previous.next = publish;
    }
    successor.previous = publish;
    size++;
  }

  void remove(OutgoingPublish publish) {
    if (publish.previous == null) {
      if (first != publish) {
        throw new IllegalStateException(publish + " is not in this list");
      }
      first = publish.next;
    } else {
      publish.previous.next = publish.next;
    }
    if (publish.next == null) {
      last = publish.previous;
    } else {
      publish.next.previous = publish.previous;
    }
    publish.previous = null;
    publish.next = null;
    size--;
  }
}
