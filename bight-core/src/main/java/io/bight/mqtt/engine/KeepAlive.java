// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import java.util.concurrent.TimeUnit;

/**
 * Keeps one connection alive, and finds out when its other end is dead [MQTT 5.0, section
 * 3.1.2.10].
 *
 * <p>PINGREQ goes out shortly before a keep alive has passed without anything sent [MQTT-3.1.2-20],
 * and also when nothing was <em>received</em> for as long: an application that keeps writing into a
 * dead connection would otherwise never find out. Whatever is received counts as a sign of life. An
 * answer is awaited for half a keep alive, so a dead peer is found within one and a half.
 *
 * <p>While the application has receiving paused, answers wait unread and silence means nothing:
 * PINGREQ goes out for the server's sake only.
 *
 * <p>Sending and receiving only note the time; nothing is rescheduled for them. PINGREQs of many
 * connections with the same interval go out together, with ten seconds and more four times a
 * second: a thread that wakes for each costs several times what the packet does.
 */
final class KeepAlive {
  static final long NONE = Long.MAX_VALUE;
  private static final long MOST_AHEAD_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** PINGREQ waits for a quarter of what it is ahead at most, for others that are due then. */
  private static final int QUARTERS = 4;

  private final long pingAfterNanos;
  private final long togetherNanos;
  private final long answerWithinNanos;
  private long sentNanos;
  private long receivedNanos;
  private long pingNanos;
  private boolean pingUnanswered;
  private boolean receivingPaused;

  KeepAlive(int seconds, long nowNanos) {
    this(seconds, nowNanos, nowNanos);
  }

  private KeepAlive(int seconds, long sentNanos, long receivedNanos) {
    long interval = TimeUnit.SECONDS.toNanos(seconds);
    long ahead = Math.min(interval / 10, MOST_AHEAD_NANOS);
    this.pingAfterNanos = interval - ahead;
    this.togetherNanos = Math.max(1, ahead / QUARTERS);
    this.answerWithinNanos = interval / 2;
    this.sentNanos = sentNanos;
    this.receivedNanos = receivedNanos;
  }

  /** Returns the same connection's keep alive with another interval. */
  KeepAlive withSeconds(int seconds) {
    return new KeepAlive(seconds, sentNanos, receivedNanos);
  }

  void onSent(long nowNanos) {
    sentNanos = nowNanos;
  }

  void onReceived(long nowNanos) {
    receivedNanos = nowNanos;
    pingUnanswered = false;
  }

  void onPing(long nowNanos) {
    sentNanos = nowNanos;
    pingNanos = nowNanos;
    pingUnanswered = !receivingPaused;
  }

  void onReceivingPaused() {
    receivingPaused = true;
    pingUnanswered = false;
  }

  /** What is received from here on tells again; the peer has a whole interval to show itself. */
  void onReceivingResumed(long nowNanos) {
    receivingPaused = false;
    receivedNanos = nowNanos;
  }

  boolean isOff() {
    return pingAfterNanos == 0;
  }

  boolean isPingDue(long nowNanos) {
    return !isOff() && !pingUnanswered && nowNanos - deadlineNanos() >= 0;
  }

  boolean isPeerDead(long nowNanos) {
    return pingUnanswered && nowNanos - deadlineNanos() >= 0;
  }

  /** Returns how long nothing has been received, in nanoseconds. */
  long silenceNanos(long nowNanos) {
    return nowNanos - receivedNanos;
  }

  /** Returns when to look again, or {@link #NONE}. */
  long deadlineNanos() {
    if (isOff()) {
      return NONE;
    }
    if (pingUnanswered) {
      return pingNanos + answerWithinNanos;
    }
    boolean sentIsEarlier = sentNanos - receivedNanos < 0;
    long due = (sentIsEarlier || receivingPaused ? sentNanos : receivedNanos) + pingAfterNanos;
    return due + Math.floorMod(-due, togetherNanos); // the same moment for all with this interval
  }
}
