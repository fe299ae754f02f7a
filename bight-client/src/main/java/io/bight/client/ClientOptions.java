// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Will;
import java.time.Duration;
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
    OfflinePolicy offlinePolicy,
    Duration blockTimeout,
    EngineOptions engine) {

  /**
   * Returns the CONNECT of an attempt.
   *
   * @param identifier the client identifier, as the server may have assigned it
   * @param again whether a session of this client was established before
   */
  Connect connect(String identifier, boolean again) {
    // With 5.0, Clean Start speaks of the session before this one: only the first connection
    // discards it. Before, Clean Session speaks of both ends of a session and stays as it is.
    boolean clean = cleanStart && !(again && version.hasProperties());
    return new Connect(
        version,
        identifier,
        clean,
        keepAliveSeconds,
        will,
        userName,
        password,
        version.hasProperties() ? connectProperties : Properties.NONE);
  }

  /** Names the client and its server, for messages. Shows no secret. */
  String describe(String identifier) {
    return (identifier.isEmpty() ? "a client" : "client '" + identifier + "'") + " of " + server;
  }
}
