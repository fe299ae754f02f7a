// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.handler.codec.mqtt.MqttProperties.MqttProperty;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The broker's part of one connection: answers its packets. Under the server's lock; dropped when
 * the connection ends.
 */
final class BrokerConnection {
  private final BehavingBroker broker;
  private final ScriptedConnection connection;
  private @Nullable BrokerSession session;
  private @Nullable Will will;
  private boolean expiresAtEnd;
  private int version = 4;
  private int receiveMaximum = 65_535;

  BrokerConnection(BehavingBroker broker, ScriptedConnection connection) {
    this.broker = broker;
    this.connection = connection;
  }

  int receiveMaximum() {
    return receiveMaximum;
  }

  void send(OutgoingPacket packet) {
    broker.send(connection, packet);
  }

  /** Takes over a connection whose CONNECT a script has answered. */
  void adopt(ReceivedPacket connect) {
    BrokerSession opened = open(connect, clientIdentifier(connect));
    opened.resume();
  }

  /** The server took over the session for another connection, or ends this one. */
  void end(int reasonCode) {
    if (version == 5) {
      send(OutgoingPacket.disconnect(reasonCode));
    }
    connection.closeByServer();
  }

  void connectionEnded() {
    BrokerSession ended = session;
    if (ended == null || ended.connection() != this) {
      return;
    }
    ended.disconnected();
    session = null;
    if (expiresAtEnd) {
      broker.forget(ended);
    }
    Will left = will;
    if (left != null) {
      broker.route(
          new BrokerMessage(
              left.topic(),
              left.payload(),
              left.qos(),
              left.retain(),
              List.of(),
              ended.clientIdentifier));
    }
  }

  /** The session was forgotten under the connection, as in a restart: no will, no expiry. */
  void detach() {
    if (session != null) {
      session.disconnected();
      session = null;
    }
  }

  void handle(ReceivedPacket packet) {
    if (packet.type() == PacketType.CONNECT && session == null) {
      connect(packet);
      return;
    }
    BrokerSession open = session;
    if (open == null || packet.type() == PacketType.CONNECT) {
      connection.closeByServer(); // [MQTT-3.1.0-1], [MQTT-3.1.0-2]
      return;
    }
    switch (packet.type()) {
      case PUBLISH -> publish(open, packet);
      case PUBACK, PUBCOMP -> open.acknowledged(packet.packetIdentifier());
      case PUBREC -> {
        if (packet.reasonCode() >= 0x80) {
          open.acknowledged(packet.packetIdentifier());
        } else {
          open.received(packet.packetIdentifier());
          acknowledge(PacketType.PUBREL, packet);
        }
      }
      case PUBREL -> {
        open.incomingQos2.remove(packet.packetIdentifier());
        acknowledge(PacketType.PUBCOMP, packet);
      }
      case SUBSCRIBE -> subscribe(open, packet);
      case UNSUBSCRIBE -> unsubscribe(open, packet);
      case PINGREQ -> send(OutgoingPacket.pingresp());
      case DISCONNECT -> disconnect(packet);
      default -> connection.closeByServer();
    }
  }

  private void connect(ReceivedPacket connect) {
    version = connect.protocolVersion();
    Integer refusal = broker.refusal();
    if (refusal != null) {
      send(OutgoingPacket.connack().reasonCode(refusal));
      connection.closeByServer();
      return;
    }
    String clientIdentifier = clientIdentifier(connect);
    boolean present = !connect.cleanStart() && broker.session(clientIdentifier) != null;
    BrokerSession opened = open(connect, clientIdentifier);
    OutgoingPacket connack = OutgoingPacket.connack().sessionPresent(present && version >= 4);
    if (version == 5 && connect.clientIdentifier().isEmpty()) {
      connack.property(Property.ASSIGNED_CLIENT_IDENTIFIER, clientIdentifier);
    }
    broker.adjust(connack);
    send(connack);
    opened.resume();
  }

  private String clientIdentifier(ReceivedPacket connect) {
    String given = connect.clientIdentifier();
    return given.isEmpty() ? "assigned-" + connection.number() : given;
  }

  private BrokerSession open(ReceivedPacket connect, String clientIdentifier) {
    version = connect.protocolVersion();
    will = connect.will();
    ReceivedProperties properties = connect.properties();
    if (properties.has(Property.RECEIVE_MAXIMUM)) {
      receiveMaximum = (int) properties.number(Property.RECEIVE_MAXIMUM);
    }
    expiresAtEnd =
        version == 5
            ? !properties.has(Property.SESSION_EXPIRY_INTERVAL)
                || properties.number(Property.SESSION_EXPIRY_INTERVAL) == 0
            : connect.cleanStart();
    BrokerSession opened = broker.open(clientIdentifier, connect.cleanStart());
    opened.connected(this);
    session = opened;
    return opened;
  }

  private void publish(BrokerSession open, ReceivedPacket publish) {
    boolean first =
        publish.qos() < 2 || open.incomingQos2.add(publish.packetIdentifier()); // [MQTT-4.3.3-10]
    if (first) {
      List<MqttProperty<?>> forwarded = new ArrayList<>();
      for (MqttProperty<?> property : publish.nettyProperties().listAll()) {
        if (property.propertyId() != Property.TOPIC_ALIAS.identifier()) {
          forwarded.add(property);
        }
      }
      broker.accepted(publish);
      broker.route(
          new BrokerMessage(
              publish.topic(),
              publish.payload(),
              publish.qos(),
              publish.retain(),
              forwarded,
              open.clientIdentifier));
    }
    if (publish.qos() > 0) {
      acknowledge(publish.qos() == 1 ? PacketType.PUBACK : PacketType.PUBREC, publish);
    }
  }

  private void subscribe(BrokerSession open, ReceivedPacket subscribe) {
    ReceivedProperties properties = subscribe.properties();
    int identifier =
        properties.subscriptionIdentifiers().isEmpty()
            ? 0
            : properties.subscriptionIdentifiers().get(0);
    List<Runnable> retained = new ArrayList<>();
    int[] granted = new int[subscribe.subscriptions().size()];
    for (int index = 0; index < granted.length; index++) {
      Subscription asked = subscribe.subscriptions().get(index);
      Subscription given =
          new Subscription(
              asked.topicFilter(),
              Math.min(asked.qos(), broker.highestQos()),
              asked.noLocal(),
              asked.retainAsPublished(),
              asked.retainHandling());
      granted[index] = given.qos();
      BrokerSession.Entry entry = new BrokerSession.Entry(given, identifier);
      boolean isNew = open.subscriptions.put(given.topicFilter(), entry) == null;
      if (given.retainHandling() == 0 || (given.retainHandling() == 1 && isNew)) {
        retained.add(() -> broker.deliverRetained(open, entry));
      }
    }
    send(OutgoingPacket.suback(subscribe.packetIdentifier(), granted));
    retained.forEach(Runnable::run);
  }

  private void unsubscribe(BrokerSession open, ReceivedPacket unsubscribe) {
    int[] reasonCodes = new int[unsubscribe.topicFilters().size()];
    for (int index = 0; index < reasonCodes.length; index++) {
      boolean was = open.subscriptions.remove(unsubscribe.topicFilters().get(index)) != null;
      reasonCodes[index] = was ? 0 : 0x11;
    }
    send(OutgoingPacket.unsuback(unsubscribe.packetIdentifier(), reasonCodes));
  }

  private void disconnect(ReceivedPacket disconnect) {
    if (disconnect.reasonCode() != 0x04) {
      will = null; // [MQTT-3.14.4-3]
    }
    if (disconnect.properties().has(Property.SESSION_EXPIRY_INTERVAL)) {
      expiresAtEnd = disconnect.properties().number(Property.SESSION_EXPIRY_INTERVAL) == 0;
    }
    connection.closeByServer();
  }

  private void acknowledge(PacketType type, ReceivedPacket packet) {
    send(OutgoingPacket.acknowledgement(type, packet.packetIdentifier()));
  }
}
