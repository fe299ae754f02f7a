// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.engine.OutgoingPublish;
import io.bight.mqtt.engine.Publication;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.packet.Publish;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Messages that are published together, and the one future of all. Where there is room for all of
 * them they pass the gate at once, and travel to the driver in parts, so that a turn stays short.
 * Else each is published by itself, and meets the policies by itself.
 */
final class PublishBatch extends MqttFuture<Void> {
  /** How many messages a part has at most. */
  private static final int MOST_IN_A_PART = 64;

  private final ClientWorker worker;
  private final List<Publish> messages;

  /** How many messages have not ended yet. */
  private final AtomicInteger open;

  /** What cancels the messages; one for each part, or for each message. */
  private final List<Runnable> cancellations = new ArrayList<>();

  /** Why messages have failed, by their places. Guarded by itself. */
  private final TreeMap<Integer, MqttException> failures = new TreeMap<>();

  PublishBatch(ClientWorker worker, List<Publish> messages) {
    this.worker = worker;
    this.messages = messages;
    this.open = new AtomicInteger(messages.size());
  }

  /** Publishes the messages; to be called once, by who has made the batch. */
  void publish(OfflinePolicy offlinePolicy) {
    if (messages.isEmpty()) {
      complete(null);
      return;
    }
    List<Part> parts = new ArrayList<>();
    for (int from = 0; from < messages.size(); from += MOST_IN_A_PART) {
      parts.add(new Part(from, Math.min(from + MOST_IN_A_PART, messages.size())));
    }
    if (worker.gate().enter(this, parts, offlinePolicy)) {
      parts.forEach(part -> cancellations.add(part::cancel));
    } else {
      publishEach(offlinePolicy);
    }
  }

  private void publishEach(OfflinePolicy offlinePolicy) {
    boolean mayWait = true; // once in vain is enough
    for (int i = 0; i < messages.size(); i++) {
      int place = i;
      PublishFuture future = worker.gate().futureOf(messages.get(i), offlinePolicy, null);
      mayWait &= worker.gate().enter(future, mayWait);
      if (!future.isDone()) { // it may be one of a million that were refused
        cancellations.add(() -> future.cancel(false));
      }
      future.whenComplete((result, failure) -> onEnded(place, failure));
    }
  }

  List<Publish> messages() {
    return messages;
  }

  /** A message that was published by itself has ended; any thread. */
  private void onEnded(int place, @Nullable Throwable failure) {
    if (failure != null && !isDone()) { // if it is, it was cancelled, and nobody asks why
      addFailure(
          place,
          failure instanceof MqttException known
              ? known
              : new MqttException(describe() + " failed: " + failure, failure));
    }
    onEnded(1);
  }

  private void addFailure(int place, MqttException failure) {
    synchronized (failures) {
      failures.put(place, failure);
    }
  }

  /** Messages have ended; any thread. */
  private void onEnded(int count) {
    if (open.addAndGet(-count) > 0) {
      return;
    }
    if (failures.isEmpty()) {
      succeed(null);
    } else {
      fail(MqttBatchException.of(worker.describe(), messages, failures));
    }
  }

  /** Cancels the batch: what has not been sent will not be. */
  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = super.cancel(mayInterruptIfRunning);
    if (cancelled) {
      cancellations.forEach(Runnable::run);
    }
    return cancelled;
  }

  @Override
  MqttLoop loop() {
    return worker.loop();
  }

  @Override
  String describeHolder() {
    return worker.describeProgress() + "; ";
  }

  @Override
  String describe() {
    return "publishing " + Count.of(messages.size(), "message") + " by " + worker.describe();
  }

  /** Some of the messages, on their way to the engine. */
  final class Part extends Command.Linked {
    private final int from;
    private final int to;

    // Its own until the driver has it, then his
    /** The first of the messages that the engine has not been given. */
    private int next;

    /** How many messages have not ended yet. */
    private int openHere;

    /** What the engine has of the messages, as far as it has something. */
    private final List<OutgoingPublish> entries = new ArrayList<>(0);

    Part(int from, int to) {
      this.from = from;
      this.to = to;
      this.next = from;
      this.openHere = to - from;
    }

    @Override
    public boolean onlyPublishes() {
      return true;
    }

    @Override
    public int weight() {
      return to - from;
    }

    /** Returns what the engine has not been given counts for against the queue's bound. */
    long heapBytes() {
      long bytes = 0;
      for (int i = next; i < to; i++) {
        bytes += OutgoingPublish.heapBytesOf(messages.get(i), OfflinePolicy.QUEUE);
      }
      return bytes;
    }

    @Override
    public void run(long nowNanos) {
      for (; next < to && !isDone(); next++) {
        OutgoingPublish entry = worker.give(new Given(next), nowNanos);
        if (entry != null) {
          entries.add(entry);
        }
      }
      if (next < to) { // it was cancelled before its turn, or by a callback that ran meanwhile
        worker.gate().giveBack(to - next, heapBytes());
      }
      if (isCancelled()) {
        entries.forEach(worker::cancel);
      }
    }

    @Override
    public void reject(MqttException failure) {
      for (int i = next; i < to; i++) {
        addFailure(i, failure);
      }
      onEndedHere(to - next);
    }

    /** Takes back what has not been sent; any thread. */
    private void cancel() {
      worker.submit(Command.of(nowNanos -> entries.forEach(worker::cancel), failure -> {}));
    }

    private void onEndedHere(int count) {
      openHere -= count;
      if (openHere == 0) {
        onEnded(weight());
      }
    }

    /** One of the messages, when the engine has it. */
    private final class Given implements Publication {
      private final int place;

      Given(int place) {
        this.place = place;
      }

      @Override
      public Publish message() {
        return messages.get(place);
      }

      @Override
      public void onEntry(OutgoingPublish entry) {
        entries.add(entry);
      }

      @Override
      public void onSuccess(PublishResult result) {
        worker.onPublished(messages.get(place), null, result, null);
        onEndedHere(1);
      }

      @Override
      public void onFailure(MqttException failure) {
        addFailure(place, failure);
        worker.onPublished(messages.get(place), null, null, failure);
        onEndedHere(1);
      }

      /** Whether it will succeed is open, so {@code onPublished} is not told here. */
      @Override
      public void onKept(MqttException failure) {
        addFailure(place, worker.kept(messages.get(place), failure));
        onEndedHere(1);
      }
    }
  }
}
