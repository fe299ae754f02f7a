// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttVersion;
import io.bight.store.DiskSessionStore;
import io.bight.store.Durability;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What one life of a program is told.
 *
 * @param uri the broker
 * @param version of the protocol
 * @param folder where ledger and session are
 * @param name of the program: its client identifier, and what its files are called
 * @param durability of the session; may differ from life to life
 * @param seed for what it does by chance
 * @param isLast whether it is to finish its work and end by itself
 */
record ChildSettings(
    String uri,
    MqttVersion version,
    Path folder,
    String name,
    Durability durability,
    long seed,
    boolean isLast) {

  static ChildSettings of(String[] arguments) {
    return new ChildSettings(
        arguments[0],
        MqttVersion.valueOf(arguments[1]),
        Path.of(arguments[2]),
        arguments[3],
        Durability.valueOf(arguments[4]),
        Long.parseLong(arguments[5]),
        Boolean.parseBoolean(arguments[6]));
  }

  List<String> arguments() {
    return List.of(
        uri,
        version.name(),
        folder.toString(),
        name,
        durability.name(),
        Long.toString(seed),
        Boolean.toString(isLast));
  }

  static Path ledger(Path folder, String name) {
    return folder.resolve(name + ".ledger");
  }

  Path ledger() {
    return ledger(folder, name);
  }

  MqttClientBuilder client() {
    return MqttClient.builder(uri)
        .clientId(name)
        .version(version)
        .keepAlive(Duration.ofSeconds(5))
        .reconnect(
            ReconnectPolicy.exponential(Duration.ofMillis(20), Duration.ofMillis(200))
                .alsoFirstConnect())
        .sessionStore(
            DiskSessionStore.in(folder.resolve(name + ".session"))
                .durability(durability)
                .syncInterval(Duration.ofMillis(50)));
  }
}
