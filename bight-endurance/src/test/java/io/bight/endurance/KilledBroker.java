// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.broker.EmbeddedBroker;
import io.bight.testkit.MosquittoServer;
import io.bight.testkit.ScriptedServer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A broker between the programs that are killed, and what can be done to it. */
interface KilledBroker extends AutoCloseable {
  /** Mosquitto's line about a message at QoS 2: receiver, packet identifier, length. */
  Pattern SENT =
      Pattern.compile(
          ".*Sending PUBLISH to (\\S+) \\(d\\d, q2, r0, m(\\d+), .* \\((\\d+) bytes\\)\\)");

  String uri();

  /** Ends it, and all connections with it, and lets it come back after the pause. */
  void endAndComeBack(Pause whileAway) throws InterruptedException;

  /** Returns what the broker has logged of messages of a length; no two are equally long. */
  List<String> linesAbout(int payloadLength);

  /** Returns all that the broker has logged. */
  default List<String> log() {
    return List.of();
  }

  /**
   * Tells whether the broker has sent a QoS 2 message again although its receiver had answered the
   * first with PUBREC: by the standard PUBREL is due then, and the PUBLISH is a new message.
   * Mosquitto 2.0 does so when a client connects twice and goes each time before PUBREL is written.
   */
  default boolean repeatsWhatWasAnswered(String receiver, int payloadLength) {
    return false;
  }

  /**
   * Tells whether the broker has sent a message for the first time before it sent another one:
   * Mosquitto 2.0 may do so against the order in which they were published when its receiver
   * connects while they arrive.
   */
  default boolean hasSentBefore(String receiver, int payloadLength, int otherPayloadLength) {
    return false;
  }

  @Override
  void close();

  /** What happens while the broker is away. */
  @FunctionalInterface
  interface Pause {
    void run() throws InterruptedException;
  }

  /** Mosquitto with its sessions on disk; ended in order (SIGTERM) or killed (SIGKILL). */
  static KilledBroker mosquitto(boolean killed) {
    // It limits what it keeps for a client that is away to 1,000 messages unless told otherwise.
    MosquittoServer server = MosquittoServer.startPersistent("max_queued_messages 0");
    List<String> earlierLogs = new CopyOnWriteArrayList<>();
    return new KilledBroker() {
      @Override
      public String uri() {
        return server.uri().toString();
      }

      @Override
      public void endAndComeBack(Pause whileAway) throws InterruptedException {
        if (killed) {
          server.kill();
        } else {
          server.stop();
        }
        earlierLogs.add(server.log());
        whileAway.run();
        server.restart();
      }

      @Override
      public boolean repeatsWhatWasAnswered(String receiver, int payloadLength) {
        List<String> lines = log();
        int last = -1;
        String identifier = "";
        for (int i = 0; i < lines.size(); i++) {
          Matcher sent = SENT.matcher(lines.get(i));
          if (sent.matches()
              && sent.group(1).equals(receiver)
              && Integer.parseInt(sent.group(3)) == payloadLength) {
            last = i;
            identifier = sent.group(2);
          }
        }
        Pattern answered =
            Pattern.compile(
                ".*Received PUBREC from " + receiver + " \\(Mid: " + identifier + "\\D.*");
        return last > 0
            && lines.subList(0, last).stream().anyMatch(line -> answered.matcher(line).matches());
      }

      @Override
      public List<String> log() {
        return (String.join("", earlierLogs) + server.log()).lines().toList();
      }

      @Override
      public boolean hasSentBefore(String receiver, int payloadLength, int otherPayloadLength) {
        int first = firstSent(receiver, payloadLength);
        int other = firstSent(receiver, otherPayloadLength);
        return first >= 0 && other >= 0 && first < other;
      }

      private int firstSent(String receiver, int payloadLength) {
        List<String> lines = log();
        for (int i = 0; i < lines.size(); i++) {
          if (lines.get(i).contains("Sending PUBLISH to " + receiver + " (")
              && lines.get(i).endsWith("(" + payloadLength + " bytes))")) {
            return i;
          }
        }
        return -1;
      }

      @Override
      public List<String> linesAbout(int payloadLength) {
        return log().stream()
            .filter(
                line ->
                    line.contains("(" + payloadLength + " bytes)")
                        || line.contains("starting")
                        || line.contains("terminating"))
            .toList();
      }

      @Override
      public void close() {
        server.close();
      }
    };
  }

  /** HiveMQ in this process. */
  static KilledBroker embedded() {
    EmbeddedBroker broker = EmbeddedBroker.start();
    return new KilledBroker() {
      @Override
      public String uri() {
        return broker.uri();
      }

      @Override
      public void endAndComeBack(Pause whileAway) {
        throw new IllegalStateException("it keeps its sessions in memory");
      }

      @Override
      public List<String> linesAbout(int payloadLength) {
        return List.of("(HiveMQ logs no messages)");
      }

      @Override
      public void close() {
        broker.close();
      }
    };
  }

  /**
   * The test kit's broker. What it knows is whole at every moment and outlives its connections, so
   * it is what a broker would be that keeps every promise when it is killed.
   */
  static KilledBroker behaving() {
    ScriptedServer server = ScriptedServer.behavingBroker();
    return new KilledBroker() {
      @Override
      public String uri() {
        return server.uri().toString();
      }

      @Override
      public void endAndComeBack(Pause whileAway) throws InterruptedException {
        server.stopListening(); // resets all connections
        whileAway.run();
        server.startListening();
      }

      @Override
      public List<String> linesAbout(int payloadLength) {
        return server
            .transcript()
            .lines()
            .filter(line -> line.contains(" " + payloadLength + " B"))
            .toList();
      }

      @Override
      public void close() {
        server.close();
      }
    };
  }
}
