// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.util.SplittableRandom;

/**
 * One seed: a whole client with its loop, its reconnects and its program, a server, and a network
 * between them, on one thread and a virtual clock. First accidents happen; then all is healed, and
 * everything must come to its end.
 */
final class ClientSimulation extends World {
  static final Simulations CLIENT =
      new Simulations("bight-client -am", "ClientSimulationTest", ClientSimulation::new);

  private static final long PATIENCE_NANOS = 1_200 * Scenario.SECOND;
  private static final int MOST_STEPS = 400_000;

  /** So many may have ended before a subscription was answered that the client let it be. */
  private static final int MANY_CONNECTIONS = 4;

  private static final int[] REFUSALS_5 = {
    0x80, 0x81, 0x82, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x97, 0x9C, 0x9D, 0x9F
  };
  private static final int[] REFUSALS_3 = {1, 2, 3, 4, 5};

  private final Scenario scenario;
  private final ClientScenario clientScenario;
  private final SimulatedStore store;
  private final ClientProgram program;
  private SimulatedProcess process;
  private int lives;
  private int actions;
  private int steps;
  private Violation failure;
  private boolean ending;

  /** Since when everything is quiet; negative: it is not. */
  private long quietNanos = -1;

  /** Since when, after all was healed, there is no connection; negative: there is one. */
  private long lonelyNanos = -1;

  ClientSimulation(long seed, boolean traced) {
    this(new SplittableRandom(seed), traced);
  }

  private ClientSimulation(SplittableRandom random, boolean traced) {
    super(random, new Scenario(random), traced);
    scenario = scenario();
    clientScenario = new ClientScenario(random);
    store = new SimulatedStore(this);
    program = new ClientProgram(this);
  }

  @Override
  void run() {
    trace("%s; %s", scenario, clientScenario);
    after(0, this::startProcess);
    after(0, this::tick);
    comeToRest();
    if (process.rules().connections() > MANY_CONNECTIONS) {
      // A subscription that was asked for in vain too often is asked for on the next connection.
      program.disconnect();
      process.planTurn();
      quietNanos = -1;
      comeToRest();
    }
    verify();
    ending = true;
    process.close();
    process.planTurn();
    while (process.isAlive()) {
      step();
    }
  }

  private void comeToRest() {
    while (!isAtRest()) {
      step();
    }
  }

  private void step() {
    if (++steps > MOST_STEPS) {
      throw new Violation("no end after " + steps + " steps: " + describe());
    }
    try {
      if (!runNext()) {
        throw new Violation("nothing is left to happen: " + describe());
      }
    } catch (Crash crash) {
      process.stopLiving();
    } catch (Violation violation) {
      fail(violation); // unless something was wrong before
    }
    if (failure != null) {
      throw failure;
    }
    if (process == null) {
      return;
    }
    if (!process.isAlive() && !ending && !starting) {
      crash();
    } else if (process.isAlive() && process.isClosed()) {
      onClosed();
    } else {
      process.planTurn();
    }
  }

  /** Whether the next process is on its way. */
  private boolean starting = true;

  private void startProcess() {
    starting = false;
    process = new SimulatedProcess(this, lives++);
    program.onStart(process);
  }

  private void crash() {
    trace("client: dies");
    process.die();
    ledger().onCrash();
    store.die();
    startAgain();
  }

  private void onClosed() {
    trace("client: is closed");
    process.verifyClosed();
    if (!ending) {
      ledger().onCrash();
      store.closeInOrder();
      startAgain();
    }
  }

  private void startAgain() {
    starting = true;
    after(oneIn(2) ? longTime() : latency(), this::startProcess);
  }

  // ---- what happens

  private void tick() {
    if (actions++ == scenario.actions) {
      heal();
      return;
    }
    after(1 + longBelow(oneIn(8) ? 20 * scenario.gapNanos : scenario.gapNanos), this::tick);
    boolean alive = isAlive();
    accidentsOf(alive ? process.link() : null);
    if (alive && percent(scenario.crashPercent)) {
      after(
          below(3) * latency(),
          () -> {
            if (isAlive()) {
              process.stopLiving();
            }
          });
    }
    if (percent(35)) {
      server().publish(Topics.OUTGOING + below(Topics.INCOMING), below(3), 4 + below(20));
    }
    if (alive) {
      program.act();
    }
  }

  private boolean isAlive() {
    return process != null && process.isAlive();
  }

  private void heal() {
    trace("all is healed");
    stopAccidents();
    stayConnected();
  }

  private void stayConnected() {
    if (ending) {
      return;
    }
    if (isAlive() && !process.isClosing()) {
      if (!process.rules().isWanted()) {
        program.connect();
        lonelyNanos = -1;
      }
      requireConnection();
    } else {
      lonelyNanos = -1;
    }
    after(Scenario.SECOND, this::stayConnected);
  }

  /** When all is well, a connection that is wanted is there after the longest delay. */
  private void requireConnection() {
    if (process.isConnected()) {
      lonelyNanos = -1;
    } else if (lonelyNanos < 0) {
      lonelyNanos = elapsedNanos();
    } else if (elapsedNanos() - lonelyNanos > longestWithoutConnection()) {
      throw new Violation("no connection for too long: " + describe());
    }
  }

  private long longestWithoutConnection() {
    // What was under way when all was healed may have to time out first.
    return 2 * clientScenario.maximumDelayNanos
        + 2 * clientScenario.connectTimeoutNanos
        + clientScenario.connackTimeoutNanos
        + 30 * Scenario.SECOND;
  }

  /** What is quiet must stay so, since not all that is on its way can be seen. */
  private boolean isAtRest() {
    if (isActive()) {
      return false;
    }
    if (!isQuiet()) {
      quietNanos = -1;
      if (nanosSinceHealed() > PATIENCE_NANOS) {
        throw new Violation("nothing comes to rest: " + describe());
      }
      return false;
    }
    if (quietNanos < 0) {
      quietNanos = elapsedNanos();
    }
    long enough = (2L * scenario.keepAliveSeconds + 3) * Scenario.SECOND;
    return elapsedNanos() - quietNanos > enough && !process.hasWork();
  }

  private boolean isQuiet() {
    return isAlive() && process.isConnected() && program.isQuiet() && server().isQuiet();
  }

  private String describe() {
    return (isAlive() ? process.client().diagnostics() + "; " + process.rules().describe() : "")
        + "; "
        + program.describe()
        + "; "
        + server().describe();
  }

  private void verify() {
    ledger().verify();
    if (!ledger().isStandingUnknown()) {
      program.verifySubscriptions(server().session());
    }
    if (scenario.durable) {
      String leftOver = store.leftOver(ledger().hasStaleIdentifiers());
      if (leftOver != null) {
        throw new Violation("left in the store: " + leftOver);
      }
    }
  }

  // ---- for the parts of the world

  ClientScenario clientScenario() {
    return clientScenario;
  }

  SimulatedStore store() {
    return store;
  }

  @Override
  SimulatedProcess client() {
    return process;
  }

  @Override
  boolean takesLateConnects() {
    return true;
  }

  @Override
  int refusal(boolean version5) {
    int[] refusals = version5 ? REFUSALS_5 : REFUSALS_3;
    return refusals[below(refusals.length)];
  }

  /** Dies in a call of its store: the client may catch what is thrown, but lives no more. */
  @Override
  void maybeCrashAtStore() {
    try {
      super.maybeCrashAtStore();
    } catch (Crash crash) {
      process.stopLiving();
      throw crash;
    }
  }

  /** Remembers what is wrong: inside the client it would end in a log. */
  void fail(Violation violation) {
    if (failure == null) {
      failure = violation;
    }
  }

  /** Does something that may find something wrong. */
  void guard(Runnable check) {
    try {
      check.run();
    } catch (Violation violation) {
      fail(violation);
    }
  }

  // ---- for copies in class loaders of their own

  static Object[] firstFailure(long first, long seeds) {
    return CLIENT.firstFailureIn(first, seeds);
  }

  /** Runs a range of seeds outside of Maven: first seed, number of seeds. */
  public static void main(String[] arguments) {
    try (QuietLog log = new QuietLog()) {
      if (arguments.length == 1) {
        System.out.println(CLIENT.trace(Long.parseLong(arguments[0])));
        return;
      }
      CLIENT.main(Long.parseLong(arguments[0]), Long.parseLong(arguments[1]));
    }
  }
}
