// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A program cannot tell a future with a first stage of its own from any other. */
@Timeout(30)
class StagedFutureTest {
  private static final IllegalStateException FAILURE = new IllegalStateException("failed");

  private final MqttLoop loop = MqttLoop.create();

  @AfterEach
  void close() {
    loop.close();
  }

  private final class Subject extends StagedFuture<String> {
    @Override
    MqttLoop loop() {
      return loop;
    }
  }

  /** All that a program can do to complete a future, and what the client does. */
  enum End {
    COMPLETE(future -> future.complete("value")),
    COMPLETE_WITH_NULL(future -> future.complete(null)),
    COMPLETE_EXCEPTIONALLY(future -> future.completeExceptionally(FAILURE)),
    CANCEL(future -> future.cancel(false)),
    COMPLETE_ASYNC(future -> future.completeAsync(() -> "value", Runnable::run)),
    COMPLETE_ASYNC_THROWING(future -> future.completeAsync(failing(), Runnable::run)),
    COMPLETE_ASYNC_ELSEWHERE(future -> future.completeAsync(() -> "value")),
    OBTRUDE_VALUE(future -> future.obtrudeValue("value")),
    OBTRUDE_EXCEPTION(future -> future.obtrudeException(FAILURE)),
    COMPLETE_ON_TIMEOUT(future -> future.completeOnTimeout("value", 1, TimeUnit.NANOSECONDS)),
    TIMEOUT(future -> future.orTimeout(1, TimeUnit.NANOSECONDS)),
    TWICE(
        future -> {
          future.complete("value");
          future.completeExceptionally(FAILURE);
          future.complete("another");
          future.cancel(false);
        });

    private final Consumer<CompletableFuture<String>> end;

    End(Consumer<CompletableFuture<String>> end) {
      this.end = end;
    }

    private static Supplier<String> failing() {
      return () -> {
        throw FAILURE;
      };
    }
  }

  @ParameterizedTest
  @EnumSource
  void theFirstStageSeesWhatAnyStageSees(End end) throws Exception {
    assertThat(told(new Subject(), end)).isEqualTo(told(new CompletableFuture<>(), end));
  }

  @ParameterizedTest
  @EnumSource
  void theFirstStageOfAFutureThatIsDoneSeesWhatAnyStageSees(End end) throws Exception {
    assertThat(toldAfterwards(new Subject(), end))
        .isEqualTo(toldAfterwards(new CompletableFuture<>(), end));
  }

  @ParameterizedTest
  @EnumSource
  void aStageThatThrowsFailsAsAnyOther(End end) throws Exception {
    BiConsumer<Object, Throwable> throwing =
        (value, failure) -> {
          throw new IllegalArgumentException("thrown");
        };
    assertThat(outcome(end(new Subject(), end, throwing)))
        .isEqualTo(outcome(end(new CompletableFuture<>(), end, throwing)));
  }

  private static List<String> told(CompletableFuture<String> future, End end) throws Exception {
    List<String> told = new ArrayList<>();
    CompletableFuture<String> stage = end(future, end, (value, why) -> told.add(value + " " + why));
    told.add(outcome(stage));
    return told;
  }

  private static CompletableFuture<String> end(
      CompletableFuture<String> future, End end, BiConsumer<Object, Throwable> action) {
    CompletableFuture<String> stage = future.whenComplete(action);
    end.end.accept(future);
    return stage;
  }

  private static List<String> toldAfterwards(CompletableFuture<String> future, End end)
      throws Exception {
    List<String> told = new ArrayList<>();
    end.end.accept(future);
    assertThat(outcome(future)).isNotNull();
    told.add(outcome(future.whenComplete((value, failure) -> told.add(value + " " + failure))));
    return told;
  }

  /** Waits for the outcome and names it, with its causes and what was suppressed on the way. */
  private static String outcome(CompletableFuture<String> future) throws Exception {
    CompletableFuture<String> outcome = new CompletableFuture<>();
    future.handle((value, failure) -> outcome.complete(value + words(failure)));
    return outcome.get(10, TimeUnit.SECONDS);
  }

  private static String words(@Nullable Throwable failure) {
    if (failure == null) {
      return "";
    }
    int suppressed = failure == FAILURE ? 0 : failure.getSuppressed().length; // FAILURE is shared
    return "; " + failure + ", suppressed: " + suppressed + words(failure.getCause());
  }

  @Test
  void allStagesOfAFutureAreCalledOnce() {
    Subject future = new Subject();
    AtomicInteger called = new AtomicInteger();
    for (int i = 0; i < 3; i++) {
      future.whenComplete((value, failure) -> called.incrementAndGet());
    }
    future.thenRun(called::incrementAndGet);
    assertThat(future.getNumberOfDependents()).isEqualTo(4);
    future.succeed("value");
    assertThat(called).hasValue(4);
    assertThat(future.getNumberOfDependents()).isZero();
  }

  @Test
  void whatAStageThrowsIsAddedToTheFailureThatItWasToldOf() {
    Subject future = new Subject();
    IllegalStateException failure = new IllegalStateException("failed");
    IllegalArgumentException thrown = new IllegalArgumentException("thrown");
    CompletableFuture<String> stage =
        future.whenComplete(
            (value, told) -> {
              throw thrown;
            });
    future.completeExceptionally(failure);
    assertThat(failure.getSuppressed()).containsExactly(thrown);
    assertThatThrownBy(stage::join).hasCause(failure);
  }

  @Test
  void aStageWithoutAnActionIsRefused() {
    assertThatThrownBy(() -> new Subject().whenComplete(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("action");
  }

  @Test
  void aStageThatIsAttachedWhileTheFutureCompletesIsCalledOnce() throws Exception {
    int rounds = 100_000;
    Subject[] futures = new Subject[rounds];
    AtomicIntegerArray called = new AtomicIntegerArray(rounds);
    for (int i = 0; i < rounds; i++) {
      futures[i] = new Subject();
    }
    AtomicInteger arrived = new AtomicInteger();
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try {
      Future<?> completing =
          executor.submit(
              () -> {
                for (int i = 0; i < rounds; i++) {
                  meet(arrived, i);
                  futures[i].complete("value");
                }
              });
      for (int i = 0; i < rounds; i++) {
        int round = i;
        meet(arrived, i);
        futures[i].whenComplete((value, failure) -> called.incrementAndGet(round));
      }
      completing.get();
    } finally {
      executor.shutdown();
    }
    for (int i = 0; i < rounds; i++) {
      assertThat(called.get(i)).as("round %s", i).isEqualTo(1);
    }
  }

  /**
   * Both threads go on within nanoseconds of each other: a barrier that parks is too slow. Where
   * there is one processor for both, they give it to each other.
   */
  private static void meet(AtomicInteger arrived, int round) {
    arrived.incrementAndGet();
    for (int spins = 0; arrived.get() < 2 * (round + 1); spins++) {
      if (spins < 1_000) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
  }
}
