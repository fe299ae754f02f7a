// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.packet.Publish;
import io.bight.store.DiskSessionStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.TreeSet;

/** Publishes three readings with each start, each exactly once, however often it is killed. */
final class SurviveARestart {
  public static void main(String[] args) throws IOException {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    Path folder = Files.createDirectories(Path.of(args.length > 1 ? args[1] : "meter-7"));
    Path ledger = folder.resolve("ledger"); // what was begun, and what is known to be done
    Set<Integer> begun = readings(ledger, "begin ");
    int last = begun.stream().reduce(0, Math::max);
    begun.removeAll(readings(ledger, "done "));
    try (MqttClient client =
        MqttClient.builder(uri)
            .clientId("meter-7") // whose session it is
            .sessionStore(DiskSessionStore.in(folder.resolve("session")))
            .reconnect(ReconnectPolicy.exponential().alsoFirstConnect())
            .onConnectFailure(event -> System.out.println("not yet"))
            .onPublished(
                event -> {
                  int reading = Integer.parseInt(event.tag().orElseThrow());
                  if (event.failure().isPresent()) {
                    System.out.println(event.failure().get().getMessage());
                    return;
                  }
                  write(ledger, "done " + reading); // the session forgets it after this
                  System.out.println("done " + reading);
                  begun.remove(reading);
                  if (begun.isEmpty()) {
                    event.client().disconnect();
                  }
                })
            .build()) {
      Set<Integer> neverStored = new TreeSet<>(begun);
      for (StoredPublish restored : client.restoredPublishes()) {
        neverStored.remove(Integer.valueOf(restored.tag())); // is sent without our help
      }
      neverStored.forEach(reading -> publish(client, reading));
      for (int reading = last + 1; reading <= last + 3; reading++) {
        begun.add(reading);
        write(ledger, "begin " + reading);
        publish(client, reading);
      }
      client.connectAsync();
      client.loopForever();
    }
  }

  private static void publish(MqttClient client, int reading) {
    Publish message =
        Publish.builder("meter/7").payload("reading " + reading).qos(Qos.EXACTLY_ONCE).build();
    client.publish(message, Integer.toString(reading)); // the tag: by it onPublished tells of it
  }

  private static Set<Integer> readings(Path ledger, String word) throws IOException {
    Set<Integer> readings = new TreeSet<>();
    if (Files.exists(ledger)) {
      for (String line : Files.readAllLines(ledger)) {
        if (line.startsWith(word)) {
          readings.add(Integer.valueOf(line.substring(word.length())));
        }
      }
    }
    return readings;
  }

  private static void write(Path ledger, String line) {
    try {
      Files.writeString(ledger, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
