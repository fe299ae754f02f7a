// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.mqtt.engine.MqttEngine;
import io.bight.mqtt.engine.Session;
import io.bight.mqtt.engine.SessionStore;
import java.util.SplittableRandom;

/**
 * One seed: a client with its program, a server, and a network between them, on one thread and a
 * virtual clock. First accidents happen; then all is healed, and everything must come to its end.
 */
final class Simulation extends World {
  /** How long after the last accident everything must have come to rest. */
  private static final long PATIENCE_NANOS = 1_200 * Scenario.SECOND;

  /** No seed needs so many; one that does runs in circles. */
  private static final int MOST_STEPS = 400_000;

  private final Scenario scenario;
  private final Ledger ledger;
  private final SimulatedStore store;
  private final ModelServer server;
  private final SimulatedClient client;
  private final SimulatedProgram program;

  private int actions;
  private int steps;

  /**
   * Makes the simulation of a seed.
   *
   * @param seed what everything follows from
   * @param traced whether what happens is written down
   */
  Simulation(long seed, boolean traced) {
    this(new SplittableRandom(seed), traced);
  }

  private Simulation(SplittableRandom random, boolean traced) {
    super(random, new Scenario(random), traced);
    scenario = scenario();
    ledger = ledger();
    server = server();
    store = new SimulatedStore(this);
    client = new SimulatedClient(this, ledger, scenario.durable ? store : SessionStore.IN_MEMORY);
    program = new SimulatedProgram(this, ledger, store);
  }

  @Override
  void run() {
    trace("%s", scenario);
    after(0, client::start);
    after(0, this::tick);
    while (!isAtRest()) {
      if (++steps > MOST_STEPS) {
        throw new Violation("no end after " + steps + " steps: " + describe());
      }
      try {
        if (!runNext()) {
          throw new Violation("nothing is left to happen: " + describe());
        }
      } catch (Crash crash) {
        crash();
      }
      if (client.isAlive()) {
        checkBounds();
      }
    }
    verify();
  }

  // ---- what happens

  private void tick() {
    if (actions++ == scenario.actions) {
      heal();
      return;
    }
    after(1 + longBelow(scenario.gapNanos), this::tick);
    accidents();
    if (percent(35)) {
      server.publish(
          Topics.OUTGOING + below(Topics.INCOMING), below(3), 4 + below(oneIn(20) ? 1_500 : 20));
    }
    if (client.isAlive()) {
      program.act();
    }
  }

  private void accidents() {
    accidentsOf(client.link());
    if (percent(scenario.storeFailurePercent)) {
      trace("store: fails");
      store.setFailing(true);
      after(
          longTime(),
          () -> {
            trace("store: would work again");
            store.setFailing(false);
          });
    }
    if (client.isAlive() && percent(scenario.crashPercent)) {
      after(below(3) * latency(), this::crash);
    }
  }

  private void crash() {
    if (client.isAlive()) {
      client.die();
      ledger.onCrash();
      program.onCrash();
      store.die();
      after(oneIn(2) ? longTime() : latency(), client::start);
    }
  }

  /** No accident happens any more. */
  private void heal() {
    trace("all is healed");
    stopAccidents();
    store.setFailing(false);
    connectAgain();
  }

  private void connectAgain() {
    if (client.isAlive()) {
      if (client.hasResubscribeFailed()) {
        program.disconnect(); // it was asked for in vain too often; a new connection asks anew
      }
      client.connect();
    }
    after(Scenario.SECOND, this::connectAgain);
  }

  private boolean isAtRest() {
    if (isActive() || !client.isConnected() || !program.isQuiet() || !server.isQuiet()) {
      if (!isActive() && nanosSinceHealed() > PATIENCE_NANOS) {
        throw new Violation("nothing comes to rest: " + describe());
      }
      return false;
    }
    Session session = client.engine().session();
    return session.packetIdentifiersInUse() == 0
        && client.engine().unacknowledgedMessages() == 0
        && !client.hasResubscribeFailed()
        && !client.hasStoreFailed()
        && !client.engine().hasOutgoing();
  }

  private String describe() {
    MqttEngine engine = client.engine();
    return engine.session()
        + ", "
        + engine.state()
        + ", unacknowledged "
        + engine.unacknowledgedMessages()
        + ", quota "
        + engine.sendQuota()
        + "; "
        + program.describe()
        + "; "
        + server.describe();
  }

  // ---- what must hold

  /** What must hold after every step. */
  private void checkBounds() {
    MqttEngine engine = client.engine();
    Session session = engine.session();
    if (session.packetIdentifiersInUse() < session.inFlightMessages()) {
      throw new Violation("messages in flight without packet identifiers: " + session);
    }
    if (session.heldBytes() < 0
        || session.queuedMessages() < session.unsentMessages()
        || session.unsentMessages() < 0) {
      throw new Violation("the queue's counts are wrong: " + session);
    }
    if (client.life() == 0
        && session.unsentMessages() > scenario.engineOptions.queueMaximumMessages()) {
      throw new Violation("the queue is beyond its bound: " + session);
    }
    if (client.life() == 0 && session.heldBytes() > scenario.engineOptions.queueMaximumBytes()) {
      throw new Violation("the held bytes are beyond their bound: " + session);
    }
  }

  private void verify() {
    Session session = client.engine().session();
    if (session.queuedMessages() != 0
        || session.inFlightMessages() != 0
        || session.heldBytes() != 0) {
      throw new Violation("something is left in the session: " + session);
    }
    boolean stale = ledger.hasStaleIdentifiers();
    if (session.receivingMessages() != 0 && !stale) {
      throw new Violation("messages are being received that the server has not: " + session);
    }
    client.verify();
    ledger.verify();
    if (!ledger.isStandingUnknown()) {
      program.verifySubscriptions(server.session());
    }
    if (scenario.durable) {
      String leftOver = store.leftOver(stale);
      if (leftOver != null) {
        throw new Violation("left in the store: " + leftOver);
      }
    }
  }

  @Override
  SimulatedClient client() {
    return client;
  }

  SimulatedProgram program() {
    return program;
  }

  int steps() {
    return steps;
  }
}
