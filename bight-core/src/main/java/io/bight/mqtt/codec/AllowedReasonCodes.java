// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import static io.bight.mqtt.ReasonCode.*;

import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.PacketType;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which reason codes stand on which packet, and who may send them: the tables of the packets'
 * sections in MQTT 5.0, and the return codes of CONNACK before it.
 */
final class AllowedReasonCodes {
  /** [MQTT-3.2.2-8]. */
  private static final Set<ReasonCode> CONNACK =
      EnumSet.of(
          SUCCESS,
          UNSPECIFIED_ERROR,
          MALFORMED_PACKET,
          PROTOCOL_ERROR,
          IMPLEMENTATION_SPECIFIC_ERROR,
          UNSUPPORTED_PROTOCOL_VERSION,
          CLIENT_IDENTIFIER_NOT_VALID,
          BAD_USER_NAME_OR_PASSWORD,
          NOT_AUTHORIZED,
          SERVER_UNAVAILABLE,
          SERVER_BUSY,
          BANNED,
          BAD_AUTHENTICATION_METHOD,
          TOPIC_NAME_INVALID,
          PACKET_TOO_LARGE,
          QUOTA_EXCEEDED,
          PAYLOAD_FORMAT_INVALID,
          RETAIN_NOT_SUPPORTED,
          QOS_NOT_SUPPORTED,
          USE_ANOTHER_SERVER,
          SERVER_MOVED,
          CONNECTION_RATE_EXCEEDED);

  /** PUBACK [MQTT-3.4.2-1] and PUBREC [MQTT-3.5.2-1]. */
  private static final Set<ReasonCode> RECEIVED =
      EnumSet.of(
          SUCCESS,
          NO_MATCHING_SUBSCRIBERS,
          UNSPECIFIED_ERROR,
          IMPLEMENTATION_SPECIFIC_ERROR,
          NOT_AUTHORIZED,
          TOPIC_NAME_INVALID,
          PACKET_IDENTIFIER_IN_USE,
          QUOTA_EXCEEDED,
          PAYLOAD_FORMAT_INVALID);

  /** PUBREL [MQTT-3.6.2-1] and PUBCOMP [MQTT-3.7.2-1]. */
  private static final Set<ReasonCode> RELEASED = EnumSet.of(SUCCESS, PACKET_IDENTIFIER_NOT_FOUND);

  /** [MQTT-3.9.3-2]. */
  private static final Set<ReasonCode> SUBACK =
      EnumSet.of(
          SUCCESS,
          GRANTED_QOS_1,
          GRANTED_QOS_2,
          UNSPECIFIED_ERROR,
          IMPLEMENTATION_SPECIFIC_ERROR,
          NOT_AUTHORIZED,
          TOPIC_FILTER_INVALID,
          PACKET_IDENTIFIER_IN_USE,
          QUOTA_EXCEEDED,
          SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
          SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
          WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED);

  /** [MQTT-3.11.3-2]. */
  private static final Set<ReasonCode> UNSUBACK =
      EnumSet.of(
          SUCCESS,
          NO_SUBSCRIPTION_EXISTED,
          UNSPECIFIED_ERROR,
          IMPLEMENTATION_SPECIFIC_ERROR,
          NOT_AUTHORIZED,
          TOPIC_FILTER_INVALID,
          PACKET_IDENTIFIER_IN_USE);

  /** [MQTT-3.14.2-1]. Bad authentication method is in section 2.4, though not in 3.14.2.1. */
  private static final Set<ReasonCode> DISCONNECT_FROM_CLIENT =
      EnumSet.of(
          SUCCESS,
          DISCONNECT_WITH_WILL_MESSAGE,
          UNSPECIFIED_ERROR,
          MALFORMED_PACKET,
          PROTOCOL_ERROR,
          IMPLEMENTATION_SPECIFIC_ERROR,
          BAD_AUTHENTICATION_METHOD,
          TOPIC_NAME_INVALID,
          RECEIVE_MAXIMUM_EXCEEDED,
          TOPIC_ALIAS_INVALID,
          PACKET_TOO_LARGE,
          MESSAGE_RATE_TOO_HIGH,
          QUOTA_EXCEEDED,
          ADMINISTRATIVE_ACTION,
          PAYLOAD_FORMAT_INVALID);

  /**
   * [MQTT-3.14.2-1]. The table gives Normal disconnection to the client only; a server that says it
   * all the same closes the connection in any case, and the plain reason serves the user better
   * than a complaint.
   */
  private static final Set<ReasonCode> DISCONNECT_FROM_SERVER =
      EnumSet.of(
          SUCCESS,
          UNSPECIFIED_ERROR,
          MALFORMED_PACKET,
          PROTOCOL_ERROR,
          IMPLEMENTATION_SPECIFIC_ERROR,
          NOT_AUTHORIZED,
          SERVER_BUSY,
          SERVER_SHUTTING_DOWN,
          BAD_AUTHENTICATION_METHOD,
          KEEP_ALIVE_TIMEOUT,
          SESSION_TAKEN_OVER,
          TOPIC_FILTER_INVALID,
          TOPIC_NAME_INVALID,
          RECEIVE_MAXIMUM_EXCEEDED,
          TOPIC_ALIAS_INVALID,
          PACKET_TOO_LARGE,
          MESSAGE_RATE_TOO_HIGH,
          QUOTA_EXCEEDED,
          ADMINISTRATIVE_ACTION,
          PAYLOAD_FORMAT_INVALID,
          RETAIN_NOT_SUPPORTED,
          QOS_NOT_SUPPORTED,
          USE_ANOTHER_SERVER,
          SERVER_MOVED,
          SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
          CONNECTION_RATE_EXCEEDED,
          MAXIMUM_CONNECT_TIME,
          SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
          WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED);

  /** [MQTT-3.15.2-1]. */
  private static final Set<ReasonCode> AUTH_FROM_CLIENT =
      EnumSet.of(CONTINUE_AUTHENTICATION, RE_AUTHENTICATE);

  /** [MQTT-3.15.2-1]. */
  private static final Set<ReasonCode> AUTH_FROM_SERVER =
      EnumSet.of(SUCCESS, CONTINUE_AUTHENTICATION);

  /** The return codes of CONNACK before 5.0 by their number [MQTT 3.1.1, section 3.2.2.3]. */
  private static final ReasonCode[] RETURN_CODES = {
    SUCCESS,
    UNSUPPORTED_PROTOCOL_VERSION,
    CLIENT_IDENTIFIER_NOT_VALID,
    SERVER_UNAVAILABLE,
    BAD_USER_NAME_OR_PASSWORD,
    NOT_AUTHORIZED
  };

  private AllowedReasonCodes() {}

  /** Tells whether a client may send this reason on this packet of MQTT 5.0. */
  static boolean fromClient(PacketType type, ReasonCode reasonCode) {
    return switch (type) {
      case PUBACK, PUBREC -> RECEIVED.contains(reasonCode);
      case PUBREL, PUBCOMP -> RELEASED.contains(reasonCode);
      case DISCONNECT -> DISCONNECT_FROM_CLIENT.contains(reasonCode);
      case AUTH -> AUTH_FROM_CLIENT.contains(reasonCode);
      default -> false;
    };
  }

  /** Tells whether a server may send this reason on this packet of MQTT 5.0. */
  static boolean fromServer(PacketType type, ReasonCode reasonCode) {
    return switch (type) {
      case CONNACK -> CONNACK.contains(reasonCode);
      case PUBACK, PUBREC -> RECEIVED.contains(reasonCode);
      case PUBREL, PUBCOMP -> RELEASED.contains(reasonCode);
      case SUBACK -> SUBACK.contains(reasonCode);
      case UNSUBACK -> UNSUBACK.contains(reasonCode);
      case DISCONNECT -> DISCONNECT_FROM_SERVER.contains(reasonCode);
      case AUTH -> AUTH_FROM_SERVER.contains(reasonCode);
      default -> false;
    };
  }

  /** Returns the reason that a CONNACK return code before 5.0 stands for, or null if reserved. */
  static @Nullable ReasonCode ofReturnCode(int returnCode) {
    return returnCode < RETURN_CODES.length ? RETURN_CODES[returnCode] : null;
  }

  /** Returns the CONNACK return code before 5.0 for a reason, or -1 if there is none. */
  static int returnCode(ReasonCode reasonCode) {
    for (int i = 0; i < RETURN_CODES.length; i++) {
      if (RETURN_CODES[i] == reasonCode) {
        return i;
      }
    }
    return -1;
  }
}
