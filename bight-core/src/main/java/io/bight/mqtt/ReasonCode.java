// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * Why a packet was answered or sent as it was [MQTT 5.0, section 2.4]. Codes of 0x80 and above mean
 * failure. The return codes of MQTT 3.1 and 3.1.1 are shown as the reason codes of the same
 * meaning.
 */
public enum ReasonCode {
  /** 0x00. Success; also Normal disconnection and Granted QoS 0. */
  SUCCESS(0x00, "success"),
  /** 0x01. The subscription is accepted with QoS 1 at most. */
  GRANTED_QOS_1(0x01, "granted QoS 1"),
  /** 0x02. The subscription is accepted with QoS 2 at most. */
  GRANTED_QOS_2(0x02, "granted QoS 2"),
  /** 0x04. The client leaves and wants its will to be published all the same. */
  DISCONNECT_WITH_WILL_MESSAGE(0x04, "disconnect with will message"),
  /** 0x10. The message is accepted, but nobody subscribes to its topic. */
  NO_MATCHING_SUBSCRIBERS(0x10, "no matching subscribers"),
  /** 0x11. Nothing was unsubscribed: there was no such subscription. */
  NO_SUBSCRIPTION_EXISTED(0x11, "no subscription existed"),
  /** 0x18. The authentication goes on with another step. */
  CONTINUE_AUTHENTICATION(0x18, "continue authentication"),
  /** 0x19. The client starts a new authentication on a live connection. */
  RE_AUTHENTICATE(0x19, "re-authenticate"),
  /**
   * 0x80. The sender does not want to tell the reason, or none of the others fits; also the failure
   * code of a 3.1.1 SUBACK.
   */
  UNSPECIFIED_ERROR(0x80, "unspecified error"),
  /** 0x81. The bytes do not form a packet of the specification. */
  MALFORMED_PACKET(0x81, "malformed packet"),
  /** 0x82. The packet is well formed but is not allowed here. */
  PROTOCOL_ERROR(0x82, "protocol error"),
  /** 0x83. The packet is valid but this implementation does not accept it. */
  IMPLEMENTATION_SPECIFIC_ERROR(0x83, "implementation specific error"),
  /** 0x84. The server does not speak the version that the client asked for. */
  UNSUPPORTED_PROTOCOL_VERSION(0x84, "unsupported protocol version"),
  /** 0x85. The client identifier is a valid string that the server does not allow. */
  CLIENT_IDENTIFIER_NOT_VALID(0x85, "client identifier not valid"),
  /** 0x86. The server does not accept the user name or password. */
  BAD_USER_NAME_OR_PASSWORD(0x86, "bad user name or password"),
  /** 0x87. The client is not allowed to do this. */
  NOT_AUTHORIZED(0x87, "not authorized"),
  /** 0x88. The server is not available. */
  SERVER_UNAVAILABLE(0x88, "server unavailable"),
  /** 0x89. The server is busy; try again later. */
  SERVER_BUSY(0x89, "server busy"),
  /** 0x8A. The client has been banned by administrative action. */
  BANNED(0x8A, "banned"),
  /** 0x8B. The server is shutting down. */
  SERVER_SHUTTING_DOWN(0x8B, "server shutting down"),
  /** 0x8C. The authentication method is not supported, or is not the one in use. */
  BAD_AUTHENTICATION_METHOD(0x8C, "bad authentication method"),
  /** 0x8D. Nothing was received for one and a half times the keep alive. */
  KEEP_ALIVE_TIMEOUT(0x8D, "keep alive timeout"),
  /** 0x8E. Another connection with the same client identifier took the session. */
  SESSION_TAKEN_OVER(0x8E, "session taken over"),
  /** 0x8F. The topic filter is well formed but is not accepted. */
  TOPIC_FILTER_INVALID(0x8F, "topic filter invalid"),
  /** 0x90. The topic name is well formed but is not accepted. */
  TOPIC_NAME_INVALID(0x90, "topic name invalid"),
  /** 0x91. The packet identifier is already in use. */
  PACKET_IDENTIFIER_IN_USE(0x91, "packet identifier in use"),
  /** 0x92. The packet identifier is not known. */
  PACKET_IDENTIFIER_NOT_FOUND(0x92, "packet identifier not found"),
  /** 0x93. More QoS 1 and 2 messages were sent without acknowledgement than the receiver allows. */
  RECEIVE_MAXIMUM_EXCEEDED(0x93, "receive maximum exceeded"),
  /** 0x94. The topic alias is zero, above the maximum, or not known. */
  TOPIC_ALIAS_INVALID(0x94, "topic alias invalid"),
  /** 0x95. The packet is larger than the receiver's Maximum Packet Size. */
  PACKET_TOO_LARGE(0x95, "packet too large"),
  /** 0x96. Messages come faster than the receiver can handle. */
  MESSAGE_RATE_TOO_HIGH(0x96, "message rate too high"),
  /** 0x97. An implementation or administrative limit has been exceeded. */
  QUOTA_EXCEEDED(0x97, "quota exceeded"),
  /** 0x98. The connection is closed by an administrator. */
  ADMINISTRATIVE_ACTION(0x98, "administrative action"),
  /** 0x99. The payload is not what its Payload Format Indicator says. */
  PAYLOAD_FORMAT_INVALID(0x99, "payload format invalid"),
  /** 0x9A. The server does not keep retained messages. */
  RETAIN_NOT_SUPPORTED(0x9A, "retain not supported"),
  /** 0x9B. The QoS is above the server's Maximum QoS. */
  QOS_NOT_SUPPORTED(0x9B, "QoS not supported"),
  /** 0x9C. The client should use another server, for now. */
  USE_ANOTHER_SERVER(0x9C, "use another server"),
  /** 0x9D. The server has moved; the client should use another one for good. */
  SERVER_MOVED(0x9D, "server moved"),
  /** 0x9E. The server does not support shared subscriptions. */
  SHARED_SUBSCRIPTIONS_NOT_SUPPORTED(0x9E, "shared subscriptions not supported"),
  /** 0x9F. Connections are made faster than the server allows. */
  CONNECTION_RATE_EXCEEDED(0x9F, "connection rate exceeded"),
  /** 0xA0. The connection has lasted as long as it was allowed to. */
  MAXIMUM_CONNECT_TIME(0xA0, "maximum connect time"),
  /** 0xA1. The server does not support subscription identifiers. */
  SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED(0xA1, "subscription identifiers not supported"),
  /** 0xA2. The server does not support wildcards in topic filters. */
  WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED(0xA2, "wildcard subscriptions not supported");

  private static final @Nullable ReasonCode[] BY_CODE = new ReasonCode[256];

  static {
    for (ReasonCode reasonCode : values()) {
      BY_CODE[reasonCode.code] = reasonCode;
    }
  }

  private final int code;
  private final String text;

  ReasonCode(int code, String text) {
    this.code = code;
    this.text = text;
  }

  /**
   * Returns the number that stands for this reason on the wire.
   *
   * @return 0 to 255
   */
  public int code() {
    return code;
  }

  /**
   * Tells whether this reason means failure.
   *
   * @return true for codes of 0x80 and above
   */
  public boolean isError() {
    return code >= 0x80;
  }

  /**
   * Finds the reason for a number.
   *
   * @param code the number on the wire
   * @return the reason, or null if the specification defines none for it
   */
  public static @Nullable ReasonCode of(int code) {
    return code < 0 || code > 255 ? null : BY_CODE[code];
  }

  /** Returns the reason in words with its number, as {@code not authorized (0x87)}. */
  @Override
  public String toString() {
    return text
        + " (0x"
        + Character.toUpperCase(Character.forDigit(code >> 4, 16))
        + Character.toUpperCase(Character.forDigit(code & 15, 16))
        + ")";
  }
}
