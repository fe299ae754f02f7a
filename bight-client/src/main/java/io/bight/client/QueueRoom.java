// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.engine.Session;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The room for a client's messages, from the call of publish until they are done: one bound over
 * the command queue and the engine's. Any thread takes room; what the engine has finished with, the
 * session counts. Without a lock: what is in use is what was taken less what was freed.
 *
 * <p>Messages and bytes are counted in one number, so that a publish costs one atomic operation:
 * bytes in the lower bits, messages above. Both counts may wrap round. What counts is the
 * difference of two, and that is exact while less than 2^37 bytes and 2^25 messages are in use.
 */
final class QueueRoom {
  private static final int BYTES_BITS = 38;

  /** More than this does not wait, whatever the program has set; it would take 6 GiB at least. */
  private static final int MOST_MESSAGES = (1 << 25) - 1;

  private static final long MOST_BYTES = (1L << (BYTES_BITS - 1)) - 1;

  // What a driver has not got round to dropping may go beyond the bounds by an eighth, or by this.
  // With less, a burst to a small queue would lose the newest while he still has the oldest.
  private static final int LEAST_SLACK_MESSAGES = 1024;
  private static final long LEAST_SLACK_BYTES = 1 << 20;

  private static final VarHandle TAKEN;
  private static final VarHandle PASSED;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      TAKEN = lookup.findVarHandle(QueueRoom.class, "taken", long.class);
      PASSED = lookup.findVarHandle(QueueRoom.class, "passed", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final long maximumMessages;
  private final long maximumBytes;
  private final Session session;

  /** What was ever taken less what was given back; by its VarHandle. */
  private volatile long taken;

  /** What the driver has taken over of it; written by the driver, read by all. */
  private volatile long passed;

  // How far what a store has kept is beyond the bounds, until the engine has made room among it:
  // that does not come of a driver who does not keep up. Written by the driver, read by all.
  private volatile long keptBeyondMessages;
  private volatile long keptBeyondBytes;

  QueueRoom(int maximumMessages, long maximumBytes, Session session) {
    this.maximumMessages = Math.min(maximumMessages, MOST_MESSAGES);
    this.maximumBytes = Math.min(maximumBytes, MOST_BYTES);
    this.session = session;
    // What a store has kept waits and takes room already.
    this.taken = packed(session.unsentMessages(), session.heldBytes());
    this.passed = taken;
    this.keptBeyondMessages = beyond(messagesIn(taken), this.maximumMessages);
    this.keptBeyondBytes = beyond(bytesIn(taken), this.maximumBytes);
  }

  private static long beyond(long inUse, long maximum) {
    return Math.max(0, inUse - maximum);
  }

  private static long packed(long messages, long bytes) {
    return (messages << BYTES_BITS) + bytes;
  }

  // Either may be below zero for a moment: what others took after us may be freed when we look.

  private static long messagesIn(long difference) {
    return (difference - bytesIn(difference)) >> BYTES_BITS;
  }

  private static long bytesIn(long difference) {
    int above = Long.SIZE - BYTES_BITS;
    return difference << above >> above;
  }

  /** Returns how much of what was taken is in use. */
  private long inUse(long takenNow) {
    return takenNow - packed(session.leftMessages(), session.freedBytes());
  }

  private long add(long messages, long bytes) {
    long more = packed(messages, bytes);
    return (long) TAKEN.getAndAdd(this, more) + more;
  }

  boolean canEverTake(long bytes) {
    return bytes <= maximumBytes;
  }

  /** Takes room for a message if there is some; any thread. */
  boolean tryTake(long bytes) {
    if (isWithinBounds(inUse(add(1, bytes)))) {
      return true;
    }
    add(-1, -bytes);
    return false;
  }

  /**
   * Takes room for several messages if there is some for all of them; any thread. Where there is
   * none it takes none for a moment either: for so many, others would be refused or wait.
   */
  boolean tryTake(int messages, long bytes) {
    if (messages > maximumMessages || bytes > maximumBytes) {
      return false; // and more than can be counted, perhaps
    }
    long before;
    long after;
    do {
      before = taken;
      after = before + packed(messages, bytes);
      if (!isWithinBounds(inUse(after))) {
        return false;
      }
    } while (!TAKEN.compareAndSet(this, before, after));
    return true;
  }

  private boolean isWithinBounds(long inUse) {
    return messagesIn(inUse) <= maximumMessages && bytesIn(inUse) <= maximumBytes;
  }

  /** Takes more room for a message that has some; any thread. */
  boolean tryTakeBytes(long bytes) {
    if (bytesIn(inUse(add(0, bytes))) <= maximumBytes) {
      return true;
    }
    add(0, -bytes);
    return false;
  }

  /** Takes room whether there is some or not: somebody will make it. */
  void take(long bytes) {
    add(1, bytes);
  }

  /** Gives back the room of a message that the driver has not taken over; any thread. */
  void giveBack(long bytes) {
    add(-1, -bytes);
  }

  void giveBackBytes(long bytes) {
    add(0, -bytes);
  }

  /** The driver takes messages over. */
  void pass(int messages, long bytes) {
    countPassed(packed(messages, bytes));
    if (keptBeyondMessages > 0 || keptBeyondBytes > 0) {
      long inUse = inUse(taken);
      keptBeyondMessages = Math.min(keptBeyondMessages, beyond(messagesIn(inUse), maximumMessages));
      keptBeyondBytes = Math.min(keptBeyondBytes, beyond(bytesIn(inUse), maximumBytes));
    }
  }

  /** Gives back the room of messages that were taken over and will not get to the engine. */
  void giveBackPassed(int messages, long bytes) {
    countPassed(packed(-messages, -bytes));
    add(-messages, -bytes);
  }

  private void countPassed(long more) {
    PASSED.setRelease(this, passed + more); // the driver alone writes
  }

  /** Tells whether there is room for some message. */
  boolean isFree() {
    long inUse = inUse(taken);
    return messagesIn(inUse) < maximumMessages && bytesIn(inUse) < maximumBytes;
  }

  /**
   * Tells whether what the driver has not taken over must be made less: it alone is beyond the
   * bounds, or with what the engine has it is so far beyond them that he cannot be keeping up.
   */
  boolean isOverrun() {
    long now = taken;
    long waiting = now - passed;
    long inUse = inUse(now);
    return messagesIn(waiting) > maximumMessages
        || bytesIn(waiting) > maximumBytes
        || messagesIn(inUse) > maximumMessages + keptBeyondMessages + slackMessages()
        || bytesIn(inUse) > maximumBytes + keptBeyondBytes + slackBytes();
  }

  private long slackMessages() {
    return Math.max(maximumMessages / 8, LEAST_SLACK_MESSAGES);
  }

  private long slackBytes() {
    return Math.max(maximumBytes / 8, LEAST_SLACK_BYTES);
  }

  /** Names what is in use and what there is, for messages. */
  String describe() {
    long inUse = inUse(taken);
    long waiting = messagesIn(inUse);
    return Count.of(waiting, "message")
        + (waiting == 1 ? " waits" : " wait")
        + " to be sent, and those and what is in flight take "
        + bytesIn(inUse)
        + " B; there is room for "
        + Count.of(maximumMessages, "message")
        + " and "
        + maximumBytes
        + " B";
  }
}
