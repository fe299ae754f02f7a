// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.util.Arrays;

/**
 * The virtual clock and what is to happen when. One thread; what is due at the same time happens in
 * the order in which it was asked for.
 */
final class Scheduler {
  private static final class Event {
    final long timeNanos;
    final long order;
    final Runnable action;

    Event(long timeNanos, long order, Runnable action) {
      this.timeNanos = timeNanos;
      this.order = order;
      this.action = action;
    }

    boolean isBefore(Event other) {
      long difference = timeNanos - other.timeNanos; // the clock may wrap round
      return difference < 0 || (difference == 0 && order < other.order);
    }
  }

  private Event[] heap = new Event[32];
  private int size;
  private long orders;
  private long nowNanos;

  Scheduler(long startNanos) {
    nowNanos = startNanos;
  }

  long nowNanos() {
    return nowNanos;
  }

  void after(long delayNanos, Runnable action) {
    at(nowNanos + delayNanos, action);
  }

  void at(long timeNanos, Runnable action) {
    long time = timeNanos - nowNanos < 0 ? nowNanos : timeNanos;
    Event event = new Event(time, orders++, action);
    if (size == heap.length) {
      heap = Arrays.copyOf(heap, 2 * size);
    }
    int place = size++;
    while (place > 0 && event.isBefore(heap[(place - 1) / 2])) {
      heap[place] = heap[(place - 1) / 2];
      place = (place - 1) / 2;
    }
    heap[place] = event;
  }

  /** Lets the next event happen; returns false if there is none. */
  boolean runNext() {
    if (size == 0) {
      return false;
    }
    Event next = heap[0];
    Event last = heap[--size];
    heap[size] = null;
    if (size > 0) {
      sink(last);
    }
    nowNanos = next.timeNanos;
    next.action.run();
    return true;
  }

  private void sink(Event event) {
    int place = 0;
    for (int child; (child = 2 * place + 1) < size; place = child) {
      if (child + 1 < size && heap[child + 1].isBefore(heap[child])) {
        child++;
      }
      if (!heap[child].isBefore(event)) {
        break;
      }
      heap[place] = heap[child];
    }
    heap[place] = event;
  }
}
