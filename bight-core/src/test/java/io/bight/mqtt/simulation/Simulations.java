// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Runs seeds one after the other, and says how to replay the ones that fail. */
final class Simulations {
  /** The engine with its store. */
  static final Simulations ENGINE =
      new Simulations("bight-testkit,bight-core", "SimulationTest", Simulation::new);

  private static final int REPORT_SECONDS = 10;

  /** What became of a range of seeds. */
  record Result(long first, long seeds, double seconds, List<Long> failed) {
    @Override
    public String toString() {
      return String.format(
          "%,d seeds from %d on in %.1f s: %,.0f a second, %d failed %s",
          seeds, first, seconds, seeds / seconds, failed.size(), failed.isEmpty() ? "" : failed);
    }
  }

  /** Makes the world of a seed. */
  interface Worlds {
    World of(long seed, boolean traced);
  }

  private final String modules;
  private final String test;
  private final Worlds worlds;

  /**
   * Makes what runs a kind of simulation.
   *
   * @param modules where it is, for Maven
   * @param test the test that replays a seed
   */
  Simulations(String modules, String test, Worlds worlds) {
    this.modules = modules;
    this.test = test;
    this.worlds = worlds;
  }

  /**
   * Runs seeds until there are enough, the time is over, or some have failed.
   *
   * @param seconds how long to go on at most
   * @param failures after how many failures to stop
   * @param says whether to report while running
   */
  Result run(long first, long seeds, double seconds, int failures, boolean says) {
    List<Long> failed = new ArrayList<>();
    long began = System.nanoTime();
    long reported = began;
    long end = began + (long) (Math.min(seconds, 1e9) * 1e9);
    long done = 0;
    while (done < seeds && failed.size() < failures) {
      long seed = first + done++;
      if (failureOf(seed) != null) {
        failed.add(seed);
      }
      if ((done & 0x3F) == 0) {
        long now = System.nanoTime();
        if (now - end >= 0) {
          break;
        }
        if (says && now - reported > REPORT_SECONDS * Scenario.SECOND) {
          reported = now;
          System.out.println(new Result(first, done, (now - began) / 1e9, failed));
        }
      }
    }
    return new Result(first, done, (System.nanoTime() - began) / 1e9, failed);
  }

  /** Runs a seed; returns what is wrong, or null if nothing is. */
  Throwable failureOf(long seed) {
    try {
      worlds.of(seed, false).run();
      return null;
    } catch (Exception | Error e) {
      return e;
    }
  }

  /** Returns what is wrong with a seed, how to replay it, and what happens in it. */
  String report(long seed) {
    return "seed "
        + seed
        + " of the simulation fails: "
        + failureOf(seed)
        + "\nReplay it with\n  "
        + command(seed)
        + "\n\n"
        + trace(seed);
  }

  /** Returns the command that replays a seed. */
  String command(long seed) {
    return "mvn -B -pl "
        + modules
        + " test -Dtest="
        + test
        + " -Dsurefire.failIfNoSpecifiedTests=false -Dsimulation.seed="
        + seed;
  }

  /** Returns what happens in a seed, in words, and how it ends. */
  String trace(long seed) {
    World simulation = worlds.of(seed, true);
    StringWriter end = new StringWriter();
    try {
      simulation.run();
      end.write("all is well\n");
    } catch (Exception | Error e) {
      e.printStackTrace(new PrintWriter(end));
    }
    return simulation.traceText() + end;
  }

  /** Returns the first seed that fails and why, or null. */
  Object[] firstFailureIn(long first, long seeds) {
    for (long seed = first; seed < first + seeds; seed++) {
      Throwable failure = failureOf(seed);
      if (failure != null) {
        return new Object[] {seed, failure.toString()};
      }
    }
    return null;
  }

  /** For a copy of the engine in a class loader of its own. */
  static Object[] firstFailure(long first, long seeds) {
    return ENGINE.firstFailureIn(first, seeds);
  }

  /** Runs a range of seeds outside of Maven: first seed, number of seeds. */
  public static void main(String[] arguments) {
    long first = Long.parseLong(arguments[0]);
    ENGINE.main(first, Long.parseLong(arguments[1]));
  }

  void main(long first, long seeds) {
    Result result = run(first, seeds, Double.MAX_VALUE, 10, true);
    result.failed().forEach(seed -> System.out.println(seed + ": " + failureOf(seed)));
    System.out.println(result);
  }

  // ---- for the tests

  /** Runs the seeds that were asked for on the command line, or those of every build. */
  void runFromCommandLine(long seeds, double seconds) {
    String replayed = System.getProperty("simulation.seed");
    if (replayed != null) {
      System.out.println(trace(Long.parseLong(replayed)));
      requireNoFailure(failedOf(List.of(Long.parseLong(replayed))));
      return;
    }
    String base = System.getProperty("simulation.base", "1");
    Result result =
        run(
            base.equals("random") ? System.nanoTime() >>> 8 << 20 : Long.parseLong(base),
            Long.getLong("simulation.seeds", seeds),
            Double.parseDouble(System.getProperty("simulation.seconds", "" + seconds)),
            1,
            true);
    System.out.println("simulation: " + result);
    requireNoFailure(result.failed());
  }

  /**
   * Runs the seeds of a list.
   *
   * @param list a resource with a seed and a word on it in each line
   */
  void runFailedOnce(String list) throws IOException {
    List<Long> seeds;
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                Simulations.class.getResourceAsStream(list), StandardCharsets.UTF_8))) {
      seeds =
          reader
              .lines()
              .filter(line -> !line.isBlank() && !line.startsWith("#"))
              .map(line -> Long.parseLong(line.substring(0, line.indexOf(' '))))
              .toList();
    }
    if (seeds.isEmpty()) {
      throw new AssertionError(list + " has no seeds");
    }
    requireNoFailure(failedOf(seeds));
  }

  private List<Long> failedOf(List<Long> seeds) {
    return seeds.stream().filter(seed -> failureOf(seed) != null).toList();
  }

  private void requireNoFailure(List<Long> failed) {
    if (!failed.isEmpty()) {
      throw new AssertionError(report(failed.get(0)));
    }
  }
}
