// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

import io.netty.handler.codec.mqtt.MqttQoS;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.mqtt.MqttClient;
import io.vertx.mqtt.MqttClientOptions;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The MQTT client of Vert.x, which speaks MQTT 3.1.1. It has one handler for all messages and one
 * for all acknowledgements: which of them is meant is looked up here, as a program would.
 */
final class VertxPeer implements Peer {
  private static final int MOST_IN_FLIGHT = 65_535;

  private final boolean publishesOnContext;
  private final Vertx vertx = Vertx.vertx();

  VertxPeer(boolean publishesOnContext) {
    this.publishesOnContext = publishesOnContext;
  }

  @Override
  public CompletionStage<Connection> open(ConnectionOptions options) {
    MqttClientOptions clientOptions =
        new MqttClientOptions()
            .setClientId(options.clientId())
            .setKeepAliveInterval(ConnectionOptions.KEEP_ALIVE_SECONDS)
            .setMaxInflightQueue(MOST_IN_FLIGHT)
            .setAutoAck(false);
    if (options.trustStore() != null) {
      String pem = ConnectionOptions.pem(options.trustStore()).toString();
      clientOptions
          .setSsl(true)
          .setHostnameVerificationAlgorithm("HTTPS")
          .setTrustOptions(new PemTrustOptions().addCertPath(pem));
    }
    CompletableFuture<Connection> open = new CompletableFuture<>();
    Context context = vertx.getOrCreateContext();
    context.runOnContext(
        ignored -> {
          MqttClient client = MqttClient.create(vertx, clientOptions);
          VertxConnection connection = new VertxConnection(client, context, options);
          client
              .connect(options.port(), ConnectionOptions.HOST)
              .onSuccess(connected -> open.complete(connection))
              .onFailure(open::completeExceptionally);
        });
    return open;
  }

  @Override
  public void close() {
    vertx.close();
  }

  private final class VertxConnection implements Connection {
    private final MqttClient client;
    private final Context context;
    private final ConnectionOptions options;

    /** Who waits for which packet identifier; from the first message on. */
    private @Nullable AtomicReferenceArray<@Nullable Completion> waiting;

    /** By the one thread that publishes. */
    private int lastIdentifier;

    /** On the context. */
    private final Map<String, Arrival> arrivals = new HashMap<>();

    private final Map<Integer, CompletableFuture<Integer>> subscribing = new HashMap<>();
    private String reconnectFilter = "";
    private int reconnectQos;

    VertxConnection(MqttClient client, Context context, ConnectionOptions options) {
      this.client = client;
      this.context = context;
      this.options = options;
      client.publishCompletionHandler(this::onAcknowledged);
      client.publishHandler(
          message -> {
            Arrival arrival = arrivals.get(message.topicName());
            if (arrival != null) {
              arrival.onMessage(message.payload().length());
            }
            message.ack();
          });
      client.subscribeCompletionHandler(
          message -> {
            CompletableFuture<Integer> subscribed = subscribing.remove(message.messageId());
            if (subscribed != null) {
              subscribed.complete(message.messageId());
            }
          });
      if (options.reconnects()) {
        // It does not come back by itself: at once is what a program would write first.
        client.closeHandler(closed -> comeBack());
      }
    }

    private void comeBack() {
      client
          .connect(options.port(), ConnectionOptions.HOST)
          .compose(connected -> client.subscribe(reconnectFilter, reconnectQos));
    }

    private void onAcknowledged(int packetIdentifier) {
      Completion completion = waiting == null ? null : waiting.getAndSet(packetIdentifier, null);
      if (completion != null) {
        completion.accept(packetIdentifier, null);
      }
    }

    @Override
    public void publish(String topic, byte[] payload, int qos, Completion completion) {
      Buffer buffer = Buffer.buffer(payload);
      if (qos == 0) {
        client
            .publish(topic, buffer, MqttQoS.AT_MOST_ONCE, false, false)
            .onComplete(completion::accept);
        return;
      }
      // With a packet identifier of ours we know it before the acknowledgement can come.
      int identifier = lastIdentifier == MOST_IN_FLIGHT ? 1 : lastIdentifier + 1;
      lastIdentifier = identifier;
      if (waiting == null) {
        waiting = new AtomicReferenceArray<>(MOST_IN_FLIGHT + 1);
      }
      waiting.set(identifier, completion);
      client
          .publish(identifier, topic, buffer, MqttQoS.valueOf(qos), false, false)
          .onFailure(failure -> completion.accept(null, failure));
    }

    @Override
    public CompletionStage<?> subscribe(String topicFilter, int qos, Arrival arrival) {
      CompletableFuture<Integer> subscribed = new CompletableFuture<>();
      context.runOnContext(
          ignored -> {
            arrivals.put(topicFilter, arrival);
            reconnectFilter = topicFilter;
            reconnectQos = qos;
            client
                .subscribe(topicFilter, qos)
                .onSuccess(identifier -> subscribing.put(identifier, subscribed))
                .onFailure(subscribed::completeExceptionally);
          });
      return subscribed;
    }

    @Override
    public boolean executeInLoop(Runnable task) {
      if (publishesOnContext) {
        context.runOnContext(ignored -> task.run());
      }
      return publishesOnContext;
    }

    @Override
    public void close() {
      client.closeHandler(closed -> {});
      client.disconnect();
    }
  }
}
