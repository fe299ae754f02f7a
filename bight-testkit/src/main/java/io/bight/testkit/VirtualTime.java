// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import java.time.Duration;
import java.util.OptionalLong;
import java.util.PriorityQueue;

/**
 * A clock that moves only when told to, with actions that run when their moment comes.
 *
 * <p>Actions run on the thread that advances the time, in the order of their deadlines, and those
 * with the same deadline in the order in which they were scheduled. An action may schedule others;
 * those that fall into the span being advanced run within it. While an action runs, {@link
 * #nowNanos()} is exactly its deadline.
 *
 * <p>Not for several threads at once: a simulation has one.
 *
 * <pre>{@code
 * VirtualTime time = new VirtualTime();
 * time.schedule(Duration.ofSeconds(5), () -> connection.closeFromClient());
 * time.advance(Duration.ofSeconds(10));
 * }</pre>
 */
public final class VirtualTime {
  private final PriorityQueue<Action> actions = new PriorityQueue<>();
  private long nowNanos;
  private long scheduledSoFar;

  /** Begins at zero. */
  public VirtualTime() {
    this(0);
  }

  /**
   * Begins at a given moment, for instance just before {@link Long#MAX_VALUE}, to see whether the
   * code under test compares nanosecond times by their difference as {@link System#nanoTime()}
   * demands.
   *
   * @param startNanos the first value of {@link #nowNanos()}
   */
  public VirtualTime(long startNanos) {
    nowNanos = startNanos;
  }

  /**
   * The present moment.
   *
   * @return nanoseconds; only differences mean anything
   */
  public long nowNanos() {
    return nowNanos;
  }

  /**
   * Lets time pass and runs what becomes due.
   *
   * @param duration how much, zero or more
   */
  public void advance(Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException("Time cannot go back: " + duration);
    }
    advanceTo(nowNanos + duration.toNanos());
  }

  /**
   * Lets time pass until a moment and runs what becomes due, that moment included. A moment in the
   * past changes nothing, so the deadline of an engine that is overdue may be passed as it is.
   *
   * @param deadlineNanos the moment
   */
  public void advanceTo(long deadlineNanos) {
    while (true) {
      Action next = actions.peek();
      if (next == null || next.deadlineNanos - deadlineNanos > 0) {
        break;
      }
      runNext();
    }
    if (deadlineNanos - nowNanos > 0) {
      nowNanos = deadlineNanos;
    }
  }

  /**
   * Plans an action.
   *
   * @param delay how long from now, zero or more
   * @param action what to do
   * @return the plan, to be cancelled if need be
   */
  public Scheduled schedule(Duration delay, Runnable action) {
    if (delay.isNegative()) {
      throw new IllegalArgumentException("A delay cannot be negative: " + delay);
    }
    return scheduleAt(nowNanos + delay.toNanos(), action);
  }

  /**
   * Plans an action at a moment. One in the past runs as soon as time is advanced, even by nothing.
   *
   * @param deadlineNanos the moment
   * @param action what to do
   * @return the plan, to be cancelled if need be
   */
  public Scheduled scheduleAt(long deadlineNanos, Runnable action) {
    Action planned = new Action(deadlineNanos, scheduledSoFar++, action);
    actions.add(planned);
    return () -> actions.remove(planned);
  }

  /**
   * The moment of the next action.
   *
   * @return its deadline, or empty if nothing is planned
   */
  public OptionalLong nextDeadlineNanos() {
    Action next = actions.peek();
    return next == null ? OptionalLong.empty() : OptionalLong.of(next.deadlineNanos);
  }

  /**
   * Jumps to the next action and runs it.
   *
   * @return false if nothing was planned; the time then stays
   */
  public boolean runNext() {
    Action next = actions.poll();
    if (next == null) {
      return false;
    }
    if (next.deadlineNanos - nowNanos > 0) {
      nowNanos = next.deadlineNanos;
    }
    next.action.run();
    return true;
  }

  /** A planned action. */
  @FunctionalInterface
  public interface Scheduled {
    /**
     * Takes the action out of the plan.
     *
     * @return false if it ran already or was cancelled before
     */
    boolean cancel();
  }

  private record Action(long deadlineNanos, long order, Runnable action)
      implements Comparable<Action> {
    @Override
    public int compareTo(Action other) {
      int byDeadline = Long.signum(deadlineNanos - other.deadlineNanos);
      return byDeadline != 0 ? byDeadline : Long.compare(order, other.order);
    }
  }
}
