// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * What the parts of a simulation share: the seed's chance, the virtual clock, the network, the
 * server, the ledger and the trace. Who the client is, a simulation says.
 */
abstract class World {
  /** The client's end of the network. */
  interface Client {
    /** Bytes have arrived on a link. */
    void onBytes(Link from, byte[] bytes);

    /** The server has closed the link, or it broke. */
    void onLinkEnded(Link ended);

    /** Tells whether its process lives. */
    boolean isAlive();

    /** Tells whether it takes its store for broken. */
    boolean hasStoreFailed();
  }

  private final SplittableRandom random;
  private final Scenario scenario;
  private final Scheduler scheduler;
  private final StringBuilder trace;
  private final Ledger ledger;
  private final ModelServer server;
  private final long startNanos;

  private long latencyNanos;
  private long healedNanos;
  private boolean active = true;
  private int links;
  private final List<Link> openLinks = new ArrayList<>();

  /**
   * Makes the world of a seed.
   *
   * @param traced whether what happens is written down
   */
  World(SplittableRandom random, Scenario scenario, boolean traced) {
    this.random = random;
    this.scenario = scenario;
    trace = traced ? new StringBuilder() : null;
    // In some seeds the clock's numbers wrap round, as System.nanoTime's may at any time.
    startNanos =
        random.nextInt(4) == 0 ? Long.MAX_VALUE - random.nextLong(20 * Scenario.SECOND) : 1;
    scheduler = new Scheduler(startNanos);
    latencyNanos = scenario.latencyNanos;
    ledger = new Ledger(this);
    server = new ModelServer(this, ledger);
  }

  /** Runs it to its end; throws what is wrong. */
  abstract void run();

  abstract Client client();

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

  /** Returns the reason code of a refused connection. */
  int refusal(boolean version5) {
    return version5 ? 0x89 : 3;
  }

  /** Tells whether the server takes a CONNECT that comes after that of a newer link. */
  boolean takesLateConnects() {
    return false;
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

  /** Lets accidents happen to a link, if there is one, and to the server. */
  void accidentsOf(Link link) {
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
  }

  /** Tells whether accidents still happen. */
  boolean isActive() {
    return active;
  }

  /** No accident happens any more. */
  void stopAccidents() {
    active = false;
    healedNanos = nowNanos();
    latencyNanos = Math.min(latencyNanos, 2 * Scenario.MILLISECOND);
  }

  /** Returns for how long no accident has happened. */
  long nanosSinceHealed() {
    return nowNanos() - healedNanos;
  }

  /** Lets the next thing happen; returns false if there is none. */
  boolean runNext() {
    return scheduler.runNext();
  }

  /** Returns the time since the beginning. */
  long elapsedNanos() {
    return scheduler.nowNanos() - startNanos;
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

  // ---- chance

  int below(int bound) {
    return random.nextInt(bound);
  }

  long longBelow(long bound) {
    return random.nextLong(bound);
  }

  boolean oneIn(int times) {
    return random.nextInt(times) == 0;
  }

  double fraction() {
    return random.nextDouble();
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
        && client().isAlive()
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
