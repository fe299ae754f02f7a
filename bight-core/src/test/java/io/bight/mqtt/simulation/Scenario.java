// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.engine.EngineOptions.SessionLoss;
import java.time.Duration;
import java.util.SplittableRandom;

/**
 * What a seed stands for: versions, limits, and which accidents happen how often. Each kind of
 * accident is left out of many seeds, so that what it hides can be seen in the others.
 */
final class Scenario {
  static final long MILLISECOND = 1_000_000L;
  static final long SECOND = 1_000_000_000L;
  static final long NEVER_EXPIRES = 0xFFFF_FFFFL;

  // The client
  final MqttVersion version;
  final boolean durable;
  final boolean cleanSession;
  final long sessionExpirySeconds;
  final int keepAliveSeconds;
  final int clientReceiveMaximum;
  final EngineOptions engineOptions;
  final boolean startsNearTheHighestIdentifier;

  // The program
  final int actions;
  final long gapNanos;
  final int answersLatePercent;
  final boolean handlesOutOfOrder;

  // The server
  final int serverReceiveMaximum;
  final boolean deliversOnRelease;
  final int negativePercent;
  final long answerDelayNanos;
  final Identifiers serverIdentifiers;
  final boolean shortensExpiry;

  // The network
  final long latencyNanos;
  final int pieceBytes;
  final boolean blocksWrites;

  // Accidents, in percent of the program's actions
  final int cutPercent;
  final int halfOpenPercent;
  final int serverRestartPercent;
  final int serverForgetsPercent;
  final int lostConnackPercent;
  final int lostPublishPercent;
  final int withholdPercent;
  final int refusalPercent;
  final int crashPercent;
  final int storeCrashPerMille;
  final int storeFailurePercent;

  /** Which accidents come together more often than by chance. */
  private enum Theme {
    ANYTHING,
    FORGETFUL_SERVER,
    FAILING_STORE,
    DYING_PROCESS
  }

  /** How the server finds packet identifiers of its own. */
  enum Identifiers {
    LOWEST_FREE,
    GOING_ROUND,
    NEAR_THE_HIGHEST
  }

  Scenario(SplittableRandom random) {
    boolean version5 = random.nextInt(5) < 3;
    version = version5 ? MqttVersion.MQTT_5 : MqttVersion.MQTT_3_1_1;
    Theme theme = Theme.values()[random.nextInt(Theme.values().length)];
    boolean storeTheme = theme == Theme.FAILING_STORE || theme == Theme.DYING_PROCESS;
    durable = storeTheme || random.nextInt(2) == 0;
    cleanSession = random.nextInt(12) == 0;
    sessionExpirySeconds =
        version5
            ? pick(random, 0, 5, 100, NEVER_EXPIRES, NEVER_EXPIRES, NEVER_EXPIRES)
            : cleanSession ? 0 : NEVER_EXPIRES;
    keepAliveSeconds = (int) pick(random, 0, 5, 20, 60);
    clientReceiveMaximum = (int) pick(random, 1, 2, 5, 65_535);
    boolean small = random.nextInt(3) == 0;
    engineOptions =
        new EngineOptions(
            Duration.ofSeconds(10),
            small ? 1 + random.nextInt(6) : 1_000_000,
            small && random.nextBoolean() ? 1_000 + random.nextInt(3_000) : 64L << 20,
            OverflowPolicy.values()[random.nextInt(3)],
            random.nextInt(4) == 0 ? SessionLoss.FAIL : SessionLoss.REPUBLISH,
            (int) pick(random, 0, 0, 1, 100),
            clientReceiveMaximum == 2 ? 3 : 65_535);
    startsNearTheHighestIdentifier = random.nextInt(400) == 0;

    actions = 4 + random.nextInt(random.nextInt(6) == 0 ? 90 : 28);
    gapNanos = pick(random, MILLISECOND, 20 * MILLISECOND, 400 * MILLISECOND);
    answersLatePercent = (int) pick(random, 0, 30, 80);
    handlesOutOfOrder = random.nextBoolean();

    serverReceiveMaximum = version5 ? (int) pick(random, 1, 2, 3, 10, 65_535) : 65_535;
    deliversOnRelease = random.nextBoolean();
    negativePercent = version5 ? (int) pick(random, 0, 0, 10) : 0;
    answerDelayNanos = pick(random, 0, MILLISECOND, 100 * MILLISECOND, 2 * SECOND);
    serverIdentifiers =
        theme == Theme.FORGETFUL_SERVER
            ? Identifiers.LOWEST_FREE
            : Identifiers.values()[random.nextInt(3)];
    shortensExpiry = version5 && random.nextInt(8) == 0;

    latencyNanos = pick(random, MILLISECOND / 10, 2 * MILLISECOND, 60 * MILLISECOND, SECOND);
    pieceBytes = (int) pick(random, 1, 7, 40, 1 << 20, 1 << 20);
    blocksWrites = random.nextInt(4) == 0;

    cutPercent = (int) pick(random, 0, 4, 12, 25);
    halfOpenPercent = keepAliveSeconds == 0 ? 0 : (int) pick(random, 0, 0, 5);
    boolean forgets = theme == Theme.FORGETFUL_SERVER;
    serverRestartPercent = forgets ? 10 : (int) pick(random, 0, 0, 4, 10);
    serverForgetsPercent = forgets ? 90 : (int) pick(random, 0, 0, 50, 100);
    lostConnackPercent = forgets ? 60 : (int) pick(random, 0, 0, 10);
    lostPublishPercent = forgets ? 25 : (int) pick(random, 0, 0, 0, 4);
    withholdPercent = (int) pick(random, 0, 0, 4);
    refusalPercent = (int) pick(random, 0, 0, 20);
    crashPercent = durable ? (int) pick(random, storeTheme || forgets ? 8 : 0, 0, 4, 10) : 0;
    storeCrashPerMille =
        durable
            ? (int) pick(random, theme == Theme.DYING_PROCESS || forgets ? 30 : 0, 0, 10, 40)
            : 0;
    storeFailurePercent =
        durable ? (int) pick(random, theme == Theme.FAILING_STORE ? 10 : 0, 0, 0, 6) : 0;
  }

  private static long pick(SplittableRandom random, long... values) {
    return values[random.nextInt(values.length)];
  }

  /** How many of the client's messages may be under way. */
  int mostUnderWay() {
    return Math.min(serverReceiveMaximum, engineOptions.sendMaximum());
  }

  boolean isVersion5() {
    return version == MqttVersion.MQTT_5;
  }

  /** Tells whether the client itself may have to end a connection, since its store fails. */
  boolean mayFail() {
    return storeFailurePercent > 0;
  }

  @Override
  public String toString() {
    return version
        + (durable ? ", durable" : ", in memory")
        + (cleanSession ? ", clean session" : "")
        + ", session expiry "
        + sessionExpirySeconds
        + " s, keep alive "
        + keepAliveSeconds
        + " s, receive maximum "
        + clientReceiveMaximum
        + "/"
        + serverReceiveMaximum
        + ", "
        + engineOptions
        + ", server delivers QoS 2 on "
        + (deliversOnRelease ? "PUBREL" : "PUBLISH")
        + ", latency "
        + latencyNanos
        + " ns; in percent: cuts "
        + cutPercent
        + ", half-open "
        + halfOpenPercent
        + ", server restarts "
        + serverRestartPercent
        + " (forgets "
        + serverForgetsPercent
        + "), crashes "
        + crashPercent
        + ", at the store "
        + storeCrashPerMille / 10.0
        + ", store failures "
        + storeFailurePercent;
  }
}
