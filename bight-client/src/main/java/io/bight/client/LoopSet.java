// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/** The loops of a group, driven together. Safe for use by any thread. */
final class LoopSet {
  private final List<MqttLoop> loops;

  LoopSet(List<MqttLoop> loops) {
    this.loops = List.copyOf(loops);
  }

  List<MqttLoop> all() {
    return loops;
  }

  MqttLoop leastLoaded() {
    return loops.stream()
        .min(Comparator.comparingInt(MqttLoop::clientCount))
        .orElseThrow(IllegalStateException::new);
  }

  /** Returns the one loop that a thread of the program can drive by itself. */
  MqttLoop only(String call) {
    if (loops.size() > 1) {
      throw new IllegalStateException(
          call
              + " drives one loop, and the group has "
              + loops.size()
              + "; call loopStart(), which gives each a thread, or drive each of loops() on a"
              + " thread of yours");
    }
    return loops.get(0);
  }

  boolean inLoop() {
    return loops.stream().anyMatch(MqttLoop::inLoop);
  }

  String describeState() {
    return loops.stream()
        .map(loop -> "'" + loop.name() + "': " + loop.describeState())
        .collect(Collectors.joining(", "));
  }

  /** Starts all, or none. */
  void start() {
    int started = 0;
    try {
      for (MqttLoop loop : loops) {
        loop.loopStart();
        started++;
      }
    } catch (RuntimeException | Error e) {
      loops.subList(0, started).forEach(MqttLoop::loopStop);
      throw e;
    }
  }

  void close(long deadlineNanos) {
    loops.forEach(loop -> loop.close(Deadline.timeUntil(deadlineNanos)));
  }

  /**
   * Waits for a future that needs all loops, driving those that nobody else drives: the first on
   * the calling thread, each other on a thread that ends with the call.
   *
   * @return false if the deadline passed first
   */
  boolean driveUntilDone(MqttFuture<?> future, long deadlineNanos) throws InterruptedException {
    if (future.isDone()) {
      return true;
    }
    for (MqttLoop loop : loops) {
      loop.driving().refuseToBlock();
    }
    if (loops.size() == 1) {
      return loops.get(0).driving().driveUntilDone(future, deadlineNanos);
    }
    CompletableFuture<Void> end = new CompletableFuture<>();
    future.whenComplete((result, failure) -> end.complete(null));
    for (MqttLoop loop : loops.subList(1, loops.size())) {
      Thread thread = new Thread(() -> driveInBackground(loop, end, deadlineNanos), loop.name());
      thread.setDaemon(true);
      thread.start();
    }
    try {
      driveUntil(loops.get(0), end, deadlineNanos);
    } finally {
      end.complete(null);
    }
    if (end.isCompletedExceptionally()) {
      end.join();
    }
    return future.isDone();
  }

  private static void driveInBackground(
      MqttLoop loop, CompletableFuture<Void> end, long deadlineNanos) {
    try {
      driveUntil(loop, end, deadlineNanos);
    } catch (Throwable t) { // what a callback threw, or loopStop(): the call that waits throws it
      end.completeExceptionally(t);
    }
  }

  private static void driveUntil(MqttLoop loop, CompletableFuture<Void> end, long deadlineNanos)
      throws InterruptedException {
    RequestFuture<Void> mine = new RequestFuture<>(loop, "a call of a group");
    end.whenComplete((nothing, failure) -> mine.complete(null));
    loop.driving().driveUntilDone(mine, deadlineNanos);
  }
}
