// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import io.bight.client.DrivenCommandQueue;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Commands of several threads on their way to the driver, who runs the client's own event loop and
 * does nothing else. A producer is never more than a thousand commands ahead of him.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CommandQueueBenchmark {
  private static final int MOST_AHEAD = 1_000;

  /** The queue and its driver. */
  @SuppressWarnings("NullAway.Init") // JMH sets the fields up
  @State(Scope.Benchmark)
  public static class Driven {
    DrivenCommandQueue queue;

    /** Begins to drive. */
    @Setup(Level.Iteration)
    public void start() {
      queue = new DrivenCommandQueue();
    }

    /** Ends it. */
    @TearDown(Level.Iteration)
    public void stop() {
      queue.close();
    }
  }

  /** A thread that gives commands. */
  @SuppressWarnings("NullAway.Init") // JMH sets the fields up
  @State(Scope.Thread)
  public static class Producer {
    DrivenCommandQueue.Producer commands;

    /** Begins with a queue. */
    @Setup(Level.Iteration)
    public void start(Driven driven) {
      commands = driven.queue.newProducer();
    }
  }

  /** One thread. */
  @Benchmark
  @Threads(1)
  public void producers1(Producer producer) {
    producer.commands.add(MOST_AHEAD);
  }

  /** Two threads. */
  @Benchmark
  @Threads(2)
  public void producers2(Producer producer) {
    producer.commands.add(MOST_AHEAD);
  }

  /** Four threads. */
  @Benchmark
  @Threads(4)
  public void producers4(Producer producer) {
    producer.commands.add(MOST_AHEAD);
  }

  /** Eight threads. */
  @Benchmark
  @Threads(8)
  public void producers8(Producer producer) {
    producer.commands.add(MOST_AHEAD);
  }
}
