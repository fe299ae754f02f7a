// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

import com.hivemq.client.mqtt.MqttClient;
import com.hivemq.client.mqtt.MqttClientSslConfig;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.datatypes.MqttTopic;
import com.hivemq.client.mqtt.mqtt5.Mqtt5AsyncClient;
import com.hivemq.client.mqtt.mqtt5.Mqtt5ClientBuilder;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5Publish;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;

/** The HiveMQ MQTT Client: its asynchronous API for MQTT 5.0. */
final class HiveMqPeer implements Peer {
  private static final MqttQos[] QOS = {
    MqttQos.AT_MOST_ONCE, MqttQos.AT_LEAST_ONCE, MqttQos.EXACTLY_ONCE
  };

  @Override
  public CompletionStage<Connection> open(ConnectionOptions options) throws IOException {
    Mqtt5ClientBuilder builder =
        MqttClient.builder()
            .useMqttVersion5()
            .serverHost(ConnectionOptions.HOST)
            .serverPort(options.port())
            .identifier(options.clientId());
    if (options.reconnects()) {
      builder = builder.automaticReconnectWithDefaultConfig();
    }
    if (options.trustStore() != null) {
      builder =
          builder.sslConfig(
              MqttClientSslConfig.builder()
                  .trustManagerFactory(ConnectionOptions.trust(options.trustStore()))
                  .build());
    }
    Mqtt5AsyncClient client = builder.buildAsync();
    return client
        .connectWith()
        .keepAlive(ConnectionOptions.KEEP_ALIVE_SECONDS)
        .send()
        .thenApply(connected -> new HiveMqConnection(client));
  }

  @Override
  public void close() {
    // Its event loops are the process's, and end by themselves.
  }

  private static final class HiveMqConnection implements Connection {
    private final Mqtt5AsyncClient client;
    private String topicText = "";
    private MqttTopic topic = MqttTopic.of("none");

    HiveMqConnection(Mqtt5AsyncClient client) {
      this.client = client;
    }

    @Override
    public void publish(String topicName, byte[] payload, int qos, Completion completion) {
      if (!topicName.equals(topicText)) {
        topic = MqttTopic.of(topicName);
        topicText = topicName;
      }
      Mqtt5Publish message =
          Mqtt5Publish.builder().topic(topic).payload(payload).qos(QOS[qos]).build();
      client
          .publish(message)
          .whenComplete(
              (result, failure) ->
                  completion.accept(
                      result, failure == null ? result.getError().orElse(null) : failure));
    }

    @Override
    public CompletionStage<?> subscribe(String topicFilter, int qos, Arrival arrival) {
      return client
          .subscribeWith()
          .topicFilter(topicFilter)
          .qos(QOS[qos])
          .callback(
              message ->
                  arrival.onMessage(message.getPayload().map(ByteBuffer::remaining).orElse(0)))
          .send();
    }

    @Override
    public void close() {
      client.disconnect();
    }
  }
}
