// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import io.bight.broker.EmbeddedBroker;
import io.bight.client.MqttClient;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/**
 * {@code bight demo}: real readings, a real broker, and each of the four ways to drive a client.
 */
@Command(
    name = "demo",
    description = {
      "Watch this machine's readings travel through a broker to four receivers, each driven in",
      "another way. One connection is cut half way, and nothing is lost.",
    },
    sortOptions = false,
    footer = {
      "",
      "Examples:",
      "  bight demo",
      "  bight demo --seconds 60",
      "  bight demo --server mqtt://broker.example --forever",
      "",
      "Exit status: 0 every reading has arrived everywhere; 1 not so, or no connection;",
      "2 wrong arguments.",
    })
final class DemoCommand implements Callable<Integer> {
  private static final int SHORTEST_SECONDS = 2;
  private static final int READINGS = 4;

  /** With --forever connections are cut in turn. */
  private static final int FIRST_CUT = 5;

  private static final int SECONDS_BETWEEN_CUTS = 15;
  private static final long PROGRESS_MILLIS = 100;

  @ParentCommand private Bight bight;
  @Spec private CommandSpec spec;

  @Option(
      names = "--server",
      paramLabel = "URI",
      description = "An MQTT 5 server, such as mqtt://HOST:PORT. Default: a broker of its own.")
  private @Nullable String server;

  @Option(names = "--seconds", paramLabel = "N", description = "How long, 2 or more. Default: 15.")
  private @Nullable Integer seconds;

  @Option(names = "--forever", description = "Until Ctrl-C, which shows the table.")
  private boolean forever;

  @SuppressWarnings("NullAway.Init") // picocli sets the fields
  DemoCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    check();
    DemoScreen screen = new DemoScreen(bight.console);
    screen.introduce(READINGS);
    // Both take a moment to begin with, so side by side.
    CompletableFuture<Readings> readings = CompletableFuture.supplyAsync(Readings::open);
    if (server != null) {
      return run(server, readings.join(), screen);
    }
    try (EmbeddedBroker broker = startBroker(screen)) {
      return run(broker.uri(), readings.join(), screen);
    }
  }

  private void check() {
    if (seconds != null && seconds < SHORTEST_SECONDS) {
      throw wrong("--seconds " + seconds + " is too short: give " + SHORTEST_SECONDS + " or more");
    }
    if (seconds != null && forever) {
      throw wrong("--seconds and --forever exclude each other: give one of them");
    }
    if (server != null) {
      try (MqttClient unused = MqttClient.builder(server).build()) {
        return;
      } catch (IllegalArgumentException e) {
        throw wrong(String.valueOf(e.getMessage()));
      }
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private EmbeddedBroker startBroker(DemoScreen screen) throws InterruptedException {
    CompletableFuture<EmbeddedBroker> starting =
        CompletableFuture.supplyAsync(EmbeddedBroker::start);
    long begin = System.nanoTime();
    while (true) {
      String elapsed = DemoScreen.seconds(System.nanoTime() - begin);
      try {
        EmbeddedBroker broker = starting.get(PROGRESS_MILLIS, TimeUnit.MILLISECONDS);
        screen.println(
            "An MQTT 5 broker (HiveMQ Community Edition) is up after "
                + elapsed
                + ". In another terminal:");
        screen.println("  ./bight sub -p " + broker.port() + " -v -t 'bight/#'");
        screen.println("");
        return broker;
      } catch (TimeoutException e) {
        screen.progress("Starting an MQTT 5 broker ... " + elapsed);
      } catch (ExecutionException e) {
        if (e.getCause() instanceof RuntimeException failure) {
          throw failure;
        }
        throw new CompletionException(e.getCause());
      }
    }
  }

  private int run(String uri, Readings readings, DemoScreen screen)
      throws IOException, InterruptedException {
    int rows = forever ? Integer.MAX_VALUE : seconds == null ? 15 : seconds;
    try (Demo demo = new Demo(uri, readings, screen);
        Interruption interruption = new Interruption(demo::stop)) {
      demo.connect();
      boolean whole =
          demo.run(rows, forever ? FIRST_CUT : rows / 2, forever ? SECONDS_BETWEEN_CUTS : rows);
      demo.report();
      return whole ? Bight.DONE : Bight.FAILED;
    }
  }
}
