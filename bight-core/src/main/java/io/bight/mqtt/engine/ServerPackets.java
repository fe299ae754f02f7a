// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.codec.MqttDecoder;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.mqtt.packet.Acknowledgement;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.Puback;
import io.bight.mqtt.packet.Pubcomp;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Pubrec;
import io.bight.mqtt.packet.Pubrel;
import io.bight.mqtt.packet.Suback;
import io.bight.mqtt.packet.Unsuback;
import java.util.List;
import java.util.Objects;

/**
 * Which part of the engine a packet from the server belongs to, and what does not belong at all.
 * Keeps CONNACK, DISCONNECT and AUTH for itself, since they concern the connection as a whole.
 */
final class ServerPackets {
  private final MqttEngine engine;
  private final Session session;
  private final SessionKeeper keeper;
  private final EngineOptions options;
  private final EngineListener listener;
  private final OutgoingMessages outgoing;
  private final PublishAcknowledgements acknowledgements;
  private final IncomingMessages incoming;
  private final Requests requests;

  ServerPackets(
      MqttEngine engine,
      Session session,
      SessionKeeper keeper,
      EngineOptions options,
      EngineListener listener,
      OutgoingMessages outgoing,
      IncomingMessages incoming,
      Requests requests) {
    this.engine = engine;
    this.session = session;
    this.keeper = keeper;
    this.options = options;
    this.listener = listener;
    this.outgoing = outgoing;
    this.acknowledgements = outgoing.acknowledgements();
    this.incoming = incoming;
    this.requests = requests;
  }

  void handle(ConnectionState current, Packet packet) {
    if (!current.accepted) {
      handleBeforeAccepted(current, packet);
      return;
    }
    if (current.refusesProblemInformation && carriesProblemInformation(packet)) {
      engine.refuse(
          current,
          ReasonCode.PROTOCOL_ERROR,
          "the server's "
              + packet.type()
              + " has words although Request Problem Information is 0 [MQTT-3.1.2-29]");
      return;
    }
    switch (packet.type()) {
      case PUBLISH -> incoming.onPublish(current, (Publish) packet);
      case PUBACK -> {
        Puback puback = (Puback) packet;
        requireMatch(
            current,
            packet,
            acknowledgements.onPuback(
                current, puback.packetIdentifier(), puback.reasonCode(), puback.properties()));
      }
      case PUBREC -> {
        Pubrec pubrec = (Pubrec) packet;
        requireMatch(
            current,
            packet,
            acknowledgements.onPubrec(
                current, pubrec.packetIdentifier(), pubrec.reasonCode(), pubrec.properties()));
      }
      case PUBREL -> incoming.onPubrel(current, ((Pubrel) packet).packetIdentifier());
      case PUBCOMP -> {
        Pubcomp pubcomp = (Pubcomp) packet;
        requireMatch(
            current,
            packet,
            acknowledgements.onPubcomp(
                current, pubcomp.packetIdentifier(), pubcomp.reasonCode(), pubcomp.properties()));
      }
      case SUBACK -> requireMatch(current, packet, requests.onSuback(current, (Suback) packet));
      case UNSUBACK ->
          requireMatch(current, packet, requests.onUnsuback(current, (Unsuback) packet));
      case PINGRESP -> {} // a sign of life like any packet
      case DISCONNECT -> handleDisconnect(current, (Disconnect) packet);
      case AUTH -> handleAuth(current, (Auth) packet);
      default ->
          engine.refuse(
              current, ReasonCode.PROTOCOL_ERROR, "the server sent a second " + packet.type());
    }
  }

  /** Handles what {@link MqttDecoder#readPlainAcknowledgement} has read. */
  void handlePlainAcknowledgement(ConnectionState current, int plain) {
    int packetIdentifier = plain & 0xFFFF;
    boolean matches = true;
    switch (plain >>> Short.SIZE) {
      case 4 ->
          matches =
              acknowledgements.onPuback(
                  current, packetIdentifier, ReasonCode.SUCCESS, Properties.NONE);
      case 5 ->
          matches =
              acknowledgements.onPubrec(
                  current, packetIdentifier, ReasonCode.SUCCESS, Properties.NONE);
      case 6 -> incoming.onPubrel(current, packetIdentifier);
      default ->
          matches =
              acknowledgements.onPubcomp(
                  current, packetIdentifier, ReasonCode.SUCCESS, Properties.NONE);
    }
    if (!matches) {
      requireMatch(current, acknowledgement(plain >>> Short.SIZE, packetIdentifier), false);
    }
  }

  private static Packet acknowledgement(int typeCode, int packetIdentifier) {
    return switch (typeCode) {
      case 4 -> new Puback(packetIdentifier);
      case 5 -> new Pubrec(packetIdentifier);
      default -> new Pubcomp(packetIdentifier);
    };
  }

  /** PUBLISH, CONNACK and DISCONNECT may have words in any case [MQTT-3.1.2-29]. */
  private static boolean carriesProblemInformation(Packet packet) {
    Properties properties = Properties.NONE;
    if (packet instanceof Acknowledgement acknowledgement) {
      properties = acknowledgement.properties();
    } else if (packet instanceof Suback suback) {
      properties = suback.properties();
    } else if (packet instanceof Unsuback unsuback) {
      properties = unsuback.properties();
    } else if (packet instanceof Auth auth) {
      properties = auth.properties();
    }
    return properties.has(Property.REASON_STRING) || properties.has(Property.USER_PROPERTY);
  }

  private void handleBeforeAccepted(ConnectionState current, Packet packet) {
    switch (packet.type()) {
      case CONNACK -> handleConnack(current, (Connack) packet);
      case AUTH -> handleAuth(current, (Auth) packet);
      default ->
          engine.refuse(
              current,
              ReasonCode.PROTOCOL_ERROR,
              "the server sent " + packet.type() + " before CONNACK [MQTT-3.2.0-1]");
    }
  }

  private void handleConnack(ConnectionState current, Connack connack) {
    if (connack.reasonCode().isError()) {
      String words = connack.properties().get(Property.REASON_STRING);
      engine.end(
          current,
          new ConnectionEnd(
              By.SERVER,
              false,
              connack.reasonCode(),
              "the server refused the connection: "
                  + connack.reasonCode()
                  + (words == null ? "" : ", \"" + words + "\""),
              connack.properties(),
              null));
      return;
    }
    // A client that asks with Clean Start 0 has session state, if only an empty one.
    if (connack.sessionPresent() && current.cleanStart) {
      engine.refuse(
          current,
          ReasonCode.PROTOCOL_ERROR,
          "the server resumed a session although Clean Start was set [MQTT-3.2.2-4]");
      return;
    }
    if (!sameAuthenticationMethod(current, connack.properties())) {
      return;
    }
    accept(current, connack);
  }

  private void accept(ConnectionState current, Connack connack) {
    ServerLimits limits = ServerLimits.of(current.version, connack);
    current.accepted = true;
    current.limits = limits;
    current.sendQuota = Math.min(limits.receiveMaximum(), options.sendMaximum());
    Integer serverKeepAlive = connack.properties().get(Property.SERVER_KEEP_ALIVE);
    if (serverKeepAlive != null) {
      current.keepAlive = current.keepAlive.withSeconds(serverKeepAlive); // [MQTT-3.1.2-21]
    }
    List<OutgoingPublish> lost = List.of();
    // A server of 3.1 cannot say it; it has the session unless it was told to begin anew.
    boolean resumed =
        connack.sessionPresent()
            || (current.version == MqttVersion.MQTT_3_1 && !current.cleanStart);
    if (resumed) {
      if (session.isUncertain || current.version == MqttVersion.MQTT_3_1) {
        incoming.onSessionUncertain();
      }
      outgoing.onSessionResumed(current);
    } else {
      incoming.onSessionLost();
      lost = outgoing.onSessionLost();
    }
    boolean wasUncertain = session.isUncertain;
    session.isUncertain = false;
    session.isExpired = false;
    current.sessionExpirySeconds = sessionExpirySeconds(current, connack);
    if (!session.hasUncertain()) {
      keeper.putConnected(current.sessionExpirySeconds);
    }
    requests.onConnected(current, connack.sessionPresent(), wasUncertain);
    outgoing.completeLost(lost);
    if (engine.connectionOrNull() == current) {
      listener.onConnected(connack);
    }
  }

  /** Returns how long the session lasts beyond the connection [MQTT 5.0, section 3.2.2.3.2]. */
  private static long sessionExpirySeconds(ConnectionState current, Connack connack) {
    if (!current.version.hasProperties()) {
      return current.cleanStart ? 0 : SessionStore.NEVER_EXPIRES;
    }
    Long ofServer = connack.properties().get(Property.SESSION_EXPIRY_INTERVAL);
    return ofServer != null
        ? ofServer
        : current.connectProperties.get(Property.SESSION_EXPIRY_INTERVAL, 0L);
  }

  private void handleDisconnect(ConnectionState current, Disconnect disconnect) {
    String words = disconnect.properties().get(Property.REASON_STRING);
    engine.end(
        current,
        new ConnectionEnd(
            By.SERVER,
            true,
            disconnect.reasonCode(),
            "the server disconnected: "
                + disconnect.reasonCode()
                + (words == null ? "" : ", \"" + words + "\""),
            disconnect.properties(),
            null));
  }

  private void handleAuth(ConnectionState current, Auth auth) {
    if (!current.connectProperties.has(Property.AUTHENTICATION_METHOD)) {
      engine.refuse(
          current,
          ReasonCode.PROTOCOL_ERROR,
          "the server sent AUTH although CONNECT named no method [MQTT-4.12.0-6]");
    } else if (isBareSuccess(auth) || sameAuthenticationMethod(current, auth.properties())) {
      listener.onAuth(auth);
    }
  }

  /** The one AUTH that may leave out everything [MQTT 5.0, section 3.15.2.1]. */
  private static boolean isBareSuccess(Auth auth) {
    return auth.reasonCode() == ReasonCode.SUCCESS && auth.properties().isEmpty();
  }

  /** Every AUTH and the CONNACK repeat the method of CONNECT [MQTT-4.12.0-5]. */
  private boolean sameAuthenticationMethod(ConnectionState current, Properties properties) {
    String asked = current.connectProperties.get(Property.AUTHENTICATION_METHOD);
    String answered = properties.get(Property.AUTHENTICATION_METHOD);
    if (Objects.equals(asked, answered)) {
      return true;
    }
    engine.refuse(
        current,
        ReasonCode.PROTOCOL_ERROR,
        "the server named the authentication method '"
            + answered
            + "', and CONNECT '"
            + asked
            + "' [MQTT-4.12.0-5]");
    return false;
  }

  private void requireMatch(ConnectionState current, Packet packet, boolean matches) {
    if (!matches) {
      engine.refuse(
          current,
          ReasonCode.PROTOCOL_ERROR,
          "the server's " + packet + " does not answer what was sent");
    }
  }
}
