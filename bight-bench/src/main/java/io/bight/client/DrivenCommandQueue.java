// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.DrivenEventLoop;
import io.bight.mqtt.MqttException;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.Ticker;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.NullMarked;

/**
 * A command queue with a thread that drives it and does nothing else, for benchmarks. Stands in
 * this package since the queue is nobody else's affair.
 */
@NullMarked
public final class DrivenCommandQueue implements AutoCloseable {
  private final DrivenEventLoop eventLoop =
      new DrivenEventLoop(NioIoHandler.newFactory(), Ticker.systemTicker(), () -> {});
  private final CommandQueue queue =
      new CommandQueue(eventLoop, () -> "the client", this::drain, UnaryOperator.identity());
  private final Thread driver = new Thread(this::drive, "driver");
  private volatile boolean closed;

  /** Begins to drive. */
  public DrivenCommandQueue() {
    driver.start();
  }

  private void drive() {
    eventLoop.setDriver(Thread.currentThread());
    while (!closed) {
      eventLoop.turn(TimeUnit.SECONDS.toNanos(1));
    }
    eventLoop.terminate();
    eventLoop.setDriver(null);
  }

  private void drain() {
    queue.drain();
  }

  /** Returns what gives commands to the queue, for one thread. */
  public Producer newProducer() {
    return new Producer();
  }

  /** Ends the driver. */
  @Override
  public void close() {
    closed = true;
    eventLoop.wakeup();
    try {
      driver.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Gives commands that do next to nothing. */
  public final class Producer {
    private final AtomicLong done = new AtomicLong();
    private long given;

    private Producer() {}

    /** Gives a command as soon as no more than so many that were given are not done. */
    public void add(int mostAhead) {
      while (given - done.get() > mostAhead) {
        Thread.onSpinWait();
      }
      given++;
      queue.add(new Next());
    }

    private final class Next extends Command.Linked {
      @Override
      public void run(long nowNanos) {
        done.lazySet(done.getPlain() + 1); // the driver alone writes
      }

      @Override
      public void reject(MqttException failure) {
        // the benchmark is over
      }
    }
  }
}
