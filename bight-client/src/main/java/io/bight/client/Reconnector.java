// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.MqttClient.State;
import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.Property;
import io.bight.mqtt.engine.ConnectionEnd;
import io.bight.mqtt.engine.MqttEngine;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Connects a client, and connects it again until the program disconnects it: makes the attempts,
 * waits between them, and tells the program of connections, failures and losses. All methods are
 * the driver's.
 *
 * <pre>
 *   IDLE --connect--&gt; CONNECTING --transport opened--&gt; OPEN --transport closed--&gt; IDLE
 *     ^                  |                                                         |
 *     +---- no retry ----+--- retry --&gt; WAITING --delay passed--&gt; CONNECTING &lt;-----+ retry
 * </pre>
 */
final class Reconnector {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);

  private enum Phase {
    IDLE,
    CONNECTING,
    OPEN,
    WAITING
  }

  private final MqttClient client;
  private final MqttLoop loop;
  private final ClientOptions options;
  private final Callbacks callbacks;
  private final ClientWorker worker;
  private final MqttEngine engine;

  // As long as the client lives
  private @Nullable ConnectGate gate;
  private boolean established;
  private int connections;
  private @Nullable String lastLoss;
  private Phase phase = Phase.IDLE;
  private final Waiting<ConnectEvent> connecting = new Waiting<>();
  private final Waiting<Void> disconnecting = new Waiting<>();

  /** Whether there is no connection and none is wanted; written by the driver, read by all. */
  private volatile boolean resting = true;

  // From connect to disconnect
  private boolean wanted;
  private Retries retries;
  private @Nullable Attempt attempt;
  private ConnectGate.@Nullable Pass pass;
  private @Nullable ScheduledFuture<?> retryTimer;

  // As long as a transport
  private int keepAliveSeconds;
  private @Nullable ConnectEvent connected;

  /** Why the library itself is ending the connection; null: the program asked for it. */
  private @Nullable Throwable endedBecause;

  /** From the end of a connection until its transport is closed too. */
  private @Nullable Duration retryDelay;

  Reconnector(
      MqttClient client,
      MqttLoop loop,
      ClientOptions options,
      Callbacks callbacks,
      ClientWorker worker,
      MqttEngine engine) {
    this.client = client;
    this.loop = loop;
    this.options = options;
    this.callbacks = callbacks;
    this.worker = worker;
    this.engine = engine;
    this.retries = newRetries();
  }

  private Retries newRetries() {
    return new Retries(
        options.reconnect(), options.beforeConnect() != null, loop.surroundings().chance());
  }

  boolean isResting() {
    return resting;
  }

  /** Has each attempt wait for its turn; called before anything is asked of the client. */
  void connectThrough(ConnectGate shared) {
    gate = shared;
  }

  // ---- what the program asks for

  void connect(RequestFuture<ConnectEvent> future) {
    if (connected != null && wanted) { // else it is just being ended
      future.onSuccess(connected);
      return;
    }
    connecting.add(future);
    if (!wanted) {
      wanted = true;
      resting = false;
      client.status().setLastFailure(null); // what was is no reason any more
      retries = newRetries();
      retryDelay = null; // it was planned for what has been given up
      if (phase == Phase.IDLE) {
        beginAttempt();
      }
    }
  }

  /**
   * Ends the connection, or the attempts to make one.
   *
   * @param because what the library ends it for; null: the program has asked for it
   */
  void disconnect(
      Disconnect disconnect,
      RequestFuture<Void> future,
      @Nullable Throwable because,
      long nowNanos) {
    wanted = false;
    cancelRetry();
    disconnecting.add(future);
    // Callbacks and stages of futures may ask for another connection; that one is not ended.
    List<RequestFuture<ConnectEvent>> ended = connecting.takeAll();
    if (phase == Phase.CONNECTING) {
      cancelAttempt();
    }
    endedBecause = because;
    engine.disconnect(disconnect, nowNanos);
    List<RequestFuture<Void>> disconnected = phase == Phase.IDLE ? enterRest() : List.of();
    failAll(
        ended,
        new MqttDisconnectedException(
            client.describe() + " was disconnected by the program before it was connected", null));
    completeAll(disconnected);
  }

  /** Completes the future when there is no connection, which has been asked for already. */
  void awaitRest(RequestFuture<Void> future) {
    if (phase == Phase.IDLE) {
      future.succeed(null);
    } else {
      disconnecting.add(future);
    }
  }

  // ---- an attempt

  private void beginAttempt() {
    phase = Phase.CONNECTING;
    client.status().setServer(options.server());
    client.status().setState(State.CONNECTING);
    if (gate == null) {
      startAttempt();
    } else {
      pass = gate.enter(loop.executor(), this::startAttempt);
    }
  }

  private void cancelAttempt() {
    leaveGate();
    if (attempt != null) {
      attempt.cancel();
      attempt = null;
    }
    phase = Phase.IDLE;
  }

  /** The attempt is over, so another client may begin. */
  private void leaveGate() {
    if (pass != null) {
      pass.leave();
      pass = null;
    }
  }

  private void startAttempt() {
    ConnectAttempt asked =
        new ConnectAttempt(
            client, options, established, retries.failures() + 1, retries.lastFailure());
    if (engine.session().isExpired() && options.version().hasProperties()) {
      asked.cleanStart(true); // what the server may still have of it must not come back
    }
    var hook = options.beforeConnect();
    attempt =
        new Attempt(
            loop,
            worker,
            asked,
            hook == null ? none -> null : hook,
            options.transport().connectTimeout(),
            () -> client.status().setServer(asked.serverAddress()),
            this::onHookFailure,
            this::onTransportFailure);
    attempt.start();
  }

  private void onHookFailure(Attempt failed, Throwable cause) {
    LOG.warn("{}: the program's hook beforeConnect failed", client.describe(), cause);
    attempt = null;
    phase = Phase.IDLE;
    leaveGate();
    onAttemptFailed(
        new MqttConnectException(
            client.describe()
                + " could not connect: the program's hook beforeConnect failed, so nothing was"
                + " sent: "
                + cause,
            null,
            cause));
    retryOrRest();
  }

  private void onTransportFailure(Attempt failed, Throwable cause) {
    attempt = null;
    phase = Phase.IDLE;
    leaveGate();
    onAttemptFailed(
        ConnectFailures.ofTransport(
            client.describe(),
            failed.request().serverAddress(),
            failed.request().transportOptions(),
            cause));
    retryOrRest();
  }

  /** A transport is open; returns what is to be sent on it first. */
  Connect onTransportOpened() {
    ConnectAttempt request = Objects.requireNonNull(attempt, "attempt").request();
    attempt = null;
    keepAliveSeconds = request.keepAliveSeconds();
    phase = Phase.OPEN;
    return request.connect(client.clientId());
  }

  /** CONNECT cannot be encoded: the transport is of no use. */
  void onConnectNotSendable(IllegalArgumentException cause) {
    leaveGate();
    onAttemptFailed(
        new MqttConnectException(
            client.describe()
                + " could not connect: its CONNECT cannot be sent, since "
                + cause.getMessage()
                + "; change what the client was built with",
            null,
            cause));
  }

  void onAccepted(Connack connack, long nowNanos) {
    leaveGate();
    ConnectEvent event = new ConnectEvent(client, connack, established);
    established = true;
    connections++;
    connected = event;
    retries.onAccepted(nowNanos);
    client
        .status()
        .setConnected(connack.properties().get(Property.SERVER_KEEP_ALIVE, keepAliveSeconds));
    if (LOG.isDebugEnabled()) {
      LOG.debug(
          "{} is connected, session present: {}", client.describe(), connack.sessionPresent());
    }
    // A callback may disconnect and ask for another connection; that one is still to be made.
    List<RequestFuture<ConnectEvent>> made = connecting.takeAll();
    callbacks.call(client, EventKind.CONNECT, event);
    for (RequestFuture<ConnectEvent> future : made) {
      future.onSuccess(event);
    }
  }

  /** The server has taken responsibility for a message. */
  void onAcknowledged() {
    retries.onAcknowledged(loop.lastTurnNanos()); // near enough, and needs no clock
  }

  private void onAttemptFailed(MqttConnectException failure) {
    Duration delay = retries.onFailure(failure);
    client.status().setLastFailure(failure.getMessage());
    wanted &= delay != null;
    retryDelay = wanted ? delay : null;
    // A callback may ask for another attempt, which is not the one that has failed.
    List<RequestFuture<ConnectEvent>> failed = wanted ? List.of() : connecting.takeAll();
    client.status().setState(wanted ? State.RECONNECTING : State.DISCONNECTED);
    LOG.info(
        "{} ({})",
        failure.getMessage(),
        retryDelay == null ? "no further attempt" : "again in " + retryDelay.toMillis() + " ms");
    callbacks.call(
        client,
        EventKind.CONNECT_FAILURE,
        new ConnectFailureEvent(client, failure, retries.failures(), retryDelay));
    failAll(failed, failure);
  }

  // ---- the end of a connection

  /**
   * A connection has ended, whether the server had accepted it or not.
   *
   * @param firstBytes what the server's first bytes look like, if any have come
   */
  void onConnectionEnded(ConnectionEnd end, @Nullable FirstBytes firstBytes, long nowNanos) {
    leaveGate();
    // A connection may end by what an outcome makes the program do, before it has heard of it.
    boolean told = connected != null;
    connected = null;
    lastLoss = end.by() + ", " + end.message();
    if (end.by() == ConnectionEnd.By.USER) {
      client.status().setState(State.DISCONNECTED);
      if (told) {
        onDisconnected(ConnectFailures.asked(end, endedBecause), null);
      }
    } else if (told) {
      onLost(end, nowNanos);
    } else {
      onAttemptFailed(
          ConnectFailures.ofEnd(
              client.describe(), client.status().server(), options.version(), end, firstBytes));
    }
  }

  private void onLost(ConnectionEnd end, long nowNanos) {
    Duration delay = retries.onLost(client.describe(), end, nowNanos);
    client.status().setLastFailure("it was disconnected: " + end.message());
    wanted &= delay != null;
    retryDelay = wanted ? delay : null;
    client.status().setState(wanted ? State.RECONNECTING : State.DISCONNECTED);
    onDisconnected(retries.explained(end, client.clientId()), retryDelay);
  }

  private void onDisconnected(ConnectionEnd end, @Nullable Duration reconnectIn) {
    // What the program has asked for is no news to it.
    LOG.atLevel(end.by() == ConnectionEnd.By.USER ? Level.DEBUG : Level.INFO)
        .log(
            "{} was disconnected: {} ({})",
            client.describe(),
            end.message(),
            reconnectIn == null
                ? "no reconnect"
                : "reconnect in " + reconnectIn.toMillis() + " ms");
    callbacks.call(client, EventKind.DISCONNECT, new DisconnectEvent(client, end, reconnectIn));
  }

  void onTransportClosed() {
    phase = Phase.IDLE;
  }

  /** The transport is gone: waits for the next attempt, or is done. */
  void retryOrRest() {
    if (phase != Phase.IDLE) {
      return; // a callback has asked for a connection already
    }
    if (!wanted) {
      completeAll(enterRest());
      return;
    }
    List<RequestFuture<Void>> disconnected = disconnecting.takeAll();
    Duration delay = retryDelay == null ? Duration.ZERO : retryDelay;
    retryDelay = null;
    phase = Phase.WAITING;
    retryTimer = loop.executor().schedule(this::retry, delay.toNanos(), TimeUnit.NANOSECONDS);
    completeAll(disconnected);
  }

  private void retry() {
    retryTimer = null;
    phase = Phase.IDLE;
    if (wanted) {
      beginAttempt();
    }
  }

  private void cancelRetry() {
    if (retryTimer != null) {
      retryTimer.cancel(false);
      retryTimer = null;
      phase = Phase.IDLE;
    }
  }

  /**
   * There is no connection, and none is wanted; returns whom to tell that they are disconnected.
   */
  private List<RequestFuture<Void>> enterRest() {
    resting = true;
    worker.onRest();
    loop.onClientEnded();
    return disconnecting.takeAll();
  }

  /** Tells what is going on; any thread, so only of what can be read in the middle of a change. */
  String diagnostics() {
    return "transport "
        + phase
        + ", connections so far "
        + connections
        + ", failed attempts in a row "
        + retries.failures()
        + "\n  last loss: "
        + (lastLoss == null ? "none" : lastLoss);
  }

  // ---- the ends of futures

  private static void failAll(List<RequestFuture<ConnectEvent>> futures, MqttException failure) {
    futures.forEach(future -> future.onFailure(failure));
  }

  private static void completeAll(List<RequestFuture<Void>> futures) {
    futures.forEach(future -> future.succeed(null));
  }
}
