// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.Delivery.Outcome;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Messages that wait until a thread of the program takes them, instead of being given to a handler.
 * Made by {@link MqttClient#inbox}. Any number of threads may take; each message is taken once, in
 * the order of arrival.
 *
 * <pre>{@code
 * try (Inbox inbox = client.inbox("orders/#", 100)) {
 *   client.subscribe("orders/#", Qos.AT_LEAST_ONCE);
 *   for (Message message : inbox) {
 *     store(message);
 *   }
 * }
 * }</pre>
 *
 * <p>At QoS 1 and 2 a message is acknowledged when it is taken, or when the program says so: see
 * {@link #acknowledgeManually()}. A full inbox makes the client take no more from the server, as
 * {@link MessageHandling} tells. It outlasts connections. When the connection is lost and the
 * server keeps the session, messages of QoS 1 that were not taken are left to the server, which
 * sends them again.
 *
 * <p>Taking drives the loop where nobody else does, but working on a message does not: keep alive
 * and the acknowledgement of the message wait until the next is taken. A thread that works long
 * wants {@link MqttClient#loopStart()} beside it.
 */
public final class Inbox implements AutoCloseable, Iterable<Message> {
  private final MqttClient client;
  private final MqttLoop loop;
  private final String topicFilter;
  private final Queue queue;
  private volatile boolean manual;

  /** Takes the inbox out of the client's handlers. */
  private @Nullable Registration registration;

  /** The messages that wait, and the threads. */
  private final class Queue extends DeliveryTarget {
    private final IncomingDelivery delivery;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock; one of both is empty.
    private final ArrayDeque<Delivery> waiting = new ArrayDeque<>();
    private final ArrayDeque<RequestFuture<Delivery>> takers = new ArrayDeque<>();

    /** Written under the lock. */
    private volatile boolean closed;

    Queue(IncomingDelivery delivery, int capacity) {
      super(capacity);
      this.delivery = delivery;
    }

    @Override
    void offer(Delivery offered, MessageHandler handler) {
      if (!give(offered, false)) {
        delivery.onDone(this, offered, Outcome.FAILED);
      }
    }

    /** Gives a message to whoever waits for one; returns false if the inbox is closed. */
    private boolean give(Delivery given, boolean first) {
      while (true) {
        RequestFuture<Delivery> taker;
        lock.lock();
        try {
          if (closed) {
            return false;
          }
          taker = takers.poll();
          if (taker == null) {
            if (first) {
              waiting.addFirst(given);
            } else {
              waiting.add(given);
            }
            return true;
          }
        } finally {
          lock.unlock();
        }
        if (taker.complete(given)) {
          return true;
        }
      }
    }

    @Nullable Delivery poll() {
      lock.lock();
      try {
        return waiting.poll();
      } finally {
        lock.unlock();
      }
    }

    /** Returns a message, or null if there is none when the inbox is closed or the time is over. */
    @Nullable Delivery take(long deadlineNanos) {
      // Where messages wait nobody may ever come to drive: what was taken is acknowledged here.
      loop.driving().turnIfUndriven();
      RequestFuture<Delivery> taker = new RequestFuture<>(loop, "a message of " + describe());
      lock.lock();
      try {
        Delivery first = waiting.poll();
        if (first != null || closed) {
          return first;
        }
        takers.add(taker);
      } finally {
        lock.unlock();
      }
      try {
        loop.driving().driveUntilDone(taker, deadlineNanos);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        Delivery given = withdraw(taker);
        if (given == null) {
          throw new MqttException("interrupted while waiting for a message of " + describe(), e);
        }
        return given; // taken in the same moment
      } catch (RuntimeException | Error e) {
        Delivery given = withdraw(taker);
        if (given != null && !give(given, true)) {
          delivery.submitDone(this, given, Outcome.FAILED);
        }
        throw e;
      }
      return withdraw(taker);
    }

    private @Nullable Delivery withdraw(RequestFuture<Delivery> taker) {
      lock.lock();
      try {
        takers.remove(taker);
      } finally {
        lock.unlock();
      }
      taker.cancel(false);
      return taker.isCancelled() ? null : taker.getNow(null);
    }

    @Override
    List<Delivery> dropAtLeastOnce() {
      lock.lock();
      try {
        List<Delivery> dropped = waiting.stream().filter(Delivery::isAtLeastOnce).toList();
        waiting.removeIf(Delivery::isAtLeastOnce);
        return dropped;
      } finally {
        lock.unlock();
      }
    }

    @Override
    void close() {
      List<Delivery> left;
      List<RequestFuture<Delivery>> ended;
      lock.lock();
      try {
        closed = true;
        left = List.copyOf(waiting);
        ended = List.copyOf(takers);
        waiting.clear();
        takers.clear();
      } finally {
        lock.unlock();
      }
      ended.forEach(taker -> taker.cancel(false));
      left.forEach(message -> delivery.submitDone(this, message, Outcome.FAILED));
    }

    int size() {
      lock.lock();
      try {
        return waiting.size();
      } finally {
        lock.unlock();
      }
    }
  }

  Inbox(
      MqttClient client,
      MqttLoop loop,
      IncomingDelivery delivery,
      String topicFilter,
      int capacity) {
    if (capacity < 1) {
      throw new IllegalArgumentException(
          "an inbox has room for at least 1 message, not " + capacity);
    }
    this.client = client;
    this.loop = loop;
    this.topicFilter = topicFilter;
    this.queue = new Queue(delivery, capacity);
    if (delivery.isClosed()) {
      queue.close();
    }
  }

  MessageHandler handler() {
    return new MessageHandler(topicFilter, queue);
  }

  void setRegistration(Registration added) {
    registration = added;
  }

  /**
   * Leaves it to the program to acknowledge the messages that are taken from now on, by {@link
   * Message#acknowledge()} or {@link Message#reject}.
   *
   * @return this inbox
   */
  public Inbox acknowledgeManually() {
    manual = true;
    return this;
  }

  // ---- taking

  /**
   * Takes the oldest message, and waits if there is none. Drives the loop meanwhile if nobody else
   * does.
   *
   * @return the message
   * @throws MqttDisconnectedException if the inbox or its client is closed, before or meanwhile
   * @throws MqttException if the waiting thread was interrupted; its interrupt flag is kept
   * @throws IllegalStateException if it has to wait inside a callback of the loop; use {@link
   *     #tryTake()} there
   */
  public Message take() {
    return taken(requireOpen(queue.take(Long.MAX_VALUE)));
  }

  /**
   * Takes the oldest message, and waits some time if there is none. Drives the loop meanwhile if
   * nobody else does.
   *
   * @param timeout how long to wait at most
   * @return the message, or empty if none came in that time
   * @throws MqttDisconnectedException if the inbox or its client is closed, before or meanwhile
   * @throws MqttException if the waiting thread was interrupted; its interrupt flag is kept
   * @throws IllegalStateException if it has to wait inside a callback of the loop; use {@link
   *     #tryTake()} there
   */
  public Optional<Message> take(Duration timeout) {
    Delivery delivery = queue.take(Deadline.after(timeout));
    if (delivery == null && !queue.closed) {
      return Optional.empty();
    }
    return Optional.of(taken(requireOpen(delivery)));
  }

  /**
   * Takes the oldest message if there is one. Does not wait, and does not drive the loop.
   *
   * @return the message, or empty if there is none
   */
  public Optional<Message> tryTake() {
    Delivery delivery = queue.poll();
    return delivery == null ? Optional.empty() : Optional.of(taken(delivery));
  }

  /**
   * Returns the messages one by one, taking each as {@link #take()} does. It ends when the inbox or
   * its client is closed. Several threads may iterate, each with an iterator of its own.
   *
   * @return an iterator that waits for messages
   */
  @Override
  public Iterator<Message> iterator() {
    return new Iterator<>() {
      private @Nullable Message next;

      @Override
      public boolean hasNext() {
        if (next == null) {
          Delivery delivery = queue.take(Long.MAX_VALUE);
          next = delivery == null ? null : taken(delivery);
        }
        return next != null;
      }

      @Override
      public Message next() {
        Message message = hasNext() ? next : null;
        if (message == null) {
          throw new NoSuchElementException(Inbox.this.describe() + " is closed");
        }
        next = null;
        return message;
      }
    };
  }

  private Delivery requireOpen(@Nullable Delivery delivery) {
    if (delivery == null) {
      throw new MqttDisconnectedException(describe() + " is closed", null);
    }
    return delivery;
  }

  private Message taken(Delivery delivery) {
    queue.delivery.submitDone(queue, delivery, manual ? Outcome.KEPT : Outcome.DONE);
    return delivery.message;
  }

  // ---- state

  /**
   * Returns how many messages wait to be taken.
   *
   * @return the number of messages
   */
  public int size() {
    return queue.size();
  }

  /**
   * Tells whether the inbox or its client is closed.
   *
   * @return true once no more message comes
   */
  public boolean isClosed() {
    return queue.closed;
  }

  /**
   * Ends the inbox: threads that wait in it go on, as {@link #take()} and {@link #iterator()} tell.
   * Messages that were not taken are not lost: they stay unacknowledged, so that the server sends
   * them again on the next connection if it keeps the session. Until then it gets no
   * acknowledgement for those that came after them either, which MQTT wants in order. Nothing is
   * unsubscribed. A second call does nothing.
   */
  @Override
  public void close() {
    Registration added = registration;
    if (added != null) {
      added.close();
    }
    queue.close();
  }

  /** Returns the topic filter, the client and how many messages wait. */
  @Override
  public String toString() {
    return "Inbox["
        + topicFilter
        + ", "
        + client.describe()
        + ", "
        + Count.of(size(), "message")
        + "]";
  }

  private String describe() {
    return "the inbox '" + topicFilter + "' of " + client.describe();
  }
}
