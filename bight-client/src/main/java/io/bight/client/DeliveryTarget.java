// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.List;

/**
 * A place where messages wait to be handled on some thread: the lanes of handlers, or an inbox. It
 * takes a bounded number of them. Methods are the driver's where it is not said otherwise.
 */
abstract class DeliveryTarget {
  private final int capacity;

  /** How many messages were offered and are not done; the driver's. */
  private int load;

  DeliveryTarget(int capacity) {
    this.capacity = capacity;
  }

  boolean hasRoomFor(Message message, MessageHandler handler) {
    return load < capacity;
  }

  boolean isIdle() {
    return load == 0;
  }

  /** Takes a message; {@link IncomingDelivery#onDone} is to be called once for it. */
  final void take(Delivery delivery, MessageHandler handler) {
    load++;
    offer(delivery, handler);
  }

  final void onDone(int messages) {
    load -= messages;
  }

  abstract void offer(Delivery delivery, MessageHandler handler);

  /** Drops what waits at QoS 1, since the server sends it again; returns those. */
  abstract List<Delivery> dropAtLeastOnce();

  /** Takes and gives no more. */
  abstract void close();
}
