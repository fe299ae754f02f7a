// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.MqttClient.State;
import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.Completion;
import io.bight.mqtt.engine.ConnectionEnd;
import io.bight.mqtt.engine.EngineListener;
import io.bight.mqtt.engine.IncomingPublish;
import io.bight.mqtt.engine.MqttEngine;
import io.bight.mqtt.engine.OutgoingPublish;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.engine.Session;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.SubscribeResult;
import io.bight.mqtt.engine.UnsubscribeResult;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Subscription;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The half of a client that lives on the loop: joins the engine to a transport, serves its
 * deadlines, connects again. All methods are the driver's, except {@link #submit}.
 *
 * <pre>
 *   IDLE --connect--&gt; DIALING --transport opened--&gt; OPEN --transport closed--&gt; IDLE
 *     ^                  |                                                      |
 *     +---- no retry ----+---- retry --&gt; WAITING --delay passed--&gt; DIALING &lt;----+ retry
 * </pre>
 */
final class ClientWorker implements EngineListener {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);

  /** Every packet in words, at debug. */
  private static final Logger WIRE = LoggerFactory.getLogger("io.bight.wire");

  /** A connection that ends sooner does not prove that the trouble is over. */
  private static final long STABLE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private enum Phase {
    IDLE,
    DIALING,
    OPEN,
    WAITING
  }

  private final MqttClient client;
  private final MqttLoop loop;
  private final ClientOptions options;
  private final Callbacks callbacks;
  private final CommandQueue commands;
  private final MqttEngine engine;
  private final PublishGate gate;

  // As long as the client lives
  private String clientIdentifier;
  private boolean established;
  private boolean closed;
  private int connections;
  private @Nullable String lastLoss;

  /** The number of the connection that is established, 0: none; written by the driver. */
  private volatile int connection;

  /** Whether there is no connection and none is wanted; written by the driver, read by all. */
  private volatile boolean resting = true;

  private final ArrayDeque<IncomingPublish> held = new ArrayDeque<>();
  private final List<RequestFuture<ConnectEvent>> connecting = new ArrayList<>();
  private final List<RequestFuture<Void>> disconnecting = new ArrayList<>();

  // From connect to disconnect
  private boolean wanted;
  private Phase phase = Phase.IDLE;
  private int failures;
  private int shortConnections;
  private int takeovers;
  private boolean connectedSinceAsked;
  private @Nullable Dialer dialer;
  private @Nullable ScheduledFuture<?> retryTimer;

  // As long as a transport
  private @Nullable OpenTransport transport;
  private @Nullable ConnectEvent connected;
  private long establishedNanos;
  private @Nullable Duration retryDelay;

  ClientWorker(MqttClient client, MqttLoop loop, ClientOptions options, Callbacks callbacks) {
    this.client = client;
    this.loop = loop;
    this.options = options;
    this.callbacks = callbacks;
    this.clientIdentifier = options.clientIdentifier();
    this.commands =
        new CommandQueue(
            loop.eventLoop(), client::describe, this::drainCommands, this::takeCommand);
    this.engine =
        new MqttEngine(
            client.describe(),
            options.engine(),
            SessionStore.IN_MEMORY,
            PooledByteBufAllocator.DEFAULT,
            this);
    this.gate = new PublishGate(client, loop, this, commands, options, engine.session());
  }

  // ---- commands

  /**
   * Has a command run by the driver: at once when called by the driver, unless earlier ones wait,
   * which come first; else in its next turn. Any thread.
   */
  void submit(Command command) {
    if (isAtHand()) {
      takeCommand(command).run(System.nanoTime());
      scheduleFlush();
    } else {
      commands.add(command);
    }
  }

  /** Tells whether a command would be run at once. */
  boolean isAtHand() {
    return loop.inLoop() && commands.isEmpty();
  }

  PublishGate gate() {
    return gate;
  }

  /** Returns the number of the established connection, or 0 if there is none; any thread. */
  int connection() {
    return connection;
  }

  String describe() {
    return client.describe();
  }

  boolean isResting() {
    return resting;
  }

  private Command takeCommand(Command command) {
    return gate.take(command);
  }

  private void drainCommands() {
    commands.drain();
    flush();
  }

  void connect(RequestFuture<ConnectEvent> future) {
    if (closed) {
      future.onFailure(clientClosed());
    } else if (connected != null) {
      future.onSuccess(connected);
    } else {
      connecting.add(future);
      if (!wanted) {
        wanted = true;
        resting = false;
        failures = 0;
        shortConnections = 0;
        takeovers = 0;
        connectedSinceAsked = false;
        if (phase == Phase.IDLE) {
          dial();
        }
      }
    }
  }

  void disconnect(Disconnect disconnect, RequestFuture<Void> future, long nowNanos) {
    wanted = false;
    cancelRetry();
    disconnecting.add(future);
    // Callbacks and stages of futures may ask for another connection; that one is not ended.
    List<RequestFuture<ConnectEvent>> ended = takeAll(connecting);
    if (phase == Phase.DIALING && dialer != null) {
      dialer.cancel();
      dialer = null;
      phase = Phase.IDLE;
    }
    engine.disconnect(disconnect, nowNanos);
    List<RequestFuture<Void>> disconnected = phase == Phase.IDLE ? enterRest() : List.of();
    failAll(
        ended,
        new MqttDisconnectedException(
            client.describe() + " was disconnected by the program before it was connected", null));
    completeAll(disconnected);
  }

  void close(RequestFuture<Void> future, long nowNanos) {
    if (closed) {
      if (phase == Phase.IDLE) {
        future.complete(null);
      } else {
        disconnecting.add(future);
      }
      return;
    }
    closed = true;
    boolean will = options.publishWillOnClose();
    disconnect(
        new Disconnect(will ? ReasonCode.DISCONNECT_WITH_WILL_MESSAGE : ReasonCode.SUCCESS),
        future,
        nowNanos);
  }

  /** Ends what is left of the connection without waiting for anything. */
  void abort() {
    if (transport != null) {
      transport.abort();
    }
  }

  @Nullable OutgoingPublish publish(PublishFuture publish, long nowNanos) {
    if (closed || gate.isStale(publish)) {
      gate.giveBack(publish);
      publish.onFailure(closed ? clientClosed() : gate.stale(publish));
      return null;
    }
    return engine.publish(publish.message(), publish.offlinePolicy(), publish, nowNanos);
  }

  /** A message is not sent. Callbacks are told if this is the driver; any thread. */
  void refuse(PublishFuture publish, MqttException failure) {
    if (loop.inLoop()) {
      publish.onFailure(failure);
    } else {
      publish.reject(failure);
    }
  }

  void cancel(OutgoingPublish publish) {
    engine.cancel(publish);
    gate.onRoom();
  }

  void subscribe(
      List<Subscription> subscriptions,
      Properties properties,
      Completion<SubscribeResult> completion,
      long nowNanos) {
    if (closed) {
      completion.onFailure(clientClosed());
    } else {
      engine.subscribe(subscriptions, properties, completion, nowNanos);
    }
  }

  void unsubscribe(
      List<String> topicFilters, Completion<UnsubscribeResult> completion, long nowNanos) {
    if (closed) {
      completion.onFailure(clientClosed());
    } else {
      engine.unsubscribe(topicFilters, Properties.NONE, completion, nowNanos);
    }
  }

  void acknowledge(
      IncomingPublish message, ReasonCode reasonCode, Properties properties, long nowNanos) {
    engine.acknowledge(message, reasonCode, properties, nowNanos);
  }

  /** The program has added a handler: messages that waited for one are delivered. */
  void deliverHeld() {
    while (callbacks.hasMessageHandler() && !held.isEmpty()) {
      if (loop.isDriverEnding()) {
        loop.onNextDrive(this::deliverHeld);
        return;
      }
      deliver(held.remove());
    }
  }

  // ---- connecting

  private void dial() {
    phase = Phase.DIALING;
    client.setState(State.CONNECTING);
    dialer =
        new Dialer(
            loop.eventLoop(),
            loop.transport(),
            options.server(),
            options.transport(),
            this,
            this::onDialFailure);
    dialer.start();
  }

  private void onDialFailure(Throwable cause) {
    dialer = null;
    phase = Phase.IDLE;
    onAttemptFailed(
        ConnectFailures.ofTransport(
            client.describe(), options.server(), options.transport(), cause));
    retryOrRest();
  }

  void onTransportOpened(Channel opened) {
    dialer = null;
    phase = Phase.OPEN;
    transport = new OpenTransport(opened, engine);
    engine.connectionOpened(options.connect(clientIdentifier, established), System.nanoTime());
    flush();
    onTransport(true, opened);
  }

  @Override
  public void onConnected(Connack connack) {
    String assigned = connack.properties().get(Property.ASSIGNED_CLIENT_IDENTIFIER);
    if (assigned != null) {
      clientIdentifier = assigned;
      client.setClientIdentifier(assigned);
    }
    ConnectEvent event = new ConnectEvent(client, connack, established);
    established = true;
    establishedNanos = System.nanoTime();
    connections++;
    connection = connections;
    connectedSinceAsked = true;
    failures = 0;
    connected = event;
    int keepAliveSeconds =
        connack.properties().get(Property.SERVER_KEEP_ALIVE, options.keepAliveSeconds());
    client.setConnected(Duration.ofSeconds(keepAliveSeconds));
    LOG.debug("{} is connected, session present: {}", client.describe(), connack.sessionPresent());
    scheduleFlush();
    callbacks.call(client, "onConnect", callbacks.onConnect, event);
    for (RequestFuture<ConnectEvent> future : takeAll(connecting)) {
      future.onSuccess(event);
    }
  }

  private void onAttemptFailed(MqttConnectException failure) {
    failures++;
    boolean retry =
        wanted
            && (connectedSinceAsked || options.reconnect().includesFirstConnect())
            && options.reconnect().allowsAttempt(failures);
    retryDelay = null;
    if (retry) {
      retryDelay =
          ConnectFailures.isPermanent(failure.reasonCode())
              ? options.reconnect().maximumDelay()
              : options.reconnect().delay(failures);
    } else {
      wanted = false;
    }
    // A callback may ask for another attempt, which is not the one that has failed.
    List<RequestFuture<ConnectEvent>> failed = retry ? List.of() : takeAll(connecting);
    client.setState(retry ? State.RECONNECTING : State.DISCONNECTED);
    LOG.info(
        "{} ({})",
        failure.getMessage(),
        retryDelay == null ? "no further attempt" : "again in " + retryDelay.toMillis() + " ms");
    callbacks.call(
        client,
        "onConnectFailure",
        callbacks.onConnectFailure,
        new ConnectFailureEvent(client, failure, failures, retryDelay));
    failAll(failed, failure);
  }

  /** The transport is gone: waits for the next attempt, or is done. */
  private void retryOrRest() {
    if (phase != Phase.IDLE) {
      return; // a callback has asked for a connection already
    }
    if (!wanted) {
      completeAll(enterRest());
      return;
    }
    List<RequestFuture<Void>> disconnected = takeAll(disconnecting);
    Duration delay = retryDelay == null ? Duration.ZERO : retryDelay;
    retryDelay = null;
    phase = Phase.WAITING;
    retryTimer = loop.eventLoop().schedule(this::retry, delay.toNanos(), TimeUnit.NANOSECONDS);
    completeAll(disconnected);
  }

  private void retry() {
    retryTimer = null;
    phase = Phase.IDLE;
    if (wanted) {
      dial();
    }
  }

  private void cancelRetry() {
    if (retryTimer != null) {
      retryTimer.cancel(false);
      retryTimer = null;
      phase = Phase.IDLE;
    }
  }

  // ---- an open transport

  void onBytes(Channel from, ByteBuf bytes) {
    if (transport != null && transport.isOf(from)) {
      transport.receive(bytes);
    }
  }

  private void scheduleFlush() {
    if (transport != null) {
      transport.scheduleFlush();
    }
  }

  void flush() {
    if (transport != null) {
      transport.flush();
      gate.onRoom();
    }
  }

  void onTransportClosed(Channel gone, @Nullable Throwable cause) {
    OpenTransport closed = transport;
    if (closed == null || !closed.isOf(gone)) {
      return;
    }
    closed.onClosed();
    engine.connectionClosed(cause, System.nanoTime());
    transport = null;
    phase = Phase.IDLE;
    onTransport(false, gone);
    retryOrRest();
  }

  @Override
  public void onConnectionEnded(ConnectionEnd end) {
    connected = null;
    connection = 0;
    gate.wakeAll();
    lastLoss = end.by() + ", " + end.message();
    held.removeIf(message -> message.message().qos() != Qos.EXACTLY_ONCE);
    if (transport != null) {
      transport.end(end.by() == ConnectionEnd.By.NETWORK);
    }
    if (end.by() == ConnectionEnd.By.USER) {
      client.setState(State.DISCONNECTED);
      if (end.established()) {
        callbacks.call(
            client, "onDisconnect", callbacks.onDisconnect, new DisconnectEvent(client, end, null));
      }
    } else if (end.established()) {
      onLost(end);
    } else {
      FirstBytes firstBytes = transport == null ? null : transport.firstBytes();
      onAttemptFailed(ConnectFailures.ofEnd(client.describe(), options.server(), end, firstBytes));
    }
  }

  private void onLost(ConnectionEnd lost) {
    boolean shortLived = System.nanoTime() - establishedNanos < STABLE_NANOS;
    // The server is there, so the delays begin anew, but not a race with a server that throws us
    // out.
    shortConnections = shortLived ? Math.min(shortConnections + 1, 2) : 0;
    ConnectionEnd end = lost;
    if (lost.reasonCode() == ReasonCode.SESSION_TAKEN_OVER) {
      takeovers++;
      end = ConnectFailures.takenOver(lost, clientIdentifier, takeovers);
    } else if (!shortLived) {
      takeovers = 0;
    }
    boolean retry = wanted && options.reconnect().allowsAttempt(0);
    retryDelay = retry ? delayAfterLoss(end) : null;
    wanted = retry;
    client.setState(retry ? State.RECONNECTING : State.DISCONNECTED);
    LOG.info(
        "{} was disconnected: {} ({})",
        client.describe(),
        end.message(),
        retryDelay == null ? "no reconnect" : "reconnect in " + retryDelay.toMillis() + " ms");
    callbacks.call(
        client,
        "onDisconnect",
        callbacks.onDisconnect,
        new DisconnectEvent(client, end, retryDelay));
  }

  private Duration delayAfterLoss(ConnectionEnd end) {
    // Two clients with one identifier throw each other out for ever: each time less eagerly.
    return ConnectFailures.isPermanent(end.reasonCode())
        ? options.reconnect().maximumDelay()
        : options.reconnect().delay(Math.max(shortConnections, takeovers));
  }

  // ---- messages

  @Override
  public void onMessage(IncomingPublish message) {
    deliverHeld();
    if (callbacks.hasMessageHandler() && held.isEmpty()) {
      deliver(message);
    } else {
      hold(message);
    }
    if (loop.isDriverEnding()) {
      pauseReceiving();
    }
  }

  private void deliver(IncomingPublish incoming) {
    Message message = new Message(client, incoming);
    boolean acknowledge =
        switch (callbacks.callMessageHandlers(client, message)) {
          case UNMATCHED -> true; // [MQTT-4.5.0-2]
          case DONE -> !options.manualAcknowledgement();
          case FAILED ->
              !options.manualAcknowledgement()
                  && options.callbackErrorPolicy() == CallbackErrorPolicy.CONTINUE;
        };
    if (acknowledge) {
      engine.acknowledge(incoming, ReasonCode.SUCCESS, Properties.NONE, System.nanoTime());
    }
  }

  /** A callback threw and has been reported; the driver only. */
  void onCallbackThrew(Throwable error) {
    if (closed) {
      return; // it ends anyway, and nothing may keep it from ending in order
    }
    switch (options.callbackErrorPolicy()) {
      case CONTINUE -> {}
      case STOP_LOOP -> loop.stopWith(error);
      case DISCONNECT -> client.disconnectAsync();
    }
  }

  /** Nothing is dropped for want of a handler: it stays unacknowledged until there is one. */
  private void hold(IncomingPublish message) {
    if (message.message().qos() == Qos.AT_MOST_ONCE) {
      LOG.warn(
          "{} dropped {}: it has no onMessage handler; add one before connecting",
          client.describe(),
          message);
      return;
    }
    if (held.isEmpty()) {
      LOG.warn(
          "{} has no onMessage handler for {}; it is kept unacknowledged until there is one",
          client.describe(),
          message);
    }
    held.add(message);
  }

  /** The driver is to leave: what has arrived beyond this message waits for the next one. */
  private void pauseReceiving() {
    engine.pauseReceiving();
    OpenTransport paused = transport;
    if (paused != null) {
      paused.pauseReading();
      loop.onNextDrive(paused::resumeReading);
    }
  }

  /** A publish is done; called before its future completes. */
  void onPublished(
      Publish message, @Nullable PublishResult result, @Nullable MqttException failure) {
    gate.onRoom();
    if (failure != null) {
      gate.onFailure(failure);
    }
    if (!callbacks.onPublished.isEmpty()) {
      callbacks.call(
          client,
          "onPublished for '" + message.topic() + "'",
          callbacks.onPublished,
          new PublishEvent(client, message, result, failure));
    }
  }

  @Override
  public boolean wantsPackets() {
    return WIRE.isDebugEnabled() || !callbacks.onPacket.isEmpty();
  }

  @Override
  public void onPacket(boolean sent, Packet packet) {
    String line = WireLog.line(sent, packet);
    WIRE.debug("{} {}", clientIdentifier, line);
    if (!callbacks.onPacket.isEmpty()) {
      // The engine is in the middle of something; a callback may issue any command.
      loop.eventLoop().execute(() -> callbacks.call(client, "onPacket", callbacks.onPacket, line));
    }
  }

  private void onTransport(boolean opened, Channel channel) {
    if (!callbacks.onTransport.isEmpty()) {
      callbacks.call(
          client,
          "onTransport",
          callbacks.onTransport,
          new TransportEvent(client, opened, channel.localAddress(), channel.remoteAddress()));
    }
  }

  @Override
  public void onResubscribeFailure(MqttException failure) {
    LOG.warn("{} could not subscribe again: {}", client.describe(), failure.getMessage());
  }

  // ---- the ends of futures

  private static void failAll(List<RequestFuture<ConnectEvent>> futures, MqttException failure) {
    futures.forEach(future -> future.onFailure(failure));
  }

  private static void completeAll(List<RequestFuture<Void>> futures) {
    futures.forEach(future -> future.complete(null));
  }

  /**
   * There is no connection, and none is wanted; returns whom to tell that they are disconnected.
   */
  private List<RequestFuture<Void>> enterRest() {
    resting = true;
    client.setState(closed ? State.CLOSED : State.DISCONNECTED);
    if (closed) {
      gate.close(clientClosed());
      engine.failAll(clientClosed());
      loop.remove(client);
    }
    loop.onClientEnded();
    return takeAll(disconnecting);
  }

  private MqttDisconnectedException clientClosed() {
    return new MqttDisconnectedException(client.describe() + " is closed", null);
  }

  /** Tells what is going on; any thread, so only of what can be read in the middle of a change. */
  String diagnostics() {
    Session session = engine.session();
    return "\n  connection: "
        + engine.state()
        + ", transport "
        + phase
        + ", connections so far "
        + connections
        + ", failed attempts in a row "
        + failures
        + "\n  last loss: "
        + (lastLoss == null ? "none" : lastLoss)
        + "\n  out: "
        + session.queuedMessages()
        + " messages queued, "
        + session.inFlightMessages()
        + " in flight ("
        + session.heldBytes()
        + " B in all), "
        + gate.dropped()
        + " dropped so far, send quota "
        + engine.sendQuota()
        + "\n  in: "
        + engine.unacknowledgedMessages()
        + " messages unacknowledged, "
        + held.size()
        + " waiting for a handler, "
        + session.receivingMessages()
        + " at QoS 2";
  }

  private static <T> List<T> takeAll(List<T> list) {
    List<T> all = List.copyOf(list);
    list.clear();
    return all;
  }
}
