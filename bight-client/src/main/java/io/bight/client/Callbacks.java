// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

  private static final Consumer<?>[][] NO_CALLBACKS = new Consumer<?>[EventKind.ALL.size()][0];

  // Most clients have few callbacks and many have the same: what is set is never changed, but
  // replaced as a whole, under the lock; it is read by all.

  /** The callbacks of each kind, by {@link EventKind#index}. */
  private volatile Consumer<?>[][] byKind = NO_CALLBACKS;

  private final MessageHandlers messageHandlers = new MessageHandlers();

  /** Whether a handler has been added that is not simply called as a message arrives. */
  private volatile boolean someHandlerIsNotDirect;

  /** Where callbacks other than message handlers run; null: where they are called. */
  private @Nullable EventLane events;

  /** Guarded by this; {@link Map#of()} until the first is set. */
  private Map<String, MessageHandler> subscriptionHandlers = Map.of();

  <E> Registration add(EventKind<E> kind, Consumer<E> callback) {
    Objects.requireNonNull(callback, "callback");
    change(kind, list -> list.add(callback));
    // the same callback may have been added twice
    return once(() -> change(kind, list -> list.remove(callback)));
  }

  private synchronized void change(EventKind<?> kind, Consumer<List<Consumer<?>>> change) {
    List<Consumer<?>> changed = new ArrayList<>(List.of(byKind[kind.index]));
    change.accept(changed);
    Consumer<?>[][] all = byKind.clone();
    all[kind.index] = changed.toArray(new Consumer<?>[0]);
    byKind = all;
  }

  private static Registration once(Runnable removal) {
    AtomicBoolean removed = new AtomicBoolean();
    return () -> {
      if (removed.compareAndSet(false, true)) {
        removal.run();
      }
    };
  }

  Registration addMessageHandler(MessageHandler handler) {
    noteHandling(handler);
    messageHandlers.add(handler);
    return () -> messageHandlers.removeAll(List.of(handler));
  }

  /** Sets the handler that goes with a subscription; subscribing again replaces it. */
  synchronized void setSubscriptionHandler(String topicFilter, MessageHandler added) {
    if (subscriptionHandlers.isEmpty()) {
      subscriptionHandlers = new HashMap<>();
    }
    noteHandling(added);
    MessageHandler earlier = subscriptionHandlers.put(topicFilter, added);
    if (earlier == null) {
      messageHandlers.add(added);
    } else {
      messageHandlers.replace(earlier, added);
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
    Map<String, MessageHandler> now = new HashMap<>();
    for (String topicFilter : topicFilters) {
      MessageHandler handler = subscriptionHandlers.get(topicFilter);
      if (handler != null) {
        now.put(topicFilter, handler);
      }
    }
    return () -> remove(now);
  }

  private synchronized void remove(Map<String, MessageHandler> handlers) {
    handlers.forEach(subscriptionHandlers::remove);
    messageHandlers.removeAll(handlers.values());
  }

  /** Returns the same callbacks for another client of the same builder. */
  Callbacks copy() {
    Callbacks copy = new Callbacks();
    copy.byKind = byKind;
    messageHandlers.all().forEach(handler -> copy.addMessageHandler(handler.copy()));
    return copy;
  }

  /** Returns the handlers of messages. */
  MessageHandlers messageHandlers() {
    return messageHandlers;
  }

  boolean hasMessageHandler() {
    return !messageHandlers.isEmpty();
  }

  /** Tells whether there is somebody to tell of an event. */
  boolean has(EventKind<?> kind) {
    return byKind[kind.index].length > 0;
  }

  @SuppressWarnings("unchecked") // add lets no other in
  private <E> Consumer<E>[] of(EventKind<E> kind) {
    return (Consumer<E>[]) byKind[kind.index];
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
  <E> void call(MqttClient client, EventKind<E> kind, E event) {
    call(client, kind, kind.callback, event);
  }

  /**
   * Tells callbacks of an event, on the executor if there is one; called by the driver.
   *
   * @param name what the callback is called in messages
   */
  <E> void call(MqttClient client, EventKind<E> kind, String name, E event) {
    if (events == null) {
      callNow(client, kind, name, event);
    } else if (has(kind)) {
      events.execute(() -> callNow(client, kind, name, event));
    }
  }

  /** Tells of a packet: not in the middle of what the engine does, and not at any price. */
  void callOnPacket(MqttClient client, MqttLoop loop, String line) {
    Runnable call = () -> callNow(client, EventKind.PACKET, line);
    if (events == null) {
      loop.executeOnLoop(call);
    } else {
      events.executeIfNotFull(call);
    }
  }

  /** Tells callbacks of an event, on the calling thread. */
  <E> void callNow(MqttClient client, EventKind<E> kind, E event) {
    callNow(client, kind, kind.callback, event);
  }

  private <E> void callNow(MqttClient client, EventKind<E> kind, String name, E event) {
    Consumer<E>[] callbacks = of(kind);
    if (callbacks.length == 0) {
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
    for (Consumer<CallbackErrorEvent> consumer : of(EventKind.CALLBACK_ERROR)) {
      try {
        consumer.accept(event);
      } catch (Throwable t) {
        LOG.error("{}: the program's callback onCallbackError threw", client.describe(), t);
      }
    }
  }
}
