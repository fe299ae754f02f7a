// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.engine.Session;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The room for a client's messages, from the call of publish until they are done: one bound over
 * the command queue and the engine's. Any thread takes room; what the engine has finished with, the
 * session counts. Without a lock: what is in use is what was taken less what was freed.
 */
final class QueueRoom {
  // What a driver has not got round to dropping may go beyond the bounds by an eighth, or by this.
  // With less, a burst to a small queue would lose the newest while he still has the oldest.
  private static final int LEAST_SLACK_MESSAGES = 1024;
  private static final long LEAST_SLACK_BYTES = 1 << 20;

  private final long maximumMessages;
  private final long maximumBytes;
  private final long slackMessages;
  private final long slackBytes;
  private final Session session;
  private final AtomicLong takenMessages = new AtomicLong();
  private final AtomicLong takenBytes = new AtomicLong();

  // What the driver has taken over of it; written by the driver, read by all.
  private final AtomicLong passedMessages = new AtomicLong();
  private final AtomicLong passedBytes = new AtomicLong();

  QueueRoom(int maximumMessages, long maximumBytes, Session session) {
    this.maximumMessages = maximumMessages;
    this.maximumBytes = maximumBytes;
    this.slackMessages = Math.max(maximumMessages / 8, LEAST_SLACK_MESSAGES);
    this.slackBytes = Math.max(maximumBytes / 8, LEAST_SLACK_BYTES);
    this.session = session;
    // What a store has kept waits and takes room already.
    takenMessages.set(session.unsentMessages());
    takenBytes.set(session.heldBytes());
    countPassed(session.unsentMessages(), session.heldBytes());
  }

  boolean canEverTake(long bytes) {
    return bytes <= maximumBytes;
  }

  /** Takes room for a message if there is some; any thread. */
  boolean tryTake(long bytes) {
    if (takenMessages.incrementAndGet() - session.leftMessages() <= maximumMessages) {
      if (tryTakeBytes(bytes)) {
        return true;
      }
    }
    takenMessages.decrementAndGet();
    return false;
  }

  /** Takes more room for a message that has some; any thread. */
  boolean tryTakeBytes(long bytes) {
    if (takenBytes.addAndGet(bytes) - session.freedBytes() <= maximumBytes) {
      return true;
    }
    takenBytes.addAndGet(-bytes);
    return false;
  }

  /** Takes room whether there is some or not: somebody will make it. */
  void take(long bytes) {
    takenMessages.incrementAndGet();
    takenBytes.addAndGet(bytes);
  }

  /** Gives back the room of a message that the driver has not taken over; any thread. */
  void giveBack(long bytes) {
    takenMessages.decrementAndGet();
    giveBackBytes(bytes);
  }

  void giveBackBytes(long bytes) {
    takenBytes.addAndGet(-bytes);
  }

  /** The driver takes a message over. */
  void pass(long bytes) {
    countPassed(1, bytes);
  }

  /** Gives back the room of a message that was taken over and will not get to the engine. */
  void giveBackPassed(long bytes) {
    countPassed(-1, -bytes);
    giveBack(bytes);
  }

  private void countPassed(int messages, long bytes) {
    passedMessages.lazySet(passedMessages.getPlain() + messages); // the driver alone writes
    passedBytes.lazySet(passedBytes.getPlain() + bytes);
  }

  long messages() {
    return takenMessages.get() - session.leftMessages();
  }

  long bytes() {
    return takenBytes.get() - session.freedBytes();
  }

  /** Tells whether there is room for some message. */
  boolean isFree() {
    return messages() < maximumMessages && bytes() < maximumBytes;
  }

  /**
   * Tells whether what the driver has not taken over must be made less: it alone is beyond the
   * bounds, or with what the engine has it is so far beyond them that he cannot be keeping up.
   */
  boolean isOverrun() {
    return takenMessages.get() - passedMessages.get() > maximumMessages
        || takenBytes.get() - passedBytes.get() > maximumBytes
        || messages() > maximumMessages + slackMessages
        || bytes() > maximumBytes + slackBytes;
  }

  /** Names what is in use and what there is, for messages. */
  String describe() {
    long waiting = messages();
    return Count.of(waiting, "message")
        + (waiting == 1 ? " waits" : " wait")
        + " to be sent, and those and what is in flight take "
        + bytes()
        + " B; there is room for "
        + Count.of(maximumMessages, "message")
        + " and "
        + maximumBytes
        + " B";
  }
}
