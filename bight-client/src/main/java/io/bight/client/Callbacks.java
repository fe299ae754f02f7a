// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The program's callbacks of one client. They may be added and removed by any thread; they are
 * called by the driver, or on the program's executor. What a callback throws is logged and
 * reported, and never reaches the loop.
 */
final class Callbacks {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);

  final List<Consumer<ConnectEvent>> onConnect = new CopyOnWriteArrayList<>();
  final List<Consumer<ConnectFailureEvent>> onConnectFailure = new CopyOnWriteArrayList<>();
  final List<Consumer<DisconnectEvent>> onDisconnect = new CopyOnWriteArrayList<>();
  final List<Consumer<CallbackErrorEvent>> onCallbackError = new CopyOnWriteArrayList<>();
  final List<Consumer<PublishEvent>> onPublished = new CopyOnWriteArrayList<>();
  final List<Consumer<SubscribeEvent>> onSubscribed = new CopyOnWriteArrayList<>();
  final List<Consumer<SubscribeEvent>> onUnsubscribed = new CopyOnWriteArrayList<>();
  final List<Consumer<TransportEvent>> onTransport = new CopyOnWriteArrayList<>();
  final List<Consumer<String>> onPacket = new CopyOnWriteArrayList<>();
  final List<Consumer<DeadLetterEvent>> onDeadLetter = new CopyOnWriteArrayList<>();
  final List<MessageHandler> onMessage = new CopyOnWriteArrayList<>();

  /** Whether a handler has been added that is not simply called as a message arrives. */
  private volatile boolean someHandlerIsNotDirect;

  /** Where callbacks other than message handlers run; null: where they are called. */
  private @Nullable EventLane events;

  /** Guarded by this. */
  private final Map<String, MessageHandler> subscriptionHandlers = new HashMap<>();

  static <E> Registration add(List<E> callbacks, E callback) {
    callbacks.add(Objects.requireNonNull(callback, "callback"));
    AtomicBoolean removed = new AtomicBoolean();
    return () -> {
      if (removed.compareAndSet(false, true)) { // the same callback may have been added twice
        callbacks.remove(callback);
      }
    };
  }

  Registration addMessageHandler(MessageHandler handler) {
    noteHandling(handler);
    return add(onMessage, handler);
  }

  /** Sets the handler that goes with a subscription; subscribing again replaces it. */
  synchronized void setSubscriptionHandler(String topicFilter, MessageHandler added) {
    noteHandling(added);
    MessageHandler earlier = subscriptionHandlers.put(topicFilter, added);
    if (earlier == null) {
      onMessage.add(added);
    } else {
      // In one step: a message that arrives meanwhile meets the one or the other.
      onMessage.replaceAll(entry -> entry == earlier ? added : entry);
    }
  }

  private void noteHandling(MessageHandler handler) {
    if (!handler.isDirect()) {
      someHandlerIsNotDirect = true;
    }
  }

  /**
   * Returns what removes the handlers that go with subscriptions, but not those that are set later:
   * a program may subscribe anew before the server has answered UNSUBSCRIBE.
   */
  synchronized Runnable removalOfSubscriptionHandlers(List<String> topicFilters) {
    Map<String, MessageHandler> now = new HashMap<>(subscriptionHandlers);
    now.keySet().retainAll(topicFilters);
    return () -> remove(now);
  }

  private synchronized void remove(Map<String, MessageHandler> handlers) {
    handlers.forEach(subscriptionHandlers::remove);
    onMessage.removeAll(handlers.values());
  }

  /** Returns the same callbacks for another client of the same builder. */
  Callbacks copy() {
    Callbacks copy = new Callbacks();
    copy.onConnect.addAll(onConnect);
    copy.onConnectFailure.addAll(onConnectFailure);
    copy.onDisconnect.addAll(onDisconnect);
    copy.onCallbackError.addAll(onCallbackError);
    copy.onPublished.addAll(onPublished);
    copy.onSubscribed.addAll(onSubscribed);
    copy.onUnsubscribed.addAll(onUnsubscribed);
    copy.onTransport.addAll(onTransport);
    copy.onPacket.addAll(onPacket);
    copy.onDeadLetter.addAll(onDeadLetter);
    onMessage.forEach(handler -> copy.addMessageHandler(handler.copy()));
    return copy;
  }

  boolean hasMessageHandler() {
    return !onMessage.isEmpty();
  }

  boolean allHandlersAreDirect() {
    return !someHandlerIsNotDirect;
  }

  /** Has callbacks other than message handlers run on an executor from now on. */
  void moveEventsTo(EventLane lane) {
    events = lane;
  }

  /** Calls a handler on the calling thread; returns what it threw, or null. */
  @Nullable Throwable callMessageHandler(MessageHandler handler, Message message) {
    RunningCallback running = message.client().loop().running();
    boolean begun = running.begin(message, message.client());
    try {
      handler.handler.accept(message);
      return null;
    } catch (Throwable t) {
      return t;
    } finally {
      if (begun) {
        running.end();
      }
    }
  }

  /** Tells callbacks of an event, on the executor if there is one; called by the driver. */
  <E> void call(MqttClient client, String name, List<Consumer<E>> callbacks, E event) {
    if (events == null) {
      callNow(client, name, callbacks, event);
    } else if (!callbacks.isEmpty()) {
      events.execute(() -> callNow(client, name, callbacks, event));
    }
  }

  /** Tells of a packet: not in the middle of what the engine does, and not at any price. */
  void callOnPacket(MqttClient client, MqttLoop loop, String line) {
    Runnable call = () -> callNow(client, "onPacket", onPacket, line);
    if (events == null) {
      loop.executeOnLoop(call);
    } else {
      events.executeIfNotFull(call);
    }
  }

  /** Tells callbacks of an event, on the calling thread. */
  <E> void callNow(MqttClient client, String name, List<Consumer<E>> callbacks, E event) {
    if (callbacks.isEmpty()) {
      return;
    }
    RunningCallback running = client.loop().running();
    String outer = LogContext.enter(client);
    for (Consumer<E> callback : callbacks) {
      boolean begun = running.begin(name, client);
      try {
        callback.accept(event);
      } catch (Throwable t) {
        onError(client, name, t);
      } finally {
        if (begun) {
          running.end();
        }
      }
    }
    LogContext.leave(outer);
  }

  /** A callback has thrown: logs and reports it and applies the policy; any thread. */
  void onError(MqttClient client, String callback, Throwable error) {
    report(client, callback, error);
    client.onCallbackThrew(error);
  }

  /** Logs and reports what a callback threw; any thread. */
  void report(MqttClient client, String callback, Throwable error) {
    LOG.error("{}: the program's callback {} threw", client.describe(), callback, error);
    tellOfError(client, new CallbackErrorEvent(client, callback, error));
  }

  /** The program's executor takes no message handlers: logs and reports it; any thread. */
  void onExecutorRefused(MqttClient client, MqttException refusal) {
    LOG.error(refusal.getMessage(), refusal);
    tellOfError(
        client, new CallbackErrorEvent(client, "the executor of message handlers", refusal));
  }

  private void tellOfError(MqttClient client, CallbackErrorEvent event) {
    for (Consumer<CallbackErrorEvent> consumer : onCallbackError) {
      try {
        consumer.accept(event);
      } catch (Throwable t) {
        LOG.error("{}: the program's callback onCallbackError threw", client.describe(), t);
      }
    }
  }
}
