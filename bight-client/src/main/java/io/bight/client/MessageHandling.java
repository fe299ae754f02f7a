// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How handlers are given their messages: on which thread, in what order, how many at once, and what
 * happens when one throws. Set for a client by {@link MqttClientBuilder#messageHandling}, or for
 * one handler as it is added. Never changes; each method returns another one.
 *
 * <pre>{@code
 * MessageHandling.on(executor).inOrderPerTopic().concurrency(10)   // ten topics at once
 * MessageHandling.onLoop().latestOnly()                            // a display that is slow
 * MessageHandling.on(executor).attempts(3, Duration.ofSeconds(5))  // a database that is away
 * }</pre>
 *
 * <p>At QoS 1 and 2 a message is acknowledged when the last of its handlers is done with it, and
 * acknowledgements leave in the order of arrival however the handlers finish [MQTT-4.6.0-2]. A
 * handling that has as many messages as its {@link #capacity} takes no more. The messages that
 * follow then wait in the client, whatever handler they are for, and at QoS 1 and 2 the server
 * stops at the Receive Maximum. Beyond 1,000 messages or 1 MiB that wait so, the client stops
 * reading from the socket until there is room; it goes on writing, PINGREQ included.
 */
public final class MessageHandling {
  /** How many handlers run at once on an executor, unless set or in order. */
  private static final int DEFAULT_CONCURRENCY = 16;

  private static final int DEFAULT_CAPACITY = 1_000;

  private static final MessageHandling ON_LOOP =
      new MessageHandling(null, Order.ALL, null, 0, DEFAULT_CAPACITY, false, 0, Duration.ZERO);

  /** Which messages are handled one after the other. */
  enum Order {
    ALL,
    TOPIC,
    KEY,
    NONE
  }

  /** Where handlers run; null: on the loop's thread. */
  final @Nullable Executor executor;

  final Order order;
  final @Nullable Function<? super Message, ?> key;

  /** 0: the default. */
  private final int concurrency;

  final int capacity;
  final boolean latestOnly;

  /** 0: the default of the client's policy. */
  private final int attempts;

  final Duration attemptDelay;

  private MessageHandling(
      @Nullable Executor executor,
      Order order,
      @Nullable Function<? super Message, ?> key,
      int concurrency,
      int capacity,
      boolean latestOnly,
      int attempts,
      Duration attemptDelay) {
    this.executor = executor;
    this.order = order;
    this.key = key;
    this.concurrency = concurrency;
    this.capacity = capacity;
    this.latestOnly = latestOnly;
    this.attempts = attempts;
    this.attemptDelay = attemptDelay;
  }

  /**
   * Handlers run on the thread that drives the loop, one after the other: the default. A handler
   * that takes long holds up everything else on its loop.
   *
   * @return this way of handling
   */
  public static MessageHandling onLoop() {
    return ON_LOOP;
  }

  /**
   * Handlers run on an executor, one after the other in the order of arrival unless another order
   * is chosen. A message that has arrived waits for it without holding up the loop. The executor is
   * the program's: it is never shut down by the client, and is to outlive it. If it refuses a task,
   * messages wait unacknowledged, which is logged and reported to {@code onCallbackError} once, and
   * it is asked again every second unless it is shut down.
   *
   * @param executor runs the handlers, such as one with a virtual thread for each task
   * @return this way of handling
   */
  public static MessageHandling on(Executor executor) {
    return new MessageHandling(
        Objects.requireNonNull(executor, "executor"),
        Order.ALL,
        null,
        0,
        DEFAULT_CAPACITY,
        false,
        0,
        Duration.ZERO);
  }

  /**
   * All messages are handled one after the other, in the order of arrival: the default.
   *
   * @return the handling with this order
   */
  public MessageHandling inOrder() {
    return with(Order.ALL, null);
  }

  /**
   * Messages of one topic are handled one after the other, in the order of arrival; those of
   * several topics at once.
   *
   * @return the handling with this order
   */
  public MessageHandling inOrderPerTopic() {
    return with(Order.TOPIC, null);
  }

  /**
   * Messages with an equal key are handled one after the other, in the order of arrival; those with
   * several keys at once. Where the key cannot be told because the function throws, which is
   * reported as if the handler had, the topic is taken.
   *
   * @param keyOf returns a message's key, not null; called on the thread that drives, perhaps more
   *     than once for a message, so it should be quick
   * @return the handling with this order
   */
  public MessageHandling inOrderPer(Function<? super Message, ?> keyOf) {
    return with(Order.KEY, Objects.requireNonNull(keyOf, "keyOf"));
  }

  /**
   * Messages are handled at once, in no order.
   *
   * @return the handling without order
   */
  public MessageHandling unordered() {
    return with(Order.NONE, null);
  }

  private MessageHandling with(Order chosen, @Nullable Function<? super Message, ?> keyOf) {
    return new MessageHandling(
        executor, chosen, keyOf, concurrency, capacity, latestOnly, attempts, attemptDelay);
  }

  /**
   * Sets how many handlers run at once; 16 unless set. In order, and on the loop, it is one.
   *
   * @param handlers at least 1
   * @return the handling with this bound
   * @throws IllegalArgumentException if it is less than 1
   */
  public MessageHandling concurrency(int handlers) {
    return new MessageHandling(
        executor,
        order,
        key,
        requirePositive(handlers, "concurrency"),
        capacity,
        latestOnly,
        attempts,
        attemptDelay);
  }

  /**
   * Sets how many messages may wait for their handler or be in it before the client takes no more
   * from the server; 1,000 unless set. Means nothing to handlers that are called on the loop's
   * thread as messages arrive, since none waits.
   *
   * @param messages at least 1
   * @return the handling with this bound
   * @throws IllegalArgumentException if it is less than 1
   */
  public MessageHandling capacity(int messages) {
    return new MessageHandling(
        executor,
        order,
        key,
        concurrency,
        requirePositive(messages, "capacity"),
        latestOnly,
        attempts,
        attemptDelay);
  }

  /**
   * Of the messages on one topic, or with one key, that wait for a handler, only the newest is
   * handled, in the place of the oldest. Those that were overtaken count as handled. On the loop's
   * thread handlers then run after all that has arrived was read. Where no order was chosen,
   * messages of one topic are still handled one after the other, so that the newest is the last.
   *
   * @return the handling with this choice
   */
  public MessageHandling latestOnly() {
    return new MessageHandling(
        executor, order, key, concurrency, capacity, true, attempts, attemptDelay);
  }

  /**
   * Sets how many times a message is given to a handler that throws. After the last time it is a
   * dead letter: {@code onDeadLetter} is told, and the message is acknowledged, unless the program
   * acknowledges by itself, or {@linkplain Message#reject rejected} it there.
   *
   * <p>With {@link CallbackErrorPolicy#CONTINUE} it is given again after the delay, which does not
   * block a thread; meanwhile messages after it in the same order wait. It is given once unless set
   * here. With the other policies the message stays unacknowledged, and the server sends it again
   * on the next connection of the session; those times are counted, and there are 6 unless set
   * here. The last time the policy is not applied. The count is kept in memory, for the last 1,000
   * messages that failed, as long as the server keeps the session. At QoS 0 nothing is sent again,
   * so nothing is counted.
   *
   * @param times at least 1
   * @param delay how long to wait before it is given again by the client
   * @return the handling with this bound
   * @throws IllegalArgumentException if it is less than 1, or the delay is negative
   */
  public MessageHandling attempts(int times, Duration delay) {
    if (delay.isNegative()) {
      throw new IllegalArgumentException("the delay between attempts cannot be negative: " + delay);
    }
    return new MessageHandling(
        executor,
        order,
        key,
        concurrency,
        capacity,
        latestOnly,
        requirePositive(times, "attempts"),
        delay);
  }

  private static int requirePositive(int value, String what) {
    if (value < 1) {
      throw new IllegalArgumentException(what + " is at least 1, not " + value);
    }
    return value;
  }

  /** Tells whether handlers are simply called as messages arrive. */
  boolean isDirect() {
    return executor == null && !latestOnly && attempts <= 1;
  }

  int concurrencyInForce() {
    if (executor == null || order == Order.ALL) {
      return 1;
    }
    return concurrency == 0 ? DEFAULT_CONCURRENCY : concurrency;
  }

  int attemptsOr(int unlessSet) {
    return attempts == 0 ? unlessSet : attempts;
  }

  /** Returns where handlers run, in what order, and the bounds. */
  @Override
  public String toString() {
    return "MessageHandling["
        + (executor == null ? "on the loop" : "on " + executor)
        + switch (order) {
          case ALL -> ", in order";
          case TOPIC -> ", in order per topic";
          case KEY -> ", in order per key";
          case NONE -> ", unordered";
        }
        + ", concurrency "
        + concurrencyInForce()
        + ", capacity "
        + capacity
        + (latestOnly ? ", latest only" : "")
        + (attempts == 0 ? "" : ", " + Count.of(attempts, "attempt"))
        + "]";
  }
}
