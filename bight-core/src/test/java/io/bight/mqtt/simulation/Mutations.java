// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.util.List;

/** Ways to break the engine, each of which the simulation must notice. */
final class Mutations {
  private Mutations() {}

  private static Mutation mutation(
      String breaks, long seed, String className, String text, String replacement) {
    return new Mutation(breaks, seed, "io.bight.mqtt.engine." + className, text, replacement);
  }

  static List<Mutation> all() {
    return List.of(
        mutation(
            "a repetition has no DUP",
            5,
            "PublishSender",
            "encode(connection, message, publish.packetIdentifier, true);",
            "encode(connection, message, publish.packetIdentifier, false);"),
        mutation(
            "repetitions go out in the opposite order",
            10,
            "PublishedMessages",
            "comparingLong(publish -> publish.position)",
            "comparingLong(publish -> -publish.position)"),
        mutation(
            "a new message overtakes those that wait",
            60,
            "OutgoingMessages",
            "boolean sendNow = queue.isEmpty() && sender",
            "boolean sendNow = sender"),
        mutation(
            "a packet identifier is taken while it is in use",
            5,
            "PacketIdentifiers",
            "while (table[identifier] != null);",
            "while (false);"),
        mutation(
            "a packet identifier is not given back",
            1,
            "Requests",
            """
                unanswered.remove(request);
                session.packetIdentifiers.release(request.packetIdentifier);
            """,
            "    unanswered.remove(request);\n"),
        mutation(
            "the quota is not given back",
            48,
            "PublishSender",
            "    session.packetIdentifiers.release(packetIdentifier);\n    connection.sendQuota++;",
            "    session.packetIdentifiers.release(packetIdentifier);"),
        mutation(
            "the quota of a repetition is not given back",
            2,
            "PublishSender",
            "    if (publish.holdsQuota) {\n      connection.sendQuota++;",
            "    if (publish.holdsQuota) {"),
        mutation(
            "what was sent at once is forgotten with its connection",
            10,
            "OutgoingMessages",
            "    session.giveEntries();\n    session.published",
            "    session.published"),
        mutation(
            "what was sent at once is repeated in the opposite order",
            48,
            "Session",
            "publish.position = message.place();",
            "publish.position = -message.place();"),
        mutation(
            "PUBREC of what was sent at once is not noted",
            6,
            "PublishAcknowledgements",
            "      session.direct.release(packetIdentifier);\n",
            ""),
        mutation(
            "the quota is exceeded by one",
            2,
            "PublishSender",
            "(connection.sendQuota > 0 &&",
            "(connection.sendQuota >= 0 &&"),
        mutation(
            "the queue is longer than its bound by one",
            9,
            "OutgoingMessages",
            "queue.unsentMessages() < options.queueMaximumMessages()",
            "queue.unsentMessages() <= options.queueMaximumMessages()"),
        mutation(
            "PUBREL is not repeated on a new connection",
            48,
            "OutgoingMessages",
            "      engine.sent().sendPubrel(connection, publish.packetIdentifier, ReasonCode.SUCCESS);\n",
            ""),
        mutation(
            "what was released is published again in a new session",
            46,
            "OutgoingMessages",
            "List<OutgoingPublish> ended = takeAll(session.released);",
            "List<OutgoingPublish> ended = new ArrayList<>();"
                + " takeAll(session.released).forEach(session.published::add);"),
        mutation(
            "an outcome is told twice",
            2,
            "PublishAcknowledgements",
            "      publication.onSuccess(PublishResult.of(",
            "      publication.onSuccess(PublishResult.of(message.qos(), reason, properties));"
                + " publication.onSuccess(PublishResult.of("),
        mutation(
            "what was cut off before its answer is forgotten",
            10,
            "Requests",
            "      waiting().addFirst(again.get(i));",
            ""),
        mutation(
            "subscriptions are not made again in a new session",
            30,
            "Requests",
            "    resubscribe(connection, isUncertain);",
            ""),
        mutation(
            "a message is acknowledged before the program has finished",
            30,
            "IncomingMessages",
            "    connection.receiveQuotaUsed++;\n    if (!connection.unacknowledged",
            "    connection.receiveQuotaUsed++;\n"
                + "    acknowledge(incoming, ReasonCode.SUCCESS, Properties.NONE);\n"
                + "    if (!connection.unacknowledged"),
        mutation(
            "acknowledgements leave in the order in which the program finishes",
            194,
            "IncomingMessages",
            """
                  if (incoming.isQueued) {
                    sendAcknowledgements(connection);
            """,
            """
                  if (incoming.isQueued) {
                    connection.unacknowledged.remove(incoming);
                    sendAcknowledgement(connection, incoming, incoming.answer);
            """),
        mutation(
            "a repetition at QoS 2 is delivered again",
            36,
            "IncomingMessages",
            "} else if (earlier != null && !earlier.isGivenUp(connection)) {",
            "} else if (earlier == incoming) {"),
        mutation(
            "incoming identifiers are kept when the session is lost",
            1576,
            "IncomingMessages",
            "    session.receiving.clear();\n    keeper.clearIncoming();",
            ""),
        mutation(
            "a dead server is never noticed",
            13,
            "KeepAlive",
            "return pingUnanswered && nowNanos - deadlineNanos() >= 0;",
            "return false;"),
        mutation(
            "a batch that is dropped is not released",
            142,
            "ConnectionState",
            "    dropOutgoing();\n    releaseRest();",
            "    releaseRest();"),
        mutation(
            "bytes are taken before what they tell is stored",
            667,
            "MqttEngine",
            "boolean stored = sender.commit();",
            "boolean stored = true;"),
        mutation(
            "a message is sent and not stored",
            4,
            "PublishSender",
            "keeper.putPublished(publish, engine.nowNanos());",
            ""),
        mutation(
            "the store is not told that a message has ended",
            4,
            "PublishEnds",
            "      keeper.remove(publish);\n",
            ""),
        mutation(
            "the store is not told that PUBREC has come",
            46,
            "PublishAcknowledgements",
            "    keeper.putReleased(publish);\n",
            ""),
        mutation(
            "the store is not told that a message was handled",
            4372,
            "IncomingMessages",
            "      keeper.putIncoming(incoming.message().packetIdentifier());\n",
            ""),
        mutation(
            "the store is not told that an identifier is free again",
            104,
            "IncomingMessages",
            "      session.receiving.remove(packetIdentifier);\n"
                + "      keeper.removeIncoming(packetIdentifier);",
            "      session.receiving.remove(packetIdentifier);"),
        mutation(
            "what cannot be stored is sent all the same",
            235,
            "PublishSender",
            "    boolean stored = commit(connection, admitted, takenOut);",
            "    commit(connection, List.of(), Set.of());\n    boolean stored = true;"),
        mutation(
            "PUBREL is repeated before PUBREC is stored",
            1973,
            "OutgoingMessages",
            "        connection.batchDepends = true; // a crash must not have it published again after"
                + " PUBREL\n",
            ""),
        mutation(
            "what could not be stored has failed and stays in the queue",
            23,
            "PublishSender",
            "        session.queue.remove(publish);\n        ends.failLater(publish, failures.not",
            "        ends.failLater(publish, failures.not"),
        mutation(
            "a QoS 0 message is sent before the store has forgotten it",
            1398,
            "PublishSender",
            "return publish.isStored || publish",
            "return publish"),
        mutation(
            "what was asked for and not answered before a restart is not asked for again",
            7,
            "Requests",
            "        waiting().add(unanswered);\n        session.ask(filter, unanswered);\n",
            ""),
        mutation(
            "subscriptions are not made again after a lost CONNACK",
            30,
            "ServerPackets",
            "requests.onConnected(current, connack.sessionPresent(), wasUncertain);",
            "requests.onConnected(current, connack.sessionPresent(), false);"));
  }
}
