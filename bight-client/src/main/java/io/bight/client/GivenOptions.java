// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.TlsContext;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.SessionStoreOpener;
import io.bight.mqtt.packet.Will;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a builder has been given so far, beginning with the defaults. Each value has been checked by
 * the builder; {@link #toOptions} checks what only shows together, and makes the options that a
 * client keeps.
 */
final class GivenOptions {
  private static final Duration NO_LIMIT = Duration.ofSeconds(Long.MAX_VALUE);
  private static final String IDENTIFIER_CHARACTERS =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

  final ServerAddress server;
  final Properties.Builder properties = Properties.builder();
  MqttVersion version = MqttVersion.MQTT_5;
  @Nullable String clientIdentifier;
  @Nullable Boolean cleanStart;
  @Nullable SessionStoreOpener sessionStore;
  int keepAliveSeconds = 60;
  @Nullable Will will;
  @Nullable String userName;
  byte @Nullable [] password;
  Duration connectTimeout = TransportOptions.DEFAULT.connectTimeout();
  Duration handshakeTimeout = TransportOptions.DEFAULT.handshakeTimeout();
  @Nullable TlsContext tls;
  boolean verifyHostName = true;
  final Map<String, String> webSocketHeaders = new LinkedHashMap<>();
  ReconnectPolicy reconnect = ReconnectPolicy.exponential();
  @Nullable Function<ConnectAttempt, @Nullable CompletionStage<?>> beforeConnect;
  boolean manualAcknowledgement;
  CallbackErrorPolicy callbackErrorPolicy = CallbackErrorPolicy.CONTINUE;
  MessageHandling messageHandling = MessageHandling.onLoop();
  boolean messageHandlingIsSet;
  @Nullable Executor callbackExecutor;
  boolean publishWillOnClose;
  Duration connackTimeout = EngineOptions.DEFAULT.connackTimeout();
  int queueMaximumMessages = EngineOptions.DEFAULT.queueMaximumMessages();
  long queueMaximumBytes = EngineOptions.DEFAULT.queueMaximumBytes();
  OfflinePolicy offlinePolicy = OfflinePolicy.QUEUE;
  Duration blockTimeout = NO_LIMIT;
  OverflowPolicy overflowPolicy = EngineOptions.DEFAULT.overflowPolicy();
  EngineOptions.SessionLoss sessionLoss = EngineOptions.DEFAULT.sessionLoss();
  int deduplicationWindow = EngineOptions.DEFAULT.deduplicationWindow();
  int sendMaximum = EngineOptions.DEFAULT.sendMaximum();

  GivenOptions(ServerAddress server) {
    this.server = server;
    this.userName = server.userName();
    String uriPassword = server.password();
    this.password = uriPassword == null ? null : uriPassword.getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Makes the options of a client.
   *
   * @throws IllegalArgumentException if some contradict each other
   */
  ClientOptions toOptions() {
    if (version != MqttVersion.MQTT_5 && password != null && userName == null) {
      throw new IllegalArgumentException(
          "before MQTT 5.0 a password needs a user name [MQTT-3.1.2-22]");
    }
    String identifier = clientIdentifier == null ? randomIdentifier() : clientIdentifier;
    if (sessionStore != null) {
      requireIdentifierOfItsOwn();
      if (!properties.build().has(Property.SESSION_EXPIRY_INTERVAL)) {
        properties.set(Property.SESSION_EXPIRY_INTERVAL, SessionStore.NEVER_EXPIRES);
      }
    }
    // A session that is kept here is to be kept there as well.
    boolean clean = cleanStart == null ? sessionStore == null : cleanStart;
    if (identifier.isEmpty() && !clean && version != MqttVersion.MQTT_5) {
      throw new IllegalArgumentException(
          "before MQTT 5.0 an empty client identifier needs a clean session [MQTT-3.1.3-7]");
    }
    return new ClientOptions(
        server,
        version,
        identifier,
        clean,
        keepAliveSeconds,
        will,
        userName,
        password,
        properties.build(),
        new TransportOptions(
                connectTimeout, handshakeTimeout, tls, verifyHostName, Map.copyOf(webSocketHeaders))
            .shared(),
        reconnect,
        manualAcknowledgement,
        callbackErrorPolicy,
        callbackExecutor == null || messageHandlingIsSet
            ? messageHandling
            : MessageHandling.on(callbackExecutor),
        callbackExecutor,
        publishWillOnClose,
        offlinePolicy,
        blockTimeout,
        engineOptions(),
        beforeConnect);
  }

  /** Returns the defaults themselves where nothing else was given: they are shared by clients. */
  private EngineOptions engineOptions() {
    EngineOptions options =
        new EngineOptions(
            connackTimeout,
            queueMaximumMessages,
            queueMaximumBytes,
            overflowPolicy,
            sessionLoss,
            deduplicationWindow,
            sendMaximum);
    return options.equals(EngineOptions.DEFAULT) ? EngineOptions.DEFAULT : options;
  }

  private void requireIdentifierOfItsOwn() {
    if (clientIdentifier == null || clientIdentifier.isEmpty()) {
      throw new IllegalArgumentException(
          "a session store needs a client identifier, by which the server knows the session again;"
              + " set clientId(...)");
    }
  }

  /**
   * Opens the store of the session.
   *
   * @throws io.bight.mqtt.MqttStoreException if it cannot be opened
   */
  SessionStore openStore(ClientOptions options) {
    return sessionStore == null
        ? SessionStore.IN_MEMORY
        : sessionStore.open(options.clientIdentifier());
  }

  private static String randomIdentifier() {
    StringBuilder text = new StringBuilder("bight-");
    ThreadLocalRandom random = ThreadLocalRandom.current();
    for (int i = 0; i < 12; i++) {
      text.append(IDENTIFIER_CHARACTERS.charAt(random.nextInt(IDENTIFIER_CHARACTERS.length())));
    }
    return text.toString();
  }
}
