// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.util.List;

/** Ways to break how a client connects, each of which the simulation must notice. */
final class ClientMutations {
  private ClientMutations() {}

  private static Mutation mutation(
      String breaks, long seed, String className, String text, String replacement) {
    return new Mutation(breaks, seed, "io.bight.client." + className, text, replacement);
  }

  static List<Mutation> all() {
    return List.of(
        mutation(
            "the timer of the next attempt outlives disconnect",
            15,
            "Reconnector",
            "      retryTimer.cancel(false);\n"
                + "      retryTimer = null;\n"
                + "      phase = Phase.IDLE;\n",
            "      retryTimer = null;\n" + "      phase = Phase.IDLE;\n"),
        mutation(
            "an attempt goes on after disconnect",
            2,
            "Reconnector",
            "if (phase == Phase.CONNECTING) {",
            "if (false) {"),
        mutation(
            "disconnect is forgotten while the transport closes",
            1,
            "Reconnector",
            "    wanted = false;\n" + "    cancelRetry();\n",
            "    cancelRetry();\n"),
        mutation(
            "a second attempt is made while one is under way",
            1,
            "Reconnector",
            "      if (phase == Phase.IDLE) {\n" + "        beginAttempt();\n" + "      }\n",
            "      beginAttempt();\n"),
        mutation(
            "connect while a connection is wanted begins another attempt",
            21,
            "Reconnector",
            "if (!wanted) {\n" + "      wanted = true;",
            "if (true) {\n" + "      wanted = true;"),
        mutation(
            "the delay does not grow",
            6,
            "Retries",
            "policy.delay(level() + failures, random)",
            "policy.delay(Math.min(1, level() + failures), random)"),
        mutation(
            "the count of failures is not set back by a connection",
            124,
            "Retries",
            "    connectedOnce = true;\n" + "    failures = 0;\n",
            "    connectedOnce = true;\n"),
        mutation(
            "connections that end soon do not count",
            101,
            "Retries",
            "isShort ? shortConnections + 1 : 0",
            "0"),
        mutation(
            "a take-over is forgotten",
            131,
            "Retries",
            "      takeovers++;\n",
            "      takeovers = 0;\n"),
        mutation(
            "a refusal for good is met with short delays",
            60,
            "Retries",
            "ConnectFailures.isPermanent(reason) && !attemptsDiffer",
            "false"),
        mutation(
            "more attempts are made than are allowed",
            8,
            "Retries",
            "policy.allowsAttempt(failures) ?",
            "policy.allowsAttempt(failures - 1) ?"),
        mutation(
            "a first connection that fails is tried again unasked",
            6,
            "Retries",
            "boolean goesOn = connectedOnce || policy.includesFirstConnect();",
            "boolean goesOn = true;"),
        mutation(
            "connect is never told of the connection",
            1,
            "Reconnector",
            "    for (RequestFuture<ConnectEvent> future : made) {\n"
                + "      future.onSuccess(event);\n"
                + "    }\n",
            ""),
        mutation(
            "connect in onConnect, after disconnect, is told of the connection that ended",
            1592,
            "Reconnector",
            "future : made) {",
            "future : java.util.stream.Stream.concat("
                + "made.stream(), connecting.takeAll().stream()).toList()) {"),
        mutation(
            "connect is not told that the client gives up",
            4,
            "Reconnector",
            "    failAll(failed, failure);\n",
            ""),
        mutation(
            "disconnect is told before the transport is closed",
            1,
            "Reconnector",
            "List<RequestFuture<Void>> disconnected = phase == Phase.IDLE ? enterRest() : List.of();",
            "List<RequestFuture<Void>> disconnected = phase == Phase.IDLE ? enterRest() : disconnecting.takeAll();"),
        mutation(
            "disconnect is never told",
            2,
            "Reconnector",
            "    return disconnecting.takeAll();\n",
            "    return List.of();\n"),
        mutation(
            "onDisconnect comes twice",
            6,
            "Reconnector",
            "    onDisconnected(retries.explained(end, client.clientId()), retryDelay);\n",
            "    onDisconnected(retries.explained(end, client.clientId()), retryDelay);\n"
                + "    onDisconnected(end, retryDelay);\n"),
        mutation(
            "onDisconnect comes without onConnect",
            1441,
            "Reconnector",
            "    boolean told = connected != null;\n",
            "    boolean told = end.established();\n"),
        mutation(
            "the state is CONNECTED until onDisconnect has come",
            6,
            "Reconnector",
            "    client.status().setState(wanted ? State.RECONNECTING : State.DISCONNECTED);\n"
                + "    onDisconnected(",
            "    onDisconnected("),
        mutation(
            "a delay that was planned before disconnect is waited after it",
            392,
            "Reconnector",
            "      retryDelay = null; // it was planned for what has been given up\n",
            ""),
        mutation(
            "connect is told of the connection that is being ended",
            290,
            "Reconnector",
            "if (connected != null && wanted) {",
            "if (connected != null) {"),
        mutation(
            "onConnectFailure does not come if the hook has failed",
            4,
            "Reconnector",
            "    leaveGate();\n"
                + "    onAttemptFailed(\n"
                + "        new MqttConnectException(\n"
                + "            client.describe()\n"
                + "                + \" could not connect: the program's hook",
            "    leaveGate();\n"
                + "    java.util.Objects.requireNonNull(\n"
                + "        new MqttConnectException(\n"
                + "            client.describe()\n"
                + "                + \" could not connect: the program's hook"),
        mutation(
            "no attempt follows a transport that could not be opened",
            2,
            "Reconnector",
            "            failed.request().transportOptions(),\n"
                + "            cause));\n"
                + "    retryOrRest();\n",
            "            failed.request().transportOptions(),\n" + "            cause));\n"),
        mutation(
            "the connect timer of a hook goes on",
            10,
            "Attempt",
            "      hookTimer.cancel(false);\n" + "      hookTimer = null;\n",
            "      hookTimer = null;\n"));
  }
}
