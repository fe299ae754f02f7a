// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.DefaultEventLoop;
import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class CommandQueueTest {
  private final EventLoop loop = new DefaultEventLoop();
  private final List<String> done = new ArrayList<>();
  private final AtomicInteger drains = new AtomicInteger();
  private final AtomicInteger failures = new AtomicInteger();
  private final CommandQueue queue =
      new CommandQueue(
          loop,
          () -> "client 'a'",
          () -> {
            drains.incrementAndGet();
            try {
              drain();
            } catch (IllegalStateException e) {
              failures.incrementAndGet(); // a loop of ours goes on then
            }
          },
          command -> command);

  private void drain() {
    queue.drain();
  }

  @AfterEach
  void stop() {
    loop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
  }

  private Command command(String name) {
    return Command.of(nowNanos -> done.add(name), failure -> done.add(name + " rejected"));
  }

  /** Has something run while nothing is drained. */
  private void whileTheDriverIsBusy(Runnable work) throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    loop.execute(
        () -> {
          begun.countDown();
          try {
            end.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    begun.await();
    work.run();
    end.countDown();
  }

  /** Waits until all that was added before has been run. */
  private void awaitDrained(int commands) throws Exception {
    while (loop.submit(done::size).get() < commands) {
      Thread.onSpinWait();
    }
  }

  @Test
  void commandsOfOneThreadRunInTheirOrderAndWakeTheDriverOnce() throws Exception {
    List<String> names = IntStream.range(0, 1_000).mapToObj(Integer::toString).toList();
    whileTheDriverIsBusy(() -> names.forEach(name -> queue.add(command(name))));
    awaitDrained(names.size());
    assertThat(done).isEqualTo(names);
    assertThat(drains).hasValue(1);
  }

  @Test
  void commandsOfSeveralThreadsAllRunAndEachThreadsInItsOrder() throws Exception {
    int threads = 4;
    int each = 20_000;
    List<Thread> adding =
        IntStream.range(0, threads)
            .mapToObj(
                thread ->
                    new Thread(
                        () -> {
                          for (int i = 0; i < each; i++) {
                            queue.add(command(thread + " " + i));
                          }
                        }))
            .toList();
    adding.forEach(Thread::start);
    for (Thread thread : adding) {
      thread.join();
    }
    awaitDrained(threads * each);
    for (int thread = 0; thread < threads; thread++) {
      String prefix = thread + " ";
      assertThat(done.stream().filter(name -> name.startsWith(prefix)))
          .containsExactlyElementsOf(IntStream.range(0, each).mapToObj(i -> prefix + i).toList());
    }
  }

  @Test
  void commandsThatAreNoMessagesKeepTheirOrderWhenMessagesAreLookedFor() throws Exception {
    whileTheDriverIsBusy(
        () -> {
          queue.add(command("a"));
          queue.add(command("b"));
          assertThat(queue.takeOldestMessage(() -> true)).isNull();
          queue.add(command("c"));
          assertThat(queue.takeOldestMessage(() -> true)).isNull();
          queue.add(command("d"));
        });
    awaitDrained(4);
    assertThat(done).containsExactly("a", "b", "c", "d");
  }

  @Test
  void aCommandThatAsksForTheOthersDoesNotHaveThemOvertakeEachOther() throws Exception {
    List<String> names = IntStream.range(0, 100).mapToObj(Integer::toString).toList();
    whileTheDriverIsBusy(
        () -> {
          queue.add(Command.of(nowNanos -> drain(), failure -> {}));
          names.forEach(name -> queue.add(command(name)));
        });
    awaitDrained(names.size());
    assertThat(done).isEqualTo(names);
  }

  @Test
  void aCommandThatThrowsIsRejectedAndTheNextOneRuns() throws Exception {
    queue.add(
        Command.of(
            nowNanos -> {
              throw new IllegalStateException("broken");
            },
            failure -> done.add(String.valueOf(failure.getMessage()))));
    queue.add(command("next"));
    awaitDrained(2);
    assertThat(done.get(0)).contains("client 'a' could not do it").contains("broken");
    assertThat(done.get(1)).isEqualTo("next");
  }

  @Test
  @Timeout(30)
  void aCommandThatCannotEvenBeRejectedDoesNotStopTheQueue() throws Exception {
    queue.add(
        Command.of(
            nowNanos -> {
              throw new IllegalStateException("broken");
            },
            failure -> {
              throw new IllegalStateException("broken for good");
            }));
    loop.submit(() -> {}).get();
    assertThat(failures).hasValue(1);
    queue.add(command("next"));
    awaitDrained(1);
    assertThat(done).containsExactly("next");
  }

  @Test
  void commandsAreRejectedWhenTheLoopIsClosed() throws Exception {
    loop.shutdownGracefully(0, 0, TimeUnit.SECONDS).await();
    queue.add(command("late"));
    assertThat(done).containsExactly("late rejected");
  }
}
