// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.MqttClient.State;
import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.Topics;
import io.bight.mqtt.engine.Completion;
import io.bight.mqtt.engine.ConnectionEnd;
import io.bight.mqtt.engine.EngineListener;
import io.bight.mqtt.engine.IncomingPublish;
import io.bight.mqtt.engine.MqttEngine;
import io.bight.mqtt.engine.OutgoingPublish;
import io.bight.mqtt.engine.Publication;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.engine.Session;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.SubscribeResult;
import io.bight.mqtt.engine.UnsubscribeResult;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Subscription;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The half of a client that lives on the loop: joins the engine to a transport, serves its
 * deadlines, hands messages to the program. All methods are the driver's, except {@link #submit}.
 */
final class ClientWorker implements EngineListener {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);

  /** Every packet in words, at debug. */
  private static final Logger WIRE = LoggerFactory.getLogger("io.bight.wire");

  private final MqttClient client;
  private final MqttLoop loop;
  private final ClientOptions options;
  private final Callbacks callbacks;
  private final CommandQueue commands;
  private final MqttEngine engine;
  private final SessionStore store;

  /** Messages of an earlier process that are not done, by position; changed by the driver. */
  private final Map<Long, StoredPublish> restored;

  private final IncomingDelivery delivery;
  private final PublishGate gate;

  // As long as the client lives
  private final Reconnector reconnector;
  private boolean closed;
  private @Nullable MqttGroup group;
  private int connections;

  /** The number of the connection that is established, 0: none; written by the driver. */
  private volatile int connection;

  // As long as a transport
  private @Nullable OpenTransport transport;
  private boolean sessionGoesOn;

  // Without one
  private boolean commitScheduled;
  private boolean storeClosed;

  /** Set while a timer runs after which a store that has failed is tried again. */
  private boolean storeRetryScheduled;

  ClientWorker(
      MqttClient client,
      MqttLoop loop,
      ClientOptions options,
      Callbacks callbacks,
      SessionStore store) {
    this.client = client;
    this.loop = loop;
    this.options = options;
    this.callbacks = callbacks;
    Supplier<String> description = client::describe;
    this.commands =
        new CommandQueue(loop.eventLoop(), description, this::drainCommands, this::takeCommand);
    this.engine =
        new MqttEngine(description, options.engine(), store, loop.surroundings().allocator(), this);
    this.store = store;
    this.restored = isStored() ? new ConcurrentSkipListMap<>() : Map.of();
    engine.restore(this::restore, loop.nowNanos());
    this.delivery = new IncomingDelivery(client, this, loop, options, callbacks, engine);
    this.reconnector = new Reconnector(client, loop, options, callbacks, this, engine);
    this.gate = new PublishGate(client, loop, this, commands, options, engine.session());
  }

  private Completion<PublishResult> restore(StoredPublish kept) {
    restored.put(kept.position(), kept);
    return new RestoredPublish(this, kept);
  }

  /** Returns the messages of an earlier process that are not done; any thread. */
  List<StoredPublish> restored() {
    return List.copyOf(restored.values());
  }

  /** A message of an earlier process is done, and callbacks have been told. */
  void onRestoredDone(StoredPublish kept) {
    restored.remove(kept.position());
  }

  // ---- commands

  /**
   * Has a command run by the driver: at once when called by the driver, unless earlier ones wait,
   * which come first; else in its next turn. Any thread.
   */
  void submit(Command command) {
    if (isAtHand()) {
      takeCommand(command).run(loop.nowNanos());
      scheduleFlush();
    } else {
      commands.add(command);
    }
  }

  /** Tells whether a command would be run at once. */
  boolean isAtHand() {
    return loop.inLoop() && commands.isEmpty();
  }

  MqttLoop loop() {
    return loop;
  }

  PublishGate gate() {
    return gate;
  }

  /** Returns the number of the established connection, or 0 if there is none; any thread. */
  int connection() {
    return connection;
  }

  /** Makes a message; its topic name is checked unless it was sent lately. Any thread. */
  Publish messageOf(String topic, byte[] payload, Qos qos, boolean retain) {
    Objects.requireNonNull(topic, "topic");
    String allowed = engine.hasSent(topic) ? topic : Topics.requireName(topic);
    Objects.requireNonNull(qos, "qos");
    return new Publish(allowed, payload, qos, retain, false, 0, Properties.NONE);
  }

  String describe() {
    return client.describe();
  }

  String describeProgress() {
    return client.status().describeProgress();
  }

  /** Makes the client one of a group; called before anything is asked of it. */
  void join(MqttGroup joined) {
    group = joined;
    reconnector.connectThrough(joined.connectGate());
  }

  /** Does a piece of the client's work with its identifier in the log's context. */
  void inLogContext(Runnable work) {
    LogContext.run(client, work);
  }

  boolean isResting() {
    return reconnector.isResting();
  }

  private Command takeCommand(Command command) {
    return gate.take(command);
  }

  private void drainCommands() {
    String outer = LogContext.enter(client);
    try {
      commands.drain();
      flush();
    } finally {
      LogContext.leave(outer);
    }
  }

  void connect(RequestFuture<ConnectEvent> future) {
    if (closed) {
      future.onFailure(clientClosed());
    } else {
      reconnector.connect(future);
    }
  }

  void disconnect(Disconnect disconnect, RequestFuture<Void> future, long nowNanos) {
    try {
      engine.requireSendable(disconnect);
    } catch (IllegalArgumentException e) {
      future.onFailure(new MqttException(describe() + " did not disconnect: " + e.getMessage(), e));
      return;
    }
    if (options.version().hasProperties()) {
      Long expiry = disconnect.properties().get(Property.SESSION_EXPIRY_INTERVAL);
      sessionGoesOn = expiry == null ? sessionGoesOn : expiry > 0;
    }
    reconnector.disconnect(disconnect, future, null, nowNanos);
  }

  void close(RequestFuture<Void> future, long nowNanos) {
    if (closed) {
      reconnector.awaitRest(future);
      return;
    }
    closed = true;
    delivery.close();
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
    if (!closed && gate.isStale(publish)) {
      gate.giveBack(1, publish.heapBytes());
      publish.onFailure(gate.stale(publish));
      return null;
    }
    return give(publish, nowNanos);
  }

  /** Gives the engine a message, alone or one of several that are published together. */
  @Nullable OutgoingPublish give(Publication publication, long nowNanos) {
    if (closed) {
      gate.giveBack(1, OutgoingPublish.heapBytesOf(publication));
      publication.onFailure(clientClosed());
      return null;
    }
    return engine.publish(publication, nowNanos);
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
    if (!storeClosed) { // it may be another client's by now, and the server sends the message again
      engine.acknowledge(message, reasonCode, properties, nowNanos);
    }
  }

  /** The program has added or removed a handler: messages may wait for that. */
  void onHandlersChanged() {
    delivery.deliverWaiting();
  }

  IncomingDelivery delivery() {
    return delivery;
  }

  // ---- a transport and its connection

  void onTransportOpened(Channel opened) {
    transport = new OpenTransport(client, opened, engine);
    Connect connect = reconnector.onTransportOpened();
    try {
      engine.connectionOpened(connect, loop.nowNanos());
      flush();
    } catch (IllegalArgumentException e) {
      transport.abort();
      reconnector.onConnectNotSendable(e);
    }
    onTransport(true, opened);
  }

  @Override
  public void onConnected(Connack connack) {
    String assigned = connack.properties().get(Property.ASSIGNED_CLIENT_IDENTIFIER);
    if (assigned != null) {
      client.status().setClientIdentifier(assigned);
    }
    connection = ++connections;
    sessionGoesOn = options.sessionOutlivesConnection(connack);
    delivery.onConnected(connack.sessionPresent());
    scheduleFlush();
    reconnector.onAccepted(connack, loop.nowNanos());
  }

  void onBytes(Channel from, ByteBuf bytes) {
    if (transport == null || !transport.isOf(from)) {
      return;
    }
    String outer = LogContext.enter(client);
    try {
      if (!commands.isEmpty()) { // first: the server works on it while we handle what it has said
        commands.drainPublishes();
        flush();
      }
      OpenTransport open = transport;
      if (open != null && open.isOf(from)) {
        open.receive(bytes);
      }
    } finally {
      LogContext.leave(outer);
    }
  }

  /**
   * All that had arrived is handled: what there is to say to it, and what the program has asked for
   * meanwhile, leaves in one write.
   */
  void onReadComplete() {
    if (!commands.isEmpty()) {
      commands.drain();
    }
    flush();
  }

  void scheduleFlush() {
    if (transport != null) {
      transport.scheduleFlush();
    } else if (isStored() && !commitScheduled) {
      commitScheduled = true; // what waits for a connection is stored at the end of the turn
      loop.executeOnLoop(
          () -> {
            commitScheduled = false;
            inLogContext(this::flush);
          });
    }
  }

  void flush() {
    if (transport != null) {
      transport.flush();
      gate.onRoom();
    } else if (!storeClosed) {
      engine.commit(loop.nowNanos());
      scheduleStoreRetry();
    }
  }

  /** With a transport the store's deadline is one of the engine's that the transport serves. */
  private void scheduleStoreRetry() {
    long deadline = engine.nextDeadlineNanos();
    if (deadline == MqttEngine.NO_DEADLINE || storeRetryScheduled) {
      return;
    }
    storeRetryScheduled = true;
    loop.scheduleOnLoop(
        () -> {
          storeRetryScheduled = false;
          inLogContext(this::flush);
        },
        Duration.ofNanos(Math.max(0, deadline - loop.nowNanos())));
  }

  void onTransportClosed(Channel gone, @Nullable Throwable cause) {
    OpenTransport closed = transport;
    if (closed == null || !closed.isOf(gone)) {
      return;
    }
    closed.onClosed();
    engine.connectionClosed(cause == null ? closed.writeFailure() : cause, loop.nowNanos());
    transport = null;
    flush(); // there may be something to be stored
    reconnector.onTransportClosed();
    onTransport(false, gone);
    reconnector.retryOrRest();
  }

  @Override
  public void onConnectionEnded(ConnectionEnd end) {
    connection = 0;
    gate.wakeAll();
    delivery.onConnectionEnded(sessionGoesOn);
    FirstBytes firstBytes = null;
    if (transport != null) {
      firstBytes = transport.firstBytes();
      transport.end(end.by() == ConnectionEnd.By.NETWORK);
    }
    reconnector.onConnectionEnded(end, firstBytes, loop.nowNanos());
  }

  // ---- messages

  @Override
  public void onMessage(IncomingPublish message) {
    delivery.onMessage(message);
  }

  /** A callback threw and has been reported; the driver only. */
  void onCallbackThrew(Throwable error) {
    if (closed) {
      return; // it ends anyway, and nothing may keep it from ending in order
    }
    switch (options.callbackErrorPolicy()) {
      case CONTINUE -> {}
      case STOP_LOOP -> loop.driving().stopWith(error);
      case DISCONNECT -> {
        var future = new RequestFuture<Void>(loop, "disconnecting " + describe());
        submit(
            Command.of(
                nowNanos ->
                    reconnector.disconnect(
                        new Disconnect(ReasonCode.SUCCESS), future, error, nowNanos),
                failure -> future.complete(null)));
      }
    }
  }

  @Nullable OpenTransport transport() {
    return transport;
  }

  /** A publish is done; called before its future completes. */
  void onPublished(
      Publish message,
      @Nullable String tag,
      @Nullable PublishResult result,
      @Nullable MqttException failure) {
    gate.onRoom();
    if (failure != null) {
      gate.onFailure(failure);
    } else if (message.qos() != Qos.AT_MOST_ONCE) {
      reconnector.onAcknowledged();
    }
    if (callbacks.has(EventKind.PUBLISHED)) {
      callbacks.call(
          client,
          EventKind.PUBLISHED,
          "onPublished for '" + message.topic() + "'",
          new PublishEvent(client, message, tag, result, failure));
    }
  }

  @Override
  public boolean wantsPackets() {
    return WIRE.isDebugEnabled() || callbacks.has(EventKind.PACKET);
  }

  @Override
  public void onPacket(boolean sent, Packet packet) {
    String line = WireLog.line(sent, packet);
    WIRE.debug("{} {}", client.clientId(), line);
    if (callbacks.has(EventKind.PACKET)) {
      callbacks.callOnPacket(client, loop, line);
    }
  }

  private void onTransport(boolean opened, Channel channel) {
    if (callbacks.has(EventKind.TRANSPORT)) {
      callbacks.call(
          client,
          EventKind.TRANSPORT,
          new TransportEvent(client, opened, channel.localAddress(), channel.remoteAddress()));
    }
  }

  @Override
  public void onResubscribeFailure(MqttException failure) {
    LOG.warn(
        "{} could not have its subscriptions as they were: {}",
        client.describe(),
        failure.getMessage());
  }

  /** There is no connection, and none is wanted. */
  void onRest() {
    client.status().setState(closed ? State.CLOSED : State.DISCONNECTED);
    if (closed) {
      gate.close(clientClosed());
      flush();
      engine.failAll(clientClosed());
      closeStore();
      loop.remove(client);
      if (group != null) {
        group.onClosed(client);
      }
    }
  }

  private boolean isStored() {
    return store != SessionStore.IN_MEMORY;
  }

  /** The session stays where it is, for the next client. Whoever drives, or nobody does. */
  void closeStore() {
    if (!storeClosed) {
      storeClosed = true;
      try {
        store.close();
      } catch (RuntimeException e) {
        LOG.warn("{} could not close its session store {}", client.describe(), store, e);
      }
    }
  }

  @Override
  public void onStoreFailure(MqttStoreException failure) {
    LOG.warn(
        "{} cannot store its session, so messages of QoS 1 and 2 fail until it can: {}",
        client.describe(),
        failure.getMessage(),
        failure);
  }

  @Override
  public void onStoreRecovered() {
    LOG.info("{} can store its session again", client.describe());
  }

  /** Returns why nothing more is heard here of a message that the session store keeps. */
  MqttDisconnectedException kept(Publish message, MqttException failure) {
    return new MqttDisconnectedException(
        describe()
            + " is closed; its session store keeps the message for '"
            + message.topic()
            + "', and the next client with this store goes on with it",
        failure);
  }

  private MqttDisconnectedException clientClosed() {
    return new MqttDisconnectedException(client.describe() + " is closed", null);
  }

  /** Tells what is going on; any thread, so only of what can be read in the middle of a change. */
  String diagnostics() {
    Session session = engine.session();
    return "\n  connection: "
        + engine.state()
        + ", "
        + reconnector.diagnostics()
        + "\n  out: "
        + Count.of(session.queuedMessages(), "message")
        + " queued, "
        + session.inFlightMessages()
        + " in flight ("
        + session.heldBytes()
        + " B in all), "
        + gate.dropped()
        + " dropped so far, send quota "
        + engine.sendQuota()
        + "\n  in: "
        + Count.of(engine.unacknowledgedMessages(), "message")
        + " unacknowledged, "
        + delivery.waitingMessages()
        + " waiting for a handler or for room, "
        + session.receivingMessages()
        + " at QoS 2"
        + (isStored() ? "\n  session store: " + store : "");
  }
}
