// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.endurance.KillPlan.Promise;
import io.bight.mqtt.MqttVersion;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Programs that publish and consume are killed with SIGKILL at any moment, and so is the broker:
 * nothing is lost, and no QoS 2 message comes twice.
 *
 * <p>{@code -Dkill.seed=n} repeats the choices of a run that failed, though not its moments; {@code
 * -Dkill.lives=n} says how often each program is killed, {@code -Pkill} that it is hundreds of
 * times.
 */
class KillTest {
  private static final int LIVES = Integer.getInteger("kill.lives", 4);
  private static final int MANY = 50;
  private static final long SEED = Long.getLong("kill.seed", new Random().nextLong());

  /** Who speaks which version; the short run is content with one way round. */
  static List<Versions> versions() {
    return Stream.of(
            new Versions(MqttVersion.MQTT_5, MqttVersion.MQTT_3_1_1),
            new Versions(MqttVersion.MQTT_3_1_1, MqttVersion.MQTT_5))
        .limit(LIVES < MANY ? 1 : 2)
        .toList();
  }

  private record Versions(MqttVersion publisher, MqttVersion consumer) {
    Versions swapped() {
      return new Versions(consumer, publisher);
    }
  }

  @ParameterizedTest
  @MethodSource("versions")
  void nothingIsLostOrTwiceAtMosquitto(Versions versions) throws Exception {
    run("mosquitto", () -> KilledBroker.mosquitto(false), versions, false, Promise.EXACT);
  }

  @ParameterizedTest
  @MethodSource("versions")
  void nothingIsLostOrTwiceAtTheEmbeddedBroker(Versions versions) throws Exception {
    run("embedded", KilledBroker::embedded, versions.swapped(), false, Promise.EXACT);
  }

  /** The count is exact, since this broker loses nothing that it has acknowledged. */
  @ParameterizedTest
  @MethodSource("versions")
  void nothingIsLostOrTwiceWhenTheBrokerIsCutOffToo(Versions versions) throws Exception {
    run("cut-off", KilledBroker::behaving, versions, true, Promise.EXACT);
  }

  /**
   * Mosquitto writes its sessions when it ends in order, so nothing is lost. But 2.0.11 sends a QoS
   * 2 PUBLISH anew where PUBREL was due when it reads a session from disk: what a client was being
   * sent at that moment may come twice.
   */
  @ParameterizedTest
  @MethodSource("versions")
  void nothingIsLostWhenMosquittoEndsInOrderToo(Versions versions) throws Exception {
    run(
        "mosquitto-ended",
        () -> KilledBroker.mosquitto(false),
        versions.swapped(),
        true,
        Promise.NOTHING_LOST);
  }

  /**
   * Mosquitto writes its sessions after it has acknowledged. What it did in the last second before
   * it was killed may never have happened: lost or twice. Everything else is exact.
   */
  @ParameterizedTest
  @MethodSource("versions")
  void onlyWhatMosquittoHadNotSavedIsLostOrTwiceWhenItIsKilledToo(Versions versions)
      throws Exception {
    run(
        "mosquitto-killed",
        () -> KilledBroker.mosquitto(true),
        versions,
        true,
        Promise.SINCE_LAST_SAVE);
  }

  private static void run(
      String name, Supplier<KilledBroker> broker, Versions versions, boolean cuts, Promise promise)
      throws Exception {
    KillPlan plan =
        new KillPlan(
            name, broker, versions.publisher(), versions.consumer(), cuts, promise, LIVES, SEED);
    System.out.println(plan);
    long start = System.nanoTime();
    KillVerdict verdict = new KillRun(plan).run();
    System.out.printf("%s, %.1f s%n", verdict, (System.nanoTime() - start) / 1e9);
  }
}
