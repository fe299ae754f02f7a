// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.Puback;
import io.bight.mqtt.packet.Pubcomp;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Pubrec;
import io.bight.mqtt.packet.Pubrel;

/**
 * Appends packets to a connection's batch and tells the listener of each. The frequent ones are
 * encoded without a packet object, which is made only for a listener that wants it.
 */
final class SentPackets {
  private final EngineListener listener;

  SentPackets(EngineListener listener) {
    this.listener = listener;
  }

  /** Appends a packet to the batch. */
  void send(ConnectionState current, Packet packet) {
    Packet fitting = fitting(current, packet);
    current.encoder.encode(fitting, current.outgoing());
    if (current.wantsPackets(listener)) {
      listener.onPacket(true, fitting);
    }
  }

  void sendPubrel(ConnectionState current, int packetIdentifier, ReasonCode reason) {
    current.encoder.encodePubrel(packetIdentifier, reason, Properties.NONE, current.outgoing());
    if (current.wantsPackets(listener)) {
      listener.onPacket(true, new Pubrel(packetIdentifier, reason, Properties.NONE));
    }
  }

  /** Appends DISCONNECT, if there is one to be sent and all that goes out before it has. */
  void sendDisconnect(ConnectionState current) {
    Disconnect disconnect = current.disconnect;
    if (disconnect == null || current.hasLast()) {
      return;
    }
    current.disconnect = null;
    // Before 5.0 a server publishes the will exactly when there was no DISCONNECT.
    if (current.isVersion5() || disconnect.reasonCode() == ReasonCode.SUCCESS) {
      send(current, disconnect);
    }
  }

  /**
   * Leaves out reason string and user properties where the packet would be larger than the server
   * accepts [MQTT-3.4.2-2], [MQTT-3.4.2-3], [MQTT-3.14.2-3].
   */
  private static Packet fitting(ConnectionState current, Packet packet) {
    ServerLimits limits = current.limits;
    if (limits == null
        || current.encoder.encodedLength(packet) <= limits.maximumPacketSizeBytes()) {
      return packet;
    }
    if (packet instanceof Puback puback) {
      return new Puback(puback.packetIdentifier(), puback.reasonCode(), Properties.NONE);
    } else if (packet instanceof Pubrec pubrec) {
      return new Pubrec(pubrec.packetIdentifier(), pubrec.reasonCode(), Properties.NONE);
    } else if (packet instanceof Disconnect disconnect) {
      return new Disconnect(
          disconnect.reasonCode(),
          disconnect.properties().without(Property.REASON_STRING).without(Property.USER_PROPERTY));
    } else if (packet instanceof Auth auth) {
      return new Auth(
          auth.reasonCode(),
          auth.properties().without(Property.REASON_STRING).without(Property.USER_PROPERTY));
    }
    return packet;
  }

  void onPublishEncoded(
      ConnectionState current, Publish message, int packetIdentifier, boolean dup) {
    if (current.wantsPackets(listener)) {
      listener.onPacket(
          true,
          new Publish(
              message.topic(),
              message.payload(),
              message.qos(),
              message.retain(),
              dup,
              packetIdentifier,
              message.properties()));
    }
  }

  void onPubcompEncoded(ConnectionState current, int packetIdentifier, ReasonCode reason) {
    if (current.wantsPackets(listener)) {
      listener.onPacket(true, new Pubcomp(packetIdentifier, reason, Properties.NONE));
    }
  }

  void onAcknowledgementEncoded(ConnectionState current, Qos qos, int packetIdentifier) {
    if (current.wantsPackets(listener)) {
      listener.onPacket(
          true,
          qos == Qos.AT_LEAST_ONCE ? new Puback(packetIdentifier) : new Pubrec(packetIdentifier));
    }
  }
}
