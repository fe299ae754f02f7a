// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.TlsContext;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Will;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * An attempt to connect that is about to be made. The hook given to {@link
 * MqttClientBuilder#beforeConnect} or {@link MqttClientBuilder#beforeConnectAsync} may change what
 * it sends and where to; what it does not set is as the client was built, whatever earlier attempts
 * had.
 *
 * <pre>{@code
 * MqttClient.builder("mqtts://broker.example")
 *     .beforeConnectAsync(attempt ->
 *         tokens.fetch().thenAccept(token -> attempt.credentials("device-7", token)))
 *     .build();
 * }</pre>
 *
 * <p>May be changed by any thread until the hook has returned and its stage has completed. After
 * that the attempt is under way, or given up, and every change is refused with an {@link
 * IllegalStateException}.
 */
public final class ConnectAttempt {
  private final MqttClient client;
  private final ClientOptions options;
  private final boolean reconnect;
  private final int number;
  private final @Nullable MqttException lastFailure;

  // Guarded by this while the program may change it, the driver's afterwards
  /** Written by whoever completes the hook, read by the program. */
  private volatile boolean closed;

  private ServerAddress server;
  private @Nullable String userName;
  private byte @Nullable [] password;
  private boolean credentialsSet;
  private boolean cleanStart;
  private int keepAliveSeconds;
  private @Nullable Will will;
  private @Nullable TlsContext tls;

  /** What differs from the client's options; null: nothing. */
  private @Nullable Map<String, String> webSocketHeaders;

  /** What differs from the client's properties; null: nothing. */
  private Properties.@Nullable Builder properties;

  /**
   * Makes an attempt with what the client was built with.
   *
   * @param reconnect whether the client was connected before
   * @param number how many attempts were made since, this one included
   * @param lastFailure what went wrong last, or null
   */
  ConnectAttempt(
      MqttClient client,
      ClientOptions options,
      boolean reconnect,
      int number,
      @Nullable MqttException lastFailure) {
    this.client = client;
    this.options = options;
    this.reconnect = reconnect;
    this.number = number;
    this.lastFailure = lastFailure;
    this.server = options.server();
    this.userName = options.userName();
    this.password = options.password();
    // With 5.0, Clean Start speaks of the session before this one: only the first connection
    // discards it. Before, Clean Session speaks of both ends of a session and stays as it is.
    this.cleanStart = options.cleanStart() && !(reconnect && options.version().hasProperties());
    this.keepAliveSeconds = options.keepAliveSeconds();
    this.will = options.will();
    this.tls = options.transport().tls();
  }

  // ---- what it is

  /**
   * Returns the client that connects.
   *
   * @return the client
   */
  public MqttClient client() {
    return client;
  }

  /**
   * Tells whether the client was connected before.
   *
   * @return false until the server has accepted a connection for the first time
   */
  public boolean isReconnect() {
    return reconnect;
  }

  /**
   * Returns how many attempts have been made since the program asked for the connection or the last
   * one was lost, this one included.
   *
   * @return 1 or more
   */
  public int number() {
    return number;
  }

  /**
   * Returns why the last attempt failed, or the last connection was lost.
   *
   * @return a {@link io.bight.mqtt.MqttConnectException} with the server's reason if it gave one, a
   *     {@link io.bight.mqtt.MqttDisconnectedException}, or empty if nothing has gone wrong since
   *     the program asked for the connection
   */
  public Optional<MqttException> lastFailure() {
    return Optional.ofNullable(lastFailure);
  }

  /**
   * Returns the URI of the server that is connected to unless another one is set.
   *
   * @return the URI, without user name and password
   */
  public synchronized String server() {
    return server.toString();
  }

  // ---- what it sends, and where to

  /**
   * Connects to another server this time. A user name and password in the URI are sent unless
   * {@link #credentials(String, String)} sets others. The session is a server's own: where the
   * servers do not share sessions, set {@link #cleanStart} too.
   *
   * @param uri where the server is, as in {@link MqttClient#builder(String)}
   * @return this attempt
   * @throws IllegalArgumentException if the URI is not valid
   * @throws IllegalStateException if it is too late
   */
  public synchronized ConnectAttempt server(String uri) {
    requireOpen();
    server = ServerAddress.parse(uri);
    if (server.userName() != null && !credentialsSet) {
      String secret = server.password();
      userName = server.userName();
      password = secret == null ? null : secret.getBytes(StandardCharsets.UTF_8);
    }
    return this;
  }

  /**
   * Sets user name and password, a token for instance.
   *
   * @param name the user name
   * @param secret the password, or null for none; never shown or logged
   * @return this attempt
   * @throws IllegalArgumentException if the user name cannot be sent as a string, or the password
   *     is longer than 65,535 bytes
   * @throws IllegalStateException if it is too late
   */
  public ConnectAttempt credentials(String name, @Nullable String secret) {
    return credentials(name, secret == null ? null : secret.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Sets user name and password.
   *
   * @param name the user name
   * @param secret the password, copied, or null for none; never shown or logged
   * @return this attempt
   * @throws IllegalArgumentException if the user name cannot be sent as a string, or the password
   *     is longer than 65,535 bytes
   * @throws IllegalStateException if it is too late
   */
  public synchronized ConnectAttempt credentials(String name, byte @Nullable [] secret) {
    requireOpen();
    userName = OptionChecks.requireString(name, "user name");
    password = OptionChecks.copyOfPassword(secret);
    credentialsSet = true;
    return this;
  }

  /**
   * Sets what TLS trusts and presents, for {@code mqtts://} and {@code wss://}: a renewed
   * certificate for instance. Of this and {@link #tls} the later call counts.
   *
   * @param context the context, initialized
   * @return this attempt
   * @throws IllegalStateException if it is too late
   */
  public synchronized ConnectAttempt sslContext(SSLContext context) {
    requireOpen();
    tls = TlsContext.of(context);
    return this;
  }

  /**
   * Sets how TLS is done, for {@code mqtts://} and {@code wss://}: with a renewed certificate for
   * instance. Of this and {@link #sslContext} the later call counts.
   *
   * @param options the options, made once for each certificate and not for each attempt
   * @return this attempt
   * @throws IllegalStateException if it is too late
   */
  public synchronized ConnectAttempt tls(TlsOptions options) {
    requireOpen();
    tls = options.context();
    return this;
  }

  /**
   * Adds a header to the request that opens a WebSocket, for {@code ws://} and {@code wss://}, or
   * replaces the one of that name.
   *
   * @param name its name
   * @param value its value; never shown or logged
   * @return this attempt
   * @throws IllegalStateException if it is too late
   */
  public synchronized ConnectAttempt webSocketHeader(String name, String value) {
    requireOpen();
    Objects.requireNonNull(value, "value");
    if (webSocketHeaders == null) {
      webSocketHeaders = new LinkedHashMap<>(options.transport().webSocketHeaders());
    }
    webSocketHeaders.keySet().removeIf(name::equalsIgnoreCase);
    webSocketHeaders.put(name, value);
    return this;
  }

  /**
   * Adds a user property to CONNECT, behind those that the client was built with. Not sent before
   * 5.0.
   *
   * @param name its name
   * @param value its value
   * @return this attempt
   * @throws IllegalArgumentException if one cannot be sent as a string
   * @throws IllegalStateException if it is too late
   */
  public synchronized ConnectAttempt userProperty(String name, String value) {
    requireOpen();
    if (properties == null) {
      properties = options.connectProperties().toBuilder();
    }
    properties.userProperty(
        OptionChecks.requireString(name, "user property name"),
        OptionChecks.requireString(value, "user property value"));
    return this;
  }

  /**
   * Sets whether the session that the server may have is discarded, in CONNECT's own sense: Clean
   * Start of this attempt, Clean Session before 5.0. Unless set, a reconnect with 5.0 goes on with
   * the session.
   *
   * @param clean false to go on with an earlier session
   * @return this attempt
   * @throws IllegalArgumentException if it is false for a client of a version before 5.0 whose
   *     client identifier is empty [MQTT-3.1.3-7]
   * @throws IllegalStateException if it is too late
   */
  public synchronized ConnectAttempt cleanStart(boolean clean) {
    requireOpen();
    if (!clean && client.clientId().isEmpty() && options.version() != MqttVersion.MQTT_5) {
      throw new IllegalArgumentException(
          "before MQTT 5.0 an empty client identifier needs a clean session [MQTT-3.1.3-7]");
    }
    cleanStart = clean;
    return this;
  }

  /**
   * Sets the longest pause between two packets of the client.
   *
   * @param interval 1 to 65,535 whole seconds; zero: no keep alive
   * @return this attempt
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if it is too late
   */
  public synchronized ConnectAttempt keepAlive(Duration interval) {
    requireOpen();
    keepAliveSeconds = OptionChecks.keepAliveSeconds(interval);
    return this;
  }

  /**
   * Sets the message that the server publishes when it loses this client.
   *
   * @param message the will
   * @param delay the Will Delay Interval in whole seconds; not sent before 5.0
   * @return this attempt
   * @throws IllegalArgumentException if its payload is longer than 65,535 bytes or the delay
   *     negative
   * @throws IllegalStateException if it is too late
   */
  public synchronized ConnectAttempt will(Publish message, Duration delay) {
    requireOpen();
    will = OptionChecks.willOf(message, delay);
    return this;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(
          "it is too late to change what "
              + client.describe()
              + " sends: the hook has returned, its stage has completed, or the attempt was given"
              + " up; set everything before");
    }
  }

  // ---- for the driver

  /** From now on nothing changes. */
  synchronized void close() {
    closed = true;
  }

  synchronized ServerAddress serverAddress() {
    return server;
  }

  synchronized int keepAliveSeconds() {
    return keepAliveSeconds;
  }

  synchronized TransportOptions transportOptions() {
    TransportOptions built = options.transport();
    return new TransportOptions(
            built.connectTimeout(),
            built.handshakeTimeout(),
            tls,
            built.verifyHostName(),
            webSocketHeaders == null ? built.webSocketHeaders() : Map.copyOf(webSocketHeaders))
        .shared();
  }

  /**
   * Returns the packet.
   *
   * @param clientIdentifier the client identifier, as the server may have assigned it
   */
  synchronized Connect connect(String clientIdentifier) {
    return new Connect(
        options.version(),
        clientIdentifier,
        cleanStart,
        keepAliveSeconds,
        will,
        userName,
        password,
        options.version().hasProperties() ? properties() : Properties.NONE);
  }

  private Properties properties() {
    return properties == null ? options.connectProperties() : properties.build();
  }

  /** Returns the client, the server and the number; no secret. */
  @Override
  public synchronized String toString() {
    return "ConnectAttempt["
        + client.clientId()
        + " to "
        + server
        + ", number="
        + number
        + ", reconnect="
        + reconnect
        + "]";
  }
}
