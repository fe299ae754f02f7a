// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Topics;
import io.bight.mqtt.engine.SubscribeResult;
import io.bight.mqtt.engine.UnsubscribeResult;
import io.bight.mqtt.packet.Subscription;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes a client's requests to subscribe and to unsubscribe, and sees to it that handlers come and
 * go with them. Any thread.
 */
final class Subscriber {
  private final MqttClient client;
  private final MqttLoop loop;
  private final Callbacks callbacks;
  private final ClientWorker worker;
  private final RequestRoom requestRoom = new RequestRoom();

  Subscriber(MqttClient client, MqttLoop loop, Callbacks callbacks, ClientWorker worker) {
    this.client = client;
    this.loop = loop;
    this.callbacks = callbacks;
    this.worker = worker;
  }

  MqttFuture<SubscribeResult> subscribe(
      Subscription subscription, Consumer<Message> handler, @Nullable MessageHandling handling) {
    String topicFilter = subscription.topicFilter();
    callbacks.setSubscriptionHandler(
        topicFilter, new MessageHandler(topicFilter, handler, handling));
    handlersChanged();
    return subscribe(List.of(subscription), Properties.NONE);
  }

  MqttFuture<SubscribeResult> subscribe(List<Subscription> subscriptions, Properties properties) {
    List<Subscription> copy = List.copyOf(subscriptions);
    if (copy.isEmpty()) {
      throw new IllegalArgumentException("subscribe needs at least one topic filter");
    }
    List<String> topicFilters = copy.stream().map(Subscription::topicFilter).toList();
    var future =
        new RequestFuture<SubscribeResult>(client, "subscribing to " + topicFilters + " by");
    report(future, EventKind.SUBSCRIBED, topicFilters);
    if (requestRoom.tryTake(future, topicFilters, properties, client.describe())) {
      worker.submit(
          Command.of(
              nowNanos -> worker.subscribe(copy, properties, future, nowNanos), future::onFailure));
    }
    return future;
  }

  MqttFuture<UnsubscribeResult> unsubscribe(List<String> topicFilters) {
    if (topicFilters.isEmpty()) {
      throw new IllegalArgumentException("unsubscribe needs at least one topic filter");
    }
    topicFilters.forEach(Topics::requireFilter);
    var future =
        new RequestFuture<UnsubscribeResult>(client, "unsubscribing from " + topicFilters + " by");
    Runnable removal = callbacks.removalOfSubscriptionHandlers(topicFilters);
    report(future, EventKind.UNSUBSCRIBED, topicFilters);
    if (requestRoom.tryTake(future, topicFilters, Properties.NONE, client.describe())) {
      worker.submit(
          Command.of(
              nowNanos -> worker.unsubscribe(topicFilters, future, nowNanos), future::onFailure));
    }
    future.thenRun(
        () -> {
          removal.run();
          handlersChanged();
        });
    return future;
  }

  /** Adds a handler that goes with no subscription. */
  Registration addHandler(MessageHandler handler) {
    Registration registration = callbacks.addMessageHandler(handler);
    handlersChanged();
    return () -> {
      registration.close();
      handlersChanged();
    };
  }

  /** Has a request's outcome told to callbacks. */
  private void report(
      MqttFuture<?> future, EventKind<SubscribeEvent> kind, List<String> topicFilters) {
    future.whenComplete(
        (result, failure) -> {
          if (callbacks.has(kind) && loop.inLoop()) {
            MqttException why = failure instanceof MqttException mqtt ? mqtt : null;
            callbacks.call(client, kind, new SubscribeEvent(client, topicFilters, why));
          }
        });
  }

  private void handlersChanged() {
    worker.submit(Command.of(nowNanos -> worker.onHandlersChanged(), failure -> {}));
  }
}
