// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.packet.Publish;
import io.bight.store.Durability;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * A program whose disk gets full while it publishes and consumes. It tells on standard output what
 * it sees, and goes on with each line on standard input.
 */
final class FullDiskChild {
  private static final int PAYLOAD_BYTES = 10_000;
  private static final int MOST_MESSAGES = 1_000;
  private static final int MORE = 5;

  private final BufferedReader commands =
      new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
  private final Path disk;
  private final MqttClient client;

  /** What was taken by number, until it is done. */
  private final Map<Integer, MqttFuture<PublishResult>> taken = new LinkedHashMap<>();

  private int number;

  private FullDiskChild(String uri, Path disk, Durability durability) {
    this.disk = disk;
    this.client =
        new ChildSettings(uri, MqttVersion.MQTT_5, disk, "full-disk", durability, 0, true)
            .client()
            .onMessage(message -> say("handled " + message.payloadUtf8()))
            .build();
  }

  public static void main(String[] arguments) throws Exception {
    new FullDiskChild(arguments[0], Path.of(arguments[1]), Durability.valueOf(arguments[2]))
        .run(arguments[3].equals("fill"));
  }

  private void run(boolean fill) throws Exception {
    client.loopStart();
    client.connect();
    client.subscribe("full/in", Qos.EXACTLY_ONCE).await();
    publish().get(10, TimeUnit.SECONDS);
    say("ready");
    commands.readLine();

    Path filler = disk.resolve("filler");
    if (fill) {
      fill(filler);
    }
    say("failed: " + publishUntilOneFails().getMessage());
    for (int i = 0; i < MORE; i++) {
      if (failure(publish()) == null) {
        say("a message was taken though the disk is full");
      }
    }
    say("full and " + client.state());
    commands.readLine(); // meanwhile a message arrives

    if (fill) {
      Files.delete(filler);
    } else {
      liftLimit();
    }
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    Throwable failure;
    do {
      failure = failure(publish());
    } while (failure != null && System.nanoTime() - deadline < 0);
    say(failure == null ? "goes on" : "does not go on: " + failure);
    commands.readLine();

    List<Integer> done = new ArrayList<>(taken.keySet());
    for (MqttFuture<PublishResult> each : taken.values()) {
      each.get(20, TimeUnit.SECONDS);
    }
    client.close();
    say("done " + done);
  }

  private MqttStoreException publishUntilOneFails() throws Exception {
    for (int i = 0; i < MOST_MESSAGES; i++) {
      Throwable failure = failure(publish());
      if (failure instanceof MqttStoreException expected) {
        return expected;
      } else if (failure != null) {
        throw new IllegalStateException("failed otherwise", failure);
      }
    }
    throw new IllegalStateException("the disk is not full");
  }

  private MqttFuture<PublishResult> publish() {
    number++;
    Qos qos = number % 2 == 0 ? Qos.EXACTLY_ONCE : Qos.AT_LEAST_ONCE;
    byte[] payload = new byte[PAYLOAD_BYTES];
    byte[] digits = (number + ":").getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(digits, 0, payload, 0, digits.length);
    MqttFuture<PublishResult> future =
        client.publish(
            Publish.builder("full/out").payload(payload).qos(qos).build(),
            Integer.toString(number));
    taken.put(number, future);
    return future;
  }

  /**
   * Returns why the last message was not taken, or null if it was: then the loop has done what
   * there was to do and the message is in the store.
   */
  private Throwable failure(MqttFuture<PublishResult> future) throws Exception {
    // A subscribe is answered by the server after the publish was written, whether or not its
    // acknowledgement comes.
    try {
      client.subscribe("full/ping", Qos.AT_MOST_ONCE).get(10, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      // what cannot be stored cannot be subscribed, either
    }
    if (!future.isCompletedExceptionally()) {
      return null;
    }
    taken.remove(number);
    try {
      future.get();
      throw new AssertionError("it has failed");
    } catch (ExecutionException e) {
      return e.getCause();
    }
  }

  private static void fill(Path filler) throws IOException {
    try (OutputStream out = Files.newOutputStream(filler)) {
      byte[] some = new byte[1024];
      while (true) {
        out.write(some);
      }
    } catch (IOException e) {
      if (!String.valueOf(e.getMessage()).contains("No space left")) {
        throw e;
      }
    }
  }

  private static void liftLimit() throws Exception {
    long pid = ProcessHandle.current().pid();
    new ProcessBuilder("prlimit", "--pid", Long.toString(pid), "--fsize=unlimited:unlimited")
        .inheritIO()
        .start()
        .waitFor();
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
