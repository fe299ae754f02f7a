// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttLoop;
import io.bight.client.OtherWorld;
import io.bight.client.internal.Transport;
import io.bight.mqtt.engine.SessionStore;
import io.netty.channel.Channel;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A process with a whole client under test, which has a loop of its own in the virtual world. Runs
 * the loop's turns when there is something to do, as a driver that waits for sockets would.
 */
final class SimulatedProcess implements World.Client, Transport, Ticker {
  private final ClientSimulation world;
  private final int life;
  private final SimulatedAllocator allocator = new SimulatedAllocator();
  private final MqttLoop loop;
  private final ReconnectRules rules;
  private final List<SimulatedSocket> sockets = new ArrayList<>();
  private MqttClient client;
  private boolean alive = true;
  private boolean closing;

  /** What the sockets have to tell in the next turn. */
  private final ArrayDeque<Runnable> io = new ArrayDeque<>();

  private boolean inTurn;
  private boolean turnPlanned;
  private long turnNanos;
  private int turns;

  SimulatedProcess(ClientSimulation world, int life) {
    this.world = world;
    this.life = life;
    this.loop = OtherWorld.loop(this, this, world::fraction, allocator);
    this.rules = new ReconnectRules(world, this);
  }

  void begin(MqttClientBuilder builder, SessionStore store) {
    builder.loop(loop);
    if (world.scenario().durable) {
      builder.sessionStore(identifier -> guarded(store));
    }
    client = builder.build();
  }

  /** What the store finds wrong must not end in a log. */
  private SessionStore guarded(SessionStore store) {
    return (SessionStore)
        Proxy.newProxyInstance(
            SessionStore.class.getClassLoader(),
            new Class<?>[] {SessionStore.class},
            (proxy, method, arguments) -> {
              if (!alive) {
                throw Crash.NOW;
              }
              try {
                return method.invoke(store, arguments);
              } catch (InvocationTargetException e) {
                if (e.getCause() instanceof Violation violation) {
                  world.fail(violation);
                }
                throw e.getCause();
              }
            });
  }

  ClientSimulation world() {
    return world;
  }

  MqttClient client() {
    return client;
  }

  ReconnectRules rules() {
    return rules;
  }

  SimulatedAllocator allocator() {
    return allocator;
  }

  int life() {
    return life;
  }

  @Override
  public boolean isAlive() {
    return alive;
  }

  @Override
  public boolean hasStoreFailed() {
    return false;
  }

  boolean isConnected() {
    return alive && client.state() == MqttClient.State.CONNECTED;
  }

  // ---- turns

  boolean inTurn() {
    return inTurn;
  }

  /** A socket has something to tell, in the next turn. */
  void onIo(Runnable event) {
    io.add(event);
  }

  /** Tells whether the next turn has something to do at once. */
  boolean hasWork() {
    return !io.isEmpty() || loop.nextDeadline().map(Duration::isZero).orElse(false);
  }

  boolean hasTimer() {
    return loop.nextDeadline().isPresent();
  }

  /** Sees to it that the loop is driven when there is something to do. */
  void planTurn() {
    if (!alive) {
      return;
    }
    Duration due = io.isEmpty() ? loop.nextDeadline().orElse(null) : Duration.ZERO;
    if (due == null) {
      return;
    }
    long at = world.nowNanos() + due.toNanos();
    if (turnPlanned && turnNanos - at <= 0) {
      return;
    }
    if (world.clientScenario().slowTurns && world.isActive() && world.oneIn(8)) {
      at += Math.min(Scenario.SECOND, world.latency());
    }
    turnPlanned = true;
    turnNanos = at;
    int planned = ++turns;
    world.at(
        at,
        () -> {
          if (planned == turns && alive) {
            turnPlanned = false;
            turn();
          }
        });
  }

  private void turn() {
    inTurn = true;
    rules.onTurnBegins();
    try {
      loop.loop(Duration.ZERO);
    } finally {
      inTurn = false;
    }
    if (alive) {
      rules.onTurnEnds();
    }
  }

  private int handleIo() {
    int count = 0;
    for (Runnable event; (event = io.poll()) != null; count++) {
      event.run();
    }
    return count;
  }

  // ---- the end

  /** The program closes the client. */
  void close() {
    world.trace("program: closes the client");
    closing = true;
    rules.onCloseAsked();
    if (inTurn) {
      client.close();
    } else {
      loop.execute(client::close);
    }
  }

  boolean isClosing() {
    return closing;
  }

  /** Tells whether the client is closed, and nothing of it is left to be done. */
  boolean isClosed() {
    return closing && client.state() == MqttClient.State.CLOSED && !hasWork() && !inTurn;
  }

  /** The client is closed: nothing may be left. */
  void verifyClosed() {
    if (hasTimer()) {
      throw new Violation("a timer is left of a client that is closed");
    }
    if (hasOpenSocket()) {
      throw new Violation("a transport is left of a client that is closed");
    }
    if (allocator.live() != 0) {
      throw new Violation(allocator.live() + " buffers are not released");
    }
    if (!loop.clients().isEmpty()) {
      throw new Violation("the loop has a client that is closed");
    }
    alive = false;
    loop.close();
  }

  /** From here on nothing that the process does has an effect: it is dead, and may not know it. */
  void stopLiving() {
    alive = false;
  }

  /** The process has died; what it had written to its link may still arrive. */
  void die() {
    alive = false;
    for (SimulatedSocket socket : sockets) {
      if (socket.isOpen() && socket.link() != null) {
        if (world.oneIn(2)) {
          socket.link().closeByClient();
        } else {
          socket.link().cut(false, world.oneIn(2));
        }
      }
    }
  }

  // ---- sockets

  Link link() {
    for (SimulatedSocket socket : sockets) {
      if (socket.isOpen() && socket.link() != null) {
        return socket.link();
      }
    }
    return null;
  }

  boolean hasOpenSocket() {
    for (SimulatedSocket socket : sockets) {
      if (socket.isInUse()) {
        return true;
      }
    }
    return false;
  }

  List<SimulatedSocket> openSockets() {
    return List.copyOf(sockets);
  }

  /** A socket begins to connect. */
  void onConnecting(SimulatedSocket socket) {
    if (alive) {
      world.guard(rules::onSocket);
    }
    sockets.add(socket);
  }

  void onClosed(SimulatedSocket socket) {
    if (sockets.remove(socket) && alive) {
      world.trace("client: a socket is closed");
      rules.onSocketClosed();
      world.ledger().onTransportClosed(null);
    }
  }

  /** The client has given bytes to its socket. */
  void onTaken(ClientPacket packet, Link link) {
    if (!alive) {
      return;
    }
    if (world.isTracing()) {
      world.trace("client: link %d takes %s", link.number, packet);
    }
    world.ledger().onTaken(packet, link.number);
    if (packet.type == ClientPacket.CONNECT && world.scenario().durable) {
      world.ledger().onConnectTaken(world.store().isUpToDate());
    }
  }

  /** The server's acceptance is about to be read. */
  void onAccepted(Link link, boolean sessionPresent) {
    if (alive && client.state() == MqttClient.State.CONNECTING) {
      world.guard(() -> world.ledger().onSessionKnown(sessionPresent, link.session()));
    }
  }

  @Override
  public void onBytes(Link from, byte[] bytes) {
    SimulatedSocket socket = socketOf(from);
    if (socket != null) {
      socket.onBytes(bytes);
    }
  }

  @Override
  public void onLinkEnded(Link ended) {
    SimulatedSocket socket = socketOf(ended);
    if (socket != null) {
      socket.onEnd(world.oneIn(2) ? null : new IOException("Connection reset"));
    }
  }

  private SimulatedSocket socketOf(Link link) {
    for (SimulatedSocket socket : sockets) {
      if (alive && socket.link() == link) {
        return socket;
      }
    }
    return null;
  }

  // ---- the loop's surroundings

  @Override
  public IoHandlerFactory ioHandlerFactory() {
    return executor ->
        new IoHandler() {
          @Override
          public int run(IoHandlerContext context) {
            return handleIo();
          }

          @Override
          public IoRegistration register(IoHandle handle) {
            throw new UnsupportedOperationException();
          }

          @Override
          public void wakeup() {
            // The turn is planned after each step.
          }

          @Override
          public boolean isCompatible(Class<? extends IoHandle> handleType) {
            return false;
          }
        };
  }

  @Override
  public DuplexChannel newSocketChannel() {
    return new SimulatedSocket(this);
  }

  @Override
  public void limitUnacknowledged(Channel channel, Duration userTimeout) {
    // The virtual network says itself when it breaks.
  }

  @Override
  public long initialNanoTime() {
    return 0;
  }

  @Override
  public long nanoTime() {
    return world.elapsedNanos() + 1;
  }

  @Override
  public void sleep(long delay, TimeUnit unit) {
    throw new UnsupportedOperationException();
  }
}
