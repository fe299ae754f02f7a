// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.util.List;

/** Ways to break the engine, each of which the simulation must notice. */
final class Mutations {
  private Mutations() {}

  static List<Mutation> all() {
    return List.of(
        new Mutation(
            "a repetition has no DUP",
            "PublishSender",
            "encode(connection, message, publish.packetIdentifier, true);",
            "encode(connection, message, publish.packetIdentifier, false);"),
        new Mutation(
            "repetitions go out in the opposite order",
            "PublishSender",
            "session.published.add(publish);",
            "session.published.addFirst(publish);"),
        new Mutation(
            "a new message overtakes those that wait",
            "OutgoingMessages",
            "boolean sendNow = queue.isEmpty() && sender",
            "boolean sendNow = sender"),
        new Mutation(
            "a packet identifier is taken while it is in use",
            "PacketIdentifiers",
            "while (table[identifier] != null);",
            "while (false);"),
        new Mutation(
            "a packet identifier is not given back",
            "Requests",
            """
                unanswered.remove(request);
                session.packetIdentifiers.release(request.packetIdentifier);
            """,
            "    unanswered.remove(request);\n"),
        new Mutation("the quota is not given back", "PublishSender", "connection.sendQuota++;", ""),
        new Mutation(
            "the quota is exceeded by one",
            "PublishSender",
            "(connection.sendQuota > 0 &&",
            "(connection.sendQuota >= 0 &&"),
        new Mutation(
            "the queue is longer than its bound by one",
            "OutgoingMessages",
            "queue.unsentMessages() < options.queueMaximumMessages()",
            "queue.unsentMessages() <= options.queueMaximumMessages()"),
        new Mutation(
            "PUBREL is not repeated on a new connection",
            "OutgoingMessages",
            """
                  connection.batchDepends = true; // that PUBREC has come may not be stored yet
                  encodePubrel(connection, publish.packetIdentifier, ReasonCode.SUCCESS);
            """,
            ""),
        new Mutation(
            "what was released is published again in a new session",
            "OutgoingMessages",
            "List<OutgoingPublish> ended = takeAll(session.released);",
            "List<OutgoingPublish> ended = new ArrayList<>();"
                + " takeAll(session.released).forEach(session.published::add);"
                + " for (var p = session.published.first(); p != null; p = p.next)"
                + " if (p.packetIdentifier == 0)"
                + " p.packetIdentifier = session.packetIdentifiers.take(p);"),
        new Mutation(
            "an outcome is told twice",
            "OutgoingMessages",
            "      publish.completion().onSuccess(PublishResult.of(",
            "      publish.completion().onSuccess(PublishResult.of(publish.message().qos(), reason,"
                + " properties)); publish.completion().onSuccess(PublishResult.of("),
        new Mutation(
            "what was cut off before its answer is forgotten",
            "Requests",
            "      waiting.addFirst(again.get(i));",
            ""),
        new Mutation(
            "subscriptions are not made again in a new session",
            "Requests",
            "    resubscribe(connection, isUncertain);",
            ""),
        new Mutation(
            "a message is acknowledged before the program has finished",
            "IncomingMessages",
            "    listener.onMessage(incoming);\n  }\n\n  /**",
            "    acknowledge(incoming, ReasonCode.SUCCESS, Properties.NONE);\n"
                + "    listener.onMessage(incoming);\n  }\n\n  /**"),
        new Mutation(
            "acknowledgements leave in the order in which the program finishes",
            "IncomingMessages",
            """
                if (connection == engine.connectionOrNull()) {
                  sendAcknowledgements(connection);
            """,
            """
                if (connection == engine.connectionOrNull()) {
                  connection.unacknowledged.remove(incoming);
                  sendAcknowledgement(connection, incoming, incoming.answer);
            """),
        new Mutation(
            "a repetition at QoS 2 is delivered again",
            "IncomingMessages",
            "} else if (earlier != null && !earlier.isGivenUp(connection)) {",
            "} else if (earlier == incoming) {"),
        new Mutation(
            "incoming identifiers are kept when the session is lost",
            "IncomingMessages",
            "    session.receiving.clear();\n    keeper.clearIncoming();",
            ""),
        new Mutation(
            "a dead server is never noticed",
            "KeepAlive",
            "return pingUnanswered && nowNanos - deadlineNanos() >= 0;",
            "return false;"),
        new Mutation(
            "a batch that is dropped is not released",
            "ConnectionState",
            "    dropOutgoing();\n    releaseRest();",
            "    releaseRest();"),
        new Mutation(
            "bytes are taken before what they tell is stored",
            "MqttEngine",
            "boolean stored = sender.commit();",
            "boolean stored = true;"),
        new Mutation(
            "a message is sent and not stored",
            "PublishSender",
            "keeper.putPublished(publish, engine.nowNanos());",
            ""),
        new Mutation(
            "the store is not told that a message has ended",
            "PublishEnds",
            "      keeper.remove(publish); // lasts with the next commit only, so after the program"
                + " was told\n",
            ""),
        new Mutation(
            "the store is not told that PUBREC has come",
            "OutgoingMessages",
            "    keeper.putReleased(publish);\n",
            ""),
        new Mutation(
            "the store is not told that a message was handled",
            "IncomingMessages",
            "      keeper.putIncoming(incoming.message().packetIdentifier());\n",
            ""),
        new Mutation(
            "the store is not told that an identifier is free again",
            "IncomingMessages",
            "      session.receiving.remove(packetIdentifier);\n"
                + "      keeper.removeIncoming(packetIdentifier);",
            "      session.receiving.remove(packetIdentifier);"),
        new Mutation(
            "what cannot be stored is sent all the same",
            "PublishSender",
            "    boolean stored = commit(connection, admitted, takenOut);",
            "    commit(connection, List.of(), Set.of());\n    boolean stored = true;"),
        new Mutation(
            "PUBREL is repeated before PUBREC is stored",
            "OutgoingMessages",
            "      connection.batchDepends = true; // that PUBREC has come may not be stored yet\n",
            ""),
        new Mutation(
            "what is refused and cannot be stored ends twice",
            "PublishSender",
            " || refused.contains(publish)",
            ""),
        new Mutation(
            "a QoS 0 message is sent before the store has forgotten it",
            "PublishSender",
            "return publish.isStored || publish",
            "return publish"),
        new Mutation(
            "subscriptions asked for after a lost CONNACK count as granted",
            "Requests",
            "    if (sessionPresent && isUncertain) {",
            "    if (sessionPresent && isUncertain && session.wanted.isEmpty()) {"));
  }
}
