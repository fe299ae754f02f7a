// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.crt.io.TlsContext;
import software.amazon.awssdk.crt.io.TlsContextOptions;
import software.amazon.awssdk.crt.mqtt5.Mqtt5Client;
import software.amazon.awssdk.crt.mqtt5.Mqtt5ClientOptions;
import software.amazon.awssdk.crt.mqtt5.Mqtt5ClientOptions.Mqtt5ClientOptionsBuilder;
import software.amazon.awssdk.crt.mqtt5.OnAttemptingConnectReturn;
import software.amazon.awssdk.crt.mqtt5.OnConnectionFailureReturn;
import software.amazon.awssdk.crt.mqtt5.OnConnectionSuccessReturn;
import software.amazon.awssdk.crt.mqtt5.OnDisconnectionReturn;
import software.amazon.awssdk.crt.mqtt5.OnStoppedReturn;
import software.amazon.awssdk.crt.mqtt5.PublishReturn;
import software.amazon.awssdk.crt.mqtt5.QOS;
import software.amazon.awssdk.crt.mqtt5.packets.ConnectPacket.ConnectPacketBuilder;
import software.amazon.awssdk.crt.mqtt5.packets.PublishPacket.PublishPacketBuilder;
import software.amazon.awssdk.crt.mqtt5.packets.SubscribePacket.SubscribePacketBuilder;

/** AWS CRT: MQTT 5.0 in C below a Java API. It has no QoS 2. */
final class AwsCrtPeer implements Peer {
  @Override
  public CompletionStage<Connection> open(ConnectionOptions options) {
    AwsCrtConnection connection = new AwsCrtConnection();
    Mqtt5ClientOptionsBuilder builder =
        new Mqtt5ClientOptionsBuilder(ConnectionOptions.HOST, (long) options.port())
            .withConnectOptions(
                new ConnectPacketBuilder()
                    .withClientId(options.clientId())
                    .withKeepAliveIntervalSeconds((long) ConnectionOptions.KEEP_ALIVE_SECONDS)
                    .build())
            .withLifecycleEvents(connection)
            .withPublishEvents(connection);
    if (options.trustStore() != null) {
      String pem = ConnectionOptions.pem(options.trustStore()).toString();
      try (TlsContextOptions tls = TlsContextOptions.createDefaultClient()) {
        builder.withTlsContext(new TlsContext(tls.withCertificateAuthorityFromPath(null, pem)));
      }
    }
    return connection.start(new Mqtt5Client(builder.build()));
  }

  @Override
  public void close() {
    // Its event loops are the process's.
  }

  private static final class AwsCrtConnection
      implements Connection, Mqtt5ClientOptions.LifecycleEvents, Mqtt5ClientOptions.PublishEvents {
    private static final QOS[] QOS_VALUES = {QOS.AT_MOST_ONCE, QOS.AT_LEAST_ONCE};

    private final CompletableFuture<Connection> open = new CompletableFuture<>();
    private @Nullable Mqtt5Client client;
    private volatile @Nullable Arrival arrival;
    private String topicFilter = "";
    private int subscribedQos;

    CompletableFuture<Connection> start(Mqtt5Client started) {
      client = started;
      started.start();
      return open;
    }

    private Mqtt5Client client() {
      Mqtt5Client started = client;
      if (started == null) {
        throw new IllegalStateException("not started");
      }
      return started;
    }

    @Override
    public void publish(String topic, byte[] payload, int qos, Completion completion) {
      client()
          .publish(new PublishPacketBuilder(topic, QOS_VALUES[qos], payload).build())
          .whenComplete(completion);
    }

    @Override
    public CompletionStage<?> subscribe(String filter, int qos, Arrival onMessage) {
      topicFilter = filter;
      subscribedQos = qos;
      arrival = onMessage;
      return client().subscribe(new SubscribePacketBuilder(filter, QOS_VALUES[qos]).build());
    }

    @Override
    public void onMessageReceived(Mqtt5Client from, PublishReturn received) {
      Arrival onMessage = arrival;
      if (onMessage != null) {
        byte[] payload = received.getPublishPacket().getPayload();
        onMessage.onMessage(payload == null ? 0 : payload.length);
      }
    }

    /** Without a session the program subscribes again. */
    @Override
    public void onConnectionSuccess(Mqtt5Client to, OnConnectionSuccessReturn connected) {
      Arrival onMessage = arrival;
      if (!open.complete(this) && onMessage != null) {
        subscribe(topicFilter, subscribedQos, onMessage);
      }
    }

    @Override
    public void onConnectionFailure(Mqtt5Client to, OnConnectionFailureReturn failed) {
      open.completeExceptionally(
          new IllegalStateException("aws-crt: error " + failed.getErrorCode()));
    }

    @Override
    public void onAttemptingConnect(Mqtt5Client to, OnAttemptingConnectReturn attempt) {
      // Nothing is to be done.
    }

    @Override
    public void onDisconnection(Mqtt5Client from, OnDisconnectionReturn disconnected) {
      // It comes back by itself.
    }

    @Override
    public void onStopped(Mqtt5Client stopped, OnStoppedReturn result) {
      // Nothing is to be done.
    }

    @Override
    public void close() {
      client().stop();
      client().close();
    }
  }
}
