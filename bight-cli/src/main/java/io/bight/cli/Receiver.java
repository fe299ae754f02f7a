// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import io.bight.client.ConnectEvent;
import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttFuture;
import io.bight.client.MqttLoop;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.UserProperty;
import io.bight.mqtt.engine.SubscribeResult;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * One of the demo's four receivers: a client, driven in its mode, that keeps account of the
 * readings that arrive. Lives as long as the demo. Its client and, in three modes, its thread are
 * its own; what tells of the account is for any thread.
 */
final class Receiver implements AutoCloseable {
  /** The readings of a run carry its name, so that older retained ones are told apart. */
  static final String RUN = "run";

  static final String SEQUENCE = "sequence";

  private static final Duration TURN = Duration.ofMillis(50);
  private static final long LONGEST_END_MILLIS = 2000;

  final DrivingMode mode;

  /** The piece of network before the server; closed with the receiver. */
  final Relay relay;

  final ClientMeter meter = new ClientMeter();
  private final String run;
  private final String topicFilter;
  private final IntToLongFunction publishedNanos;
  private final Runnable onArrival;
  private final DemoScreen screen;
  private final MqttClient client;
  private final @Nullable MqttLoop sharedLoop;
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private volatile boolean running = true;
  private @Nullable Thread thread;

  /** What the blocking mode waits on; replaced by its thread, completed by whoever has news. */
  private volatile CompletableFuture<Void> news = new CompletableFuture<>();

  /** In the blocking mode: arrived and not looked at. Touched by its thread only. */
  private final ArrayDeque<Message> inbox = new ArrayDeque<>();

  // The account, guarded by this.
  private final BitSet received = new BitSet();
  private final BitSet late = new BitSet();
  private final long[] roundTripNanos = new long[Demo.REMEMBERED];
  private int lateInAll;
  private int lateTold;
  private int duplicates;
  private int reconnects;

  /**
   * Makes a receiver that is not connected yet.
   *
   * @param builder the server and the session
   * @param publishedNanos when a reading was published, by its sequence number
   * @param onArrival is called after each reading
   */
  Receiver(
      DrivingMode mode,
      Relay relay,
      MqttClientBuilder builder,
      String run,
      String topicFilter,
      IntToLongFunction publishedNanos,
      Runnable onArrival,
      DemoScreen screen) {
    this.mode = mode;
    this.relay = relay;
    this.run = run;
    this.topicFilter = topicFilter;
    this.publishedNanos = publishedNanos;
    this.onArrival = onArrival;
    this.screen = screen;
    builder
        .clientId(run + "-" + mode.suffix)
        .onConnect(this::onConnect)
        .onDisconnect(event -> screen.disconnected(mode, event))
        .onConnectFailure(event -> screen.connectFailed(mode, event));
    sharedLoop = mode == DrivingMode.LOOP ? MqttLoop.create("bight-" + mode.suffix) : null;
    if (sharedLoop != null) {
      builder.loop(sharedLoop);
    }
    client = builder.build();
  }

  // ---- the four modes

  /** Connects, subscribes and receives from now on; the future completes when it is subscribed. */
  CompletableFuture<Void> start() {
    switch (mode) {
      case LOOP -> startThread(this::runTurns);
      case LOOP_START -> runOnItsOwn();
      case LOOP_FOREVER -> startThread(this::runForever);
      case BLOCKING -> startThread(this::runBlocking);
    }
    return ready;
  }

  /** The program has a loop of its own, and MQTT gets a turn in it. */
  private void runTurns() {
    client.connectAsync().thenCompose(connected -> subscribe()).whenComplete(this::onReady);
    MqttLoop loop = client.loop();
    while (running) {
      loop.loop(TURN);
    }
  }

  /** The library drives on a thread of its own. */
  private void runOnItsOwn() {
    client.loopStart();
    client.connectAsync().thenCompose(connected -> subscribe()).whenComplete(this::onReady);
  }

  /** The thread that waits is the loop. */
  private void runForever() {
    client.connectAsync().thenCompose(connected -> subscribe()).whenComplete(this::onReady);
    client.loopForever();
  }

  /** The program never heard of a loop: it asks for something and waits. */
  private void runBlocking() {
    try {
      client.connect();
      var subscribed = client.subscribe(topicFilter, Qos.AT_LEAST_ONCE, this::onNews);
      subscribed.await();
      ready.complete(null);
      while (running) {
        account(awaitNext(subscribed));
      }
    } catch (MqttException e) {
      ready.completeExceptionally(e);
    }
  }

  private void onNews(Message message) {
    inbox.add(message);
    news.complete(null);
  }

  /** Waits for a message; null if there is none any more. */
  private @Nullable Message awaitNext(MqttFuture<?> ofClient) {
    while (running && inbox.isEmpty()) {
      // A future that belongs to the client: waiting for it drives the client's loop.
      news = ofClient.newIncompleteFuture();
      if (running) {
        news.join();
      }
    }
    return inbox.poll();
  }

  private MqttFuture<SubscribeResult> subscribe() {
    return client.subscribe(topicFilter, Qos.AT_LEAST_ONCE, this::account);
  }

  private void onReady(@Nullable Object subscribed, @Nullable Throwable failure) {
    if (failure == null) {
      ready.complete(null);
    } else {
      ready.completeExceptionally(failure);
    }
  }

  private void startThread(Runnable work) {
    Thread started = new Thread(work, "demo-" + mode.suffix);
    started.setDaemon(true);
    thread = started;
    started.start();
  }

  // ---- the account

  private void onConnect(ConnectEvent event) {
    meter.seen();
    if (event.isReconnect()) {
      synchronized (this) {
        reconnects++;
      }
      screen.reconnected(mode, event);
    }
  }

  private void account(@Nullable Message message) {
    if (message == null || !run.equals(userProperty(message, RUN))) {
      return; // left over from an earlier run
    }
    meter.seen();
    int sequence = Integer.parseInt(userProperty(message, SEQUENCE));
    long roundTrip = System.nanoTime() - publishedNanos.applyAsLong(sequence);
    boolean caughtUp;
    int caught;
    synchronized (this) {
      if (received.get(sequence)) {
        duplicates++;
        return;
      }
      received.set(sequence);
      roundTripNanos[sequence % Demo.REMEMBERED] = roundTrip;
      boolean wasLate = late.get(sequence);
      late.clear(sequence);
      caughtUp = wasLate && late.isEmpty();
      caught = lateInAll - lateTold;
      if (caughtUp) {
        lateTold = lateInAll;
      } else if (!wasLate) {
        meter.roundTrip(roundTrip);
      }
    }
    if (caughtUp) {
      screen.caughtUp(mode, caught);
    }
    onArrival.run();
  }

  private static String userProperty(Message message, String name) {
    for (UserProperty property : message.userProperties()) {
      if (property.name().equals(name)) {
        return property.value();
      }
    }
    return "";
  }

  /** Tells whether all of these have arrived. */
  synchronized boolean has(int fromSequence, int toSequence) {
    return received.nextClearBit(fromSequence) >= toSequence;
  }

  /** Returns the longest round trip of these, which must have arrived and be among the newest. */
  synchronized long longestRoundTripNanos(int fromSequence, int toSequence) {
    long longest = 0;
    for (int sequence = fromSequence; sequence < toSequence; sequence++) {
      longest = Math.max(longest, roundTripNanos[sequence % Demo.REMEMBERED]);
    }
    return longest;
  }

  /** Notes which of these have not arrived in time, so that it is told when they have. */
  synchronized void noteLate(int fromSequence, int toSequence) {
    for (int i = received.nextClearBit(fromSequence);
        i < toSequence;
        i = received.nextClearBit(i + 1)) {
      if (!late.get(i)) {
        late.set(i);
        lateInAll++;
      }
    }
  }

  /** How many different readings have arrived. */
  synchronized int receivedCount() {
    return received.cardinality();
  }

  /** How many arrived late, which those do that are sent while the connection is cut. */
  synchronized int lateCount() {
    return lateInAll - late.cardinality();
  }

  /** How many arrived once more, as they may at QoS 1. */
  synchronized int duplicateCount() {
    return duplicates;
  }

  synchronized int reconnectCount() {
    return reconnects;
  }

  boolean isConnected() {
    return client.isConnected();
  }

  // ---- the end

  /** Stops driving; the threads that drove end. */
  @Override
  public void close() throws IOException {
    running = false;
    news.complete(null);
    if (mode == DrivingMode.LOOP_FOREVER) {
      client.loopStop();
    }
    Thread driver = thread;
    if (driver != null) {
      try {
        driver.join(LONGEST_END_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    client.close();
    if (sharedLoop != null) {
      sharedLoop.close();
    }
    relay.close();
  }
}
