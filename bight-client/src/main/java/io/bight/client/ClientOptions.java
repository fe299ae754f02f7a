// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.packet.Will;
import java.util.concurrent.CompletionStage;
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
    boolean publishWillOnClose,
    EngineOptions engine,
    @Nullable Function<ConnectAttempt, @Nullable CompletionStage<?>> beforeConnect) {}
