// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttReasonException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.engine.EngineOptions.SessionLoss;
import io.bight.mqtt.engine.InFlight;
import io.bight.mqtt.engine.Session;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What has happened to each message, on either side. It belongs to nobody that can die: crashes of
 * the client and restarts of the server leave it whole.
 */
final class Ledger {
  private final World world;
  private final List<OutMessage> outgoing = new ArrayList<>();
  private final List<InMessage> incoming = new ArrayList<>();

  /** Published messages whose outcome the program was not told in this life of the client. */
  private final List<OutMessage> open = new ArrayList<>();

  /** Messages in flight as the client sees it, by packet identifier. */
  private final Map<Integer, OutMessage> inFlight = new HashMap<>();

  /** The highest number that has arrived at the server, by topic and QoS. */
  private final int[] lastArrived = new int[Topics.ALL * 3];

  /** The highest number that the program was given, by topic and QoS. */
  private final int[] lastGiven = new int[Topics.ALL * 3];

  /** The highest number that was sent on the last link, by topic and QoS. */
  private final int[] lastTaken = new int[Topics.ALL * 3];

  private int takenOnLink;

  /** What the program was given last under each packet identifier at QoS 2. */
  private final Map<Integer, InMessage> receiving = new HashMap<>();

  /** QoS 2 messages that were handled in this life, and of which the store has not heard. */
  private final List<InMessage> unrecorded = new ArrayList<>();

  /** The session that the client takes for its own, and whether it is another in truth. */
  private int knownSession;

  /** The session that a restart takes for its own. */
  private int storedSession;

  private boolean staleIdentifiers;
  private boolean connectNotStored;
  private boolean standingUnknown;

  /** Identifiers of handled messages that this life of the client has from the store. */
  private List<Integer> storedIdentifiers = List.of();

  Ledger(World world) {
    this.world = world;
    Arrays.fill(lastArrived, -1);
    Arrays.fill(lastGiven, -1);
  }

  // ---- messages of the client

  OutMessage out(int number) {
    return number >= 0 && number < outgoing.size() ? outgoing.get(number) : null;
  }

  List<OutMessage> open() {
    return open;
  }

  OutMessage newOutgoing(int topic, int qos, OfflinePolicy policy, boolean tagged) {
    int number = outgoing.size();
    String tag = tagged ? Integer.toString(number) : null;
    OutMessage message = new OutMessage(number, topic, qos, policy, tag);
    outgoing.add(message);
    open.add(message);
    return message;
  }

  /** The program is told an outcome, or has taken the message back. */
  void onEnded(OutMessage message) {
    if (message.ended) {
      throw new Violation(message + " has ended twice");
    }
    message.ended = true;
    open.remove(message);
    inFlight.remove(message.packetIdentifier, message);
  }

  /** The program is told that a message has failed. */
  void onFailed(OutMessage message, MqttException failure) {
    onEnded(message);
    boolean open =
        failure instanceof MqttReasonException
            || (failure instanceof MqttDisconnectedException && (message.sent || message.qos == 0));
    if (!open) {
      message.mustNotBeSeen = true;
      message.whyNotSeen = "the program was told that it has failed: " + failure.getMessage();
    }
  }

  void onSuccess(OutMessage message) {
    onEnded(message);
    message.succeeded = true;
    boolean accepted =
        message.delivered > 0 || message.keptByServer || message.mayBeLost || message.qos == 0;
    if (!accepted) {
      throw new Violation(message + " has succeeded, and the server has never accepted it");
    }
  }

  /** Bytes have been given to the transport. */
  void onTaken(ClientPacket packet, int link) {
    if (packet.type != ClientPacket.PUBLISH) {
      return;
    }
    OutMessage message = out(packet.number);
    if (message == null || message.topic != packet.topic || message.qos != packet.qos) {
      throw new Violation(packet + " is none that was published");
    }
    if (message.mustNotBeSeen) {
      throw new Violation(packet + " although " + message.whyNotSeen);
    }
    message.sent = true;
    if (message.qos == 0) {
      return;
    }
    if (packet.dup && message.mayRepeat) {
      message.repeats = true;
      message.packetIdentifier = packet.packetIdentifier;
    }
    if (packet.dup != message.repeats) {
      throw new Violation(
          packet + (packet.dup ? " is no repetition" : " is a repetition") + " [MQTT-3.3.1-1]");
    }
    requireOrder(packet, message, link);
    if (packet.dup) {
      if (packet.packetIdentifier != message.packetIdentifier) {
        throw new Violation(packet + " was sent with id " + message.packetIdentifier + " before");
      }
      return;
    }
    OutMessage other = inFlight.put(packet.packetIdentifier, message);
    if (other != null && other != message && !other.ended) {
      throw new Violation(
          packet + " although its identifier is that of " + other + ", which is in flight");
    }
    message.packetIdentifier = packet.packetIdentifier;
    message.repeats = true;
  }

  /** On one link the order is that of publishing, and nothing is sent twice [MQTT-4.6.0-1]. */
  private void requireOrder(ClientPacket packet, OutMessage message, int link) {
    if (takenOnLink != link) {
      takenOnLink = link;
      Arrays.fill(lastTaken, -1);
    }
    int place = message.topic * 3 + message.qos;
    if (lastTaken[place] >= message.number && !message.wasTold) {
      throw new Violation(packet + " is sent after message " + lastTaken[place]);
    }
    lastTaken[place] = Math.max(lastTaken[place], message.number);
  }

  /** A message reaches the server; the first time, in its turn. */
  void onArrived(OutMessage message) {
    if (message.arrived) {
      return;
    }
    message.arrived = true;
    if (message.wasTold) {
      return; // it has come back from the store, in its old place
    }
    int place = message.topic * 3 + message.qos;
    if (lastArrived[place] > message.number) {
      throw new Violation(
          message + " has arrived after message " + lastArrived[place] + " [MQTT-4.6.0-6]");
    }
    lastArrived[place] = message.number;
  }

  /**
   * A transport is closed: what was on its way is repeated on the next, sent or only encoded.
   *
   * @param session knows how far messages have come; null: nobody does
   */
  void onTransportClosed(@Nullable Session session) {
    for (OutMessage message : open) {
      if (session == null || message.publication == null) {
        message.mayRepeat = true; // restored, or the client's: how far it has come is not known
      } else if (message.qos > 0 && !message.repeats) {
        int packetIdentifier = InFlight.publishedAs(session, message.publication);
        if (packetIdentifier != 0) {
          message.repeats = true;
          message.packetIdentifier = packetIdentifier;
          inFlight.put(packetIdentifier, message);
        }
      }
    }
  }

  /**
   * The client hears whether the server has a session.
   *
   * @param number which one it is in truth
   */
  void onSessionKnown(boolean present, int number) {
    if (!present) {
      onSessionLostKnown();
      staleIdentifiers = false;
    } else if (knownSession != number) {
      staleIdentifiers = true;
    }
    knownSession = number;
  }

  /** A late CONNECT begins a session, which a later connection finds and takes for its own. */
  void onLateSession() {
    standingUnknown = true;
  }

  /** CONNECT has been given to the transport; whether the store knows of it. */
  void onConnectTaken(boolean stored) {
    connectNotStored = !stored;
  }

  void onStored() {
    connectNotStored = false;
  }

  /**
   * Tells whether a process has died after a CONNECT of which its store could not be told, or a
   * late CONNECT has begun one: the client does not know that the server may have begun a new
   * session.
   */
  boolean isStandingUnknown() {
    return standingUnknown;
  }

  /** The store has heard that the session is known. */
  void onSessionStored() {
    storedSession = knownSession;
  }

  /**
   * Tells whether the server has begun a new session without the client's knowledge: it may then
   * keep packet identifiers of messages that it has received and that nobody will release.
   */
  boolean hasStaleIdentifiers() {
    return staleIdentifiers;
  }

  private void onSessionLostKnown() {
    inFlight.clear();
    boolean fails = world.scenario().engineOptions.sessionLoss() == SessionLoss.FAIL;
    standingUnknown = false;
    for (OutMessage message : outgoing) {
      message.repeats = false;
      message.mayRepeat = false;
      if (message.delivered > 0
          && message.mayBeDelivered > message.delivered
          && (fails || message.policy == OfflinePolicy.FAIL)) {
        // It fails now. Only a process that dies before the store has heard of it goes on with it.
        message.mayBeDelivered = message.delivered;
        message.mayDoubleAfterCrash = true;
      }
    }
  }

  // ---- messages for the client

  InMessage newIncoming(int topic, int qos, int payloadBytes) {
    InMessage message = new InMessage(incoming.size(), topic, qos, payloadBytes);
    incoming.add(message);
    return message;
  }

  /** The engine gives a message to the program. */
  InMessage onGiven(int number, int topic, int qos, int packetIdentifier) {
    InMessage message = number >= 0 && number < incoming.size() ? incoming.get(number) : null;
    if (message == null || message.topic != topic || message.qos != qos) {
      throw new Violation("the program is given a message that was never published: " + number);
    }
    if (message.arrivals++ == 0) {
      int place = topic * 3 + qos;
      if (lastGiven[place] > number) {
        throw new Violation(message + " is given after message " + lastGiven[place]);
      }
      lastGiven[place] = number;
    } else if (qos == 0) {
      throw new Violation(message + " is given twice");
    } else if (qos == 2 && message.held) {
      throw new Violation(message + " is given once more while the program works on it");
    } else if (qos == 2 && message.handled > 0 && !message.mayRepeat) {
      throw new Violation(message + " is given once more after it was handled");
    }
    if (qos == 2) {
      receiving.put(packetIdentifier, message);
    }
    message.held = true;
    message.recorded = false;
    return message;
  }

  void onHandled(InMessage message) {
    message.handled++;
    if (message.qos == 2) {
      if (message.handled > 1 && !message.mayRepeat) {
        throw new Violation(message + " is handled twice");
      }
      message.mayRepeat = false;
      unrecorded.add(message);
    }
  }

  /** The store knows that the message with a packet identifier was handled. */
  void onRecorded(int packetIdentifier) {
    InMessage message = receiving.get(packetIdentifier);
    if (message != null) {
      message.recorded = true;
      unrecorded.remove(message);
    }
  }

  /** The engine knows that a message was handled, and its store works. */
  void onAnswered(InMessage message) {
    unrecorded.remove(message);
  }

  /** PUBACK or PUBREC has reached the server. */
  void onAcknowledged(InMessage message, int packetIdentifier) {
    if (!message.answered && staleIdentifiers && storedIdentifiers.contains(packetIdentifier)) {
      // The first transmission was lost, and the identifier is one that was handled in a session
      // which the server has lost without the client's knowledge: nobody could tell them apart.
      message.lost = true;
    } else if (!message.answered) {
      throw new Violation(message + " is acknowledged, and the program has not finished with it");
    }
  }

  // ---- accidents

  /** The client's process dies. */
  void onCrash() {
    knownSession = storedSession;
    standingUnknown |= connectNotStored;
    staleIdentifiers |= connectNotStored;
    connectNotStored = false;
    for (InMessage message : unrecorded) {
      message.mayRepeat = true;
    }
    unrecorded.clear();
    receiving.clear();
    inFlight.clear();
    for (InMessage message : incoming) {
      message.held = false;
    }
    for (OutMessage message : outgoing) {
      message.publication = null;
      message.entry = null;
      message.wasRestored = false;
    }
  }

  /** A new client goes on with the identifiers that the store has kept. */
  void onRestored(List<Integer> identifiers) {
    storedIdentifiers = identifiers;
  }

  /** A new client goes on with a message that the store has kept. */
  void onRestored(OutMessage message, int packetIdentifier, boolean published) {
    if (message.wasRestored) {
      throw new Violation(message + " is restored twice");
    }
    message.wasRestored = true;
    if (message.ended) {
      // The program was told, but the store has not heard that it was: it is told once more.
      message.ended = false;
      message.wasTold = true;
      open.add(message);
      message.mustNotBeSeen = false;
    }
    if (message.mayDoubleAfterCrash) {
      message.mayBeDelivered = message.delivered + 1;
    }
    message.repeats = published;
    message.packetIdentifier = packetIdentifier;
    if (packetIdentifier != 0) {
      inFlight.put(packetIdentifier, message);
    }
  }

  /** Returns what died with the client: neither told nor stored, so nobody may ever see it. */
  List<OutMessage> takeDied() {
    List<OutMessage> died = new ArrayList<>();
    for (OutMessage message : open) {
      if (!message.wasRestored) {
        died.add(message);
        if (message.arrived && message.qos > 0) {
          throw new Violation(
              message + " has reached the server, but was not stored when the process died");
        }
        message.ended = true;
        if (message.qos > 0) {
          message.mustNotBeSeen = true;
          message.whyNotSeen = "it was not stored when the process died";
        }
      }
    }
    open.removeAll(died);
    return died;
  }

  // ---- the end

  /** Checks what must hold when everything has come to rest. */
  void verify() {
    for (InMessage message : incoming) {
      if (message.qos > 0 && message.handled == 0 && !message.refused && !message.lost) {
        throw new Violation(message + " was never handled");
      }
    }
    for (OutMessage message : outgoing) {
      if (!message.ended) {
        throw new Violation("the program was never told what became of " + message);
      }
      if (message.succeeded && message.qos > 0 && message.delivered == 0 && !message.mayBeLost) {
        throw new Violation(message + " has succeeded, but was never delivered");
      }
    }
  }
}
