// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.packet.Publish;
import java.util.Arrays;

/**
 * The QoS 0 messages of one batch of bytes, from their encoding until the transport has taken the
 * bytes. Made for each batch that has some and dropped with it: a long-lived list would cost the
 * garbage collector a look at each message that is put into it.
 */
final class AtMostOnceBatch {
  /** Stands for a batch without QoS 0 messages. */
  static final AtMostOnceBatch EMPTY = new AtMostOnceBatch(0);

  private Publish[] messages;
  private Completion<PublishResult>[] completions;
  private int size;
  private int told;
  private long heapBytes;

  @SuppressWarnings({"unchecked", "rawtypes"}) // only add writes to it
  AtMostOnceBatch(int capacity) {
    messages = new Publish[capacity];
    completions = new Completion[capacity];
  }

  void add(Publish message, Completion<PublishResult> completion, long bytes) {
    if (size == messages.length) {
      int larger = Math.max(8, 2 * size);
      messages = Arrays.copyOf(messages, larger);
      completions = Arrays.copyOf(completions, larger);
    }
    messages[size] = message;
    completions[size++] = completion;
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

  /** Returns the message whose outcome is to be told next. */
  Publish message() {
    return messages[told];
  }

  /** Returns whom to tell of it, which is then done. */
  Completion<PublishResult> takeCompletion() {
    return completions[told++];
  }
}
