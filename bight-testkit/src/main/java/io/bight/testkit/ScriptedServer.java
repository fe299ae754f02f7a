// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An MQTT server for tests, for versions 3.1, 3.1.1 and 5.0, that does what it is told: follow a
 * script on each connection, or behave as a small broker, or first the one and then the other.
 *
 * <p>On a port ({@link #start()}, {@link #behavingBroker()}) it has one daemon thread of its own
 * and may be used from any thread. In memory ({@link #inMemory()}) it has none: the test carries
 * the bytes, time is virtual, and everything happens within the calls.
 *
 * <pre>{@code
 * try (ScriptedServer server = ScriptedServer.start()) {
 *   server.onConnection().expectConnect().sendConnack().expectPublish("a/b").sendPuback();
 *   client.connectAndPublish(server.uri(), "a/b");
 *   server.awaitScripts(Duration.ofSeconds(5));
 * }
 * }</pre>
 *
 * <p>An expectation that fails ends its connection and is thrown as an {@link AssertionError}, with
 * the whole transcript: in memory by the call that delivered the bytes; on a port by the next call
 * that waits for something, by {@link #verify()}, or at the latest by {@link #close()}. It is
 * thrown by {@link #close()} only if nobody has seen it before.
 */
public final class ScriptedServer implements AutoCloseable {
  /** Beyond it the oldest packets are forgotten, so that a long test does not fill the heap. */
  private static final int PACKETS_KEPT = 100_000;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final @Nullable VirtualTime virtualTime;
  private final @Nullable PortListener listener;
  private final boolean behavesByDefault;

  // Guarded by the lock from here on.
  private final BehavingBroker broker = new BehavingBroker(this);
  private final Transcript transcript;
  private final Deque<ServerScript> scripts = new ArrayDeque<>();
  private @Nullable ServerScript everyConnection;
  private final List<ScriptedConnection> connections = new ArrayList<>();
  private final Deque<ReceivedPacket> packets = new ArrayDeque<>();
  private final Deque<ReceivedPacket> notTaken = new ArrayDeque<>();
  private @Nullable AssertionError failure;
  private boolean failureSeen;

  private ScriptedServer(@Nullable VirtualTime virtualTime, boolean behavesByDefault) {
    this.virtualTime = virtualTime;
    this.behavesByDefault = behavesByDefault;
    this.transcript = new Transcript(nowNanos());
    this.listener = virtualTime == null ? new PortListener(this::accept) : null;
  }

  /**
   * Starts a server on a free port of 127.0.0.1. A connection for which there is no script is a
   * failure.
   *
   * @return the server, listening
   */
  public static ScriptedServer start() {
    return new ScriptedServer(null, false);
  }

  /**
   * Starts a small broker on a free port of 127.0.0.1. It serves every connection for which there
   * is no script, and every other one when its script is through.
   *
   * @return the server, listening
   */
  public static ScriptedServer behavingBroker() {
    return new ScriptedServer(null, true);
  }

  /**
   * Makes a server without port and thread, with a clock of its own that stands still.
   *
   * @return the server
   */
  public static ScriptedServer inMemory() {
    return inMemory(new VirtualTime());
  }

  /**
   * Makes a server without port and thread. Its delays pass when the clock is advanced.
   *
   * @param time the clock
   * @return the server
   */
  public static ScriptedServer inMemory(VirtualTime time) {
    return new ScriptedServer(time, false);
  }

  /**
   * Makes a small broker without port and thread.
   *
   * @param time the clock
   * @return the server
   */
  public static ScriptedServer behavingBrokerInMemory(VirtualTime time) {
    return new ScriptedServer(time, true);
  }

  // ---- What it shall do ----

  /**
   * Begins the script of the next connection for which there is none yet.
   *
   * @return an empty script
   */
  public ServerScript onConnection() {
    return lockedGet(
        () -> {
          ServerScript script = new ServerScript(this);
          scripts.add(script);
          return script;
        });
  }

  /**
   * Begins the script of all connections that have none of their own. Steps added later hold for
   * later connections.
   *
   * @return the script, empty at first
   */
  public ServerScript onEveryConnection() {
    return lockedGet(
        () -> {
          ServerScript script = new ServerScript(this);
          everyConnection = script;
          return script;
        });
  }

  /**
   * The broker inside: its fault switches, and what it knows.
   *
   * @return the broker
   */
  public BehavingBroker broker() {
    return broker;
  }

  /**
   * In memory: a client connects. The first step of the script runs at once.
   *
   * @return the connection, to which the client's bytes are given
   * @throws AssertionError if the server was not prepared for one more connection
   */
  public ScriptedConnection openConnection() {
    if (virtualTime == null) {
      throw new IllegalStateException("This server listens at " + uri() + ": connect to it there");
    }
    return accept(new MemoryTransport());
  }

  // ---- Where it is ----

  /**
   * The address to connect to.
   *
   * @return {@code mqtt://127.0.0.1:port}
   */
  public URI uri() {
    return URI.create("mqtt://127.0.0.1:" + port());
  }

  /**
   * The port it listens on, the same as long as it lives.
   *
   * @return 1 to 65535
   */
  public int port() {
    return requireListener().port();
  }

  /** Stops listening, so that connects are refused, and resets the connections there are. */
  public void stopListening() {
    requireListener().stopListening();
    resetConnections();
  }

  /** Listens again on the same port. */
  public void startListening() {
    requireListener().startListening();
  }

  /**
   * Does what a broker's restart does to its clients: breaks all connections and, if told so,
   * forgets the sessions. It listens on all the while.
   *
   * @param keepSessions whether sessions and their messages survive
   */
  public void restart(boolean keepSessions) {
    locked(
        () -> {
          // The sessions first: otherwise a broken connection's will would still go out.
          broker.restart(keepSessions);
          List.copyOf(connections).forEach(ScriptedConnection::resetByServer);
        });
  }

  /** Resets all connections there are. */
  public void resetConnections() {
    locked(() -> List.copyOf(connections).forEach(ScriptedConnection::resetByServer));
  }

  /** Closes all connections there are, in order. */
  public void closeConnections() {
    locked(() -> List.copyOf(connections).forEach(ScriptedConnection::closeByServer));
  }

  // ---- What has happened ----

  /**
   * How many connections there have been.
   *
   * @return the count since the start, ended ones included
   */
  public int connections() {
    return lockedGet(connections::size);
  }

  /**
   * How many connections are open.
   *
   * @return the count now
   */
  public int openConnections() {
    return lockedGet(() -> (int) connections.stream().filter(each -> !each.hasEnded()).count());
  }

  /**
   * Waits until so many connections have been made.
   *
   * @param number 1 for the first
   * @param timeout how long; in memory nothing is waited for
   * @return that connection
   * @throws AssertionError if it does not come in time
   */
  public ScriptedConnection connection(int number, Duration timeout) {
    await(() -> connections.size() >= number, timeout, () -> "connection " + number);
    return lockedGet(() -> connections.get(number - 1));
  }

  /**
   * Waits until no connection is open.
   *
   * @param timeout how long; in memory nothing is waited for
   * @throws AssertionError if one is still open then
   */
  public void awaitNoConnection(Duration timeout) {
    await(
        () -> connections.stream().allMatch(ScriptedConnection::hasEnded),
        timeout,
        () -> "the end of all connections");
  }

  /**
   * All packets that came, whatever was done with them, in the order of their arrival.
   *
   * @return a copy; the oldest of very many are missing
   */
  public List<ReceivedPacket> packets() {
    return lockedGet(() -> List.copyOf(packets));
  }

  /**
   * All packets of a type that came.
   *
   * @param type which
   * @return a copy, in the order of their arrival
   */
  public List<ReceivedPacket> packets(PacketType type) {
    return packets().stream().filter(packet -> packet.type() == type).toList();
  }

  /**
   * Takes the oldest packet not yet taken, waiting for one if need be.
   *
   * @param timeout how long; in memory nothing is waited for
   * @return the packet
   * @throws AssertionError if none comes in time
   */
  public ReceivedPacket takePacket(Duration timeout) {
    return take(packet -> true, timeout, "a packet");
  }

  /**
   * Takes the oldest packet of a type that was not yet taken, waiting for one if need be. Others
   * stay.
   *
   * @param type which
   * @param timeout how long; in memory nothing is waited for
   * @return the packet
   * @throws AssertionError if none comes in time
   */
  public ReceivedPacket takePacket(PacketType type, Duration timeout) {
    return take(packet -> packet.type() == type, timeout, type.toString());
  }

  /**
   * What went over the connections, a line for each packet and event: {@code 0.012 s [1] >> PUBLISH
   * id=7 qos=1 'a/b' 12 B}, where {@code >>} comes from the client and {@code <<} from the server.
   *
   * @return the lines; the oldest of very many are missing
   */
  public String transcript() {
    return lockedGet(transcript::toString);
  }

  /**
   * Checks that all scripts are through and no expectation has failed.
   *
   * @throws AssertionError if not
   */
  public void verify() {
    awaitScripts(Duration.ZERO);
  }

  /**
   * Waits until all scripts are through.
   *
   * @param timeout how long; in memory nothing is waited for
   * @throws AssertionError if an expectation failed, or one is still waiting at the end
   */
  public void awaitScripts(Duration timeout) {
    await(
        () ->
            scripts.isEmpty() && connections.stream().allMatch(ScriptedConnection::scriptIsThrough),
        timeout,
        () -> {
          StringBuilder waiting = new StringBuilder();
          for (ScriptedConnection connection : connections) {
            if (!connection.scriptIsThrough()) {
              waiting.append(connection.waitingFor());
              waiting.append(" on connection ").append(connection.number()).append("; ");
            }
          }
          if (!scripts.isEmpty()) {
            waiting.append(scripts.size()).append(" more connections");
          }
          return waiting.toString();
        });
  }

  /**
   * Ends all connections and, on a port, the server's thread, for which it waits.
   *
   * @throws AssertionError if an expectation failed that nobody has been told about
   */
  @Override
  public void close() {
    if (listener != null) {
      listener.stopListening();
    }
    lock.lock();
    try {
      List.copyOf(connections).forEach(ScriptedConnection::closeByServer);
    } finally {
      lock.unlock();
    }
    if (listener != null) {
      listener.close();
    }
    AssertionError unseen = lockedGet(() -> failureSeen ? null : failure);
    if (unseen != null) {
      failureSeen = true;
      throw unseen;
    }
  }

  // ---- For the connections; under the lock unless said otherwise ----

  /** Takes the lock, and in memory throws the failure that came of it. */
  void locked(Runnable action) {
    lock.lock();
    try {
      action.run();
      if (virtualTime != null && lock.getHoldCount() == 1 && failure != null && !failureSeen) {
        failureSeen = true;
        throw failure;
      }
    } finally {
      lock.unlock();
    }
  }

  <T extends @Nullable Object> T lockedGet(Supplier<T> question) {
    lock.lock();
    try {
      return question.get();
    } finally {
      lock.unlock();
    }
  }

  long nowNanos() {
    return virtualTime == null ? System.nanoTime() : virtualTime.nowNanos();
  }

  void schedule(Duration delay, Runnable action) {
    if (virtualTime != null) {
      virtualTime.schedule(delay, () -> locked(action));
    } else {
      requireListener().schedule(delay, () -> locked(action));
    }
  }

  void record(ReceivedPacket packet) {
    record(packet.connection(), ">> " + packet);
    packets.add(packet);
    notTaken.add(packet);
    if (packets.size() > PACKETS_KEPT) {
      packets.remove();
    }
    if (notTaken.size() > PACKETS_KEPT) {
      notTaken.remove();
    }
    changed();
  }

  void record(int connection, String line) {
    transcript.add(nowNanos(), connection, line);
  }

  void changed() {
    changed.signalAll();
  }

  boolean hasFailed() {
    return failure != null;
  }

  void fail(String what, ScriptedConnection connection, @Nullable Throwable cause) {
    if (failure == null) {
      String message = "Connection " + connection.number() + ": " + what;
      record(connection.number(), "!! " + what);
      failure = new AssertionError(message + "\nTranscript:\n" + transcript, cause);
    }
    connection.resetByServer();
    changed();
  }

  /** Takes the lock itself. */
  private ScriptedConnection accept(ServerTransport transport) {
    ScriptedConnection[] accepted = new ScriptedConnection[1];
    locked(
        () -> {
          ServerScript script = new ServerScript(this);
          ServerScript prepared = scripts.poll();
          boolean foreseen = prepared != null || everyConnection != null || behavesByDefault;
          if (prepared != null) {
            script = prepared;
          } else if (everyConnection != null) {
            everyConnection.copyStepsTo(script);
          }
          ScriptedConnection connection =
              new ScriptedConnection(
                  this,
                  connections.size() + 1,
                  transport,
                  script,
                  behavesByDefault
                      ? ScriptedConnection.AfterScript.BROKER
                      : ScriptedConnection.AfterScript.FAIL);
          connections.add(connection);
          accepted[0] = connection;
          record(connection.number(), "-- connection opened");
          script.bind(connection);
          if (foreseen) {
            connection.proceed();
          } else {
            fail("there is no script for this connection: call onConnection()", connection, null);
          }
          changed();
        });
    return accepted[0];
  }

  private ReceivedPacket take(Predicate<ReceivedPacket> wanted, Duration timeout, String words) {
    ReceivedPacket[] found = new ReceivedPacket[1];
    await(
        () -> {
          for (Iterator<ReceivedPacket> each = notTaken.iterator(); each.hasNext(); ) {
            ReceivedPacket packet = each.next();
            if (wanted.test(packet)) {
              each.remove();
              found[0] = packet;
              return true;
            }
          }
          return false;
        },
        timeout,
        () -> words);
    return found[0];
  }

  /** Waits on the lock's condition; a failed script ends the waiting. Takes the lock itself. */
  private void await(BooleanSupplier condition, Duration timeout, Supplier<String> words) {
    lock.lock();
    try {
      long nanos = virtualTime == null ? timeout.toNanos() : 0;
      while (!condition.getAsBoolean()) {
        if (failure != null) {
          failureSeen = true;
          throw failure;
        }
        if (nanos <= 0) {
          throw new AssertionError(
              "Waited " + timeout + " in vain for " + words.get() + "\nTranscript:\n" + transcript);
        }
        nanos = changed.awaitNanos(nanos);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("Interrupted while waiting for " + words.get(), e);
    } finally {
      lock.unlock();
    }
  }

  private PortListener requireListener() {
    if (listener == null) {
      throw new IllegalStateException("This server is in memory: it has no port");
    }
    return listener;
  }
}
