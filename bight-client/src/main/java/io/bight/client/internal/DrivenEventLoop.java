// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.AbstractScheduledEventExecutor;
import io.netty.util.concurrent.DefaultPromise;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.netty.util.concurrent.Promise;
import io.netty.util.concurrent.Ticker;
import io.netty.util.internal.PlatformDependent;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Netty event loop without a thread: whoever is named the driver runs its turns, and the driver
 * may change between turns. "In the event loop" means "on the driver's thread"; while nobody
 * drives, work from every thread is queued.
 *
 * <p>Only the driver calls {@link #turn} and {@link #terminate}; {@link #execute} and {@link
 * #wakeup} may be called by any thread. The change of drivers must order memory between the old and
 * the new one, as a lock does.
 */
public final class DrivenEventLoop extends AbstractScheduledEventExecutor implements IoEventLoop {
  private static final Logger LOG = LoggerFactory.getLogger(DrivenEventLoop.class);

  /** So that a flood of commands cannot keep a turn from reading. */
  private static final long LONGEST_TASK_RUN_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  private final Ticker ticker;
  private final IoHandler ioHandler;
  private final Queue<Runnable> tasks = PlatformDependent.newMpscQueue();
  private final Runnable onUndrivenWork;
  private final Promise<Void> terminated = new DefaultPromise<>(GlobalEventExecutor.INSTANCE);
  private final TurnContext context = new TurnContext();
  private final InterruptWakeup interruptWakeup = new InterruptWakeup(this::wakeup);

  /** Written under the seat's lock, read by every thread. */
  private volatile @Nullable Thread driver;

  /**
   * Set by {@link #wakeup} until the next wait has ended: the I/O handler knows nothing of wake-ups
   * that come before it begins to wait, when the driver has already looked whether he may go on.
   */
  private volatile boolean awake;

  /** Written by the driver once a turn, read by every thread. */
  private volatile long lastTurnNanos;

  private volatile boolean closed;
  private boolean initialized;

  /** Set and read on the thread that is in {@link #awaitReady}; false for every driver. */
  private boolean watching;

  /**
   * Makes a loop that nobody drives.
   *
   * @param ioHandlerFactory makes what waits for the sockets: epoll, NIO and so on
   * @param ticker what time it is, for timers
   * @param onUndrivenWork is called, on any thread, when work arrives while nobody drives
   */
  public DrivenEventLoop(
      IoHandlerFactory ioHandlerFactory, Ticker ticker, Runnable onUndrivenWork) {
    this.ticker = ticker;
    this.lastTurnNanos = ticker.nanoTime();
    this.ioHandler = ioHandlerFactory.newHandler(this);
    this.onUndrivenWork = onUndrivenWork;
  }

  /**
   * Names the thread that drives from now on.
   *
   * @param thread the driver, or null for nobody
   */
  public void setDriver(@Nullable Thread thread) {
    driver = thread;
  }

  /**
   * Tells whether work waits that needs a driver.
   *
   * @return true if a task is queued
   */
  public boolean hasTasks() {
    return !tasks.isEmpty();
  }

  /**
   * Runs one turn: waits for the sockets, handles what is ready, runs due timers and queued tasks.
   *
   * @param waitNanos how long to wait at most when there is nothing to do; 0: not at all; {@link
   *     Long#MAX_VALUE}: until there is something to do
   * @return how many things were done; 0 may come before the time has passed
   */
  public int turn(long waitNanos) {
    if (!inEventLoop()) {
      throw new IllegalStateException("only the driver runs turns");
    }
    if (closed) {
      return 0;
    }
    initialize();
    return waitAndHandle(waitNanos) + runTasks();
  }

  /**
   * Waits until a turn would have something to do, or until {@link #wakeup}, and does nothing of
   * it. Nobody may drive meanwhile; the calling thread does not become the driver.
   *
   * @return whether there is something to do
   */
  public boolean awaitReady() {
    if (closed) {
      return false;
    }
    initialize();
    watching = true;
    try {
      return waitAndHandle(Long.MAX_VALUE) > 0 || hasTasks() || hasScheduledTasks();
    } finally {
      watching = false;
    }
  }

  /** Tells whether sockets are only waited for, so that what is ready stays for the next turn. */
  boolean isWatching() {
    return watching;
  }

  private void initialize() {
    if (!initialized) {
      initialized = true;
      ioHandler.initialize();
    }
  }

  private int waitAndHandle(long waitNanos) {
    context.waitNanos = waitNanos;
    try {
      if (!context.canBlock()) {
        return ioHandler.run(context);
      }
      interruptWakeup.beforeWait();
      try {
        return ioHandler.run(context);
      } finally {
        interruptWakeup.afterWait();
      }
    } finally {
      awake = false; // whoever woke the driver said why before; the driver looks after this
    }
  }

  private int runTasks() {
    lastTurnNanos = ticker.nanoTime();
    fetchFromScheduledTaskQueue(tasks);
    int count = 0;
    long start = 0;
    for (Runnable task; (task = tasks.poll()) != null; ) {
      try {
        task.run();
      } catch (Throwable t) {
        LOG.warn("A task of the loop failed", t);
      }
      long now = ticker().nanoTime();
      if (count++ == 0) {
        start = now;
      } else if (now - start > LONGEST_TASK_RUN_NANOS) {
        break; // the rest in the next turn
      }
    }
    return count;
  }

  private void runAllTasks() {
    while (runTasks() > 0) {
      // one may queue another
    }
  }

  /**
   * Returns when the latest turn began to run its tasks.
   *
   * @return a time by {@link #ticker()}
   */
  public long lastTurnNanos() {
    return lastTurnNanos;
  }

  @Override
  public Ticker ticker() {
    return ticker;
  }

  /** Makes a turn that waits, or is about to, return at once. */
  public void wakeup() {
    awake = true;
    ioHandler.wakeup();
  }

  /**
   * Returns when the next timer is due.
   *
   * @return nanoseconds from now, at least 0, or {@link Long#MAX_VALUE} if no timer is set
   */
  public long nanosToNextTimer() {
    long deadline = nextScheduledTaskDeadlineNanos();
    return deadline == -1 ? Long.MAX_VALUE : Math.max(0, deadline - ticker().nanoTime());
  }

  /** Ends the loop for good: closes what is registered and releases the descriptors. */
  public void terminate() {
    if (closed) {
      return;
    }
    initialize();
    runAllTasks(); // what was to be written before the end
    cancelScheduledTasks();
    ioHandler.prepareToDestroy();
    runAllTasks(); // closing a channel queues its last events
    ioHandler.destroy();
    runAllTasks();
    closed = true;
    runAllTasks(); // whatever came in between; later ones are refused
    terminated.setSuccess(null);
  }

  @Override
  public void execute(Runnable task) {
    Objects.requireNonNull(task, "task");
    if (closed) {
      throw new RejectedExecutionException("the loop is closed");
    }
    tasks.add(task);
    Thread current = driver;
    if (current == null) {
      onUndrivenWork.run();
    }
    if (current != Thread.currentThread()) {
      wakeup();
    }
  }

  @Override
  public boolean inEventLoop(Thread thread) {
    return driver == thread;
  }

  @Override
  public Future<IoRegistration> register(IoHandle handle) {
    Promise<IoRegistration> promise = newPromise();
    if (inEventLoop()) {
      register(handle, promise);
    } else {
      execute(() -> register(handle, promise));
    }
    return promise;
  }

  private void register(IoHandle handle, Promise<IoRegistration> promise) {
    try {
      promise.setSuccess(ioHandler.register(WatchedHandle.of(this, handle)));
    } catch (Exception e) {
      promise.setFailure(e);
    }
  }

  @Deprecated
  @Override
  public ChannelFuture register(Channel channel) {
    return register(new DefaultChannelPromise(channel, this));
  }

  @Deprecated
  @Override
  public ChannelFuture register(ChannelPromise promise) {
    promise.channel().unsafe().register(this, promise);
    return promise;
  }

  @Deprecated
  @Override
  public ChannelFuture register(Channel channel, ChannelPromise promise) {
    channel.unsafe().register(this, promise);
    return promise;
  }

  @Override
  public boolean isCompatible(Class<? extends IoHandle> handleType) {
    return ioHandler.isCompatible(handleType);
  }

  @Override
  public boolean isIoType(Class<? extends IoHandler> handlerType) {
    return ioHandler.getClass().equals(handlerType);
  }

  @Override
  public IoEventLoop next() {
    return this;
  }

  @Override
  public @Nullable IoEventLoopGroup parent() {
    return null;
  }

  // The owner ends the loop by terminate(); Netty's own ways to end it are not used.

  @Override
  public Future<?> shutdownGracefully(long quietPeriod, long timeout, TimeUnit unit) {
    throw new UnsupportedOperationException("the loop is ended by its owner");
  }

  @Deprecated
  @Override
  public void shutdown() {
    throw new UnsupportedOperationException("the loop is ended by its owner");
  }

  @Override
  public Future<?> terminationFuture() {
    return terminated;
  }

  @Override
  public boolean isShuttingDown() {
    return closed;
  }

  @Override
  public boolean isShutdown() {
    return closed;
  }

  @Override
  public boolean isTerminated() {
    return closed;
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
    return terminated.await(timeout, unit);
  }

  /** Tells the I/O handler how long it may wait: as asked, but not beyond timers or over tasks. */
  private final class TurnContext implements IoHandlerContext {
    private static final long NONE = -1;

    long waitNanos;

    @Override
    public boolean canBlock() {
      return waitNanos > 0
          && !awake
          && tasks.isEmpty()
          && !hasScheduledTasks()
          && !Thread.currentThread().isInterrupted();
    }

    @Override
    public long delayNanos(long currentTimeNanos) {
      long deadline = deadlineNanos();
      return deadline == NONE
          ? TimeUnit.DAYS.toNanos(1)
          : Math.max(0, deadline - ticker().nanoTime());
    }

    @Override
    public long deadlineNanos() {
      long timer = nextScheduledTaskDeadlineNanos();
      if (waitNanos == Long.MAX_VALUE) {
        return timer;
      }
      long end = ticker().nanoTime() + waitNanos;
      return timer == NONE ? end : Math.min(timer, end);
    }
  }
}
