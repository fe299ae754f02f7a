// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.mqtt.MqttVersion;
import io.bight.store.Durability;
import java.nio.file.Path;

/** One life of both programs in one process, for the sake of the classes that they load. */
final class Rehearsal {
  private Rehearsal() {}

  public static void main(String[] arguments) throws Exception {
    String uri = arguments[0];
    Path folder = Path.of(arguments[1]);
    Thread consumer =
        new Thread(() -> consume(settings(uri, folder, "consumer", Durability.INTERVAL)));
    consumer.setDaemon(true);
    consumer.start();
    PublisherChild.main(
        settings(uri, folder, "publisher", Durability.ALWAYS).arguments().toArray(String[]::new));
    System.exit(0); // the consumer goes on for ever
  }

  private static void consume(ChildSettings settings) {
    try {
      ConsumerChild.main(settings.arguments().toArray(String[]::new));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static ChildSettings settings(
      String uri, Path folder, String name, Durability durability) {
    return new ChildSettings(uri, MqttVersion.MQTT_5, folder, name, durability, 1, true);
  }
}
