// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.DriverSeat.Drive;
import io.bight.client.internal.DrivenEventLoop;
import io.bight.client.internal.SystemTransport;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.EventExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A network loop that drives any number of clients on one thread, and that belongs to whoever
 * drives it at the moment. There are five ways to drive, and all do the same work: reading,
 * callbacks, writing, keep alive, reconnects.
 *
 * <ul>
 *   <li>{@link #loop(Duration)}: one turn on the calling thread.
 *   <li>{@link #loopForever()}: turns on the calling thread until the end.
 *   <li>{@link #loopStart()}: turns on a thread of the loop's own.
 *   <li>{@link #driveOn}: turns on an executor of the program's, such as a UI thread.
 *   <li>none of them: a blocking call, such as {@link MqttFuture#await()}, drives until it is done.
 * </ul>
 *
 * <p>One drives at a time; the next may be another thread in another way, without a reconnect. All
 * methods may be called by any thread, and inside callbacks where it is not said otherwise.
 *
 * <pre>{@code
 * try (MqttLoop loop = MqttLoop.create()) {
 *   for (String uri : uris) {
 *     MqttClient.builder(uri).loop(loop).onMessage(this::handle).build().connectAsync();
 *   }
 *   while (running) {
 *     loop.loop(Duration.ofMillis(5));
 *     render();
 *   }
 * }
 * }</pre>
 */
public final class MqttLoop implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MqttLoop.class);
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final Duration DEFAULT_CLOSE_TIMEOUT = Duration.ofSeconds(5);

  private final String name;
  private final boolean daemon;
  private final DrivenEventLoop eventLoop;
  private final DriverSeat seat;
  private final LoopDriving driving;
  private final HostLoop host;
  private final UndrivenWatch undrivenWatch;
  private final SlowCallbackWatch slowCallbackWatch;
  private final RunningCallback running;
  private final Surroundings surroundings;
  private final Set<MqttClient> clients = ConcurrentHashMap.newKeySet();

  /**
   * Set when a client is disconnected by the user, so that loopForever looks whether it is done.
   */
  private volatile boolean someClientEnded;

  private volatile boolean closing;

  private MqttLoop(Builder builder) {
    this.name = builder.name;
    this.daemon = builder.daemon;
    this.surroundings = builder.surroundings;
    this.undrivenWatch = new UndrivenWatch(this, builder.undrivenPatience, builder.undrivenWarning);
    this.slowCallbackWatch =
        new SlowCallbackWatch(this, builder.slowCallback, builder.slowCallbackWarning);
    this.running = new RunningCallback(this, slowCallbackWatch);
    this.eventLoop =
        new DrivenEventLoop(
            surroundings.transport().ioHandlerFactory(),
            surroundings.ticker(),
            this::workWithoutDriver);
    this.seat = new DriverSeat(name, eventLoop::setDriver, eventLoop::wakeup, this::whyNotLeft);
    this.driving = new LoopDriving(this, eventLoop, seat);
    this.host = new HostLoop(this, eventLoop, seat);
  }

  /**
   * Makes a loop that nobody drives yet.
   *
   * @return the loop
   */
  public static MqttLoop create() {
    return builder().build();
  }

  /**
   * Makes a loop that nobody drives yet.
   *
   * @param name its name, for its thread and for messages
   * @return the loop
   */
  public static MqttLoop create(String name) {
    return builder().name(name).build();
  }

  /**
   * Starts a loop with options.
   *
   * @return a builder with the defaults
   */
  public static Builder builder() {
    return new Builder();
  }

  // ---- the four ways to drive

  /**
   * Runs one turn on the calling thread: reads what has arrived, runs its callbacks, writes what is
   * queued, serves timers. Returns at once when there was something to do; waits at most the given
   * time when there was not.
   *
   * @param timeout how long to wait at most; zero: never waits
   * @return true if something was done
   * @throws IllegalStateException if another thread is driving, or was told to stop a second ago
   *     and is stuck in a callback; if called inside a callback, or if the loop is closed
   */
  public boolean loop(Duration timeout) {
    return driving.turn(timeout);
  }

  /**
   * Drives on a thread of the loop's own, named after the loop, until {@link #loopStop()} or {@link
   * #close()}. A daemon thread unless the loop was built otherwise.
   *
   * @throws IllegalStateException if another thread is driving, this one included, or was told to
   *     stop and does not leave within a second, since a callback is stuck; or if the loop is
   *     closed
   */
  public void loopStart() {
    driving.start(daemon);
  }

  /**
   * Drives on the calling thread until {@link #loopStop()}, until the thread is interrupted (its
   * interrupt flag is kept), or until every client of the loop has ended: disconnected or closed by
   * the program, or without further attempts to connect.
   *
   * @throws IllegalStateException if another thread is driving, or was told to stop a second ago
   *     and is stuck in a callback; if called inside a callback, or if the loop is closed
   */
  public void loopForever() {
    driving.forever();
  }

  /**
   * Ends whoever drives: {@link #loop}, {@link #loopStart}, {@link #loopForever}, {@link #driveOn}
   * or a blocking call, which then throws. Does nothing if nobody drives. Connections stay open,
   * and the loop may be driven again at once, in any way, by any thread.
   *
   * <p>Inside a callback it returns at once, and the driver leaves when the callback returns. On
   * another thread it waits until the driver has left, but no longer than 100 ms if he is inside a
   * callback, which is named in a warning and not interrupted. As long as that does not return,
   * nobody can drive: calls that would are refused after a second, and {@link #driveOn} begins when
   * it returns.
   */
  public void loopStop() {
    driving.stop();
  }

  // ---- for programs with a loop of their own

  /**
   * Drives on an executor of the program's until {@link #loopStop()} or {@link #close()}: whenever
   * something has arrived or is due, one turn that does not wait is given to it, so that all
   * callbacks run there. A UI thread, or a thread with a selector of its own, drives so without
   * knowing when to:
   *
   * <pre>{@code
   * loop.driveOn(EventQueue::invokeLater); // Swing
   * loop.driveOn(Platform::runLater);      // JavaFX
   * loop.driveOn(task -> {                 // a java.nio.channels.Selector
   *   tasks.add(task);
   *   selector.wakeup();
   * });
   * }</pre>
   *
   * <p>Nothing is given to the executor while there is nothing to do; a daemon thread waits for
   * that, and handles nothing. A blocking call on the executor's thread drives by itself while it
   * waits; on another thread it leaves that to the executor. What a callback throws under {@link
   * CallbackErrorPolicy#STOP_LOOP} is thrown by the task that the executor runs.
   *
   * <p>An executor that later takes no more tasks, or begins to run them on the thread that gives
   * them to it, drives no more, which is logged. Blocking calls fail with the reason until {@link
   * #loopStop()} or another way to drive is called.
   *
   * @param executor runs each task once, on whatever thread, one after the other or not, but not
   *     within {@code execute}
   * @throws IllegalStateException if somebody drives, the executor takes no tasks, or the loop is
   *     closed
   * @throws IllegalArgumentException if the executor runs the first task within {@code execute}
   */
  public void driveOn(Executor executor) {
    Objects.requireNonNull(executor, "executor");
    requireOpen();
    host.driveOn(executor);
  }

  /**
   * Calls back when there is work while nobody drives, so that a program with an event loop of its
   * own knows when to call {@code loop(Duration.ZERO)}: something was asked of a client, something
   * has arrived, or a time has come. It must not block, comes on the thread that brought the work
   * or on one that waits for it, and may come more often than needed. {@link #driveOn} does all of
   * this by itself.
   *
   * @param callback what to call, or null for nothing
   */
  public void onWorkReady(@Nullable Runnable callback) {
    host.onWorkReady(callback);
  }

  /**
   * Returns when {@link #loop} should be called next even if nothing arrives: the next keep alive,
   * time limit or reconnect. To be asked between turns by the thread that drives.
   *
   * @return the time from now, zero if work waits, or empty if nothing is planned
   */
  public Optional<Duration> nextDeadline() {
    if (eventLoop.hasTasks()) {
      return Optional.of(Duration.ZERO);
    }
    long nanos = eventLoop.nanosToNextTimer();
    return nanos == Long.MAX_VALUE ? Optional.empty() : Optional.of(Duration.ofNanos(nanos));
  }

  /**
   * Runs something on the thread that drives, in the next turn.
   *
   * @param task what to run; what it throws is logged
   * @throws IllegalStateException if the loop is closed
   */
  public void execute(Runnable task) {
    requireOpen();
    Objects.requireNonNull(task, "task");
    eventLoop.execute(
        () -> {
          boolean begun = running.begin("a task given to execute(...)", null);
          try {
            task.run();
          } finally {
            if (begun) {
              running.end();
            }
          }
        });
  }

  // ---- state

  /**
   * Returns the loop's name.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Tells whether the calling thread is driving, as it is inside callbacks.
   *
   * @return true on the driver's thread
   */
  public boolean inLoop() {
    return seat.isDriver(Thread.currentThread());
  }

  /**
   * Returns the thread that drives.
   *
   * @return the driver, or empty if nobody drives
   */
  public Optional<Thread> driver() {
    Drive drive = seat.current();
    return drive == null ? Optional.empty() : Optional.of(drive.thread);
  }

  /**
   * Returns the clients on this loop.
   *
   * @return those that were built and not closed
   */
  public Set<MqttClient> clients() {
    return Collections.unmodifiableSet(clients);
  }

  /**
   * Tells whether {@link #close()} has been called.
   *
   * @return true from the first call on
   */
  public boolean isClosed() {
    return closing;
  }

  /** Returns the name, who drives, and how many clients there are. */
  @Override
  public String toString() {
    return "MqttLoop[" + name + ", " + describeStateAndClients() + "]";
  }

  /**
   * Says who drives, for a call that has not got what it waited for.
   *
   * @param waited whether it has waited, and so driven if nobody else did
   */
  String describeDriving(boolean waited) {
    boolean free = seat.current() == null && !host.isOnExecutor() && !closing;
    return waited && free ? "this call drove the loop, as nobody else did" : describeState();
  }

  String describeState() {
    Drive drive = seat.current();
    if (closing) {
      return "the loop is closed";
    }
    if (drive == null && host.isOnExecutor()) {
      return "driven by driveOn(Executor), which runs no turn now";
    }
    return drive == null ? "nobody drives the loop" : "driven by " + drive.describe();
  }

  private String describeStateAndClients() {
    return describeState() + ", " + Count.of(clients.size(), "client");
  }

  private String whyNotLeft(Drive drive) {
    return driving.whyNotLeft(drive);
  }

  /** Tells who drives, when the last turn was, which callback runs and which were slow. */
  String diagnostics() {
    return "'"
        + name
        + "', "
        + describeStateAndClients()
        + ", last turn "
        + Duration.ofNanos(nowNanos() - lastTurnNanos()).toMillis()
        + " ms ago"
        + slowCallbackWatch.diagnostics();
  }

  /** Returns where the driver is at this moment, a line each. */
  String describeDriverStack() {
    Drive drive = seat.current();
    StringBuilder lines = new StringBuilder();
    if (drive != null) {
      for (StackTraceElement frame : drive.thread.getStackTrace()) {
        lines
            .append("\n    at ")
            .append(frame.getClassName() + "." + frame.getMethodName())
            .append("(" + frame.getFileName() + ":" + frame.getLineNumber() + ")");
      }
    }
    return lines.toString();
  }

  // ---- the end

  /** Closes as {@link #close(Duration)} does, within 5 s. */
  @Override
  public void close() {
    close(DEFAULT_CLOSE_TIMEOUT);
  }

  /**
   * Closes all clients of the loop, ends whoever drives, and releases the loop's descriptors. What
   * was published before is written first, as far as the time allows. Legal in every state and on
   * every thread; inside a callback it returns at once, and the driver does the rest when the
   * callback returns. A second call does nothing.
   *
   * @param timeout how long to wait at most
   */
  public void close(Duration timeout) {
    if (closing) {
      return;
    }
    long deadline = Deadline.after(timeout);
    List<MqttFuture<Void>> ending = new ArrayList<>();
    for (MqttClient client : clients) {
      ending.add(client.closeAsync());
    }
    if (inLoop()) {
      closeWhenLeft();
      return;
    }
    // loopForever leaves the flag set, and what follows it is to end in order all the same.
    boolean interrupted = Thread.interrupted();
    try {
      boolean ended = true;
      for (MqttFuture<Void> future : ending) {
        ended &= driving.driveUntilEnded(future, deadline);
      }
      closeWhenLeft();
      driving.awaitLeft(deadline);
      if (!ended) {
        LOG.warn("The loop '{}' was closed before all its clients had ended in order", name);
      }
    } catch (InterruptedException e) {
      interrupted = true;
      closeWhenLeft();
    } finally {
      driving.terminateIfFree();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Whoever drives leaves, and terminates the loop as he does. */
  private void closeWhenLeft() {
    closing = true;
    host.watchReadiness();
    seat.stop();
  }

  /** Ends what is left; called by the last driver, as he leaves. */
  void terminate() {
    clients.forEach(MqttClient::closeAsync); // one that came as the loop was being closed
    eventLoop.terminate();
    clients.forEach(MqttClient::onLoopTerminated);
    clients.clear();
  }

  // ---- for the clients

  /** Returns what drives this loop. */
  LoopDriving driving() {
    return driving;
  }

  HostLoop host() {
    return host;
  }

  IoEventLoop eventLoop() {
    return eventLoop;
  }

  /** Returns the loop as those see it who only have something run later. */
  EventExecutor executor() {
    return eventLoop;
  }

  /** Has something run by the driver; any thread. Nothing happens when the loop is closed. */
  void executeOnLoop(Runnable task) {
    try {
      eventLoop.execute(task);
    } catch (RejectedExecutionException e) {
      LOG.debug("The loop '{}' is closed; a task was left out", name);
    }
  }

  /** Has something run by the driver after a time; any thread. Not when the loop is closed. */
  void scheduleOnLoop(Runnable task, Duration delay) {
    try {
      eventLoop.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("The loop '{}' is closed; a timer was left out", name);
    }
  }

  /** Returns when the latest turn began to handle what had come; any thread. */
  long lastTurnNanos() {
    return eventLoop.lastTurnNanos();
  }

  /** Returns what the loop and its clients take from the world around them. */
  Surroundings surroundings() {
    return surroundings;
  }

  /** Returns what time it is, for the clients and their engines; any thread. */
  long nowNanos() {
    return surroundings.ticker().nanoTime();
  }

  /** Returns what is told of each callback before and after. */
  RunningCallback running() {
    return running;
  }

  SlowCallbackWatch slowCallbackWatch() {
    return slowCallbackWatch;
  }

  void add(MqttClient client) {
    requireOpen();
    clients.add(client);
  }

  int clientCount() {
    return clients.size();
  }

  void remove(MqttClient client) {
    clients.remove(client);
    onClientEnded();
  }

  /** The program has disconnected a client: loopForever may be done. */
  void onClientEnded() {
    someClientEnded = true;
  }

  /** Tells whether the program has ended all clients, one of them since this was asked last. */
  boolean allClientsHaveEnded() {
    if (!someClientEnded) {
      return false;
    }
    for (MqttClient client : clients) {
      if (!client.hasEnded()) {
        return false;
      }
    }
    someClientEnded = false;
    return true;
  }

  /** A driver has left, and the loop is not closed. */
  void onDriverLeft() {
    if (!host.isOnExecutor()) {
      undrivenWatch.onDriverLeft();
    }
    if (eventLoop.hasTasks()) {
      workWithoutDriver();
    }
  }

  private void workWithoutDriver() {
    if (!host.isOnExecutor()) {
      undrivenWatch.onWork();
    }
    host.tellOfWork();
  }

  /** Tells whether nobody drives although something needs it. */
  boolean isNeglected() {
    if (closing || seat.current() != null || host.isOnExecutor()) {
      return false;
    }
    return eventLoop.hasTasks() || clients.stream().anyMatch(MqttClient::needsDriver);
  }

  void requireOpen() {
    if (closing) {
      throw new IllegalStateException("the loop '" + name + "' is closed; make a new one");
    }
  }

  /** Makes a loop; not safe for use by several threads. */
  public static final class Builder {
    private String name = "bight-loop-" + COUNT.incrementAndGet();
    private boolean daemon = true;
    private Surroundings surroundings = Surroundings.best();
    private Duration undrivenPatience = UndrivenWatch.PATIENCE;
    private Consumer<String> undrivenWarning = UndrivenWatch::warn;
    private Duration slowCallback = SlowCallbackWatch.PATIENCE;
    private Consumer<String> slowCallbackWarning = SlowCallbackWatch::warn;

    private Builder() {}

    /**
     * Sets the name, of the loop and of the thread that {@link MqttLoop#loopStart()} makes.
     *
     * @param loopName the name; {@code bight-loop-N} unless set
     * @return this builder
     */
    public Builder name(String loopName) {
      name = loopName;
      return this;
    }

    /**
     * Sets whether the thread that {@link MqttLoop#loopStart()} makes lets the JVM end.
     *
     * @param isDaemon true, the default: the JVM may end while it runs
     * @return this builder
     */
    public Builder daemon(boolean isDaemon) {
      daemon = isDaemon;
      return this;
    }

    /**
     * Uses java.nio instead of the operating system's own selector.
     *
     * @return this builder
     */
    public Builder nio() {
      surroundings = Surroundings.ofSystem(SystemTransport.NIO);
      return this;
    }

    /**
     * Sets when a callback on the loop's thread is slow. It is then reported once by a warning with
     * its name, its stack and how long it has run, again at growing distances while it goes on, and
     * when it has returned. It is noticed within one and a half times this time.
     *
     * @param time how long a callback may run; 500 ms unless set; zero: none is reported
     * @return this builder
     * @throws IllegalArgumentException if it is negative or longer than a day
     */
    public Builder slowCallback(Duration time) {
      if (time.isNegative() || time.compareTo(Duration.ofDays(1)) > 0) {
        throw new IllegalArgumentException("a callback is slow after 0 to 1 day, not " + time);
      }
      slowCallback = time;
      return this;
    }

    /** Puts the loop into another world; for tests. */
    Builder surroundings(Surroundings world) {
      surroundings = world;
      return this;
    }

    /** Sets how slow callbacks are reported; for tests. */
    Builder slowCallbackWarning(Consumer<String> warning) {
      slowCallbackWarning = warning;
      return this;
    }

    /** Sets when, zero for never, and how a loop that nobody drives is reported; for tests. */
    Builder undriven(Duration patience, Consumer<String> warning) {
      undrivenPatience = patience;
      undrivenWarning = warning;
      return this;
    }

    /**
     * Makes the loop.
     *
     * @return the loop
     */
    public MqttLoop build() {
      return new MqttLoop(this);
    }
  }
}
