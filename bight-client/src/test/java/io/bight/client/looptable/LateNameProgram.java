// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import io.bight.client.MqttClient;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.testkit.ScriptedServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * A program that starts before its server's name exists, run as a child process whose names come
 * from a file: {@code -Djdk.net.hosts.file}. The name appears with a wrong address, then with the
 * right one, then the server begins to listen.
 */
final class LateNameProgram {
  private static final String NAME = "late.example";

  private LateNameProgram() {}

  public static void main(String[] arguments) throws Exception {
    Security.setProperty("networkaddress.cache.ttl", "0");
    Security.setProperty("networkaddress.cache.negative.ttl", "0");
    Path names = Path.of(System.getProperty("jdk.net.hosts.file"));
    for (DrivingMode mode : DrivingMode.values()) {
      run(mode, names);
      System.out.println(mode + " connected");
    }
  }

  private static void run(DrivingMode mode, Path names) throws Exception {
    Files.writeString(names, "127.0.0.1 another.example\n");
    Failures failures = new Failures();
    try (ScriptedServer server = ScriptedServer.behavingBroker();
        MqttLoop loop = MqttLoop.create();
        MqttClient client =
            MqttClient.builder("mqtt://" + NAME + ":" + server.port())
                .loop(loop)
                .reconnect(
                    ReconnectPolicy.exponential(Duration.ofMillis(5), Duration.ofMillis(20))
                        .alsoFirstConnect())
                .onConnectFailure(event -> failures.add(event.failure().getMessage()))
                .build()) {
      server.stopListening();
      try (DrivingMode.Driver driver = mode.drive(loop)) {
        var connected = client.connectAsync();
        mode.awaitDriven(loop, failures.next("the host '" + NAME + "' is not known"));
        Files.writeString(names, "127.0.0.2 " + NAME + "\n");
        mode.awaitDriven(loop, failures.next("nothing listens on " + NAME));
        server.startListening(); // on 127.0.0.1, which is not the name's address yet
        mode.awaitDriven(loop, failures.next("nothing listens on " + NAME));
        Files.writeString(names, "127.0.0.1 " + NAME + "\n");
        connected.await(Await.LIMIT);
      }
    }
  }

  /** The failures to come, in the driver's thread and the test's. */
  private static final class Failures {
    private String awaited = "";
    private CompletableFuture<Void> seen = new CompletableFuture<>();

    synchronized CompletableFuture<Void> next(String part) {
      awaited = part;
      seen = new CompletableFuture<>();
      return seen;
    }

    synchronized void add(String message) {
      if (message.contains(awaited)) {
        seen.complete(null);
      }
    }
  }
}
