// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The places in the command queue of messages of which only the newest of each topic waits: a newer
 * one takes the place of the one before, also while nobody drives. Safe for use by any thread.
 */
final class LatestSlots {
  /** Null until the first message of which only the newest waits. */
  private volatile @Nullable ConcurrentHashMap<String, Slot> byTopic;

  /** A command whose message may change until the driver takes it. */
  static final class Slot extends AtomicReference<@Nullable PublishFuture> implements Command {
    private static final long serialVersionUID = 1L;

    private final transient LatestSlots slots;
    private transient @Nullable Command next;

    private Slot(LatestSlots slots, PublishFuture first) {
      super(first);
      this.slots = slots;
    }

    @Override
    public @Nullable PublishFuture takeMessage() {
      PublishFuture taken = getAndSet(null);
      if (taken != null) {
        slots.slots().remove(taken.message().topic(), this);
      }
      return taken;
    }

    @Override
    public @Nullable Command next() {
      return next;
    }

    @Override
    public void setNext(@Nullable Command next) {
      this.next = next;
    }

    @Override
    public void run(long nowNanos) {
      PublishFuture taken = takeMessage();
      if (taken != null) {
        taken.run(nowNanos);
      }
    }

    @Override
    public void reject(MqttException failure) {
      PublishFuture taken = takeMessage();
      if (taken != null) {
        taken.reject(failure);
      }
    }
  }

  /** Makes a place for the first message of a topic; it is still to be queued. */
  Slot place(PublishFuture first) {
    Slot slot = new Slot(this, first);
    slots().put(first.message().topic(), slot);
    return slot;
  }

  /**
   * Puts a message in the place of the one that waits, if one does and there is room for what the
   * new one has more.
   *
   * @return the one that was overtaken, or null
   */
  @Nullable PublishFuture overtake(PublishFuture newer, QueueRoom room) {
    Slot slot = slots().get(newer.message().topic());
    PublishFuture before;
    while (slot != null && (before = slot.get()) != null) {
      long more = newer.heapBytes() - before.heapBytes();
      if (more > 0 && !room.tryTakeBytes(more)) {
        return null;
      }
      if (slot.compareAndSet(before, newer)) {
        if (more < 0) {
          room.giveBackBytes(-more);
        }
        return before;
      }
      if (more > 0) {
        room.giveBackBytes(more);
      }
    }
    return null;
  }

  /** A message with another policy follows on a topic: the place may not be taken any more. */
  void close(String topic) {
    ConcurrentHashMap<String, Slot> made = byTopic;
    if (made != null && !made.isEmpty()) {
      made.remove(topic);
    }
  }

  private ConcurrentHashMap<String, Slot> slots() {
    ConcurrentHashMap<String, Slot> made = byTopic;
    return made == null ? makeSlots() : made;
  }

  private synchronized ConcurrentHashMap<String, Slot> makeSlots() {
    ConcurrentHashMap<String, Slot> made = byTopic;
    if (made == null) {
      made = new ConcurrentHashMap<>();
      byTopic = made;
    }
    return made;
  }
}
