// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttOvertakenException;
import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.engine.Session;
import io.bight.mqtt.packet.Publish;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * What a message passes on its way into a client: whether it may wait, whether there is room, and
 * what the policies say if not. The engine decides the same for what it holds; this decides for
 * what is on its way there, so that a program sees one queue. Safe for use by any thread.
 */
final class PublishGate {
  /** Of all clients in which nobody ever waits. */
  private static final Queue<RequestFuture<Void>> NOBODY = new ConcurrentLinkedQueue<>();

  private final MqttClient client;
  private final MqttLoop loop;
  private final ClientWorker worker;
  private final CommandQueue commands;
  private final OverflowPolicy overflowPolicy;
  private final Duration blockTimeout;
  private final QueueRoom room;
  private final LatestSlots latest = new LatestSlots();
  private final OverflowLog log = new OverflowLog();

  /** Those who wait for room, which they do with OverflowPolicy.BLOCK only. */
  private final Queue<RequestFuture<Void>> waiting;

  /** Why there will be no more room, once the client is closed; written by the driver. */
  private volatile @Nullable MqttException closed;

  PublishGate(
      MqttClient client,
      MqttLoop loop,
      ClientWorker worker,
      CommandQueue commands,
      ClientOptions options,
      Session session) {
    this.client = client;
    this.loop = loop;
    this.worker = worker;
    this.commands = commands;
    EngineOptions engine = options.engine();
    this.overflowPolicy = engine.overflowPolicy();
    this.blockTimeout = options.blockTimeout();
    this.waiting = overflowPolicy == OverflowPolicy.BLOCK ? new ConcurrentLinkedQueue<>() : NOBODY;
    this.room = new QueueRoom(engine.queueMaximumMessages(), engine.queueMaximumBytes(), session);
  }

  /** Makes what publishes a message once it has passed. */
  PublishFuture futureOf(Publish message, OfflinePolicy offlinePolicy, @Nullable String tag) {
    Objects.requireNonNull(message, "message");
    // The number is asked for only where it matters: whether a driver is alive costs a look at the
    // clock.
    int connection =
        Objects.requireNonNull(offlinePolicy, "offlinePolicy") == OfflinePolicy.FAIL
                && client.isConnected()
            ? worker.connection()
            : 0;
    return PublishFuture.of(worker, message, offlinePolicy, tag, connection);
  }

  /** Lets a message pass, or fails it, or waits until the one or the other is due. */
  void enter(PublishFuture publish) {
    enter(publish, true);
  }

  /**
   * Lets a message pass, or fails it, or waits for that if it may.
   *
   * @param mayWait whether it waits for room where the policy says so; else it is refused
   * @return false if it has waited in vain, as those behind it would
   */
  boolean enter(PublishFuture publish, boolean mayWait) {
    boolean isLatest = publish.offlinePolicy() == OfflinePolicy.LATEST_PER_TOPIC;
    if (isStale(publish)) {
      publish.refuse(stale(publish));
      return true;
    }
    if (!room.canEverTake(publish.heapBytes())) {
      refuseOrDrop(publish, "it is larger than the whole queue");
      return true;
    }
    if (!isLatest) {
      latest.close(publish.message().topic());
    } else if (!worker.isAtHand()) {
      PublishFuture overtaken = latest.overtake(publish, room);
      if (overtaken != null) {
        overtaken.refuse(overtakenBy(overtaken));
        return true;
      }
    }
    if (room.tryTake(publish.heapBytes())) {
      submit(publish);
    } else if (overflowPolicy == OverflowPolicy.BLOCK) {
      if (mayWait) {
        return waitForRoom(publish);
      }
      refuseOrDrop(publish, room.describe());
    } else if (overflowPolicy == OverflowPolicy.DROP_OLDEST) {
      room.take(publish.heapBytes());
      submit(publish);
      dropOverrun();
    } else if (isLatest && !room.isOverrun()) {
      // The engine may have one that this overtakes, and knows how much room there is then.
      room.take(publish.heapBytes());
      submit(publish);
    } else {
      refuseOrDrop(publish, room.describe());
    }
    return true;
  }

  /**
   * Lets messages pass that are published together, if they may wait and there is room for all. Not
   * where the oldest is dropped to make room: that is taken out of the queue by itself.
   *
   * @return false if they are to try one by one
   */
  boolean enter(PublishBatch batch, List<PublishBatch.Part> parts, OfflinePolicy offlinePolicy) {
    if (offlinePolicy != OfflinePolicy.QUEUE || overflowPolicy == OverflowPolicy.DROP_OLDEST) {
      return false;
    }
    long heapBytes = 0;
    for (PublishBatch.Part part : parts) {
      heapBytes += part.heapBytes();
    }
    if (!room.tryTake(batch.messages().size(), heapBytes)) {
      return false;
    }
    batch.messages().forEach(message -> latest.close(message.topic()));
    parts.forEach(worker::submit);
    return true;
  }

  private void submit(PublishFuture publish) {
    boolean hasPlace =
        publish.offlinePolicy() == OfflinePolicy.LATEST_PER_TOPIC && !worker.isAtHand();
    worker.submit(hasPlace ? latest.place(publish) : publish);
  }

  // ---- the driver's side

  /** The driver takes a command over; returns what he is to run. */
  Command take(Command command) {
    PublishFuture publish = command.takeMessage();
    if (publish != null) {
      room.pass(1, publish.heapBytes());
      return publish;
    }
    if (command instanceof PublishBatch.Part part) {
      room.pass(part.weight(), part.heapBytes());
    }
    return command;
  }

  /** Messages that the driver has taken over end before the engine has seen them. */
  void giveBack(int messages, long heapBytes) {
    room.giveBackPassed(messages, heapBytes);
    onRoom();
  }

  /** There may be room again: whoever waits for it looks. Any thread. */
  void onRoom() {
    if (overflowPolicy != OverflowPolicy.BLOCK) {
      return;
    }
    VarHandle.fullFence(); // either we see who waits, or he sees what was freed before this
    if (!waiting.isEmpty() && room.isFree()) {
      wakeAll();
    }
  }

  /** Whoever waits for room looks whether he still has reason to. */
  void wakeAll() {
    waiting.forEach(one -> one.complete(null));
  }

  void close(MqttException failure) {
    closed = failure;
    wakeAll();
  }

  /** The engine has failed a message. */
  void onFailure(MqttException failure) {
    if (failure instanceof MqttQueueFullException full && full.isDropped()) {
      log.onDropped(full);
    }
  }

  long dropped() {
    return log.dropped();
  }

  /** Tells whether a message that must not outlast its connection has done so. */
  boolean isStale(PublishFuture publish) {
    if (publish.offlinePolicy() != OfflinePolicy.FAIL) {
      return false;
    }
    int connection = publish.connection();
    return connection == 0 || connection != worker.connection();
  }

  MqttDisconnectedException stale(PublishFuture publish) {
    return new MqttDisconnectedException(
        client.describe()
            + (publish.connection() == 0
                ? " is not connected, so a message for '"
                : " lost its connection before it could send a message for '")
            + publish.message().topic()
            + (publish.connection() == 0
                ? "' was not taken: with OfflinePolicy.FAIL it does not wait for a connection"
                : "': with OfflinePolicy.FAIL it does not wait for the next one"),
        null);
  }

  // ---- no room

  private void refuseOrDrop(PublishFuture publish, String why) {
    boolean drops =
        overflowPolicy == OverflowPolicy.DROP_NEWEST
            || overflowPolicy == OverflowPolicy.DROP_OLDEST;
    MqttQueueFullException failure =
        new MqttQueueFullException(
            client.describe()
                + (drops ? " dropped " : " refused ")
                + describe(publish)
                + ": "
                + why
                + ". Wait for earlier messages before publishing more, drive the loop more often,"
                + " or set a larger bound",
            drops);
    if (drops && !loop.inLoop()) {
      log.onDropped(failure);
    }
    publish.refuse(failure);
  }

  /** The driver does not keep up, so what he would drop is dropped before it gets to him. */
  private void dropOverrun() {
    PublishFuture oldest;
    while ((oldest = commands.takeOldestMessage(room::isOverrun)) != null) {
      room.giveBack(oldest.heapBytes());
      MqttQueueFullException failure =
          new MqttQueueFullException(
              client.describe()
                  + " dropped "
                  + describe(oldest)
                  + " that waited longest, to make room for a newer one: "
                  + room.describe(),
              true);
      if (oldest.completeExceptionally(failure)) { // else it was cancelled
        log.onDropped(failure);
      }
    }
  }

  /** Returns false if it has waited in vain. */
  private boolean waitForRoom(PublishFuture publish) {
    if (loop.inLoop()) {
      publish.refuse(
          new MqttQueueFullException(
              client.describe()
                  + " refused "
                  + describe(publish)
                  + ": "
                  + room.describe()
                  + ". OverflowPolicy.BLOCK cannot wait inside a callback of the loop '"
                  + loop.name()
                  + "', whose thread would have to make the room; publish on another thread"));
      return true;
    }
    try {
      if (awaitRoom(publish)) {
        submit(publish);
        return true;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      publish.reject(
          new MqttException(
              "interrupted while publishing to '"
                  + publish.message().topic()
                  + "' waited for room: "
                  + room.describe(),
              e));
    } catch (IllegalStateException e) { // loopStop(), or the loop is closed
      publish.reject(
          new MqttException(
              client.describe()
                  + " did not publish to '"
                  + publish.message().topic()
                  + "', which waited for room: "
                  + e.getMessage(),
              e));
    }
    return false;
  }

  /** Waits until there is room and takes it; returns false if the message has failed instead. */
  private boolean awaitRoom(PublishFuture publish) throws InterruptedException {
    long deadline = Deadline.after(blockTimeout);
    while (true) {
      var freed = new RequestFuture<Void>(loop, "room in the queue of " + client.describe());
      waiting.add(freed); // first: what is freed from here on wakes us
      try {
        VarHandle.fullFence();
        MqttException failure = closed;
        if (failure != null) {
          publish.reject(failure);
          return false;
        }
        if (isStale(publish)) {
          publish.reject(stale(publish));
          return false;
        }
        if (room.tryTake(publish.heapBytes())) {
          return true;
        }
        if (!loop.driving().driveUntilDone(freed, deadline)) {
          publish.reject(
              new MqttQueueFullException(
                  client.describe()
                      + " refused "
                      + describe(publish)
                      + " after waiting for room for "
                      + blockTimeout.toMillis()
                      + " ms: "
                      + room.describe()
                      + "; "
                      + loop.describeDriving(!blockTimeout.isZero())));
          return false;
        }
      } finally {
        waiting.remove(freed);
      }
    }
  }

  private MqttOvertakenException overtakenBy(PublishFuture overtaken) {
    return new MqttOvertakenException(
        client.describe()
            + " did not send a message for '"
            + overtaken.message().topic()
            + "': a newer one for this topic was published while it waited");
  }

  private static String describe(PublishFuture publish) {
    return "a message of " + publish.heapBytes() + " B for '" + publish.message().topic() + "'";
  }
}
