// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import io.bight.cli.Readings.Reading;
import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One run of the demo against a server: a publisher of readings, four receivers behind relays that
 * can be cut, and the account of what arrived. {@link #run} belongs to one thread, {@link #stop} to
 * any.
 */
final class Demo implements AutoCloseable {
  /** For how many of the newest readings times are remembered. */
  static final int REMEMBERED = 4096;

  private static final long SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final Duration LONGEST_CUT = Duration.ofSeconds(2);
  private static final Duration LONGEST_WAIT_AT_THE_END = Duration.ofSeconds(15);

  /** That of loopStart: the most common way to drive, and the others show that they do not mind. */
  private static final int FIRST_RECEIVER_CUT = 1;

  private static final int DEFAULT_PORT = 1883;

  private final String run = "bight-demo-" + Integer.toString(random(), Character.MAX_RADIX);
  private final AtomicLongArray publishedNanos = new AtomicLongArray(REMEMBERED);
  private final AtomicInteger acknowledged = new AtomicInteger();
  private final Readings readings;
  private final DemoScreen screen;
  private final MqttClient publisher;
  private final ClientMeter publisherMeter = new ClientMeter();
  private final List<Receiver> receivers = new ArrayList<>();
  private int published;

  /** Whose connection is cut, if any, and until when. Touched by the running thread only. */
  private @Nullable Receiver cutReceiver;

  private long mendNanos;
  private int cuts;

  /** Guards waiting; notified when a reading arrives and when the run is to stop. */
  private final Object arrivals = new Object();

  private volatile boolean stopped;

  /**
   * Makes the clients, not connected yet.
   *
   * @throws IllegalArgumentException if the URI is not valid
   */
  Demo(String serverUri, Readings readings, DemoScreen screen) throws IOException {
    this.readings = readings;
    this.screen = screen;
    this.publisher =
        MqttClient.builder(serverUri)
            .clientId(run + "-publisher")
            .onConnect(event -> publisherMeter.seen())
            .build();
    URI server = URI.create(serverUri.contains("://") ? serverUri : "mqtt://" + serverUri);
    for (DrivingMode mode : DrivingMode.values()) {
      String host = server.getHost().replaceAll("[\\[\\]]", "");
      Relay relay = new Relay(host, server.getPort() < 0 ? DEFAULT_PORT : server.getPort());
      String user = server.getRawUserInfo() == null ? "" : server.getRawUserInfo() + "@";
      MqttClientBuilder builder =
          MqttClient.builder("mqtt://" + user + "127.0.0.1:" + relay.port())
              // The server keeps the session, and what comes meanwhile, while a receiver is away.
              .sessionExpiryInterval(Duration.ofMinutes(2))
              .reconnect(
                  ReconnectPolicy.exponential(Duration.ofMillis(500), Duration.ofSeconds(1)));
      receivers.add(
          new Receiver(
              mode, relay, builder, run, topic("+"), this::publishedNanos, this::arrived, screen));
    }
  }

  private static int random() {
    return ThreadLocalRandom.current().nextInt(36 * 36 * 36, 36 * 36 * 36 * 36);
  }

  private String topic(String reading) {
    return "bight/" + readings.hostName() + "/" + reading;
  }

  /** Connects everything; throws what went wrong if something cannot be connected. */
  void connect() {
    publisher.loopStart();
    publisher.connect();
    try {
      receivers.stream().map(Receiver::start).toList().forEach(ready -> ready.join());
    } catch (CompletionException e) {
      if (e.getCause() instanceof MqttException failure) {
        throw failure;
      }
      throw e;
    }
  }

  /**
   * Publishes a row of readings a second, cuts a connection now and then, and waits at the end
   * until everything has arrived.
   *
   * @param seconds how many rows
   * @param firstCut before which row the first connection is cut
   * @param rowsBetweenCuts after how many more the next one is
   * @return true if everything has arrived everywhere
   */
  boolean run(int seconds, int firstCut, int rowsBetweenCuts)
      throws IOException, InterruptedException {
    Duration cutTime = Duration.ofMillis(Math.min(LONGEST_CUT.toMillis(), seconds * 250L));
    int nextCut = firstCut;
    long begin = System.nanoTime();
    for (int second = 0; second < seconds && !stopped; second++) {
      if (second == nextCut) {
        cut(cutTime);
        nextCut += rowsBetweenCuts;
      }
      long end = begin + (second + 1) * SECOND_NANOS;
      List<Reading> sample = readings.sample();
      int from = published;
      sample.forEach(this::publish);
      await(
          end,
          () -> receivers.stream().allMatch(each -> isAway(each) || each.has(from, published)));
      screen.row(sample, roundTrips(from));
      await(end, () -> false);
    }
    mend();
    await(System.nanoTime() + LONGEST_WAIT_AT_THE_END.toNanos(), this::everythingHasArrived);
    return everythingHasArrived();
  }

  /** Ends the run after the present second, from any thread. */
  void stop() {
    stopped = true;
    arrived();
  }

  // ---- publishing

  private void publish(Reading reading) {
    int sequence = published++;
    long nanos = System.nanoTime();
    publishedNanos.set(sequence % REMEMBERED, nanos);
    Publish message =
        Publish.builder(topic(reading.name()))
            .payload(reading.payload())
            .qos(Qos.AT_LEAST_ONCE)
            .retain(true)
            .userProperty("unit", reading.unit())
            .userProperty(Receiver.RUN, run)
            .userProperty(Receiver.SEQUENCE, String.valueOf(sequence))
            .build();
    publisher.publish(message).thenRun(() -> onAcknowledged(System.nanoTime() - nanos));
  }

  private void onAcknowledged(long roundTripNanos) {
    publisherMeter.seen();
    publisherMeter.roundTrip(roundTripNanos);
    acknowledged.incrementAndGet();
    arrived();
  }

  // ---- receiving

  private long publishedNanos(int sequence) {
    return publishedNanos.get(sequence % REMEMBERED);
  }

  private void arrived() {
    synchronized (arrivals) {
      arrivals.notifyAll();
    }
  }

  /** Not to be waited for: it gets what it misses when it is back. */
  private boolean isAway(Receiver receiver) {
    return receiver == cutReceiver || !receiver.isConnected();
  }

  /** How long the slowest of a row took to each receiver; nothing for those that miss some. */
  private Map<DrivingMode, Long> roundTrips(int fromSequence) {
    Map<DrivingMode, Long> nanos = new EnumMap<>(DrivingMode.class);
    for (Receiver receiver : receivers) {
      if (receiver.has(fromSequence, published)) {
        nanos.put(receiver.mode, receiver.longestRoundTripNanos(fromSequence, published));
      } else {
        receiver.noteLate(fromSequence, published);
      }
    }
    return nanos;
  }

  private boolean everythingHasArrived() {
    return acknowledged.get() == published
        && receivers.stream().allMatch(receiver -> receiver.has(0, published));
  }

  /** Waits for a condition, and mends what is cut when its time has come. */
  private void await(long deadlineNanos, BooleanSupplier condition)
      throws IOException, InterruptedException {
    while (!condition.getAsBoolean()) {
      long now = System.nanoTime();
      if (cutReceiver != null && now - mendNanos >= 0) {
        mend();
      }
      long until = cutReceiver == null ? deadlineNanos : Math.min(deadlineNanos, mendNanos);
      if (now - deadlineNanos >= 0) {
        return;
      }
      synchronized (arrivals) {
        if (!condition.getAsBoolean()) {
          TimeUnit.NANOSECONDS.timedWait(arrivals, Math.max(1_000_000, until - now));
        }
      }
    }
  }

  // ---- cutting

  private void cut(Duration time) throws IOException {
    Receiver receiver = receivers.get((FIRST_RECEIVER_CUT + cuts++) % receivers.size());
    cutReceiver = receiver;
    mendNanos = System.nanoTime() + time.toNanos();
    screen.cut(receiver.mode, time);
    receiver.relay.cut();
  }

  private void mend() throws IOException {
    Receiver receiver = cutReceiver;
    if (receiver != null) {
      cutReceiver = null;
      screen.mended(receiver.mode);
      receiver.relay.mend();
    }
  }

  // ---- the account

  /** Prints the table and the verdict; while the clients' threads still run. */
  void report() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "client", "driven by", "messages", "reconnects", "threads", "CPU time", "round trip"));
    rows.add(
        List.of(
            "publisher",
            DrivingMode.LOOP_START.label,
            acknowledged + " of " + published,
            "0",
            String.valueOf(publisherMeter.threadCount()),
            DemoScreen.millis(publisherMeter.cpuTime().toNanos()),
            DemoScreen.millis(publisherMeter.medianRoundTrip().toNanos())));
    for (Receiver receiver : receivers) {
      rows.add(
          List.of(
              "receiver",
              receiver.mode.label,
              receiver.receivedCount() + " of " + published,
              String.valueOf(receiver.reconnectCount()),
              String.valueOf(receiver.meter.threadCount()),
              DemoScreen.millis(receiver.meter.cpuTime().toNanos()),
              DemoScreen.millis(receiver.meter.medianRoundTrip().toNanos())));
    }
    screen.table(rows);
    screen.note(
        "Round trip, median: for the publisher from PUBLISH to PUBACK, for a receiver from publish()"
            + " to its callback;");
    screen.note(
        "those that came late because of the cut are left out. Threads: those that ran callbacks.");
    verdict();
  }

  private void verdict() {
    int late = receivers.stream().mapToInt(Receiver::lateCount).sum();
    int duplicates = receivers.stream().mapToInt(Receiver::duplicateCount).sum();
    if (everythingHasArrived()) {
      screen.verdict(
          true,
          "All "
              + published
              + " readings have arrived at all four receivers"
              + (late == 0 ? "" : ", " + late + " of them after a reconnect")
              + (duplicates == 0 ? "" : ", " + duplicates + " twice, as QoS 1 allows")
              + ".");
    } else {
      int missing = receivers.stream().mapToInt(each -> published - each.receivedCount()).sum();
      screen.verdict(
          false,
          missing
              + " readings have not arrived, and "
              + (published - acknowledged.get())
              + " were not acknowledged.");
    }
  }

  @Override
  public void close() throws IOException {
    for (Receiver receiver : receivers) {
      receiver.close();
    }
    publisher.close();
  }
}
