// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import static io.bight.mqtt.simulation.ClientPacket.CONNECT;
import static io.bight.mqtt.simulation.ClientPacket.DISCONNECT;
import static io.bight.mqtt.simulation.ClientPacket.PINGREQ;
import static io.bight.mqtt.simulation.ClientPacket.PUBACK;
import static io.bight.mqtt.simulation.ClientPacket.PUBCOMP;
import static io.bight.mqtt.simulation.ClientPacket.PUBLISH;
import static io.bight.mqtt.simulation.ClientPacket.PUBREC;
import static io.bight.mqtt.simulation.ClientPacket.PUBREL;
import static io.bight.mqtt.simulation.ClientPacket.SUBSCRIBE;
import static io.bight.mqtt.simulation.ClientPacket.UNSUBSCRIBE;

import io.bight.mqtt.simulation.ServerConnection.Answer;
import io.bight.mqtt.simulation.ServerSession.Entry;
import io.bight.mqtt.simulation.ServerSession.Progress;
import java.util.ArrayDeque;

/**
 * A server for one client that keeps to the specification to the letter, and holds the client to
 * it. Its session outlives connections, and restarts unless it is told to forget.
 */
final class ModelServer {
  private static final int NOT_FOUND = 0x92;
  private static final int NOT_AUTHORIZED = 0x87;
  private static final int QUOTA_EXCEEDED = 0x97;
  private static final int SESSION_TAKEN_OVER = 0x8E;
  private static final int NO_SUBSCRIPTION_EXISTED = 0x11;
  private static final int[] NO_CODES = {};

  private final World world;
  private final Scenario scenario;
  private final Ledger ledger;
  private final ServerWriter writer = new ServerWriter();

  private ServerSession session;
  private ServerConnection current;
  private boolean up = true;

  private int sessions;
  private int newestLink;

  /** Counts sessions' ends of connections, so that an old expiry timer finds out that it is old. */
  private int ends;

  ModelServer(World world, Ledger ledger) {
    this.world = world;
    this.scenario = world.scenario();
    this.ledger = ledger;
  }

  boolean isUp() {
    return up;
  }

  ServerSession session() {
    return session;
  }

  /** Tells whether nothing is on its way in either direction. */
  boolean isQuiet() {
    return session != null
        && session.isQuiet()
        && current != null
        && current.answers.isEmpty()
        && current.requests.isEmpty();
  }

  // ---- connections

  void onPacket(Link link, ClientPacket packet) {
    if (world.isTracing()) {
      world.trace("server: link %d receives %s", link.number, packet);
    }
    if (packet.type == CONNECT) {
      onConnect(link, packet);
      return;
    }
    ServerConnection connection = current;
    if (link.number < newestLink) {
      return;
    }
    if (connection == null || connection.link != link) {
      throw new Violation("the first packet of a connection is " + packet + " [MQTT-3.1.0-1]");
    }
    connection.lastPacketNanos = world.nowNanos();
    if (!connection.accepted && packet.type != DISCONNECT) {
      throw new Violation(packet + " was sent before CONNACK");
    }
    switch (packet.type) {
      case PUBLISH -> onPublish(connection, packet);
      case PUBREL -> onPubrel(connection, packet);
      case PUBACK -> onPuback(connection, packet);
      case PUBREC -> onPubrec(connection, packet);
      case PUBCOMP -> onPubcomp(connection, packet);
      case SUBSCRIBE, UNSUBSCRIBE -> onRequest(connection, packet);
      case PINGREQ -> {
        if (!connection.withholds) {
          writer.pingresp();
          send(connection);
        }
      }
      case DISCONNECT -> {
        if (packet.sessionExpirySeconds >= 0) {
          session.expirySeconds = packet.sessionExpirySeconds;
        }
        end(connection, "DISCONNECT");
      }
      default -> throw new Violation("a client does not send " + packet);
    }
  }

  private void onConnect(Link link, ClientPacket packet) {
    if (current != null && current.link == link) {
      throw new Violation("a second CONNECT [MQTT-3.1.0-2]");
    }
    if (link.number < newestLink) {
      if (!world.takesLateConnects()) {
        link.closeByServer(); // the client has closed it long ago
        return;
      }
      world.trace("server: the CONNECT of link %d comes after that of a newer link", link.number);
    }
    newestLink = Math.max(newestLink, link.number);
    ServerConnection connection = new ServerConnection(link);
    connection.version5 = packet.version5;
    connection.receiveMaximum = packet.receiveMaximum;
    connection.keepAliveSeconds = packet.keepAliveSeconds;
    if (world.percent(scenario.refusalPercent)) {
      writer.connack(packet.version5, false, world.refusal(packet.version5), 0, -1);
      send(connection);
      link.closeByServer();
      return;
    }
    if (current != null) {
      if (current.version5) {
        writer.disconnect(SESSION_TAKEN_OVER);
        send(current);
      }
      end(current, "taken over"); // [MQTT-3.1.4-3]
    }
    if (packet.cleanStart && session != null) {
      loseSession("clean start");
    }
    boolean present = session != null;
    if (!present) {
      if (link.number < newestLink) {
        ledger.onLateSession();
      }
      session = new ServerSession(++sessions, scenario.serverIdentifiers, world.below(8));
    }
    link.acceptedFor(session.number);
    ends++;
    session.expirySeconds =
        packet.version5
            ? Math.max(0, packet.sessionExpirySeconds)
            : packet.cleanStart ? 0 : Scenario.NEVER_EXPIRES;
    long said = -1;
    if (scenario.shortensExpiry && session.expirySeconds > 5) {
      said = 5;
      session.expirySeconds = said;
    }
    current = connection;
    connection.lastPacketNanos = world.nowNanos();
    connection.accepted = true;
    writer.connack(packet.version5, present, 0, scenario.serverReceiveMaximum, said);
    send(connection);
    if (!present && world.percent(scenario.lostConnackPercent)) {
      world.trace("network: loses the CONNACK of link %d", link.number);
      link.cutAtOnce();
    }
    world.trace("server: accepts link %d, session present: %s", link.number, present);
    watch(connection);
    resume(connection);
  }

  /** Notices a client that is silent for one and a half keep alives [MQTT-3.1.2-22]. */
  private void watch(ServerConnection connection) {
    if (connection.keepAliveSeconds == 0) {
      return;
    }
    long patience = connection.keepAliveSeconds * Scenario.SECOND * 3 / 2;
    world.at(
        connection.lastPacketNanos + patience,
        () -> {
          if (current != connection) {
            return;
          }
          if (world.nowNanos() - connection.lastPacketNanos >= patience) {
            end(connection, "silent");
          } else {
            watch(connection);
          }
        });
  }

  /** The client has closed the link, or it broke and the server hears of it. */
  void onLinkEnded(Link link) {
    if (current != null && current.link == link) {
      end(current, "link closed");
    }
  }

  private void end(ServerConnection connection, String why) {
    world.trace("server: ends link %d: %s", connection.link.number, why);
    current = null;
    connection.link.closeByServer();
    if (session.expirySeconds == 0) {
      loseSession("it ends with its connection");
    } else {
      ends++;
      scheduleExpiry();
    }
  }

  /** What the server does not know any more, it is not held to. */
  private void loseSession(String why) {
    world.trace("server: loses its session: %s", why);
    for (OutMessage message : session.receiving.values()) {
      if (message.keptByServer) {
        message.keptByServer = false;
        message.mayBeLost = true;
      } else {
        message.mayBeDelivered = message.delivered + 1;
      }
    }
    for (Entry entry : session.outgoing) {
      entry.message.lost = true;
    }
    session = null;
  }

  // ---- accidents

  void restart(boolean forgets) {
    world.trace("server: restarts");
    up = false;
    world.closeLinks();
    if (current != null) {
      current = null;
      ends++;
      if (session.expirySeconds == 0) {
        loseSession("it ends with its connection");
      } else {
        scheduleExpiry();
      }
    }
    if (forgets && session != null) {
      loseSession("the server restarted without it");
    }
    world.after(world.oneIn(3) ? world.longTime() : world.latency(), () -> up = true);
  }

  private void scheduleExpiry() {
    if (session.expirySeconds == Scenario.NEVER_EXPIRES) {
      return;
    }
    int end = ends;
    world.after(
        session.expirySeconds * Scenario.SECOND,
        () -> {
          if (end == ends && current == null && session != null) {
            loseSession("it expired");
          }
        });
  }

  /** From now on nothing is answered on this connection, until it ends. */
  void withholdAnswers() {
    if (current != null) {
      world.trace("server: withholds answers on link %d", current.link.number);
      ServerConnection connection = current;
      connection.withholds = true;
      world.after(
          world.longTime(),
          () -> {
            if (current == connection) {
              connection.link.cut(true, true);
            }
          });
    }
  }

  // ---- messages of the client

  private void onPublish(ServerConnection connection, ClientPacket packet) {
    OutMessage message = ledger.out(packet.number);
    if (message == null || message.topic != packet.topic || message.qos != packet.qos) {
      throw new Violation(packet + " is none that was published");
    }
    if (message.mustNotBeSeen) {
      throw new Violation(packet + " although " + message.whyNotSeen);
    }
    ledger.onArrived(message);
    if (packet.qos == 0) {
      deliver(message);
      return;
    }
    OutMessage holder = session.inUse.get(packet.packetIdentifier);
    if (holder != null && (holder != message || !packet.dup)) {
      throw new Violation(
          packet + " although its packet identifier stands for " + holder + " [MQTT-2.2.1-3]");
    }
    if (connection.requests.contains(packet.packetIdentifier)) {
      throw new Violation(packet + " although its identifier is that of a request");
    }
    connection.unanswered.add(packet.packetIdentifier);
    if (connection.unanswered.size() > scenario.mostUnderWay()) {
      throw new Violation(packet + " is more than " + scenario.mostUnderWay() + " under way");
    }
    session.inUse.put(packet.packetIdentifier, message);
    boolean known = session.receiving.get(packet.packetIdentifier) == message;
    boolean refused = !known && world.percent(scenario.negativePercent);
    if (!refused && !known) {
      accept(message, packet);
    }
    answer(
        connection,
        packet.qos == 1 ? PUBACK : PUBREC,
        packet.packetIdentifier,
        refused ? QUOTA_EXCEEDED : 0,
        message);
  }

  private void accept(OutMessage message, ClientPacket packet) {
    if (packet.qos == 1) {
      deliver(message);
      return;
    }
    session.receiving.put(packet.packetIdentifier, message);
    if (scenario.deliversOnRelease) {
      message.keptByServer = true;
    } else {
      deliver(message);
    }
  }

  private void deliver(OutMessage message) {
    message.delivered++;
    if (message.delivered > message.mayBeDelivered && message.qos != 1) {
      throw new Violation(message + " was delivered " + message.delivered + " times");
    }
  }

  private void onPubrel(ServerConnection connection, ClientPacket packet) {
    int packetIdentifier = packet.packetIdentifier;
    if (connection.awaitingPubrel.contains(packetIdentifier)) {
      if (connection.awaitingPubrel.peek() != packetIdentifier) {
        throw new Violation(
            packet
                + " before that of "
                + connection.awaitingPubrel.peek()
                + ", whose PUBREC came first [MQTT-4.6.0-4]");
      }
      connection.awaitingPubrel.remove();
    }
    OutMessage message = session.receiving.get(packetIdentifier);
    if (message != null && session.received.remove(packetIdentifier) == null) {
      throw new Violation(packet + " before its PUBREC");
    }
    session.receiving.remove(packetIdentifier);
    if (message != null && message.keptByServer) {
      message.keptByServer = false;
      deliver(message);
    }
    boolean found = message != null || !connection.version5;
    answer(connection, PUBCOMP, packetIdentifier, found ? 0 : NOT_FOUND, message);
  }

  // ---- answers, in their order

  private void answer(
      ServerConnection connection, int type, int identifier, int reason, OutMessage message) {
    enqueue(connection, new Answer(type, identifier, reason, message, NO_CODES));
  }

  private void enqueue(ServerConnection connection, Answer answer) {
    connection.answers.add(answer);
    if (!connection.answersScheduled && !connection.withholds) {
      connection.answersScheduled = true;
      world.after(world.answerDelay(), () -> sendAnswers(connection));
    }
  }

  private void sendAnswers(ServerConnection connection) {
    connection.answersScheduled = false;
    if (current != connection || connection.withholds) {
      return;
    }
    int count = 1 + world.below(connection.answers.size());
    for (Answer answer; count > 0 && (answer = connection.answers.poll()) != null; count--) {
      send(connection, answer);
      if (current != connection) {
        return;
      }
    }
    if (!connection.answers.isEmpty()) {
      connection.answersScheduled = true;
      world.after(world.answerDelay(), () -> sendAnswers(connection));
    }
  }

  private void send(ServerConnection connection, Answer answer) {
    int packetIdentifier = answer.packetIdentifier;
    switch (answer.type) {
      case PUBACK -> {
        session.inUse.remove(packetIdentifier);
        connection.unanswered.remove(packetIdentifier);
      }
      case PUBREC -> {
        if (answer.reasonCode >= 0x80) {
          session.inUse.remove(packetIdentifier);
          connection.unanswered.remove(packetIdentifier);
        } else {
          session.received.put(packetIdentifier, answer.message);
          connection.awaitingPubrel.add(packetIdentifier);
        }
      }
      case PUBCOMP -> {
        connection.unanswered.remove(packetIdentifier);
        session.inUse.remove(packetIdentifier);
      }
      case SUBSCRIBE -> {
        connection.requests.remove(packetIdentifier);
        writer.suback(connection.version5, packetIdentifier, answer.codes);
      }
      case UNSUBSCRIBE -> {
        connection.requests.remove(packetIdentifier);
        writer.unsuback(connection.version5, packetIdentifier, answer.codes);
      }
      default -> {} // PUBREL
    }
    if (answer.type != SUBSCRIBE && answer.type != UNSUBSCRIBE) {
      writer.acknowledgement(connection.version5, answer.type, packetIdentifier, answer.reasonCode);
    }
    if (world.isTracing()) {
      world.trace(
          "server: link %d answers %s id %d reason %d",
          connection.link.number,
          ClientPacket.name(answer.type),
          packetIdentifier,
          answer.reasonCode);
    }
    send(connection);
  }

  private void send(ServerConnection connection) {
    connection.link.send(writer.bytes(), writer.size());
  }

  // ---- subscriptions

  private void onRequest(ServerConnection connection, ClientPacket packet) {
    OutMessage holder = session.inUse.get(packet.packetIdentifier);
    if (holder != null || connection.requests.contains(packet.packetIdentifier)) {
      throw new Violation(packet + " although its packet identifier is in use [MQTT-2.2.1-3]");
    }
    connection.requests.add(packet.packetIdentifier);
    int[] codes = new int[packet.filters.size()];
    for (int i = 0; i < codes.length; i++) {
      int topic = packet.filters.get(i)[0];
      if (packet.type == UNSUBSCRIBE) {
        codes[i] = session.subscriptions[topic] < 0 ? NO_SUBSCRIPTION_EXISTED : 0;
        session.subscriptions[topic] = -1;
      } else if (topic == Topics.FORBIDDEN) {
        codes[i] = connection.version5 ? NOT_AUTHORIZED : 0x80;
      } else {
        codes[i] = packet.filters.get(i)[1];
        session.subscriptions[topic] = codes[i];
      }
    }
    enqueue(connection, new Answer(packet.type, packet.packetIdentifier, 0, null, codes));
  }

  // ---- messages for the client

  /** Another client publishes a message. */
  void publish(int topic, int qos, int payloadBytes) {
    if (session == null || session.subscriptions[topic] < 0) {
      return;
    }
    int granted = Math.min(qos, session.subscriptions[topic]);
    InMessage message = ledger.newIncoming(topic, granted, payloadBytes);
    if (world.isTracing()) {
      world.trace("server: gets %s", message);
    }
    if (granted > 0) {
      session.outgoing.add(new Entry(message));
      if (current != null) {
        sendMessages(current);
      }
    } else if (current != null) {
      writer.publish(current.version5, message, false, 0);
      send(current);
    }
  }

  /** Repeats what was not acknowledged, in the original order, and goes on [MQTT-4.4.0-1]. */
  private void resume(ServerConnection connection) {
    for (Entry entry : session.outgoing) {
      if (entry.progress == Progress.RELEASED) {
        connection.quotaUsed++;
        entry.sentOn = connection;
        writer.acknowledgement(connection.version5, PUBREL, entry.packetIdentifier, 0);
        send(connection);
      }
    }
    sendMessages(connection);
  }

  private void sendMessages(ServerConnection connection) {
    for (Entry entry : session.outgoing) {
      if (entry.sentOn == connection) {
        continue;
      }
      if (connection.quotaUsed >= connection.receiveMaximum) {
        return; // [MQTT-3.3.4-9]
      }
      boolean dup = entry.progress == Progress.PUBLISHED;
      if (!dup) {
        entry.packetIdentifier = session.takePacketIdentifier(scenario.serverIdentifiers);
        entry.progress = Progress.PUBLISHED;
      }
      entry.sentOn = connection;
      connection.quotaUsed++;
      (entry.message.qos == 1 ? connection.awaitingPuback : connection.awaitingPubrec).add(entry);
      writer.publish(connection.version5, entry.message, dup, entry.packetIdentifier);
      if (world.isTracing()) {
        world.trace(
            "server: link %d sends %s id %d%s",
            connection.link.number, entry.message, entry.packetIdentifier, dup ? " DUP" : "");
      }
      send(connection);
      if (!dup && entry.message.qos == 2 && world.percent(scenario.lostPublishPercent)) {
        world.trace("network: loses what was sent on link %d", connection.link.number);
        connection.link.cutAtOnce();
      }
    }
  }

  private void onPuback(ServerConnection connection, ClientPacket packet) {
    Entry entry = requireNext(connection.awaitingPuback, packet);
    session.outgoing.remove(entry);
    connection.quotaUsed--;
    ledger.onAcknowledged(entry.message, packet.packetIdentifier);
    sendMessages(connection);
  }

  private void onPubrec(ServerConnection connection, ClientPacket packet) {
    Entry entry = requireNext(connection.awaitingPubrec, packet);
    ledger.onAcknowledged(entry.message, packet.packetIdentifier);
    if (packet.reasonCode >= 0x80) {
      session.outgoing.remove(entry);
      connection.quotaUsed--;
      sendMessages(connection);
      return;
    }
    entry.progress = Progress.RELEASED;
    answer(connection, PUBREL, packet.packetIdentifier, 0, null);
  }

  private Entry requireNext(ArrayDeque<Entry> awaiting, ClientPacket packet) {
    Entry entry = awaiting.poll();
    if (entry == null || entry.packetIdentifier != packet.packetIdentifier) {
      throw new Violation(
          packet
              + (entry == null
                  ? " although nothing waits for it"
                  : " although " + entry.message + " came first [MQTT-4.6.0-2], [MQTT-4.6.0-3]"));
    }
    return entry;
  }

  private void onPubcomp(ServerConnection connection, ClientPacket packet) {
    Entry entry = session.find(packet.packetIdentifier);
    if (entry == null || entry.progress != Progress.RELEASED) {
      throw new Violation(packet + " although no PUBREL was sent");
    }
    session.outgoing.remove(entry);
    connection.quotaUsed--;
    sendMessages(connection);
  }

  /** Returns what is not done, in words. */
  String describe() {
    return "server: "
        + (current == null ? "no connection" : "link " + current.link.number)
        + ", "
        + (session == null
            ? "no session"
            : session.outgoing.size()
                + " messages for the client, "
                + session.receiving.size()
                + " being received, identifiers in use "
                + session.inUse.keySet());
  }
}
