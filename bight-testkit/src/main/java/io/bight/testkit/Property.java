// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.handler.codec.mqtt.MqttProperties;

/** The properties of MQTT 5.0 (section 2.2.2.2), each with its identifier and the kind of value. */
public enum Property {
  /** Number 0 or 1. */
  PAYLOAD_FORMAT_INDICATOR(0x01, Kind.NUMBER),
  /** Number, seconds. */
  MESSAGE_EXPIRY_INTERVAL(0x02, Kind.NUMBER),
  /** Text. */
  CONTENT_TYPE(0x03, Kind.TEXT),
  /** Text. */
  RESPONSE_TOPIC(0x08, Kind.TEXT),
  /** Bytes. */
  CORRELATION_DATA(0x09, Kind.BINARY),
  /** Number; a PUBLISH may carry several. */
  SUBSCRIPTION_IDENTIFIER(0x0B, Kind.NUMBER),
  /** Number, seconds; 4294967295 means never. */
  SESSION_EXPIRY_INTERVAL(0x11, Kind.NUMBER),
  /** Text. */
  ASSIGNED_CLIENT_IDENTIFIER(0x12, Kind.TEXT),
  /** Number, seconds. */
  SERVER_KEEP_ALIVE(0x13, Kind.NUMBER),
  /** Text. */
  AUTHENTICATION_METHOD(0x15, Kind.TEXT),
  /** Bytes. */
  AUTHENTICATION_DATA(0x16, Kind.BINARY),
  /** Number 0 or 1. */
  REQUEST_PROBLEM_INFORMATION(0x17, Kind.NUMBER),
  /** Number, seconds. */
  WILL_DELAY_INTERVAL(0x18, Kind.NUMBER),
  /** Number 0 or 1. */
  REQUEST_RESPONSE_INFORMATION(0x19, Kind.NUMBER),
  /** Text. */
  RESPONSE_INFORMATION(0x1A, Kind.TEXT),
  /** Text. */
  SERVER_REFERENCE(0x1C, Kind.TEXT),
  /** Text. */
  REASON_STRING(0x1F, Kind.TEXT),
  /** Number. */
  RECEIVE_MAXIMUM(0x21, Kind.NUMBER),
  /** Number. */
  TOPIC_ALIAS_MAXIMUM(0x22, Kind.NUMBER),
  /** Number. */
  TOPIC_ALIAS(0x23, Kind.NUMBER),
  /** Number 0 or 1. */
  MAXIMUM_QOS(0x24, Kind.NUMBER),
  /** Number 0 or 1. */
  RETAIN_AVAILABLE(0x25, Kind.NUMBER),
  /** A name and a value; any packet may carry several. */
  USER_PROPERTY(0x26, Kind.PAIR),
  /** Number, bytes. */
  MAXIMUM_PACKET_SIZE(0x27, Kind.NUMBER),
  /** Number 0 or 1. */
  WILDCARD_SUBSCRIPTION_AVAILABLE(0x28, Kind.NUMBER),
  /** Number 0 or 1. */
  SUBSCRIPTION_IDENTIFIER_AVAILABLE(0x29, Kind.NUMBER),
  /** Number 0 or 1. */
  SHARED_SUBSCRIPTION_AVAILABLE(0x2A, Kind.NUMBER);

  private final int identifier;
  private final Kind kind;

  Property(int identifier, Kind kind) {
    this.identifier = identifier;
    this.kind = kind;
  }

  /**
   * The property's number on the wire.
   *
   * @return 1 to 42
   */
  public int identifier() {
    return identifier;
  }

  /**
   * Finds a property by its number on the wire.
   *
   * @param identifier the number
   * @return the property
   * @throws IllegalArgumentException if the specification has no such property
   */
  public static Property of(int identifier) {
    for (Property property : values()) {
      if (property.identifier == identifier) {
        return property;
      }
    }
    throw new IllegalArgumentException("MQTT 5.0 has no property with identifier " + identifier);
  }

  /** Makes Netty's form of the property, or refuses a value of the wrong kind by name. */
  MqttProperties.MqttProperty<?> toNetty(Object value) {
    if (kind == Kind.NUMBER && value instanceof Number number) {
      return new MqttProperties.IntegerProperty(identifier, (int) number.longValue());
    }
    if (kind == Kind.TEXT && value instanceof String text) {
      return new MqttProperties.StringProperty(identifier, text);
    }
    if (kind == Kind.BINARY && value instanceof byte[] bytes) {
      return new MqttProperties.BinaryProperty(identifier, bytes.clone());
    }
    throw new IllegalArgumentException(
        this + " takes " + kind.words + ", not " + value.getClass().getSimpleName());
  }

  private enum Kind {
    NUMBER("a number"),
    TEXT("a String"),
    BINARY("a byte[]"),
    PAIR("a name and a value: use userProperty(name, value)");

    private final String words;

    Kind(String words) {
      this.words = words;
    }
  }
}
