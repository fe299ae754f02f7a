// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.IncomingPublish;
import io.bight.mqtt.engine.MqttEngine;
import java.util.ArrayDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of a client's messages from the engine to the program's handlers, and of their
 * acknowledgements back. As long as the client lives; all methods are the driver's.
 */
final class IncomingDelivery {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);

  private final MqttClient client;
  private final ClientWorker worker;
  private final MqttLoop loop;
  private final ClientOptions options;
  private final Callbacks callbacks;
  private final MqttEngine engine;

  /** Messages that have arrived and are not delivered, in the order of arrival. */
  private final ArrayDeque<IncomingPublish> waiting = new ArrayDeque<>();

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
  }

  void onMessage(IncomingPublish message) {
    deliverWaiting();
    if (callbacks.hasMessageHandler() && waiting.isEmpty()) {
      deliver(message);
    } else {
      hold(message);
    }
    if (loop.isDriverEnding()) {
      pauseReceiving();
    }
  }

  /** The program has added a handler: messages that waited for one are delivered. */
  void deliverWaiting() {
    while (callbacks.hasMessageHandler() && !waiting.isEmpty()) {
      if (loop.isDriverEnding()) {
        loop.onNextDrive(this::deliverWaiting);
        return;
      }
      deliver(waiting.remove());
    }
  }

  private void deliver(IncomingPublish incoming) {
    Message message = new Message(client, incoming);
    Callbacks.Handling handling = callbacks.callMessageHandlers(client, message);
    boolean acknowledge =
        switch (handling) {
          case UNMATCHED -> true; // [MQTT-4.5.0-2]
          case DONE -> !options.manualAcknowledgement();
          case FAILED ->
              !options.manualAcknowledgement()
                  && options.callbackErrorPolicy() == CallbackErrorPolicy.CONTINUE;
        };
    if (acknowledge) {
      engine.acknowledge(incoming, ReasonCode.SUCCESS, Properties.NONE, System.nanoTime());
    } else if (handling == Callbacks.Handling.FAILED) {
      engine.abandon(incoming);
    }
  }

  /** Nothing is dropped for want of a handler: it stays unacknowledged until there is one. */
  private void hold(IncomingPublish message) {
    if (message.message().qos() == Qos.AT_MOST_ONCE) {
      LOG.warn(
          "{} dropped {}: it has no onMessage handler; add one before connecting",
          client.describe(),
          message);
      return;
    }
    if (waiting.isEmpty()) {
      LOG.warn(
          "{} has no onMessage handler for {}; it is kept unacknowledged until there is one",
          client.describe(),
          message);
    }
    waiting.add(message);
  }

  /** The driver is to leave: what has arrived beyond this message waits for the next one. */
  private void pauseReceiving() {
    engine.pauseReceiving();
    OpenTransport paused = worker.transport();
    if (paused != null) {
      paused.pauseReading();
      loop.onNextDrive(paused::resumeReading);
    }
  }

  /** The connection has ended: what waits at QoS 1 comes again on the next. */
  void onConnectionEnded() {
    waiting.removeIf(this::comesAgain);
  }

  private boolean comesAgain(IncomingPublish message) {
    if (message.message().qos() == Qos.EXACTLY_ONCE) {
      return false;
    }
    engine.abandon(message);
    return true;
  }

  int waitingMessages() {
    return waiting.size();
  }
}
