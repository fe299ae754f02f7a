// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.eclipse.paho.mqttv5.client.IMqttToken;
import org.eclipse.paho.mqttv5.client.MqttActionListener;
import org.eclipse.paho.mqttv5.client.MqttAsyncClient;
import org.eclipse.paho.mqttv5.client.MqttCallback;
import org.eclipse.paho.mqttv5.client.MqttConnectionOptions;
import org.eclipse.paho.mqttv5.client.MqttDisconnectResponse;
import org.eclipse.paho.mqttv5.client.persist.MemoryPersistence;
import org.eclipse.paho.mqttv5.common.MqttException;
import org.eclipse.paho.mqttv5.common.MqttMessage;
import org.eclipse.paho.mqttv5.common.packet.MqttProperties;
import org.jspecify.annotations.Nullable;

/**
 * Paho's client for MQTT 5.0: the asynchronous one. Messages come to its one callback: listeners
 * for single filters want subscription identifiers, which are off by default.
 */
final class PahoV5Peer implements Peer {
  @Override
  public CompletionStage<Connection> open(ConnectionOptions options)
      throws IOException, MqttException {
    MqttAsyncClient client =
        new MqttAsyncClient(options.uri("tcp", "ssl"), options.clientId(), new MemoryPersistence());
    MqttConnectionOptions connect = new MqttConnectionOptions();
    connect.setCleanStart(true);
    connect.setKeepAliveInterval(ConnectionOptions.KEEP_ALIVE_SECONDS);
    connect.setAutomaticReconnect(options.reconnects());
    if (options.trustStore() != null) {
      connect.setSocketFactory(
          ConnectionOptions.sslContext(options.trustStore()).getSocketFactory());
    }
    CompletableFuture<Connection> open = new CompletableFuture<>();
    PahoV5Connection connection = new PahoV5Connection(client, options.reconnects());
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

  private static MqttActionListener listener(Completion completion) {
    return new MqttActionListener() {
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

  private static final class PahoV5Connection implements Connection, MqttCallback {
    private final MqttAsyncClient client;
    private final boolean reconnects;
    private String topicFilter = "";
    private int subscribedQos;
    private volatile @Nullable Arrival arrival;

    PahoV5Connection(MqttAsyncClient client, boolean reconnects) {
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
            filter, qos, null, listener((token, failure) -> complete(subscribed, filter, failure)));
      } catch (MqttException e) {
        subscribed.completeExceptionally(e);
      }
      return subscribed;
    }

    @Override
    public void messageArrived(String topic, MqttMessage message) {
      Arrival onMessage = arrival;
      if (onMessage != null) {
        onMessage.onMessage(message.getPayload().length);
      }
    }

    /** With a clean start the program subscribes again. */
    @Override
    public void connectComplete(boolean reconnect, String server) {
      Arrival onMessage = arrival;
      if (reconnect && reconnects && onMessage != null) {
        subscribe(topicFilter, subscribedQos, onMessage);
      }
    }

    @Override
    public void disconnected(MqttDisconnectResponse response) {
      // It comes back by itself where it is to.
    }

    @Override
    public void mqttErrorOccurred(MqttException failure) {
      System.err.println("paho-v5: " + failure);
    }

    @Override
    public void deliveryComplete(IMqttToken token) {
      // Each message has its own listener.
    }

    @Override
    public void authPacketArrived(int reasonCode, MqttProperties properties) {
      // The sink sends none.
    }

    @Override
    public void close() throws MqttException {
      client.disconnectForcibly(0, 1_000, false);
      client.close(true);
    }
  }
}
