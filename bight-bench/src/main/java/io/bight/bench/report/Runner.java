// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.report;

import io.bight.bench.peer.PeerName;
import io.bight.bench.report.Launcher.RunningSink;
import io.bight.bench.work.Figures;
import io.bight.bench.work.WorkName;
import io.bight.bench.work.WorkOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The command: runs each work with each peer in turn, round after round, so that what the machine
 * does meanwhile falls on all of them. Says on standard error what it does, and prints the tables.
 */
public final class Runner {
  private static final int USAGE_ERROR = 2;

  private final RunOptions options;
  private final Launcher launcher;
  private final boolean libmosquitto;
  private final Map<String, String> machine = Machine.facts();

  private Runner(RunOptions options, Launcher launcher, boolean libmosquitto) {
    this.options = options;
    this.launcher = launcher;
    this.libmosquitto = libmosquitto;
  }

  /** Ends with 0, with 1 if a measurement has failed, or with 2 if it was not understood. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (List.of(arguments).contains("--help")) {
      System.out.print(RunOptions.usage());
      return;
    }
    Path module = Path.of(System.getProperty("bight.bench.home", "bight-bench")).toAbsolutePath();
    RunOptions options;
    try {
      options = RunOptions.of(arguments, module.resolve("target/bench"));
    } catch (IllegalArgumentException e) {
      System.err.println("bight-bench: " + e.getMessage() + " (--help tells what there is)");
      System.exit(USAGE_ERROR);
      return;
    }
    Path libmosquitto =
        Launcher.compileLibmosquitto(
            module.resolve("src/main/c/libmosquitto.c"), module.resolve("target/libmosquitto"));
    Launcher launcher = new Launcher(options.jvmOptions(), libmosquitto);
    if (!launcher.canPin()) {
      say("no taskset or a single core: client and server are not kept on a core each");
    }
    if (libmosquitto == null) {
      say("no C compiler or no libmosquitto: it is left out");
    }
    boolean failed = new Runner(options, launcher, libmosquitto != null).run();
    System.exit(failed ? 1 : 0);
  }

  private static void say(String what) {
    System.err.println("bight-bench: " + what);
  }

  private boolean run() throws IOException, InterruptedException {
    Files.createDirectories(options.output());
    boolean failed = false;
    for (WorkName work : options.works()) {
      Comparison comparison = measure(work);
      System.out.println(Table.of(comparison));
      Path json = options.output().resolve(comparison.fileName() + ".json");
      Path svg = options.output().resolve(comparison.fileName() + ".svg");
      Files.writeString(json, Json.of(comparison, machine));
      Files.writeString(svg, Svg.of(comparison, machine));
      say("written: " + json + " and " + svg);
      failed |= !comparison.failures().isEmpty();
    }
    return failed;
  }

  private Comparison measure(WorkName work) throws IOException, InterruptedException {
    BenchKey key = work.isTls() ? BenchKey.make(options.output().resolve("tls")) : null;
    Path keyStore = key == null ? null : key.store();
    Path trustStore = key == null ? null : key.trust();
    List<PeerName> peers = peers(work);
    List<Series> all = new ArrayList<>();
    List<String> failures = new ArrayList<>();
    for (int point : work.points()) {
      List<Series> series = new ArrayList<>();
      peers.forEach(peer -> series.add(new Series(peer.text(), point)));
      int window = work == WorkName.CURVE_INFLIGHT ? point : options.window();
      try (RunningSink sink =
          launcher.startSink(
              work.sinkOptions(options.payloadBytes(), window, keyStore), work.isPinned())) {
        for (int round = 1; round <= options.rounds(); round++) {
          for (int i = 0; i < peers.size(); i++) {
            PeerName peer = peers.get(i);
            String at = work.isCurve() ? " at " + point : "";
            say(work.text() + at + ", round " + round + ": " + peer.text());
            try {
              for (int j = 0; j < work.processesPerRound(); j++) {
                series.get(i).rounds().add(runOnce(work, peer, point, sink, trustStore));
              }
            } catch (IOException e) {
              say(peer.text() + " has failed: " + e.getMessage());
              String reason = String.valueOf(e.getMessage()).lines().limit(2).toList().toString();
              failures.add(peer.text() + at + ", round " + round + ": " + reason);
            }
          }
        }
      }
      series.stream().filter(each -> !each.rounds().isEmpty()).forEach(all::add);
    }
    return new Comparison(work, options.payloadBytes(), all, failures);
  }

  private List<PeerName> peers(WorkName work) {
    List<PeerName> able = work.peers(libmosquitto);
    if (options.peers().isEmpty()) {
      return able;
    }
    List<PeerName> chosen = new ArrayList<>();
    for (PeerName peer : options.peers()) {
      boolean can = peer == PeerName.LIBMOSQUITTO ? able.contains(peer) : work.work(peer) != null;
      if (can) {
        chosen.add(peer);
      } else {
        say(peer.text() + " does not do " + work.text() + ": left out");
      }
    }
    return chosen;
  }

  private Figures runOnce(
      WorkName work, PeerName peer, int point, RunningSink sink, @Nullable Path trustStore)
      throws IOException, InterruptedException {
    int window = work == WorkName.CURVE_INFLIGHT ? point : options.window();
    int connections =
        work == WorkName.CURVE_CONNECTIONS ? point : work.isMany() ? options.connections() : 1;
    Path directory =
        work == WorkName.DURABLE ? Files.createTempDirectory(options.output(), "session") : null;
    try {
      return launcher.run(
          work,
          peer,
          new WorkOptions(
              sink.port(),
              sink.controlPort(),
              options.warmUp(),
              options.measured(),
              options.payloadBytes(),
              window,
              options.resume(window),
              connections,
              work == WorkName.CURVE_FILTERS ? point : 1,
              trustStore,
              directory));
    } finally {
      if (directory != null) {
        delete(directory);
      }
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
