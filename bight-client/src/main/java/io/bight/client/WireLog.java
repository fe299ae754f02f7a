// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Acknowledgement;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Suback;
import io.bight.mqtt.packet.Subscribe;
import io.bight.mqtt.packet.Unsuback;
import io.bight.mqtt.packet.Unsubscribe;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Packets in words, for the log: {@code >> PUBLISH id=7 qos=1 'a/b' 12 B}. Payloads are only
 * counted; passwords and authentication data are not shown.
 */
final class WireLog {
  private WireLog() {}

  static String line(boolean sent, Packet packet) {
    return (sent ? ">> " : "<< ") + packet.type() + contents(packet);
  }

  private static String contents(Packet packet) {
    if (packet instanceof Publish publish) {
      return id(publish.packetIdentifier())
          + " qos="
          + publish.qos().code()
          + (publish.dup() ? " dup" : "")
          + (publish.retain() ? " retain" : "")
          + " '"
          + publish.topic()
          + "' "
          + publish.payload().length
          + " B"
          + properties(publish.properties());
    } else if (packet instanceof Acknowledgement acknowledgement) {
      return id(acknowledgement.packetIdentifier())
          + reason(acknowledgement.reasonCode())
          + properties(acknowledgement.properties());
    } else if (packet instanceof Connect connect) {
      return contents(connect);
    } else if (packet instanceof Connack connack) {
      return " "
          + connack.reasonCode()
          + (connack.sessionPresent() ? " session present" : "")
          + properties(connack.properties());
    } else if (packet instanceof Subscribe subscribe) {
      return id(subscribe.packetIdentifier())
          + subscribe.subscriptions().stream()
              .map(one -> " '" + one.topicFilter() + "' qos=" + one.qos().code())
              .collect(Collectors.joining(","))
          + properties(subscribe.properties());
    } else if (packet instanceof Suback suback) {
      return id(suback.packetIdentifier())
          + reasons(suback.reasonCodes())
          + properties(suback.properties());
    } else if (packet instanceof Unsubscribe unsubscribe) {
      return id(unsubscribe.packetIdentifier())
          + " '"
          + String.join("', '", unsubscribe.topicFilters())
          + "'"
          + properties(unsubscribe.properties());
    } else if (packet instanceof Unsuback unsuback) {
      return id(unsuback.packetIdentifier())
          + reasons(unsuback.reasonCodes())
          + properties(unsuback.properties());
    } else if (packet instanceof Disconnect disconnect) {
      return reason(disconnect.reasonCode()) + properties(disconnect.properties());
    } else if (packet instanceof Auth auth) {
      return " " + auth.reasonCode() + properties(auth.properties());
    }
    return "";
  }

  private static String contents(Connect connect) {
    return " "
        + connect.version()
        + " '"
        + connect.clientIdentifier()
        + "'"
        + (connect.cleanStart() ? " clean" : "")
        + " keepAlive="
        + connect.keepAliveSeconds()
        + (connect.userName() == null ? "" : " user='" + connect.userName() + "'")
        + (connect.password() == null ? "" : " password=***")
        + (connect.will() == null ? "" : " will='" + connect.will().topic() + "'")
        + properties(connect.properties());
  }

  private static String id(int packetIdentifier) {
    return packetIdentifier == 0 ? "" : " id=" + packetIdentifier;
  }

  /** Success goes without saying. */
  private static String reason(ReasonCode reasonCode) {
    return reasonCode == ReasonCode.SUCCESS ? "" : " " + reasonCode;
  }

  private static String reasons(List<ReasonCode> reasonCodes) {
    return reasonCodes.isEmpty()
        ? ""
        : " " + reasonCodes.stream().map(ReasonCode::toString).collect(Collectors.joining(", "));
  }

  private static String properties(Properties properties) {
    return properties.isEmpty() ? "" : " " + properties;
  }
}
