// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.eclipse.paho.client.mqttv3.IMqttActionListener;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.IMqttToken;
import org.eclipse.paho.client.mqttv3.MqttAsyncClient;
import org.eclipse.paho.client.mqttv3.MqttCallbackExtended;
import org.eclipse.paho.client.mqttv3.MqttClientPersistence;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.eclipse.paho.client.mqttv3.persist.MqttDefaultFilePersistence;
import org.jspecify.annotations.Nullable;

/** Paho's client for MQTT 3.1.1: the asynchronous one. */
final class PahoV3Peer implements Peer {
  @Override
  public CompletionStage<Connection> open(ConnectionOptions options)
      throws IOException, MqttException {
    MqttClientPersistence persistence =
        options.directory() == null
            ? new MemoryPersistence()
            : new MqttDefaultFilePersistence(options.directory().toString());
    MqttAsyncClient client =
        new MqttAsyncClient(options.uri("tcp", "ssl"), options.clientId(), persistence);
    MqttConnectOptions connect = new MqttConnectOptions();
    connect.setCleanSession(options.directory() == null);
    connect.setKeepAliveInterval(ConnectionOptions.KEEP_ALIVE_SECONDS);
    connect.setMaxInflight(Math.min(65_535, 2 * options.window()));
    connect.setAutomaticReconnect(options.reconnects());
    if (options.trustStore() != null) {
      connect.setSocketFactory(
          ConnectionOptions.sslContext(options.trustStore()).getSocketFactory());
    }
    CompletableFuture<Connection> open = new CompletableFuture<>();
    PahoV3Connection connection = new PahoV3Connection(client, options.reconnects());
    client.setCallback(connection);
    client.connect(
        connect, null, listener((token, failure) -> complete(open, connection, failure)));
    return open;
  }

  private static <T> void complete(
      CompletableFuture<T> future, T value, @Nullable Throwable failure) {
    if (failure == null) {
      future.complete(value);
    } else {
      future.completeExceptionally(failure);
    }
  }

  private static IMqttActionListener listener(Completion completion) {
    return new IMqttActionListener() {
      @Override
      public void onSuccess(IMqttToken token) {
        completion.accept(token, null);
      }

      @Override
      public void onFailure(IMqttToken token, Throwable failure) {
        completion.accept(token, failure);
      }
    };
  }

  @Override
  public void close() {
    // Each connection has its own threads.
  }

  private static final class PahoV3Connection implements Connection, MqttCallbackExtended {
    private final MqttAsyncClient client;
    private final boolean reconnects;
    private String topicFilter = "";
    private int subscribedQos;
    private @Nullable Arrival arrival;

    PahoV3Connection(MqttAsyncClient client, boolean reconnects) {
      this.client = client;
      this.reconnects = reconnects;
    }

    @Override
    public void publish(String topic, byte[] payload, int qos, Completion completion) {
      try {
        client.publish(topic, payload, qos, false, null, listener(completion));
      } catch (MqttException e) {
        completion.accept(null, e);
      }
    }

    @Override
    public CompletionStage<?> subscribe(String filter, int qos, Arrival onMessage) {
      topicFilter = filter;
      subscribedQos = qos;
      arrival = onMessage;
      CompletableFuture<String> subscribed = new CompletableFuture<>();
      try {
        client.subscribe(
            filter,
            qos,
            null,
            listener((token, failure) -> complete(subscribed, filter, failure)),
            (topic, message) -> onMessage.onMessage(message.getPayload().length));
      } catch (MqttException e) {
        subscribed.completeExceptionally(e);
      }
      return subscribed;
    }

    /** With a clean session the program subscribes again. */
    @Override
    public void connectComplete(boolean reconnect, String server) {
      if (reconnect && reconnects && arrival != null) {
        subscribe(topicFilter, subscribedQos, arrival);
      }
    }

    @Override
    public void connectionLost(Throwable cause) {
      // It comes back by itself where it is to.
    }

    @Override
    public void messageArrived(String topic, MqttMessage message) {
      // Each subscription has its own listener.
    }

    @Override
    public void deliveryComplete(IMqttDeliveryToken token) {
      // Each message has its own listener.
    }

    @Override
    public void close() throws MqttException {
      client.disconnectForcibly(0, 1_000);
      client.close(true);
    }
  }
}
