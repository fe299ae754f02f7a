// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.RetainHandling;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.StoredPublish.State;
import io.bight.mqtt.engine.StoredSession;
import io.bight.mqtt.engine.StoredSubscription;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Subscription;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Random;
import java.util.stream.Stream;

/** Messages, subscriptions and directories for the tests. */
final class Samples {
  static final String CLIENT = "kitchen-display";

  private Samples() {}

  static StoredPublish queued(long position) {
    return queued(position, Qos.AT_LEAST_ONCE, "payload " + position);
  }

  static StoredPublish queued(long position, Qos qos, String payload) {
    return stored(
        position,
        Publish.builder("house/" + position).payload(payload).qos(qos).build(),
        StoredPublish.NEVER_EXPIRES);
  }

  static StoredPublish stored(long position, Publish message, long nanosToLive) {
    return new StoredPublish(
        position, message, OfflinePolicy.QUEUE, null, nanosToLive, State.QUEUED, 0);
  }

  /** A message with everything that a message can have. */
  static StoredPublish full(long position, Random random) {
    Publish.Builder builder =
        Publish.builder("haus/küche/" + random.nextInt(100))
            .qos(Qos.values()[random.nextInt(3)])
            .retain(random.nextBoolean())
            .payload(new byte[random.nextInt(random.nextInt(50) == 0 ? 20_000 : 300)]);
    if (random.nextBoolean()) {
      builder
          .messageExpiryInterval(Duration.ofSeconds(random.nextInt(100_000)))
          .payloadIsUtf8()
          .contentType("text/plain")
          .responseTopic("answers/" + position)
          .correlationData(new byte[] {1, 2, (byte) random.nextInt()})
          .userProperty("name", "value")
          .userProperty("name", "");
    }
    long nanos = random.nextBoolean() ? StoredPublish.NEVER_EXPIRES : 1 + random.nextInt();
    State state = State.values()[random.nextInt(3)];
    return new StoredPublish(
        position,
        builder.build(),
        OfflinePolicy.values()[random.nextInt(3)],
        random.nextBoolean() ? null : "tag " + position,
        nanos <= 0 ? 5_000_000_000L : nanos,
        state,
        state.isInFlight() ? 1 + random.nextInt(65_535) : 0);
  }

  static StoredSubscription subscription(String topicFilter, boolean granted) {
    return subscription(
        topicFilter, granted ? StoredSubscription.State.GRANTED : StoredSubscription.State.LOST);
  }

  static StoredSubscription subscription(String topicFilter, StoredSubscription.State state) {
    return new StoredSubscription(
        new Subscription(topicFilter, Qos.EXACTLY_ONCE, true, true, RetainHandling.DO_NOT_SEND),
        268_435_455,
        state);
  }

  static SessionStore open(Path directory, Durability durability) {
    return DiskSessionStore.in(directory).durability(durability).open(CLIENT);
  }

  /** Returns what the next process finds. */
  static StoredSession load(Path directory) {
    return load(DiskSessionStore.in(directory).durability(Durability.OS));
  }

  static StoredSession load(DiskSessionStore opener) {
    try (SessionStore store = opener.open(CLIENT)) {
      return store.load();
    }
  }

  /** What a killed process leaves, in a directory of its own. */
  static Path copy(Path directory, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
    return to;
  }

  /** A clock that is set by hand. */
  static final class SetClock extends Clock {
    private Instant now = Instant.parse("2025-01-01T00:00:00Z");

    void advance(Duration time) {
      now = now.plus(time);
    }

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
