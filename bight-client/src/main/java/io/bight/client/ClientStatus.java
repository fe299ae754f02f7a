// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.MqttClient.State;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * What every thread may ask of a client at any moment: its state, its identifier, its server, and
 * whether a connection is wanted. Written by the driver where it is not said otherwise.
 */
final class ClientStatus {
  private final MqttLoop loop;
  private volatile State state = State.DISCONNECTED;

  /** For how long a connection lives without a turn of the loop; 0: no keep alive, for ever. */
  private volatile long aliveNanos;

  private volatile String clientIdentifier;

  /** The server of the latest attempt. */
  private volatile ServerAddress server;

  /** Why there is no connection; null while there is one, or as none has been tried. */
  private volatile @Nullable String lastFailure;

  /** Whether the program has ever asked for a connection; written by any thread. */
  private volatile boolean connectAsked;

  /** Calls of connect that the driver has not seen yet; counted by any thread. */
  private volatile int connectsOnTheWay;

  private static final AtomicIntegerFieldUpdater<ClientStatus> CONNECTS_ON_THE_WAY =
      AtomicIntegerFieldUpdater.newUpdater(ClientStatus.class, "connectsOnTheWay");

  ClientStatus(MqttLoop loop, ClientOptions options) {
    this.loop = loop;
    this.clientIdentifier = options.clientIdentifier();
    this.server = options.server();
  }

  State state() {
    return state;
  }

  /** Tells what {@link MqttClient#isConnected} does. */
  boolean isConnected() {
    return state == State.CONNECTED
        && (aliveNanos == 0 || loop.nowNanos() - loop.lastTurnNanos() <= aliveNanos);
  }

  String clientIdentifier() {
    return clientIdentifier;
  }

  ServerAddress server() {
    return server;
  }

  /** Names the client and its server, for messages. Shows no secret. */
  String describe() {
    String identifier = clientIdentifier;
    return (identifier.isEmpty() ? "a client" : "client '" + identifier + "'") + " of " + server;
  }

  /** Says for one who has waited in vain what the client is doing. */
  String describeProgress() {
    State now = state;
    String failure = now == State.CONNECTED ? null : lastFailure;
    return "the client is " + now + (failure == null ? "" : ", since " + failure);
  }

  /** Tells why an attempt failed, or a connection ended. */
  void setLastFailure(@Nullable String why) {
    lastFailure = why;
  }

  void setState(State next) {
    state = next;
  }

  void setConnected(int keepAliveSeconds) {
    lastFailure = null;
    aliveNanos = TimeUnit.SECONDS.toNanos(keepAliveSeconds) * 3 / 2;
    state = State.CONNECTED;
  }

  void setServer(ServerAddress next) {
    server = next;
  }

  void setClientIdentifier(String assigned) {
    clientIdentifier = assigned;
  }

  /** The program asks for a connection; any thread, before the driver is told. */
  void onConnectAsked() {
    CONNECTS_ON_THE_WAY.incrementAndGet(
        this); // first: else loopForever could take the client for ended
    connectAsked = true;
  }

  /** The driver has been told that the program asks for a connection. */
  void onConnectTaken() {
    CONNECTS_ON_THE_WAY.decrementAndGet(this);
  }

  /** Tells whether the program has asked for a connection that the driver does not know of. */
  boolean isConnectOnTheWay() {
    return connectsOnTheWay > 0;
  }

  boolean wasConnectAsked() {
    return connectAsked;
  }
}
