// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.packet.Publish;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code bight pub}: publishes and ends, with Mosquitto's flags. */
@Command(
    name = "pub",
    description = "Publish messages to a topic. The flags are those of mosquitto_pub.",
    sortOptions = false,
    footer = {
      "",
      "Examples:",
      "  bight pub -t house/door -m open",
      "  bight pub -h broker.example -q 1 -r -t house/kitchen/temp -m 21.5",
      "  bight pub -L mqtt://user:secret@broker.example/house/door -m open",
      "  vmstat 1 | bight pub -l -t machine/vmstat",
      "",
      "Exit status: 0 published; 1 no connection, or not published; 2 wrong arguments;",
      "otherwise the server's reason for refusing the connection.",
    })
final class PubCommand implements Callable<Integer> {
  /** How many messages of -l may wait for their acknowledgement. */
  private static final int MOST_IN_FLIGHT = 1000;

  @ParentCommand private Bight bight;
  @Mixin private ServerOptions server;

  @Option(
      names = {"-t", "--topic"},
      paramLabel = "TOPIC",
      description = "The topic name.")
  private @Nullable String topic;

  @Option(
      names = {"-m", "--message"},
      paramLabel = "TEXT",
      description = "The payload.")
  private @Nullable String text;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "A file that holds the payload.")
  private @Nullable Path file;

  @Option(
      names = {"-s", "--stdin-file"},
      description = "Standard input is the payload.")
  private boolean wholeInput;

  @Option(
      names = {"-l", "--stdin-line"},
      description = "Each line of standard input is a payload.")
  private boolean lines;

  @Option(
      names = {"-n", "--null-message"},
      description = "An empty payload.")
  private boolean empty;

  @Option(
      names = {"-r", "--retain"},
      description = "The server keeps the message for later subscribers.")
  private boolean retain;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "1",
      description = "Publish the message N times. Default: once.")
  private int repeat;

  @SuppressWarnings("NullAway.Init") // picocli sets the fields
  PubCommand() {}

  @Override
  public Integer call() throws IOException {
    Publish.Builder message = message();
    var builder = server.client().reconnect(ReconnectPolicy.never());
    byte[] payload = lines ? null : payload();
    try (MqttClient client = server.checked(builder::build);
        Interruption interruption = new Interruption(client::close)) {
      if (lines) {
        client.loopStart(); // reading may take long, and keep alive goes on
      }
      client.connect();
      if (payload == null) {
        publishLines(client, message);
      } else {
        message.payload(payload);
        publishRepeatedly(client, message.build());
      }
      client.disconnect();
    }
    return Bight.DONE;
  }

  private Publish.Builder message() {
    String name = topic == null ? server.topicInUri() : topic;
    if (name == null) {
      throw server.wrong("no topic: say where to publish with -t TOPIC");
    }
    int sources =
        (text != null ? 1 : 0)
            + (file != null ? 1 : 0)
            + (wholeInput ? 1 : 0)
            + (lines ? 1 : 0)
            + (empty ? 1 : 0);
    if (sources != 1) {
      throw server.wrong(
          (sources == 0 ? "no message" : "more than one message")
              + ": give one of -m TEXT, -f FILE, -s, -l and -n");
    }
    if (repeat < 1) {
      throw server.wrong("--repeat " + repeat + " is out of range: give 1 or more");
    }
    return server.checked(() -> Publish.builder(name).qos(server.qos()).retain(retain));
  }

  private byte[] payload() throws IOException {
    if (text != null) {
      return text.getBytes(StandardCharsets.UTF_8);
    }
    if (file != null) {
      try {
        return Files.readAllBytes(file);
      } catch (NoSuchFileException e) {
        throw server.wrong("there is no file '" + file + "'; check the name after -f");
      } catch (IOException e) {
        throw server.wrong("the file '" + file + "' cannot be read: " + e.getMessage());
      }
    }
    return wholeInput ? bight.console.in.readAllBytes() : new byte[0];
  }

  private void publishRepeatedly(MqttClient client, Publish message) {
    InFlight inFlight = new InFlight();
    for (int i = 0; i < repeat; i++) {
      inFlight.add(client.publish(message));
    }
    inFlight.awaitAll();
  }

  private void publishLines(MqttClient client, Publish.Builder message) throws IOException {
    InFlight inFlight = new InFlight();
    InputStream in = new BufferedInputStream(bight.console.in);
    for (byte[] line; (line = readLine(in)) != null; ) {
      inFlight.add(client.publish(message.payload(line).build()));
    }
    inFlight.awaitAll();
  }

  /** Reads bytes up to a line feed, which is left out; null at the end. */
  private static byte @Nullable [] readLine(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int next = in.read();
    if (next < 0) {
      return null;
    }
    for (; next >= 0 && next != '\n'; next = in.read()) {
      line.write(next);
    }
    return line.toByteArray();
  }

  /** Bounds what waits for acknowledgements, and fails with the first that fails. */
  private static final class InFlight {
    private final ArrayDeque<MqttFuture<PublishResult>> futures = new ArrayDeque<>();

    void add(MqttFuture<PublishResult> future) {
      futures.add(future);
      if (futures.size() > MOST_IN_FLIGHT) {
        futures.remove().await();
      }
    }

    void awaitAll() {
      while (!futures.isEmpty()) {
        futures.remove().await();
      }
    }
  }
}
