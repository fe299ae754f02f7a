// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.Completion;
import io.bight.mqtt.engine.ConnectionEnd;
import io.bight.mqtt.engine.EngineListener;
import io.bight.mqtt.engine.IncomingPublish;
import io.bight.mqtt.engine.MqttEngine;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.List;

/**
 * A process with the engine under test: joins it to links of the virtual network as the client
 * joins it to sockets, connects it again, and dies and begins anew.
 */
final class SimulatedClient implements EngineListener, World.Client {
  private static final IOException RESET = new Reset();
  private static final long SHUTDOWN_NANOS = 250 * Scenario.MILLISECOND;

  private static final class Reset extends IOException {
    private static final long serialVersionUID = 1L;

    Reset() {
      super("reset");
    }

    @Override
    public synchronized Throwable fillInStackTrace() {
      return this;
    }
  }

  private final Simulation world;
  private final Scenario scenario;
  private final Ledger ledger;
  private final SessionStore store;
  private final Properties connectProperties;

  // As long as a process
  private int life;
  private boolean alive;
  private MqttEngine engine;
  private SimulatedAllocator allocator;
  private boolean wanted;
  private boolean connecting;
  private boolean flushing;
  private boolean flushScheduled;

  // As long as a link
  private Link link;
  private boolean closing;
  private boolean writable = true;
  private boolean timerSet;
  private long timerNanos;
  private int timers;

  /** Whether subscriptions were not made again on this connection. */
  private boolean resubscribeFailed;

  /** Whether the engine takes its store for broken. */
  private boolean storeFailed;

  SimulatedClient(Simulation world, Ledger ledger, SessionStore store) {
    this.world = world;
    this.scenario = world.scenario();
    this.ledger = ledger;
    this.store = store;
    Properties.Builder properties = Properties.builder();
    if (scenario.isVersion5()) {
      properties.set(Property.SESSION_EXPIRY_INTERVAL, scenario.sessionExpirySeconds);
      if (scenario.clientReceiveMaximum < 65_535) {
        properties.set(Property.RECEIVE_MAXIMUM, scenario.clientReceiveMaximum);
      }
    }
    this.connectProperties = properties.build();
  }

  MqttEngine engine() {
    return engine;
  }

  @Override
  public boolean isAlive() {
    return alive;
  }

  int life() {
    return life;
  }

  boolean isConnected() {
    return alive && engine.state() == MqttEngine.State.CONNECTED;
  }

  boolean hasLink() {
    return link != null;
  }

  Link link() {
    return link;
  }

  @Override
  public boolean hasStoreFailed() {
    return storeFailed;
  }

  boolean hasResubscribeFailed() {
    return resubscribeFailed;
  }

  // ---- the process

  void start() {
    alive = true;
    allocator = new SimulatedAllocator();
    engine =
        new MqttEngine(() -> "client 'simulated'", scenario.engineOptions, store, allocator, this);
    engine.restore(this::restored, world.nowNanos());
    if (scenario.startsNearTheHighestIdentifier) {
      startNearTheHighestIdentifier();
    }
    world.trace("client: begins life %d with %s", life, engine.session());
    world.program().onStart();
  }

  private Completion<PublishResult> restored(StoredPublish stored) {
    OutMessage message = ledger.out(((SimulatedStore) store).numberAt(stored.position()));
    if (!String.valueOf(message.tag).equals(stored.tag())) {
      throw new Violation(message + " has come back with the tag " + stored.tag());
    }
    ledger.onRestored(
        message, stored.packetIdentifier(), stored.state() == StoredPublish.State.PUBLISHED);
    return world.program().outcome(message);
  }

  /** Packet identifiers go round in a table that grows with use: here it is full grown. */
  private void startNearTheHighestIdentifier() {
    try {
      Field identifiers = engine.session().getClass().getDeclaredField("packetIdentifiers");
      identifiers.setAccessible(true);
      Object table = identifiers.get(engine.session());
      Field slots = table.getClass().getDeclaredField("table");
      slots.setAccessible(true);
      Object[] before = (Object[]) slots.get(table);
      slots.set(table, Arrays.copyOf(before, 65_536));
      Field last = table.getClass().getDeclaredField("last");
      last.setAccessible(true);
      last.set(table, 65_530);
    } catch (ReflectiveOperationException e) {
      throw new Violation("the packet identifiers are not where they were: " + e);
    }
  }

  /** The process dies; what it had written to its link may still arrive. */
  void die() {
    world.trace("client: dies");
    alive = false;
    storeFailed = false;
    life++;
    wanted = false;
    connecting = false;
    flushing = false;
    flushScheduled = false;
    Link orphan = link;
    forgetLink();
    if (orphan != null) {
      if (world.oneIn(2)) {
        orphan.closeByClient();
      } else {
        orphan.cut(false, world.oneIn(2));
      }
    }
  }

  private void forgetLink() {
    link = null;
    closing = false;
    writable = true;
    timerSet = false;
    timers++;
  }

  // ---- connections

  void connect() {
    wanted = true;
    if (link == null && !connecting) {
      connectLater(0);
    }
  }

  /** The program disconnects. */
  void disconnect(Disconnect packet) {
    wanted = false;
    engine.disconnect(packet, world.nowNanos());
  }

  private void connectLater(long delayNanos) {
    connecting = true;
    int inLife = life;
    world.after(
        delayNanos,
        () -> {
          if (inLife == life) {
            connecting = false;
            if (wanted && link == null) {
              open();
            }
          }
        });
  }

  private void open() {
    if (!world.server().isUp()) {
      connectLater(world.latency() + Scenario.MILLISECOND);
      return;
    }
    link = world.newLink();
    boolean cleanStart = engine.session().isExpired() || scenario.cleanSession;
    Connect connect =
        new Connect(
            scenario.version,
            "simulated",
            cleanStart,
            scenario.keepAliveSeconds,
            null,
            null,
            null,
            connectProperties);
    world.trace("client: opens link %d", link.number);
    resubscribeFailed = false;
    engine.connectionOpened(connect, world.nowNanos());
    flush();
  }

  @Override
  public void onBytes(Link from, byte[] bytes) {
    if (from != link) {
      return;
    }
    ByteBuf buffer = Unpooled.wrappedBuffer(bytes);
    engine.receive(buffer, world.nowNanos());
    if (buffer.isReadable() || buffer.refCnt() != 1) {
      throw new Violation("received bytes are left: " + buffer);
    }
    flushSoon();
  }

  @Override
  public void onLinkEnded(Link ended) {
    if (ended == link) {
      transportClosed(ended, world.oneIn(2) ? null : RESET);
    }
  }

  private void transportClosed(Link closed, Throwable cause) {
    if (closed != link) {
      return;
    }
    world.trace("client: link %d is closed", closed.number);
    closed.closeByClient();
    forgetLink();
    engine.connectionClosed(cause, world.nowNanos());
    ledger.onTransportClosed(engine.session());
    if (wanted && !connecting && link == null) {
      connectLater(world.oneIn(4) ? world.longTime() : world.latency());
    }
    flushSoon();
  }

  // ---- writing

  /** Writes what the engine has, at once or a little later. */
  void flushSoon() {
    if (world.oneIn(3)) {
      scheduleFlush();
    } else {
      flush();
    }
  }

  private void scheduleFlush() {
    if (!flushScheduled) {
      flushScheduled = true;
      int inLife = life;
      world.after(
          world.oneIn(4) ? world.latency() : 0,
          () -> {
            if (inLife == life) {
              flushScheduled = false;
              flush();
            }
          });
    }
  }

  private void flush() {
    if (flushing) {
      return;
    }
    flushing = true;
    if (link == null) {
      engine.commit(world.nowNanos());
    } else {
      write();
    }
    flushing = false;
    setTimer();
  }

  private void write() {
    Link current = link;
    ByteBuf batch;
    while (writable && link == current && (batch = engine.takeOutgoing()) != null) {
      byte[] bytes = ByteBufUtil.getBytes(batch);
      batch.release();
      if (bytes.length == 0) {
        throw new Violation("an empty batch");
      }
      List<ClientPacket> packets = current.write(bytes);
      for (ClientPacket packet : packets) {
        if (world.isTracing()) {
          world.trace("client: link %d takes %s", current.number, packet);
        }
        ledger.onTaken(packet, current.number);
        if (packet.type == ClientPacket.CONNECT && scenario.durable) {
          ledger.onConnectTaken(((SimulatedStore) store).isUpToDate());
        }
      }
      written(current);
    }
    if (link == current && engine.wantsClose() && !engine.hasOutgoing() && !closing) {
      closing = true;
      current.closeByClient();
      world.after(world.below(2) * SHUTDOWN_NANOS, () -> transportClosed(current, null));
    }
  }

  private void written(Link current) {
    if (world.oneIn(4)) {
      world.after(
          world.latency(),
          () -> {
            if (link == current) {
              engine.outgoingWritten();
              flushSoon();
            }
          });
    } else {
      engine.outgoingWritten();
    }
    if (scenario.blocksWrites && world.oneIn(4)) {
      writable = false;
      world.after(
          world.latency(),
          () -> {
            if (link == current) {
              writable = true;
              flush();
            }
          });
    }
  }

  private void setTimer() {
    long deadline = engine.nextDeadlineNanos();
    if (deadline == MqttEngine.NO_DEADLINE || (link != null && !writable)) {
      return;
    }
    if (timerSet && timerNanos - deadline <= 0) {
      return; // it fires early enough and then looks again
    }
    timerSet = true;
    timerNanos = deadline;
    int timer = ++timers;
    world.at(
        deadline,
        () -> {
          if (timer == timers) {
            timerSet = false;
            engine.handleTimeout(world.nowNanos());
            flush();
          }
        });
  }

  // ---- the engine's events

  @Override
  public void onConnected(Connack connack) {
    world.trace("client: connected, session present: %s", connack.sessionPresent());
    world.program().onConnected();
  }

  /** CONNACK is seen before anything follows from it. */
  @Override
  public boolean wantsPackets() {
    return engine.state() == MqttEngine.State.CONNECTING;
  }

  @Override
  public void onPacket(boolean sent, Packet packet) {
    if (packet instanceof Connack connack && connack.reasonCode() == ReasonCode.SUCCESS) {
      ledger.onSessionKnown(connack.sessionPresent(), link.session());
    }
  }

  @Override
  public void onConnectionEnded(ConnectionEnd end) {
    world.trace("client: connection ended by %s: %s", end.by(), end.message());
    Link ended = link;
    if (ended != null) {
      if (end.by() == ConnectionEnd.By.NETWORK) {
        world.after(0, () -> transportClosed(ended, null));
      } else {
        scheduleFlush();
      }
    }
    if (end.by() == ConnectionEnd.By.CLIENT && !scenario.mayFail()) {
      throw new Violation("the client refuses what the server sent: " + end.message());
    }
    world.program().onDisconnected();
  }

  @Override
  public void onMessage(IncomingPublish message) {
    world.program().onMessage(message);
  }

  @Override
  public void onResubscribeFailure(MqttException failure) {
    world.trace("client: could not subscribe again: %s", failure.getMessage());
    resubscribeFailed = true;
    world.program().onResubscribeFailure();
  }

  @Override
  public void onStoreFailure(MqttStoreException failure) {
    world.trace("client: %s", failure.getMessage());
    storeFailed = true;
  }

  @Override
  public void onStoreRecovered() {
    world.trace("client: the store works again");
    storeFailed = false;
  }

  // ---- the end

  /** Checks that nothing is left when everything has come to rest. */
  void verify() {
    if (engine.takeOutgoing() != null || engine.hasOutgoing()) {
      throw new Violation("bytes are left to send");
    }
    if (engine.sendQuota() != scenario.mostUnderWay()) {
      throw new Violation(
          "the send quota is " + engine.sendQuota() + " of " + scenario.mostUnderWay());
    }
    Link last = link;
    forgetLink();
    wanted = false;
    last.closeByClient();
    engine.connectionClosed(null, world.nowNanos());
    if (engine.nextDeadlineNanos() != MqttEngine.NO_DEADLINE) {
      throw new Violation("a deadline without a connection");
    }
    if (allocator.live() != 0) {
      throw new Violation(allocator.live() + " buffers are not released");
    }
  }
}
