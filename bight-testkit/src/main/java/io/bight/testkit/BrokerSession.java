// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.handler.codec.mqtt.MqttProperties.IntegerProperty;
import io.netty.handler.codec.mqtt.MqttProperties.MqttProperty;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What {@link BehavingBroker} keeps of one client, under the server's lock, until the session
 * expires.
 *
 * <pre>
 * to the client, QoS 1: waiting -> PUBLISH sent -> PUBACK: gone
 * to the client, QoS 2: waiting -> PUBLISH sent -> PUBREC: PUBREL sent -> PUBCOMP: gone
 * </pre>
 */
final class BrokerSession {
  final String clientIdentifier;
  final Map<String, Entry> subscriptions = new LinkedHashMap<>();
  final Set<Integer> incomingQos2 = new HashSet<>();
  private final Deque<BrokerMessage> waiting = new ArrayDeque<>();
  private final Map<Integer, @Nullable BrokerMessage> unacknowledged = new LinkedHashMap<>();
  private int lastIdentifier;
  private @Nullable BrokerConnection connection;

  BrokerSession(String clientIdentifier) {
    this.clientIdentifier = clientIdentifier;
  }

  @Nullable BrokerConnection connection() {
    return connection;
  }

  void connected(BrokerConnection connection) {
    this.connection = connection;
  }

  void disconnected() {
    connection = null;
  }

  /** After CONNACK: what is unacknowledged goes out again [MQTT-4.4.0-1], then what waited. */
  void resume() {
    BrokerConnection to = connection;
    if (to == null) {
      return;
    }
    for (Integer identifier : List.copyOf(unacknowledged.keySet())) {
      BrokerMessage message = unacknowledged.get(identifier);
      to.send(
          message == null
              ? OutgoingPacket.acknowledgement(PacketType.PUBREL, identifier)
              : message.toPacket(identifier, true));
    }
    sendWaiting();
  }

  void deliver(BrokerMessage message) {
    if (message.qos() > 0) {
      waiting.add(message);
      sendWaiting();
    } else if (connection != null) {
      connection.send(message.toPacket(0, false));
    }
  }

  void acknowledged(int packetIdentifier) {
    unacknowledged.remove(packetIdentifier);
    sendWaiting();
  }

  /** PUBREC came: from now on only PUBREL is resent. */
  void received(int packetIdentifier) {
    if (unacknowledged.containsKey(packetIdentifier)) {
      unacknowledged.put(packetIdentifier, null);
    }
  }

  /** The best of all subscriptions that match, or null. Shared ones are the broker's affair. */
  @Nullable BrokerMessage matching(BrokerMessage message) {
    int granted = -1;
    boolean retain = false;
    List<MqttProperty<?>> identifiers = new ArrayList<>();
    for (Entry entry : subscriptions.values()) {
      String filter = entry.subscription().topicFilter();
      if (TopicFilterMatch.isShared(filter)
          || !TopicFilterMatch.matches(filter, message.topic())
          || (entry.subscription().noLocal() && message.publisher().equals(clientIdentifier))) {
        continue;
      }
      granted = Math.max(granted, entry.subscription().qos());
      retain |= entry.subscription().retainAsPublished() && message.retain();
      identifiers.addAll(entry.identifierProperty());
    }
    return granted < 0 ? null : message.forSubscriber(granted, retain, identifiers);
  }

  private void sendWaiting() {
    BrokerConnection to = connection;
    while (to != null
        && to == connection
        && !waiting.isEmpty()
        && unacknowledged.size() < to.receiveMaximum()) {
      BrokerMessage message = waiting.remove();
      int identifier = nextIdentifier();
      unacknowledged.put(identifier, message);
      to.send(message.toPacket(identifier, false));
    }
  }

  private int nextIdentifier() {
    do {
      lastIdentifier = lastIdentifier % 65_535 + 1;
    } while (unacknowledged.containsKey(lastIdentifier));
    return lastIdentifier;
  }

  /** A subscription and its identifier, 0 for none. */
  record Entry(Subscription subscription, int identifier) {
    List<MqttProperty<?>> identifierProperty() {
      return identifier == 0
          ? List.of()
          : List.of(new IntegerProperty(Property.SUBSCRIPTION_IDENTIFIER.identifier(), identifier));
    }
  }
}
