// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.mqtt.engine.MqttEngine;
import io.bight.mqtt.engine.Session;
import io.bight.mqtt.engine.SessionStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * One seed: a client with its program, a server, and a network between them, on one thread and a
 * virtual clock. First accidents happen; then all is healed, and everything must come to its end.
 */
final class Simulation {
  /** How long after the last accident everything must have come to rest. */
  private static final long PATIENCE_NANOS = 1_200 * Scenario.SECOND;

  /** No seed needs so many; one that does runs in circles. */
  private static final int MOST_STEPS = 400_000;

  private final SplittableRandom random;
  private final Scenario scenario;
  private final Scheduler scheduler;
  private final StringBuilder trace;
  private final Ledger ledger;
  private final SimulatedStore store;
  private final ModelServer server;
  private final SimulatedClient client;
  private final SimulatedProgram program;

  private long startNanos;
  private long latencyNanos;
  private long healedNanos;
  private boolean active = true;
  private int actions;
  private int links;
  private final List<Link> openLinks = new ArrayList<>();
  private int steps;

  /**
   * Makes the simulation of a seed.
   *
   * @param seed what everything follows from
   * @param traced whether what happens is written down
   */
  Simulation(long seed, boolean traced) {
    random = new SplittableRandom(seed);
    scenario = new Scenario(random);
    trace = traced ? new StringBuilder() : null;
    // In some seeds the clock's numbers wrap round, as System.nanoTime's may at any time.
    startNanos =
        random.nextInt(4) == 0 ? Long.MAX_VALUE - random.nextLong(20 * Scenario.SECOND) : 1;
    scheduler = new Scheduler(startNanos);
    latencyNanos = scenario.latencyNanos;
    ledger = new Ledger(this);
    store = new SimulatedStore(this);
    server = new ModelServer(this, ledger);
    client = new SimulatedClient(this, ledger, scenario.durable ? store : SessionStore.IN_MEMORY);
    program = new SimulatedProgram(this, ledger, store);
  }

  /** Runs it to its end; throws what is wrong. */
  void run() {
    trace("%s", scenario);
    after(0, client::start);
    after(0, this::tick);
    while (!isAtRest()) {
      if (++steps > MOST_STEPS) {
        throw new Violation("no end after " + steps + " steps: " + describe());
      }
      try {
        if (!scheduler.runNext()) {
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
    after(1 + random.nextLong(scenario.gapNanos), this::tick);
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
    Link link = client.link();
    if (link != null && percent(scenario.cutPercent)) {
      trace("network: cuts link %d", link.number);
      link.cut(true, oneIn(2) || scenario.keepAliveSeconds == 0);
    }
    if (link != null && percent(scenario.halfOpenPercent)) {
      trace("network: link %d is half-open", link.number);
      link.cut(false, oneIn(2));
    }
    if (server.isUp() && percent(scenario.serverRestartPercent)) {
      server.restart(percent(scenario.serverForgetsPercent));
    }
    if (percent(scenario.withholdPercent)) {
      server.withholdAnswers();
    }
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
    active = false;
    healedNanos = nowNanos();
    latencyNanos = Math.min(latencyNanos, 2 * Scenario.MILLISECOND);
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
    if (active || !client.isConnected() || !program.isQuiet() || !server.isQuiet()) {
      if (!active && nowNanos() - healedNanos > PATIENCE_NANOS) {
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

  // ---- for all parts of the world

  Scenario scenario() {
    return scenario;
  }

  Ledger ledger() {
    return ledger;
  }

  ModelServer server() {
    return server;
  }

  SimulatedClient client() {
    return client;
  }

  SimulatedProgram program() {
    return program;
  }

  Link newLink() {
    Link link = new Link(this, ++links);
    openLinks.removeIf(Link::isServerGone);
    openLinks.add(link);
    return link;
  }

  /** The server's machine resets all links, as far as the client hears of it. */
  void closeLinks() {
    for (Link link : openLinks) {
      link.cut(scenario.keepAliveSeconds == 0 || !oneIn(4), false);
      link.closeByServer();
    }
    openLinks.clear();
  }

  /** Tells whether accidents still happen. */
  boolean isActive() {
    return active;
  }

  long nowNanos() {
    return scheduler.nowNanos();
  }

  void after(long delayNanos, Runnable action) {
    scheduler.after(delayNanos, action);
  }

  void at(long timeNanos, Runnable action) {
    scheduler.at(timeNanos, action);
  }

  int steps() {
    return steps;
  }

  // ---- chance

  int below(int bound) {
    return random.nextInt(bound);
  }

  boolean oneIn(int times) {
    return random.nextInt(times) == 0;
  }

  boolean percent(int chance) {
    return chance > 0 && active && random.nextInt(100) < chance;
  }

  /** How long bytes are on their way. */
  long latency() {
    long latency = 1 + random.nextLong(latencyNanos);
    return random.nextInt(20) == 0 ? 10 * latency : latency;
  }

  /** As long as nobody likes to wait. */
  long longTime() {
    return random.nextLong(random.nextInt(4) == 0 ? 30 * Scenario.SECOND : Scenario.SECOND);
  }

  long answerDelay() {
    if (!active || scenario.answerDelayNanos == 0) {
      return 0;
    }
    return random.nextLong(scenario.answerDelayNanos);
  }

  /** How many of the bytes on their way arrive together. */
  long piece(long available) {
    if (!active || random.nextInt(3) == 0) {
      return available;
    }
    return Math.min(available, 1 + random.nextInt(scenario.pieceBytes));
  }

  /** Lets the process die at a call of its store, in some seeds. */
  void maybeCrashAtStore() {
    if (active
        && scenario.storeCrashPerMille > 0
        && client.isAlive()
        && random.nextInt(1000) < scenario.storeCrashPerMille) {
      trace("store: the process dies in a call");
      throw Crash.NOW;
    }
  }

  // ---- the trace

  boolean isTracing() {
    return trace != null;
  }

  void trace(String format, Object... values) {
    if (trace != null) {
      double seconds = (nowNanos() - startNanos) / 1e9;
      trace.append(String.format(Locale.ROOT, "%12.6f  ", seconds));
      trace.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
  }

  String traceText() {
    return trace == null ? "" : trace.toString();
  }
}
