// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.Puback;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Pubrec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Messages on their way in: topic aliases, no second delivery at QoS 2, acknowledgements in the
 * order of arrival whatever the order in which the application finishes [MQTT 5.0, sections 4.3 and
 * 4.6].
 */
final class IncomingMessages {
  private final MqttEngine engine;
  private final Session session;
  private final SessionKeeper keeper;
  private final EngineListener listener;

  IncomingMessages(
      MqttEngine engine, Session session, SessionKeeper keeper, EngineListener listener) {
    this.engine = engine;
    this.session = session;
    this.keeper = keeper;
    this.listener = listener;
  }

  void onPublish(ConnectionState connection, Publish packet) {
    Publish publish = resolveAlias(connection, packet);
    if (publish == null) {
      return; // refused
    }
    if (publish.qos() == Qos.AT_MOST_ONCE) {
      listener.onMessage(new IncomingPublish(publish, null));
      return;
    }
    if (connection.receiveQuotaUsed == connection.receiveMaximum) {
      engine.refuse(
          connection,
          ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
          "the server sent more than "
              + connection.receiveMaximum
              + (connection.receiveMaximum == 1 ? " message" : " messages")
              + " without waiting for acknowledgements [MQTT-3.3.4-9]");
      return;
    }
    IncomingPublish incoming = new IncomingPublish(publish, connection);
    if (publish.qos() == Qos.EXACTLY_ONCE) {
      IncomingPublish earlier = session.receiving.get(publish.packetIdentifier());
      if (earlier != null && isAnother(publish, earlier)) {
        keeper.removeIncoming(publish.packetIdentifier());
        if (!engine.isStored(connection)) {
          return; // a crash while it is handled would have the next process take it for handled
        }
      } else if (earlier != null && !earlier.isGivenUp(connection)) {
        onRepetition(connection, earlier, incoming);
        return;
      }
      session.receive(publish.packetIdentifier(), incoming);
    } else if (session.recent != null) {
      RecentMessages.Entry earlier = session.recent.findOrAdd(incoming, connection);
      if (earlier != null) {
        onRepetition(connection, earlier, incoming);
        return;
      }
    }
    connection.receiveQuotaUsed++;
    if (!connection.unacknowledged.isEmpty()) {
      connection.queueUnacknowledged(incoming);
      listener.onMessage(incoming);
      return;
    }
    listener.onMessage(incoming);
    if (!incoming.answerSent) { // most are acknowledged at once, and nothing was before them
      connection.queueUnacknowledged(incoming);
    }
  }

  /**
   * Tells whether a packet identifier means another message than earlier: the server may have begun
   * a new session without our knowledge. Then it says that it sends this one for the first time, or
   * that transmission was lost, and only the content tells them apart.
   */
  private static boolean isAnother(Publish publish, IncomingPublish earlier) {
    return earlier.isUncertain && (!publish.dup() || earlier.isContentOther(publish));
  }

  /** The same QoS 2 message once more: answered like the first, never delivered [MQTT-4.3.3-10]. */
  private void onRepetition(
      ConnectionState connection, IncomingPublish earlier, IncomingPublish repetition) {
    boolean onThisConnection = earlier.connection == connection;
    if (!onThisConnection) {
      connection.receiveQuotaUsed++;
      earlier.connection = connection;
    }
    if (earlier.answer != null) {
      session.receive(repetition.message().packetIdentifier(), repetition);
      answerRepetition(connection, repetition, earlier.answer, earlier.answerProperties);
    } else if (!onThisConnection) {
      // The application still works on the first delivery; its answer will go out here.
      connection.queueUnacknowledged(earlier);
    }
  }

  /** A QoS 1 message that the application was given not long ago. */
  private void onRepetition(
      ConnectionState connection, RecentMessages.Entry earlier, IncomingPublish repetition) {
    IncomingPublish unanswered = earlier.unanswered;
    if (unanswered == null) {
      connection.receiveQuotaUsed++;
      answerRepetition(connection, repetition, earlier.answer, Properties.NONE);
    } else if (unanswered.connection != connection) {
      connection.receiveQuotaUsed++;
      unanswered.connection = connection;
      connection.queueUnacknowledged(unanswered);
    }
  }

  private void answerRepetition(
      ConnectionState connection,
      IncomingPublish repetition,
      ReasonCode answer,
      Properties properties) {
    repetition.answer = connection.isVersion5() ? answer : ReasonCode.SUCCESS;
    repetition.answerProperties = properties;
    connection.queueUnacknowledged(repetition);
    sendAcknowledgements(connection);
  }

  private @Nullable Publish resolveAlias(ConnectionState connection, Publish packet) {
    Integer alias =
        packet.properties().isEmpty() ? null : packet.properties().get(Property.TOPIC_ALIAS);
    if (alias == null) {
      return packet;
    }
    if (alias > connection.topicAliasMaximum) {
      engine.refuse(
          connection,
          ReasonCode.TOPIC_ALIAS_INVALID,
          "the server used the topic alias "
              + alias
              + "; "
              + connection.topicAliasMaximum
              + " is the highest allowed");
      return null;
    }
    // The alias means nothing beyond this connection: the application does not see it.
    if (!packet.topic().isEmpty()) {
      connection.setTopicOfAlias(alias, packet.topic());
      return resolved(packet, packet.topic());
    }
    String topic = connection.topicOfAlias(alias);
    if (topic == null) {
      engine.refuse(
          connection,
          ReasonCode.PROTOCOL_ERROR,
          "the server used the topic alias " + alias + " without having set it");
      return null;
    }
    return resolved(packet, topic);
  }

  private static Publish resolved(Publish packet, String topic) {
    Properties properties = packet.properties();
    return new Publish(
        topic,
        packet.payload(),
        packet.qos(),
        packet.retain(),
        packet.dup(),
        packet.packetIdentifier(),
        properties.size() == 1 ? Properties.NONE : properties.without(Property.TOPIC_ALIAS));
  }

  /** PUBREL frees the packet identifier; every PUBREL is answered [MQTT-4.3.3-11]. */
  void onPubrel(ConnectionState connection, int packetIdentifier) {
    IncomingPublish incoming = session.receiving.get(packetIdentifier);
    if (incoming != null && !incoming.answerSent) {
      engine.refuse(
          connection,
          ReasonCode.PROTOCOL_ERROR,
          "the server sent PUBREL for packet identifier "
              + packetIdentifier
              + " before it was sent PUBREC");
      return;
    }
    ReasonCode reason = ReasonCode.PACKET_IDENTIFIER_NOT_FOUND;
    if (incoming != null) {
      reason = ReasonCode.SUCCESS;
      session.receiving.remove(packetIdentifier);
      keeper.removeIncoming(packetIdentifier);
      connection.receiveQuotaUsed = Math.max(0, connection.receiveQuotaUsed - 1);
    }
    // Even if it was removed earlier: that may not be stored yet.
    connection.batchDepends = true;
    connection.encoder.encodePubcomp(
        packetIdentifier, reason, Properties.NONE, connection.outgoing());
    engine.sent().onPubcompEncoded(connection, packetIdentifier, reason);
  }

  /** The application has finished with a message. A second answer changes nothing. */
  void acknowledge(IncomingPublish incoming, ReasonCode answer, Properties properties) {
    ConnectionState connection = incoming.connection;
    if (connection == null || incoming.answer != null) {
      return;
    }
    // Before 5.0 an acknowledgement cannot say no.
    boolean plain =
        !connection.isVersion5() || (answer == ReasonCode.SUCCESS && properties.isEmpty());
    if (plain) {
      incoming.answer = ReasonCode.SUCCESS;
    } else {
      // What cannot be encoded is the caller's mistake: it throws here, before anything changes.
      connection.encoder.encodedLength(acknowledgement(incoming, answer, properties));
      incoming.answer = answer;
      incoming.answerProperties = properties;
    }
    if (session.recent != null) {
      session.recent.onAnswered(incoming, incoming.answer);
    }
    if (incoming.isHandled() && isReceiving(incoming)) {
      // At once: its acknowledgement may have to wait, and a repetition must not be delivered.
      keeper.putIncoming(incoming.message().packetIdentifier());
      connection.batchDepends = true;
    }
    if (connection == engine.connectionOrNull()) {
      if (incoming.isQueued) {
        sendAcknowledgements(connection);
      } else {
        sendAcknowledgement(connection, incoming, incoming.answer); // no other waits
      }
    }
  }

  private boolean isReceiving(IncomingPublish incoming) {
    return incoming.message().qos() == Qos.EXACTLY_ONCE
        && session.receiving.get(incoming.message().packetIdentifier()) == incoming;
  }

  private static Packet acknowledgement(
      IncomingPublish incoming, ReasonCode answer, Properties properties) {
    int packetIdentifier = incoming.message().packetIdentifier();
    return incoming.message().qos() == Qos.AT_LEAST_ONCE
        ? new Puback(packetIdentifier, answer, properties)
        : new Pubrec(packetIdentifier, answer, properties);
  }

  /** Sends what is answered, up to the first message that is not [MQTT-4.6.0-2], [MQTT-4.6.0-3]. */
  private void sendAcknowledgements(ConnectionState connection) {
    IncomingPublish first;
    while ((first = connection.unacknowledged.peek()) != null && first.answer != null) {
      connection.unacknowledged.remove();
      sendAcknowledgement(connection, first, first.answer);
    }
  }

  private void sendAcknowledgement(
      ConnectionState connection, IncomingPublish incoming, ReasonCode answer) {
    int packetIdentifier = incoming.message().packetIdentifier();
    boolean atLeastOnce = incoming.message().qos() == Qos.AT_LEAST_ONCE;
    if (incoming.answerProperties.isEmpty() && answer == ReasonCode.SUCCESS) {
      if (atLeastOnce) {
        connection.encoder.encodePuback(
            packetIdentifier, answer, Properties.NONE, connection.outgoing());
      } else {
        connection.encoder.encodePubrec(
            packetIdentifier, answer, Properties.NONE, connection.outgoing());
      }
      engine
          .sent()
          .onAcknowledgementEncoded(connection, incoming.message().qos(), packetIdentifier);
    } else {
      engine.sent().send(connection, acknowledgement(incoming, answer, incoming.answerProperties));
    }
    incoming.answerSent = true;
    if (atLeastOnce) {
      connection.receiveQuotaUsed--;
    } else if (answer.isError()) {
      connection.receiveQuotaUsed--;
      session.receiving.remove(packetIdentifier); // a new message from here on [MQTT-4.3.3-9]
    }
  }

  /** Takes over what a store has kept. */
  void restore(List<Integer> handledPacketIdentifiers) {
    for (Integer packetIdentifier : handledPacketIdentifiers) {
      session.receive(packetIdentifier, IncomingPublish.handledBefore(packetIdentifier));
    }
  }

  /** The session goes on, unless the server has begun a new one without our knowledge. */
  void onSessionUncertain() {
    session.receiving.values().forEach(incoming -> incoming.isUncertain = true);
  }

  void onSessionLost() {
    session.receiving.clear();
    keeper.clearIncoming();
    if (session.recent != null) {
      session.recent.clear();
    }
  }
}
