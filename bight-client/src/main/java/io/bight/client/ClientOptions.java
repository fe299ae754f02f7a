// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.packet.Will;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a client was built with; never changes. Made by {@link MqttClientBuilder}, which has checked
 * it.
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

  /**
   * Tells whether a server that keeps to what CONNECT asks has the session on the next connection.
   */
  boolean sessionOutlivesConnections() {
    return version.hasProperties()
        ? connectProperties.get(Property.SESSION_EXPIRY_INTERVAL, 0L) > 0
        : !cleanStart;
  }
}
