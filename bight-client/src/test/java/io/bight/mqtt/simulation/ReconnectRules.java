// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.client.ConnectEvent;
import io.bight.client.ConnectFailureEvent;
import io.bight.client.DisconnectEvent;
import io.bight.client.MqttClient;
import io.bight.client.MqttFuture;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What must hold of a client's attempts, connections and delays, from what its program asks for and
 * is told, and from what its sockets do. Knows the documentation, and nothing of the client.
 *
 * <p>What the program asks for is done in a later turn of the loop, or at once inside callbacks.
 * Until that turn has passed the two orders are possible, and what depends on them is not checked.
 */
final class ReconnectRules {
  private static final long STABLE_NANOS = 10 * Scenario.SECOND;
  private static final long TAKEOVER_MEMORY_NANOS = 60 * Scenario.SECOND;
  private static final long FIRST_DELAY_NANOS = 50 * Scenario.MILLISECOND;

  /** How much later than planned an attempt may come if turns are late. */
  private static final long TURN_NANOS = 2 * Scenario.SECOND;

  /** Refusals that trying again soon does not heal. */
  private static final Set<ReasonCode> PERMANENT =
      Set.of(
          ReasonCode.BAD_USER_NAME_OR_PASSWORD,
          ReasonCode.NOT_AUTHORIZED,
          ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
          ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
          ReasonCode.BANNED,
          ReasonCode.BAD_AUTHENTICATION_METHOD,
          ReasonCode.SERVER_MOVED,
          ReasonCode.MALFORMED_PACKET,
          ReasonCode.PROTOCOL_ERROR);

  /** What has become of the latest attempt. */
  private enum Attempt {
    NONE,
    UNDER_WAY,
    FAILED,
    CONNECTED,
    LOST,
    ENDED
  }

  private final ClientSimulation world;
  private final ClientScenario scenario;
  private final SimulatedProcess process;

  // What the program has asked for
  private boolean asksConnection;
  private boolean closed;

  /** Whether the client has said that it makes no further attempt. */
  private boolean gaveUp;

  /** Whether it did so while the program asked for a connection, so that either may count. */
  private boolean unsure;

  private int turn;

  /** The turn by whose end all is done that was asked for. */
  private int doneInTurn;

  private int disconnectedInTurn = -1;
  private final List<MqttFuture<ConnectEvent>> connecting = new ArrayList<>();
  private final List<MqttFuture<Void>> disconnecting = new ArrayList<>();

  // The latest attempt
  private Attempt attempt = Attempt.NONE;
  private boolean hasSocket;
  private boolean mayHaveEnded;
  private ConnectEvent connection;

  private int connections;

  /** The connection that the program has asked to end last. */
  private ConnectEvent endedByProgram;

  // When the next one is due
  private boolean planned;
  private long plannedNanos;
  private long toldNanos;
  private long closedNanos;

  // What the delays follow from
  private boolean levelKnown;
  private boolean everConnected;
  private boolean connectedOnce;
  private int failures;
  private int shortConnections;
  private int takeovers;
  private long acceptedNanos;

  ReconnectRules(ClientSimulation world, SimulatedProcess process) {
    this.world = world;
    this.scenario = world.clientScenario();
    this.process = process;
  }

  // ---- what the program asks for

  /** Tells whether the program has asked for a connection that the client is to make. */
  boolean isWanted() {
    return asksConnection && !gaveUp && !unsure;
  }

  /** Returns how many connections the program was told of. */
  int connections() {
    return connections;
  }

  /** Before the client is asked. */
  void onConnectAsked() {
    if (!isWanted()) { // else there is nothing to be done
      asksConnection = true;
      gaveUp = false;
      unsure = false;
      planned = false;
      levelKnown = true;
      connectedOnce = false;
      failures = 0;
      shortConnections = 0;
      takeovers = 0;
    }
    doneInTurn = turn + 1;
  }

  void onConnecting(MqttFuture<ConnectEvent> future) {
    connecting.add(future);
    ConnectEvent ended = endedByProgram;
    future.whenComplete(
        (event, failure) -> {
          if (process.isAlive()) {
            world.guard(() -> onConnectDone(future, event, ended, failure));
          }
        });
  }

  private void onConnectDone(
      MqttFuture<ConnectEvent> future, ConnectEvent event, ConnectEvent ended, Throwable failure) {
    connecting.remove(future);
    if (event != null && event == ended) {
      throw new Violation("connect is told of the connection that was disconnected before");
    }
    if (event != null && event != connection) {
      throw new Violation("connect is told of another connection than onConnect");
    }
    if (failure != null && isWanted() && isSettled()) {
      throw new Violation("connect has failed although the client goes on: " + failure);
    }
  }

  void onDisconnectAsked() {
    asksConnection = false;
    endedByProgram = attempt == Attempt.CONNECTED ? connection : null;
    unsure = false;
    planned = false;
    mayHaveEnded = true;
    doneInTurn = turn + 1;
    disconnectedInTurn = turn + 1;
  }

  void onDisconnecting(MqttFuture<Void> future) {
    if (!future.isDone()) {
      disconnecting.add(future);
      List<SimulatedSocket> open = process.openSockets();
      future.whenComplete(
          (nothing, failure) -> {
            if (!process.isAlive()) {
              return;
            }
            disconnecting.remove(future);
            if (failure == null && open.stream().anyMatch(SimulatedSocket::isInUse)) {
              world.fail(new Violation("disconnect is done before the transport is closed"));
            }
          });
    }
  }

  void onCloseAsked() {
    onDisconnectAsked();
    closed = true;
  }

  /** Tells whether the client has done all that it was asked for. */
  private boolean isSettled() {
    return !unsure && turn > doneInTurn;
  }

  // ---- attempts

  /** The program is asked what to send, or if it does not want to be, a socket is made. */
  void onAttempt() {
    if (isSettled()) {
      if (!asksConnection) {
        throw new Violation("an attempt to connect after disconnect");
      }
      if (gaveUp) {
        throw new Violation("an attempt to connect after the last one");
      }
      if (attempt == Attempt.CONNECTED || (attempt == Attempt.UNDER_WAY && !mayHaveEnded)) {
        throw new Violation("a second attempt to connect: the latest is " + attempt);
      }
      if (planned) {
        requireInTime();
      }
    }
    if (process.hasOpenSocket()) {
      throw new Violation("an attempt to connect while a transport is open");
    }
    attempt = Attempt.UNDER_WAY;
    hasSocket = false;
    mayHaveEnded = false;
    planned = false;
  }

  private void requireInTime() {
    long now = world.nowNanos();
    long waited = now - toldNanos;
    if (waited < plannedNanos) {
      throw new Violation(
          "an attempt after " + waited + " ns, which was to come after " + plannedNanos);
    }
    long from = closedNanos - toldNanos > 0 ? closedNanos : toldNanos;
    long slack = scenario.slowTurns ? TURN_NANOS : 0;
    if (now - from > plannedNanos + slack) {
      throw new Violation("an attempt " + (now - from - plannedNanos) + " ns too late");
    }
  }

  /** A socket begins to connect. */
  void onSocket() {
    if (scenario.hook == ClientScenario.Hook.NONE) {
      onAttempt();
    } else if (attempt != Attempt.UNDER_WAY || hasSocket) {
      throw new Violation("a socket that belongs to no attempt");
    }
    if (process.hasOpenSocket()) {
      throw new Violation("a second transport");
    }
    hasSocket = true;
  }

  void onSocketClosed() {
    closedNanos = world.nowNanos();
  }

  // ---- what the program is told

  void onConnect(ConnectEvent event) {
    if (attempt != Attempt.UNDER_WAY) {
      throw new Violation("onConnect although the latest attempt is " + attempt);
    }
    requireState(MqttClient.State.CONNECTED);
    if (!process.hasOpenSocket()) {
      throw new Violation("onConnect without a transport");
    }
    if (event.isReconnect() != everConnected) {
      throw new Violation("onConnect: reconnect " + event.isReconnect());
    }
    everConnected = true;
    connections++;
    attempt = Attempt.CONNECTED;
    connection = event;
    connectedOnce = true;
    failures = 0;
    acceptedNanos = world.nowNanos();
    levelKnown &= isSettled();
  }

  void onConnectFailure(ConnectFailureEvent event) {
    if (attempt != Attempt.UNDER_WAY) {
      throw new Violation("onConnectFailure although the latest attempt is " + attempt);
    }
    attempt = Attempt.FAILED;
    Duration next = event.nextAttemptIn().orElse(null);
    requireState(next == null ? MqttClient.State.DISCONNECTED : MqttClient.State.RECONNECTING);
    failures++;
    if (!isSettled()) {
      levelKnown = false;
    } else if (levelKnown) {
      if (event.attempt() != failures) {
        throw new Violation("attempt " + event.attempt() + " is number " + failures);
      }
      requireGoesOn(next, (connectedOnce || scenario.alsoFirstConnect) && allows(failures));
    }
    failures = event.attempt();
    plan(next, event.failure().reasonCode());
  }

  void onDisconnect(DisconnectEvent event) {
    if (attempt != Attempt.CONNECTED) {
      throw new Violation("onDisconnect although the latest attempt is " + attempt);
    }
    if (process.client().state() == MqttClient.State.CONNECTED) {
      throw new Violation("onDisconnect while the state is CONNECTED");
    }
    Duration next = event.reconnectIn().orElse(null);
    if (event.by() == ConnectionEnd.By.USER) {
      attempt = Attempt.ENDED;
      if (next != null || (isSettled() && asksConnection)) {
        throw new Violation("the program has not asked for " + event);
      }
      return;
    }
    attempt = Attempt.LOST;
    long lived = world.nowNanos() - acceptedNanos;
    long twice = 2 * fullDelay(level());
    if (lived >= Math.max(TAKEOVER_MEMORY_NANOS, twice)) {
      takeovers = 0;
    }
    ReasonCode reason = event.reasonCode().orElse(null);
    if (reason == ReasonCode.SESSION_TAKEN_OVER) {
      takeovers++;
    }
    shortConnections = lived < Math.max(STABLE_NANOS, twice) ? shortConnections + 1 : 0;
    if (!isSettled()) {
      levelKnown = false;
    } else if (levelKnown) {
      requireGoesOn(next, allows(0));
    }
    plan(next, reason);
  }

  private boolean allows(int failed) {
    return scenario.maximumAttempts < 0 || failed < scenario.maximumAttempts;
  }

  private static void requireGoesOn(Duration next, boolean goesOn) {
    if (goesOn != (next != null)) {
      throw new Violation(
          goesOn
              ? "no further attempt, but there should be one"
              : "an attempt too many is planned");
    }
  }

  private void plan(Duration next, ReasonCode reason) {
    if (next == null) {
      if (!isSettled() && asksConnection) {
        unsure = true;
      }
      gaveUp = true;
      return;
    }
    planned = true;
    plannedNanos = next.toNanos();
    toldNanos = world.nowNanos();
    long least = fullDelay(0);
    long most = scenario.maximumDelayNanos;
    if (levelKnown && isSettled()) {
      boolean permanent =
          reason != null && PERMANENT.contains(reason) && scenario.hook == ClientScenario.Hook.NONE;
      most = permanent ? scenario.maximumDelayNanos : fullDelay(level() + failures);
      least = most;
    }
    if (plannedNanos < least / 2 || plannedNanos > most) {
      throw new Violation(
          "a delay of " + plannedNanos + " ns is not between half of " + least + " and " + most);
    }
  }

  /** Once is an accident: the first connection that ends soon does not count. */
  private int level() {
    return Math.max(Math.max(shortConnections - 1, 0), takeovers);
  }

  private long fullDelay(int failed) {
    if (failed == 0) {
      return Math.min(FIRST_DELAY_NANOS, scenario.minimumDelayNanos);
    }
    long delay = scenario.minimumDelayNanos;
    for (int i = 1; i < failed && delay < scenario.maximumDelayNanos; i++) {
      delay *= 2;
    }
    return Math.min(delay, scenario.maximumDelayNanos);
  }

  private void requireState(MqttClient.State expected) {
    MqttClient.State state = process.client().state();
    if (state != expected) {
      throw new Violation("the state is " + state + " instead of " + expected);
    }
  }

  // ---- after each turn

  void onTurnBegins() {
    turn++;
  }

  void onTurnEnds() {
    MqttClient.State state = process.client().state();
    if ((attempt == Attempt.CONNECTED) != (state == MqttClient.State.CONNECTED)) {
      throw new Violation("the state is " + state + ", and the latest attempt is " + attempt);
    }
    if (turn == disconnectedInTurn && attempt == Attempt.CONNECTED) {
      throw new Violation("disconnect does not end the connection");
    }
    if (!isSettled() || process.hasWork()) {
      return;
    }
    boolean open = process.hasOpenSocket();
    if (!isWanted()) {
      requireNothingAwaited(open, state);
    } else if (!open
        && (attempt == Attempt.CONNECTED
            || (attempt == Attempt.UNDER_WAY && hasSocket && !mayHaveEnded))) {
      throw new Violation("nobody is told that an attempt is over that was " + attempt);
    } else if (attempt == Attempt.CONNECTED && !connecting.isEmpty()) {
      throw new Violation("connect is not told of the connection");
    } else {
      requireStateOfWanted(open, state);
    }
  }

  private void requireNothingAwaited(boolean open, MqttClient.State state) {
    if (!connecting.isEmpty()) {
      throw new Violation("connect is not told that there will be no connection");
    }
    if (open) {
      return;
    }
    if (!disconnecting.isEmpty()) {
      throw new Violation("disconnect is not told that it is done");
    }
    if (process.hasTimer()) {
      throw new Violation("a timer although there is no connection and none is wanted");
    }
    MqttClient.State expected = closed ? MqttClient.State.CLOSED : MqttClient.State.DISCONNECTED;
    if (state != expected) {
      throw new Violation("the state at rest is " + state);
    }
  }

  private void requireStateOfWanted(boolean open, MqttClient.State state) {
    MqttClient.State expected =
        switch (attempt) {
          case CONNECTED -> MqttClient.State.CONNECTED;
          case UNDER_WAY -> mayHaveEnded ? state : MqttClient.State.CONNECTING;
          case FAILED, LOST, NONE, ENDED ->
              planned ? MqttClient.State.RECONNECTING : open ? state : MqttClient.State.CONNECTING;
        };
    if (state != expected) {
      throw new Violation("the state is " + state + ", and the latest attempt is " + attempt);
    }
    if ((attempt == Attempt.FAILED || attempt == Attempt.LOST) && !open && !process.hasTimer()) {
      throw new Violation("no attempt is planned although a connection is wanted");
    }
  }

  String describe() {
    return "attempt "
        + attempt
        + (asksConnection ? ", asked to connect" : ", not asked to connect")
        + (gaveUp ? ", gave up" : "")
        + (unsure ? ", unsure" : "")
        + ", "
        + connecting.size()
        + " connect and "
        + disconnecting.size()
        + " disconnect awaited";
  }
}
