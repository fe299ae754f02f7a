// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.report;

import io.bight.bench.peer.PeerName;
import io.bight.bench.work.WorkName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * What the command line asks for.
 *
 * @param works in their order
 * @param peers empty: those that do the work
 * @param rounds how often each peer is run
 * @param warmUp before each measurement
 * @param measured how long each measurement takes
 * @param payloadBytes of each message
 * @param window how many messages are outstanding at most
 * @param resume after how many messages of a full window are done a program goes on; 0: half of it
 * @param connections for the works with many
 * @param jvmOptions of each client
 * @param output where JSON and pictures go
 */
record RunOptions(
    List<WorkName> works,
    List<PeerName> peers,
    int rounds,
    Duration warmUp,
    Duration measured,
    int payloadBytes,
    int window,
    int resume,
    int connections,
    List<String> jvmOptions,
    Path output) {
  static final String USAGE =
      """
      usage: ./bight-bench/run [OPTION...] WORK...
             ./bight-bench/run micro [JMH'S OPTION...] [BENCHMARK...]

      Runs Bight and other clients in turn against a server that only counts, acknowledges and floods, and
      prints medians, ranges and ratios. JSON and a picture of each work go to bight-bench/target/bench.

      Works ('all' for all of them):
      %s
      Options:
        --rounds N          how often each client is run, A B C A B C ... (3)
        --warmup SECONDS    before each measurement (6)
        --seconds SECONDS   how long each measurement takes (2)
        --payload BYTES     of each message (64)
        --window N          how many messages are outstanding at most (1000)
        --resume N          after how many messages of a full window are done the program goes on (half of it);
                            1 as with a Semaphore
        --connections N     for idle and trickle (10000)
        --peers A,B,...     which clients; all that do the work unless given:
                            %s
        --jvm OPTIONS       of each client's JVM ("-XX:+UseG1GC")
        --output FOLDER     for JSON and pictures
        --help              this text

      'micro' measures single parts with JMH: the codec, the engine, the tree of filters, the command queue.
      'micro -l' lists them, 'micro -h' JMH's options.
      """;

  private static final Set<String> NAMES =
      Set.of(
          "--rounds",
          "--warmup",
          "--seconds",
          "--payload",
          "--window",
          "--resume",
          "--connections",
          "--peers",
          "--jvm",
          "--output");

  /** Reads the command line; an IllegalArgumentException says what is wrong with it. */
  static RunOptions of(String[] arguments, Path defaultOutput) {
    List<WorkName> works = new ArrayList<>();
    List<PeerName> peers = new ArrayList<>();
    int rounds = 3;
    Duration warmUp = Duration.ofSeconds(6);
    Duration measured = Duration.ofSeconds(2);
    int payloadBytes = 64;
    int window = 1_000;
    int resume = 0;
    int connections = 10_000;
    List<String> jvmOptions = List.of("-XX:+UseG1GC");
    Path output = defaultOutput;
    for (int i = 0; i < arguments.length; i++) {
      String argument = arguments[i];
      if (!argument.startsWith("-")) {
        works.addAll(
            argument.equals("all")
                ? Arrays.asList(WorkName.values())
                : List.of(WorkName.of(argument)));
        continue;
      }
      if (!NAMES.contains(argument)) {
        throw new IllegalArgumentException("There is no option " + argument + ".");
      }
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException(argument + " wants a value.");
      }
      String value = arguments[++i];
      switch (argument) {
        case "--rounds" -> rounds = positive(argument, value);
        case "--warmup" -> warmUp = seconds(argument, value);
        case "--seconds" -> measured = seconds(argument, value);
        case "--payload" -> payloadBytes = positive(argument, value);
        case "--window" -> window = positive(argument, value);
        case "--resume" -> resume = positive(argument, value);
        case "--connections" -> connections = positive(argument, value);
        case "--jvm" -> jvmOptions = List.of(value.strip().split(" +", -1));
        case "--output" -> output = Path.of(value).toAbsolutePath();
        case "--peers" -> {
          for (String peer : value.split(",", -1)) {
            peers.add(PeerName.of(peer));
          }
        }
        default -> throw new AssertionError(argument);
      }
    }
    if (works.isEmpty()) {
      throw new IllegalArgumentException("Which work?");
    }
    if (window > 65_535) {
      throw new IllegalArgumentException(
          "--window is at most 65,535: packet identifiers end there.");
    }
    if (resume > window) {
      throw new IllegalArgumentException("--resume is at most the window, " + window + ".");
    }
    return new RunOptions(
        works,
        peers,
        rounds,
        warmUp,
        measured,
        payloadBytes,
        window,
        resume,
        connections,
        jvmOptions,
        output);
  }

  /** After how many messages of a full window of that size the program goes on. */
  int resume(int window) {
    return resume == 0 ? window - window / 2 : Math.min(resume, window);
  }

  static String usage() {
    StringBuilder works = new StringBuilder();
    for (WorkName work : WorkName.values()) {
      works.append(String.format(Locale.ROOT, "  %-18s%s%n", work.text(), work.description()));
    }
    List<String> peers = Arrays.stream(PeerName.values()).map(PeerName::text).toList();
    return String.format(Locale.ROOT, USAGE, works, String.join(", ", peers));
  }

  private static int positive(String option, String value) {
    try {
      int number = Integer.parseInt(value);
      if (number > 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(option + " wants a positive number, not " + value + ".");
  }

  private static Duration seconds(String option, String value) {
    try {
      double number = Double.parseDouble(value);
      if (number >= 0) {
        return Duration.ofMillis(Math.round(number * 1_000));
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(option + " wants a number of seconds, not " + value + ".");
  }
}
