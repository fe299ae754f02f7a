// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;

/** Runs seeds one after the other, and says how to replay the ones that fail. */
final class Simulations {
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

  private Simulations() {}

  /**
   * Runs seeds until there are enough, the time is over, or some have failed.
   *
   * @param seconds how long to go on at most
   * @param failures after how many failures to stop
   * @param says whether to report while running
   */
  static Result run(long first, long seeds, double seconds, int failures, boolean says) {
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
  static Throwable failureOf(long seed) {
    try {
      new Simulation(seed, false).run();
      return null;
    } catch (Exception | Error e) {
      return e;
    }
  }

  /** Returns what is wrong with a seed, how to replay it, and what happens in it. */
  static String report(long seed) {
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
  static String command(long seed) {
    return "mvn -B -pl bight-testkit,bight-core test -Dtest=SimulationTest"
        + " -Dsurefire.failIfNoSpecifiedTests=false -Dsimulation.seed="
        + seed;
  }

  /** Returns what happens in a seed, in words, and how it ends. */
  static String trace(long seed) {
    Simulation simulation = new Simulation(seed, true);
    StringWriter end = new StringWriter();
    try {
      simulation.run();
      end.write("all is well\n");
    } catch (Exception | Error e) {
      e.printStackTrace(new PrintWriter(end));
    }
    return simulation.traceText() + end;
  }

  /**
   * For a copy of the engine in a class loader of its own: returns the first seed that fails and
   * why, or null.
   */
  static Object[] firstFailure(long first, long seeds) {
    for (long seed = first; seed < first + seeds; seed++) {
      Throwable failure = failureOf(seed);
      if (failure != null) {
        return new Object[] {seed, failure.toString()};
      }
    }
    return null;
  }

  /** Runs a range of seeds outside of Maven: first seed, number of seeds. */
  public static void main(String[] arguments) {
    long first = Long.parseLong(arguments[0]);
    Result result = run(first, Long.parseLong(arguments[1]), Double.MAX_VALUE, 10, true);
    result.failed().forEach(seed -> System.out.println(seed + ": " + failureOf(seed)));
    System.out.println(result);
  }
}
