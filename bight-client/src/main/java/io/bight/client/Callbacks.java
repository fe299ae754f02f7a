// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Topics;
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
 * called by the driver. What a callback throws is logged and reported, and never reaches the loop.
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
  private final List<MessageHandler> onMessage = new CopyOnWriteArrayList<>();

  /** Guarded by this. */
  private final Map<String, MessageHandler> subscriptionHandlers = new HashMap<>();

  /** A handler of messages; each is its own, even where the program's code is the same. */
  private static final class MessageHandler {
    /** What it is for, without a share name; null: everything. */
    final @Nullable String topicFilter;

    final Consumer<Message> handler;

    MessageHandler(@Nullable String topicFilter, Consumer<Message> handler) {
      this.topicFilter = topicFilter == null ? null : Topics.withoutShare(topicFilter);
      this.handler = Objects.requireNonNull(handler, "handler");
    }

    boolean matches(String topic) {
      return topicFilter == null || Topics.matches(topicFilter, topic);
    }
  }

  static <E> Registration add(List<E> callbacks, E callback) {
    callbacks.add(Objects.requireNonNull(callback, "callback"));
    AtomicBoolean removed = new AtomicBoolean();
    return () -> {
      if (removed.compareAndSet(false, true)) { // the same callback may have been added twice
        callbacks.remove(callback);
      }
    };
  }

  Registration addMessageHandler(@Nullable String topicFilter, Consumer<Message> handler) {
    return add(onMessage, new MessageHandler(topicFilter, handler));
  }

  /** Sets the handler that goes with a subscription; subscribing again replaces it. */
  synchronized void setSubscriptionHandler(String topicFilter, Consumer<Message> handler) {
    MessageHandler added = new MessageHandler(topicFilter, handler);
    MessageHandler earlier = subscriptionHandlers.put(topicFilter, added);
    if (earlier == null) {
      onMessage.add(added);
    } else {
      // In one step: a message that arrives meanwhile meets the one or the other.
      onMessage.replaceAll(entry -> entry == earlier ? added : entry);
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
    copy.onMessage.addAll(onMessage);
    return copy;
  }

  boolean hasMessageHandler() {
    return !onMessage.isEmpty();
  }

  /** What became of a message. */
  enum Handling {
    /** No handler's topic filter matches. */
    UNMATCHED,
    /** Every handler returned. */
    DONE,
    /** A handler threw. */
    FAILED
  }

  /** Calls each handler whose filter matches, once. */
  Handling callMessageHandlers(MqttClient client, Message message) {
    Handling handling = Handling.UNMATCHED;
    RunningCallback running = client.loop().running();
    for (MessageHandler entry : onMessage) {
      if (entry.matches(message.topic())) {
        boolean begun = running.begin(message, client);
        try {
          entry.handler.accept(message);
          handling = handling == Handling.FAILED ? handling : Handling.DONE;
        } catch (Throwable t) {
          handling = Handling.FAILED;
          onError(client, "onMessage for '" + message.topic() + "'", t);
        } finally {
          if (begun) {
            running.end();
          }
        }
      }
    }
    return handling;
  }

  <E> void call(MqttClient client, String name, List<Consumer<E>> callbacks, E event) {
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

  private void onError(MqttClient client, String callback, Throwable error) {
    LOG.error("{}: the program's callback {} threw", client.describe(), callback, error);
    CallbackErrorEvent event = new CallbackErrorEvent(client, callback, error);
    for (Consumer<CallbackErrorEvent> consumer : onCallbackError) {
      try {
        consumer.accept(event);
      } catch (Throwable t) {
        LOG.error("{}: the program's callback onCallbackError threw", client.describe(), t);
      }
    }
    client.onCallbackThrew(error);
  }
}
