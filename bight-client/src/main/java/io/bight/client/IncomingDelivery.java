// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.Delivery.Outcome;
import io.bight.client.OpenTransport.Pause;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.IncomingPublish;
import io.bight.mqtt.engine.MqttEngine;
import io.bight.mqtt.packet.Publish;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of a client's messages from the engine to the program's handlers, and of their
 * acknowledgements back. As long as the client lives; methods are the driver's where it is not said
 * otherwise.
 *
 * <p>Where all handlers run on the loop's thread, a message is simply handed to them. Else it is
 * offered to lanes and inboxes, and comes back when they are done. A message for which there is no
 * handler or no room waits, and those that follow wait behind it.
 */
final class IncomingDelivery {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);

  /** What may wait for room before the socket is not read any more. */
  static final int MOST_WAITING_MESSAGES = 1_000;

  static final long MOST_WAITING_BYTES = 1 << 20;

  /** How often a message that comes again and again is handled, unless the program says. */
  private static final int REDELIVERIES = 6;

  /** Serves all clients until one has a message that cannot be delivered at once. */
  private static final ArrayDeque<IncomingPublish> NONE_WAITING = new ArrayDeque<>(0);

  private final MqttClient client;
  private final ClientWorker worker;
  private final MqttLoop loop;
  private final ClientOptions options;
  private final Callbacks callbacks;
  private final MqttEngine engine;
  private final RecentHandlers handlers;

  /** Where messages of handlers go that have no handling of their own; null: to them at once. */
  private final @Nullable HandlerLanes lanes;

  private final FailedAttempts failedAttempts = new FailedAttempts();

  /** Messages that have arrived and are not delivered, in the order of arrival. */
  private ArrayDeque<IncomingPublish> waiting = NONE_WAITING;

  private long waitingBytes;

  /** Those that have messages; empty and not to be changed until there is one. */
  private Set<DeliveryTarget> busy = Set.of();

  private boolean delivering;

  /** How many connections have ended whose session goes on; written by the driver, read by all. */
  private volatile int connectionsEnded;

  private volatile boolean closed;

  IncomingDelivery(
      MqttClient client,
      ClientWorker worker,
      MqttLoop loop,
      ClientOptions options,
      Callbacks callbacks,
      MqttEngine engine) {
    this.client = client;
    this.worker = worker;
    this.loop = loop;
    this.options = options;
    this.callbacks = callbacks;
    this.engine = engine;
    this.handlers = new RecentHandlers(callbacks.messageHandlers());
    this.lanes =
        options.messageHandling().isDirect()
            ? null
            : new HandlerLanes(this, loop, options.messageHandling());
  }

  // ---- arrival

  void onMessage(IncomingPublish message) {
    deliverWaiting();
    Message deliverable = waiting.isEmpty() ? deliverable(message) : null;
    if (deliverable == null) {
      hold(message);
    } else {
      deliver(message, deliverable);
    }
    if (loop.driving().isDriverEnding()) {
      pauseForNextDriver();
    }
  }

  /** There may be a handler, or room, for messages that wait. */
  void deliverWaiting() {
    if (delivering || waiting.isEmpty()) {
      return;
    }
    while (!waiting.isEmpty()) {
      if (loop.driving().isDriverEnding()) {
        loop.driving().onNextDrive(this::deliverWaitingAndFlush);
        return;
      }
      IncomingPublish next = waiting.element();
      Message deliverable = deliverable(next);
      if (deliverable == null) {
        break;
      }
      waiting.remove(); // first: a handler may end the connection or the client
      waitingBytes -= size(next);
      deliver(next, deliverable);
    }
    if (!callbacks.hasMessageHandler()) {
      dropAtMostOnce();
    }
    resumeIfRoom();
  }

  private void deliverWaitingAndFlush() {
    deliverWaiting();
    worker.scheduleFlush();
  }

  /** Returns what to hand out, or null while there is no handler, or one that has no room. */
  private @Nullable Message deliverable(IncomingPublish incoming) {
    if (!callbacks.hasMessageHandler()) {
      return null;
    }
    Message message = new Message(client, incoming);
    return allAreDirect() || hasRoomFor(message) ? message : null;
  }

  private boolean allAreDirect() {
    return lanes == null && callbacks.allHandlersAreDirect();
  }

  private void deliver(IncomingPublish incoming, Message message) {
    delivering = true; // what comes next must not overtake this one at its second handler
    try {
      if (allAreDirect()) {
        deliverDirectly(incoming, message);
      } else {
        Delivery delivery = new Delivery(incoming, message, connectionsEnded);
        handOut(delivery);
        settle(delivery, Outcome.DONE);
      }
    } finally {
      delivering = false;
    }
  }

  private void deliverDirectly(IncomingPublish incoming, Message message) {
    boolean matched = false;
    Delivery failed = null;
    Outcome outcome = Outcome.DONE;
    for (MessageHandler handler : handlers.matching(message.topic())) {
      matched = true;
      Throwable error = callbacks.callMessageHandler(handler, message);
      if (error != null) {
        failed = failed == null ? new Delivery(incoming, message, connectionsEnded) : failed;
        if (onThrew(failed, error, 1, handlingOf(handler)) == Outcome.FAILED) {
          outcome = Outcome.FAILED;
        }
      }
    }
    conclude(incoming, matched, outcome == Outcome.DONE);
    if (outcome == Outcome.FAILED) {
      engine.abandon(incoming);
    }
  }

  private boolean hasRoomFor(Message message) {
    for (MessageHandler handler : handlers.matching(message.topic())) {
      DeliveryTarget target = targetOf(handler);
      if (target != null && !target.hasRoomFor(message, handler)) {
        return false;
      }
    }
    return true;
  }

  private void handOut(Delivery delivery) {
    Message message = delivery.message;
    for (MessageHandler handler : handlers.matching(message.topic())) {
      delivery.matched = true;
      delivery.parts++;
      DeliveryTarget target = targetOf(handler);
      if (target == null) {
        settle(delivery, call(delivery, handler, 1, handlingOf(handler)));
      } else {
        noteBusy(target);
        target.take(delivery, handler);
      }
    }
  }

  private void noteBusy(DeliveryTarget target) {
    if (busy.isEmpty()) {
      busy = Collections.newSetFromMap(new IdentityHashMap<>(1));
    }
    busy.add(target);
  }

  private MessageHandling handlingOf(MessageHandler handler) {
    return handler.handling == null ? options.messageHandling() : handler.handling;
  }

  /** Returns where a handler's messages go; null: to itself, at once. */
  private @Nullable DeliveryTarget targetOf(MessageHandler handler) {
    if (handler.target != null || handler.handling == null) {
      return handler.target == null ? lanes : handler.target;
    }
    if (handler.handling.isDirect()) {
      return null;
    }
    handler.target = new HandlerLanes(this, loop, handler.handling);
    return handler.target;
  }

  // ---- handling, on whatever thread

  /** Calls a handler; on its thread. */
  Outcome call(Delivery delivery, MessageHandler handler, int attempt, MessageHandling handling) {
    Throwable error = callbacks.callMessageHandler(handler, delivery.message);
    return error == null ? Outcome.DONE : onThrew(delivery, error, attempt, handling);
  }

  /** A handler has thrown: reports it, and says what becomes of the message; on its thread. */
  private Outcome onThrew(
      Delivery delivery, Throwable error, int attempt, MessageHandling handling) {
    String callback = "onMessage for '" + delivery.message.topic() + "'";
    if (options.callbackErrorPolicy() == CallbackErrorPolicy.CONTINUE) {
      callbacks.onError(client, callback, error);
      if (attempt < handling.attemptsOr(1)) {
        return Outcome.RETRY;
      }
      giveUp(delivery, error, attempt);
      return Outcome.DONE;
    }
    int failures = delivery.message.qos() == Qos.AT_MOST_ONCE ? 0 : failedAttempts.count(delivery);
    if (failures < handling.attemptsOr(REDELIVERIES)) {
      callbacks.onError(client, callback, error);
      return Outcome.FAILED;
    }
    callbacks.report(client, callback, error);
    giveUp(delivery, error, failures);
    return Outcome.DONE;
  }

  private void giveUp(Delivery delivery, Throwable error, int attempts) {
    if (attempts > 1) {
      LOG.error(
          "{} gives up on {}: its handler threw {} times, last {}",
          client.describe(),
          delivery.message,
          attempts,
          error.toString());
    }
    // At once: the program may reject it before it is acknowledged.
    callbacks.callNow(
        client, EventKind.DEAD_LETTER, new DeadLetterEvent(delivery.message, error, attempts));
  }

  void onKeyFailed(Message message, Throwable error) {
    callbacks.onError(client, "the key of the message on '" + message.topic() + "'", error);
  }

  /** Messages wait because the program's executor takes no task; any thread. */
  void onExecutorRefused(RuntimeException refusal, int messages) {
    callbacks.onExecutorRefused(
        client,
        new MqttException(
            "the executor of message handlers of "
                + client.describe()
                + " refused to run them, so "
                + Count.of(messages, "message")
                + (messages == 1 ? " waits" : " wait")
                + " unacknowledged; close the client before its executor",
            refusal));
  }

  /** Tells whether the server sends a message again of its own accord; any thread. */
  boolean comesAgain(Delivery delivery) {
    return delivery.isAtLeastOnce() && delivery.connectionsEnded != connectionsEnded;
  }

  /** A handler is done with a message; any thread. */
  void submitDone(DeliveryTarget target, Delivery delivery, Outcome outcome) {
    worker.submit(
        new Command.Linked() {
          @Override
          public void run(long nowNanos) {
            onDone(target, delivery, outcome);
          }

          @Override
          public void reject(MqttException failure) {
            // The loop is closed, and with it the connection on which it could be acknowledged.
          }
        });
  }

  // ---- acknowledgement

  void onDone(DeliveryTarget target, Delivery delivery, Outcome outcome) {
    onDone(target, 1);
    settle(delivery, outcome);
    deliverWaiting();
  }

  private void onDone(DeliveryTarget target, int messages) {
    target.onDone(messages);
    if (target.isIdle()) {
      busy.remove(target);
    }
  }

  private void settle(Delivery delivery, Outcome outcome) {
    delivery.mayAcknowledge &= outcome == Outcome.DONE;
    if (outcome == Outcome.FAILED) {
      engine.abandon(delivery.incoming);
    }
    if (--delivery.parts == 0) {
      conclude(delivery.incoming, delivery.matched, delivery.mayAcknowledge);
    }
  }

  /** The last handler is done with a message; one that matches no handler is done too. */
  private void conclude(IncomingPublish incoming, boolean matched, boolean mayAcknowledge) {
    if (mayAcknowledge) {
      failedAttempts.forget(incoming.message());
    }
    if (incoming.message().qos() != Qos.AT_MOST_ONCE
        && (!matched || (mayAcknowledge && !options.manualAcknowledgement()))) { // [MQTT-4.5.0-2]
      engine.acknowledge(incoming, ReasonCode.SUCCESS, Properties.NONE);
    }
  }

  // ---- waiting

  /** Nothing is dropped for want of room; and for want of a handler only at QoS 0. */
  private void hold(IncomingPublish message) {
    boolean hasHandler = callbacks.hasMessageHandler();
    if (!hasHandler && message.message().qos() == Qos.AT_MOST_ONCE) {
      LOG.warn(
          "{} dropped {}: it has no onMessage handler; add one before connecting",
          client.describe(),
          message);
      return;
    }
    if (!hasHandler && waiting.isEmpty()) {
      LOG.warn(
          "{} has no onMessage handler for {}; it is kept unacknowledged until there is one",
          client.describe(),
          message);
    }
    if (waiting == NONE_WAITING) {
      waiting = new ArrayDeque<>();
    }
    waiting.add(message);
    waitingBytes += size(message);
    // Without a handler only QoS 1 and 2 wait, and the server stops at the Receive Maximum.
    if (hasHandler && isBeyond(MOST_WAITING_MESSAGES, MOST_WAITING_BYTES)) {
      pauseForRoom();
    }
  }

  private static long size(IncomingPublish message) {
    Publish publish = message.message();
    return (long) publish.topic().length() + publish.payload().length;
  }

  private boolean isBeyond(int messages, long bytes) {
    return waiting.size() > messages || waitingBytes > bytes;
  }

  private void dropAtMostOnce() {
    int before = waiting.size();
    waiting.removeIf(message -> message.message().qos() == Qos.AT_MOST_ONCE);
    countWaitingBytes();
    if (waiting.size() < before) {
      LOG.warn(
          "{} dropped {} messages that waited: its last onMessage handler was removed",
          client.describe(),
          before - waiting.size());
    }
  }

  private void countWaitingBytes() {
    waitingBytes = waiting.stream().mapToLong(IncomingDelivery::size).sum();
  }

  /** The driver is to leave: what has arrived beyond this message waits for the next one. */
  private void pauseForNextDriver() {
    engine.pauseReceiving();
    OpenTransport paused = worker.transport();
    if (paused != null) {
      paused.pauseReading(Pause.DRIVER_LEAVES);
      loop.driving().onNextDrive(() -> paused.resumeReading(Pause.DRIVER_LEAVES));
    }
  }

  /** What has arrived beyond this message waits in the engine, and the rest in the network. */
  private void pauseForRoom() {
    OpenTransport paused = worker.transport();
    if (paused != null && paused.pauseReading(Pause.NO_ROOM)) {
      engine.pauseReceiving();
      LOG.debug(
          "{} reads no more until there is room: {} messages ({} B) wait",
          client.describe(),
          waiting.size(),
          waitingBytes);
    }
  }

  private void resumeIfRoom() {
    OpenTransport paused = worker.transport();
    if (paused != null && paused.isPaused(Pause.NO_ROOM) && hasRoomToRead()) {
      // Later: this may be called from within what is to go on.
      loop.executeOnLoop(
          () -> {
            if (hasRoomToRead()) {
              paused.resumeReading(Pause.NO_ROOM);
            }
          });
    }
  }

  private boolean hasRoomToRead() {
    return !callbacks.hasMessageHandler()
        || !isBeyond(MOST_WAITING_MESSAGES / 2, MOST_WAITING_BYTES / 2);
  }

  // ---- connections, and the end

  void onConnected(boolean sessionPresent) {
    if (!sessionPresent) {
      failedAttempts.clear();
    }
  }

  /**
   * The connection has ended. If its session goes on, the server sends again what is unacknowledged
   * at QoS 1, so it does not wait here too; else what has arrived is all there is, and stays.
   */
  void onConnectionEnded(boolean sessionGoesOn) {
    if (!sessionGoesOn) {
      return;
    }
    int ended = connectionsEnded + 1; // the driver alone writes
    connectionsEnded = ended;
    waiting.removeIf(
        message -> {
          boolean comesAgain = message.message().qos() == Qos.AT_LEAST_ONCE;
          if (comesAgain) {
            engine.abandon(message);
          }
          return comesAgain;
        });
    countWaitingBytes();
    for (DeliveryTarget target : Set.copyOf(busy)) {
      List<Delivery> dropped = target.dropAtLeastOnce();
      dropped.forEach(delivery -> engine.abandon(delivery.incoming));
      onDone(target, dropped.size());
    }
    loop.executeOnLoop(this::deliverWaiting); // the end of the connection is to be told first
  }

  /** The client is closed: handlers that run go on, and what waits is not handled any more. */
  void close() {
    closed = true;
    waiting = NONE_WAITING;
    waitingBytes = 0;
    if (lanes != null) {
      lanes.close();
    }
    busy.forEach(DeliveryTarget::close);
    for (MessageHandler handler : callbacks.messageHandlers().all()) {
      if (handler.target != null) {
        handler.target.close();
      }
    }
  }

  boolean isClosed() {
    return closed;
  }

  int waitingMessages() {
    return waiting.size();
  }
}
