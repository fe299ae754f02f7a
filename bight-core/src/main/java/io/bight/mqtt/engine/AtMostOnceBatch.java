// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import java.util.Arrays;

/**
 * The QoS 0 messages of one batch of bytes, from their encoding until the transport has taken the
 * bytes. Made for each batch that has some and dropped with it: a long-lived list would cost the
 * garbage collector a look at each message that is put into it.
 */
final class AtMostOnceBatch {
  /** Stands for a batch without QoS 0 messages. */
  static final AtMostOnceBatch EMPTY = new AtMostOnceBatch(0);

  private Publication[] publications;
  private int size;
  private int told;
  private long heapBytes;

  AtMostOnceBatch(int capacity) {
    publications = new Publication[capacity];
  }

  void add(Publication publication, long bytes) {
    if (size == publications.length) {
      publications = Arrays.copyOf(publications, Math.max(8, 2 * size));
    }
    publications[size++] = publication;
    heapBytes += bytes;
  }

  int size() {
    return size;
  }

  /** Returns what its messages count for against the queue's bound, once. */
  long takeHeapBytes() {
    long taken = heapBytes;
    heapBytes = 0;
    return taken;
  }

  /** Tells whether some message's outcome is still to be told. */
  boolean hasUntold() {
    return told < size;
  }

  /** Returns the message whose outcome is to be told next; then it counts as told. */
  Publication takeUntold() {
    return publications[told++];
  }
}
