// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The small broker inside a {@link ScriptedServer}: sessions, QoS 0 to 2 both ways, wildcards,
 * shared subscriptions, retained messages, wills, Receive Maximum. It is as good a broker as tests
 * need and no better: nothing expires but a session that ends with its connection, nobody is
 * authenticated, and keep alive is not enforced.
 *
 * <p>Its switches make it misbehave. They may be set from any thread and hold until set again.
 * Faults of one connection are scripted before the broker takes over: {@code
 * server.onConnection().cutAfterReceiving(100).thenBroker()}.
 */
public final class BehavingBroker {
  private static final int MESSAGES_KEPT = 100_000;

  private final ScriptedServer server;
  private final Map<String, BrokerSession> sessions = new LinkedHashMap<>();
  private final Map<String, BrokerMessage> retained = new TreeMap<>();
  private final Map<String, Integer> turnOfShared = new TreeMap<>();
  private final Deque<ReceivedPacket> accepted = new ArrayDeque<>();
  private final Map<PacketType, Integer> withheld = new EnumMap<>(PacketType.class);
  private final Map<PacketType, Duration> delays = new EnumMap<>(PacketType.class);
  private Consumer<OutgoingPacket> connackAdjustment = connack -> {};
  private @Nullable Integer refusal;
  private int highestQos = 2;

  BehavingBroker(ScriptedServer server) {
    this.server = server;
  }

  // ---- Switches ----

  /**
   * Refuses all clients from now on.
   *
   * @param reasonCode 1 to 5 before MQTT 5.0, 0x80 and above since
   * @return this
   */
  public BehavingBroker refuseConnects(int reasonCode) {
    return set(() -> refusal = reasonCode);
  }

  /**
   * Accepts clients again.
   *
   * @return this
   */
  public BehavingBroker acceptConnects() {
    return set(() -> refusal = null);
  }

  /**
   * Does not send the next packets of a type. {@code withhold(CONNACK, 1)} lets one client wait in
   * vain; {@code withhold(PUBACK, Integer.MAX_VALUE)} drops all acknowledgements.
   *
   * @param type which
   * @param count how many; 0 ends it
   * @return this
   */
  public BehavingBroker withhold(PacketType type, int count) {
    return set(() -> withheld.put(type, count));
  }

  /**
   * Sends the packets of a type late, by the server's clock.
   *
   * @param type which
   * @param delay how late; zero ends it
   * @return this
   */
  public BehavingBroker delay(PacketType type, Duration delay) {
    return set(() -> delays.put(type, delay));
  }

  /**
   * Changes the CONNACK of later connections: {@code c -> c.property(Property.RECEIVE_MAXIMUM, 2)}.
   *
   * @param adjustment is given each CONNACK that accepts, before it is sent
   * @return this
   */
  public BehavingBroker adjustConnack(Consumer<OutgoingPacket> adjustment) {
    return set(() -> connackAdjustment = adjustment);
  }

  /**
   * Grants later subscriptions no more than a QoS.
   *
   * @param qos 0 to 2
   * @return this
   */
  public BehavingBroker grantAtMost(int qos) {
    return set(() -> highestQos = qos);
  }

  // ---- What tests do and ask ----

  /**
   * Publishes to whoever has subscribed, as if from another client.
   *
   * @param topic the topic name
   * @param payloadUtf8 the payload
   * @param qos 0 to 2
   */
  public void publish(String topic, String payloadUtf8, int qos) {
    publish(topic, payloadUtf8.getBytes(StandardCharsets.UTF_8), qos, false);
  }

  /**
   * Publishes to whoever has subscribed, as if from another client.
   *
   * @param topic the topic name
   * @param payload the payload; copied
   * @param qos 0 to 2
   * @param retain whether the broker keeps it; an empty payload then removes what it kept
   */
  public void publish(String topic, byte[] payload, int qos, boolean retain) {
    byte[] copy = payload.clone();
    server.locked(() -> route(new BrokerMessage(topic, copy, qos, retain, List.of(), "")));
  }

  /**
   * The messages that came from clients, each as often as the broker took responsibility for it:
   * one sent again at QoS 2 is here once, one sent again at QoS 1 twice.
   *
   * @return a copy, in the order of their arrival; the oldest of very many are missing
   */
  public List<ReceivedPacket> acceptedMessages() {
    return server.lockedGet(() -> List.copyOf(accepted));
  }

  /**
   * The clients that have a session, connected or not.
   *
   * @return a copy, their client identifiers
   */
  public Set<String> sessions() {
    return server.lockedGet(() -> new TreeSet<>(sessions.keySet()));
  }

  /**
   * The clients that are connected.
   *
   * @return a copy, their client identifiers
   */
  public Set<String> connectedClients() {
    return server.lockedGet(
        () -> {
          Set<String> connected = new TreeSet<>();
          for (BrokerSession session : sessions.values()) {
            if (session.connection() != null) {
              connected.add(session.clientIdentifier);
            }
          }
          return connected;
        });
  }

  /**
   * What a client has subscribed to.
   *
   * @param clientIdentifier which client
   * @return a copy, its topic filters; empty if it has no session
   */
  public Set<String> subscriptions(String clientIdentifier) {
    return server.lockedGet(
        () -> {
          BrokerSession session = sessions.get(clientIdentifier);
          return session == null ? Set.of() : new TreeSet<>(session.subscriptions.keySet());
        });
  }

  /** Forgets the sessions of clients that are not connected, as a server may. */
  public void forgetSessions() {
    server.locked(() -> sessions.values().removeIf(session -> session.connection() == null));
  }

  // ---- For the connections; under the server's lock ----

  @Nullable Integer refusal() {
    return refusal;
  }

  int highestQos() {
    return highestQos;
  }

  void adjust(OutgoingPacket connack) {
    connackAdjustment.accept(connack);
  }

  @Nullable BrokerSession session(String clientIdentifier) {
    return sessions.get(clientIdentifier);
  }

  /** The client's session, new if need be, and nobody else's [MQTT-3.1.4-3]. */
  BrokerSession open(String clientIdentifier, boolean cleanStart) {
    BrokerSession known = sessions.get(clientIdentifier);
    BrokerConnection other = known == null ? null : known.connection();
    if (other != null) {
      other.end(0x8E);
    }
    if (cleanStart) {
      sessions.remove(clientIdentifier);
    }
    return sessions.computeIfAbsent(clientIdentifier, BrokerSession::new);
  }

  void forget(BrokerSession session) {
    sessions.remove(session.clientIdentifier, session);
  }

  void restart(boolean keepSessions) {
    for (BrokerSession session : sessions.values()) {
      BrokerConnection connection = session.connection();
      if (connection != null) {
        connection.detach();
      }
    }
    if (!keepSessions) {
      sessions.clear();
    }
  }

  void accepted(ReceivedPacket publish) {
    accepted.add(publish);
    if (accepted.size() > MESSAGES_KEPT) {
      accepted.remove();
    }
  }

  void send(ScriptedConnection connection, OutgoingPacket packet) {
    int toWithhold = withheld.getOrDefault(packet.type(), 0);
    if (toWithhold > 0) {
      withheld.put(packet.type(), toWithhold - 1);
      server.record(connection.number(), "   withheld: " + packet);
      return;
    }
    Duration delay = delays.getOrDefault(packet.type(), Duration.ZERO);
    if (delay.isZero()) {
      connection.write(packet);
    } else {
      server.schedule(delay, () -> connection.write(packet));
    }
  }

  void route(BrokerMessage message) {
    if (message.retain()) {
      if (message.payload().length == 0) {
        retained.remove(message.topic());
      } else {
        retained.put(message.topic(), message);
      }
    }
    for (BrokerSession session : List.copyOf(sessions.values())) {
      BrokerMessage matched = session.matching(message);
      if (matched != null) {
        session.deliver(matched);
      }
    }
    routeShared(message);
  }

  void deliverRetained(BrokerSession session, BrokerSession.Entry entry) {
    String filter = entry.subscription().topicFilter();
    if (TopicFilterMatch.isShared(filter)) {
      return;
    }
    for (BrokerMessage message : List.copyOf(retained.values())) {
      if (TopicFilterMatch.matches(filter, message.topic())) {
        session.deliver(
            message.forSubscriber(entry.subscription().qos(), true, entry.identifierProperty()));
      }
    }
  }

  /** Each group of a shared filter gets the message once, its connected members in turn. */
  private void routeShared(BrokerMessage message) {
    Map<String, List<BrokerSession>> groups = new TreeMap<>();
    for (BrokerSession session : sessions.values()) {
      for (String filter : session.subscriptions.keySet()) {
        if (TopicFilterMatch.isShared(filter)
            && session.connection() != null
            && TopicFilterMatch.matches(TopicFilterMatch.withoutShare(filter), message.topic())) {
          groups.computeIfAbsent(filter, unused -> new ArrayList<>()).add(session);
        }
      }
    }
    groups.forEach(
        (filter, members) -> {
          int turn = turnOfShared.merge(filter, 1, Integer::sum);
          BrokerSession chosen = members.get(turn % members.size());
          BrokerSession.Entry entry = chosen.subscriptions.get(filter);
          if (entry != null) {
            chosen.deliver(
                message.forSubscriber(
                    entry.subscription().qos(), false, entry.identifierProperty()));
          }
        });
  }

  private BehavingBroker set(Runnable change) {
    server.locked(change);
    return this;
  }
}
