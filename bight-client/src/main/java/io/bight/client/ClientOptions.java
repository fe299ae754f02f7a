// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Will;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a client was built with; never changes. Made by {@link GivenOptions#toOptions}, and checked
 * by then.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record ClientOptions(
    ServerAddress server,
    MqttVersion version,
    String clientIdentifier,
    boolean cleanStart,
    int keepAliveSeconds,
    @Nullable Will will,
    @Nullable String userName,
    byte @Nullable [] password,
    Properties connectProperties,
    TransportOptions transport,
    ReconnectPolicy reconnect,
    boolean manualAcknowledgement,
    CallbackErrorPolicy callbackErrorPolicy,
    MessageHandling messageHandling,
    @Nullable Executor callbackExecutor,
    boolean publishWillOnClose,
    OfflinePolicy offlinePolicy,
    Duration blockTimeout,
    EngineOptions engine,
    @Nullable Function<ConnectAttempt, @Nullable CompletionStage<?>> beforeConnect) {

  /** Tells whether a server that keeps its word has the session when the connection has ended. */
  boolean sessionOutlivesConnection(Connack connack) {
    if (!version.hasProperties()) {
      return !cleanStart;
    }
    long asked = connectProperties.get(Property.SESSION_EXPIRY_INTERVAL, 0L);
    return connack.properties().get(Property.SESSION_EXPIRY_INTERVAL, asked) > 0;
  }
}
