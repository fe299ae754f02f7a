// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Will;
import java.util.concurrent.Executor;
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

  /** Tells whether a server that keeps its word has the session when the connection has ended. */
  boolean sessionOutlivesConnection(Connack connack) {
    if (!version.hasProperties()) {
      return !cleanStart;
    }
    long asked = connectProperties.get(Property.SESSION_EXPIRY_INTERVAL, 0L);
    return connack.properties().get(Property.SESSION_EXPIRY_INTERVAL, asked) > 0;
  }

  /** Names the client and its server, for messages. Shows no secret. */
  String describe(String identifier) {
    return (identifier.isEmpty() ? "a client" : "client '" + identifier + "'") + " of " + server;
  }
}
