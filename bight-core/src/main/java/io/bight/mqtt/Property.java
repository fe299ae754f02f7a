// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A property that MQTT 5.0 packets may carry [MQTT 5.0, section 2.2.2.2]: its identifier on the
 * wire, the type of its value, the packets it may stand on, and whether it may be repeated. The
 * constants of this class are the whole table of the specification.
 *
 * @param <T> the Java type of the value: {@code Integer} for a byte, two bytes or a variable byte
 *     integer, {@code Long} for four bytes, {@code String}, {@code byte[]} or {@link UserProperty}
 */
public final class Property<T> {
  /** The form of a value on the wire [MQTT 5.0, section 1.5]. */
  public enum Type {
    /** One byte. */
    BYTE,
    /** Two bytes, big endian. */
    TWO_BYTE_INTEGER,
    /** Four bytes, big endian. */
    FOUR_BYTE_INTEGER,
    /** One to four bytes, seven bits each. */
    VARIABLE_BYTE_INTEGER,
    /** A string with its length before it. */
    UTF_8_STRING,
    /** Bytes with their length before them. */
    BINARY_DATA,
    /** Two strings, name and value. */
    UTF_8_STRING_PAIR
  }

  /** Where a property may stand: a packet, or the will inside CONNECT. */
  public enum Place {
    /** CONNECT. */
    CONNECT,
    /** CONNACK. */
    CONNACK,
    /** PUBLISH. */
    PUBLISH,
    /** The will properties in CONNECT's payload. */
    WILL,
    /** PUBACK. */
    PUBACK,
    /** PUBREC. */
    PUBREC,
    /** PUBREL. */
    PUBREL,
    /** PUBCOMP. */
    PUBCOMP,
    /** SUBSCRIBE. */
    SUBSCRIBE,
    /** SUBACK. */
    SUBACK,
    /** UNSUBSCRIBE. */
    UNSUBSCRIBE,
    /** UNSUBACK. */
    UNSUBACK,
    /** DISCONNECT. */
    DISCONNECT,
    /** AUTH. */
    AUTH
  }

  private static final int HIGHEST_IDENTIFIER = 0x2A;
  private static final @Nullable Property<?>[] BY_IDENTIFIER =
      new Property<?>[HIGHEST_IDENTIFIER + 1];

  /** 0: bytes; 1: the payload is UTF-8 text. */
  public static final Property<Integer> PAYLOAD_FORMAT_INDICATOR =
      new Property<>(
          0x01, "Payload Format Indicator", Type.BYTE, Integer.class, Place.PUBLISH, Place.WILL);

  /** Seconds until the message is of no use. */
  public static final Property<Long> MESSAGE_EXPIRY_INTERVAL =
      new Property<>(
          0x02,
          "Message Expiry Interval",
          Type.FOUR_BYTE_INTEGER,
          Long.class,
          Place.PUBLISH,
          Place.WILL);

  /** What the payload is, in the application's words, as a MIME type. */
  public static final Property<String> CONTENT_TYPE =
      new Property<>(
          0x03, "Content Type", Type.UTF_8_STRING, String.class, Place.PUBLISH, Place.WILL);

  /** The topic that an answer is published to. */
  public static final Property<String> RESPONSE_TOPIC =
      new Property<>(
          0x08, "Response Topic", Type.UTF_8_STRING, String.class, Place.PUBLISH, Place.WILL);

  /** Bytes by which the requester recognizes the answer. */
  public static final Property<byte[]> CORRELATION_DATA =
      new Property<>(
          0x09, "Correlation Data", Type.BINARY_DATA, byte[].class, Place.PUBLISH, Place.WILL);

  /** The number of the subscription a message matched; 1 to 268,435,455. */
  public static final Property<Integer> SUBSCRIPTION_IDENTIFIER =
      new Property<>(
          0x0B,
          "Subscription Identifier",
          Type.VARIABLE_BYTE_INTEGER,
          Integer.class,
          Place.PUBLISH,
          Place.SUBSCRIBE);

  /** Seconds the session outlives its connection; 4,294,967,295: for ever. */
  public static final Property<Long> SESSION_EXPIRY_INTERVAL =
      new Property<>(
          0x11,
          "Session Expiry Interval",
          Type.FOUR_BYTE_INTEGER,
          Long.class,
          Place.CONNECT,
          Place.CONNACK,
          Place.DISCONNECT);

  /** The client identifier chosen by the server. */
  public static final Property<String> ASSIGNED_CLIENT_IDENTIFIER =
      new Property<>(
          0x12, "Assigned Client Identifier", Type.UTF_8_STRING, String.class, Place.CONNACK);

  /** Seconds; replaces the client's keep alive. */
  public static final Property<Integer> SERVER_KEEP_ALIVE =
      new Property<>(
          0x13, "Server Keep Alive", Type.TWO_BYTE_INTEGER, Integer.class, Place.CONNACK);

  /** The name of the enhanced authentication. */
  public static final Property<String> AUTHENTICATION_METHOD =
      new Property<>(
          0x15,
          "Authentication Method",
          Type.UTF_8_STRING,
          String.class,
          Place.CONNECT,
          Place.CONNACK,
          Place.AUTH);

  /** A step of the enhanced authentication. */
  public static final Property<byte[]> AUTHENTICATION_DATA =
      new Property<>(
          0x16,
          "Authentication Data",
          Type.BINARY_DATA,
          byte[].class,
          Place.CONNECT,
          Place.CONNACK,
          Place.AUTH);

  /** 0: no reason strings nor user properties on most packets. */
  public static final Property<Integer> REQUEST_PROBLEM_INFORMATION =
      new Property<>(0x17, "Request Problem Information", Type.BYTE, Integer.class, Place.CONNECT);

  /** Seconds between the loss of the connection and the will. */
  public static final Property<Long> WILL_DELAY_INTERVAL =
      new Property<>(0x18, "Will Delay Interval", Type.FOUR_BYTE_INTEGER, Long.class, Place.WILL);

  /** 1: the server may send Response Information. */
  public static final Property<Integer> REQUEST_RESPONSE_INFORMATION =
      new Property<>(0x19, "Request Response Information", Type.BYTE, Integer.class, Place.CONNECT);

  /** The basis from which response topics are made. */
  public static final Property<String> RESPONSE_INFORMATION =
      new Property<>(0x1A, "Response Information", Type.UTF_8_STRING, String.class, Place.CONNACK);

  /** Another server to use. */
  public static final Property<String> SERVER_REFERENCE =
      new Property<>(
          0x1C,
          "Server Reference",
          Type.UTF_8_STRING,
          String.class,
          Place.CONNACK,
          Place.DISCONNECT);

  /** The reason in words for people; not to be parsed. */
  public static final Property<String> REASON_STRING =
      new Property<>(
          0x1F,
          "Reason String",
          Type.UTF_8_STRING,
          String.class,
          Place.CONNACK,
          Place.PUBACK,
          Place.PUBREC,
          Place.PUBREL,
          Place.PUBCOMP,
          Place.SUBACK,
          Place.UNSUBACK,
          Place.DISCONNECT,
          Place.AUTH);

  /** How many QoS 1 and 2 messages the sender takes without acknowledging; not 0. */
  public static final Property<Integer> RECEIVE_MAXIMUM =
      new Property<>(
          0x21,
          "Receive Maximum",
          Type.TWO_BYTE_INTEGER,
          Integer.class,
          Place.CONNECT,
          Place.CONNACK);

  /** The highest topic alias the sender accepts. */
  public static final Property<Integer> TOPIC_ALIAS_MAXIMUM =
      new Property<>(
          0x22,
          "Topic Alias Maximum",
          Type.TWO_BYTE_INTEGER,
          Integer.class,
          Place.CONNECT,
          Place.CONNACK);

  /** A number in place of the topic name; not 0. */
  public static final Property<Integer> TOPIC_ALIAS =
      new Property<>(0x23, "Topic Alias", Type.TWO_BYTE_INTEGER, Integer.class, Place.PUBLISH);

  /** 0 or 1: the highest QoS the server accepts; absent: 2. */
  public static final Property<Integer> MAXIMUM_QOS =
      new Property<>(0x24, "Maximum Qos", Type.BYTE, Integer.class, Place.CONNACK);

  /** 0: the server does not keep retained messages. */
  public static final Property<Integer> RETAIN_AVAILABLE =
      new Property<>(0x25, "Retain Available", Type.BYTE, Integer.class, Place.CONNACK);

  /** A name and value of the application's own. */
  public static final Property<UserProperty> USER_PROPERTY =
      new Property<>(
          0x26,
          "User Property",
          Type.UTF_8_STRING_PAIR,
          UserProperty.class,
          Place.CONNECT,
          Place.CONNACK,
          Place.PUBLISH,
          Place.WILL,
          Place.PUBACK,
          Place.PUBREC,
          Place.PUBREL,
          Place.PUBCOMP,
          Place.SUBSCRIBE,
          Place.SUBACK,
          Place.UNSUBSCRIBE,
          Place.UNSUBACK,
          Place.DISCONNECT,
          Place.AUTH);

  /** Bytes of the largest packet the sender accepts; not 0. */
  public static final Property<Long> MAXIMUM_PACKET_SIZE =
      new Property<>(
          0x27,
          "Maximum Packet Size",
          Type.FOUR_BYTE_INTEGER,
          Long.class,
          Place.CONNECT,
          Place.CONNACK);

  /** 0: the server does not allow wildcards in topic filters. */
  public static final Property<Integer> WILDCARD_SUBSCRIPTION_AVAILABLE =
      new Property<>(
          0x28, "Wildcard Subscription Available", Type.BYTE, Integer.class, Place.CONNACK);

  /** 0: the server does not support subscription identifiers. */
  public static final Property<Integer> SUBSCRIPTION_IDENTIFIER_AVAILABLE =
      new Property<>(
          0x29, "Subscription Identifier Available", Type.BYTE, Integer.class, Place.CONNACK);

  /** 0: the server does not support shared subscriptions. */
  public static final Property<Integer> SHARED_SUBSCRIPTION_AVAILABLE =
      new Property<>(
          0x2A, "Shared Subscription Available", Type.BYTE, Integer.class, Place.CONNACK);

  private static final List<Property<?>> ALL =
      Arrays.stream(BY_IDENTIFIER)
          .<Property<?>>mapMulti(
              (property, sink) -> {
                if (property != null) {
                  sink.accept(property);
                }
              })
          .toList();

  private final int identifier;
  private final String name;
  private final Type type;
  private final Class<T> valueType;
  private final Set<Place> places;

  private Property(
      int identifier, String name, Type type, Class<T> valueType, Place first, Place... others) {
    this.identifier = identifier;
    this.name = name;
    this.type = type;
    this.valueType = valueType;
    this.places = EnumSet.of(first, others);
    BY_IDENTIFIER[identifier] = this;
  }

  /**
   * Finds a property by its identifier on the wire.
   *
   * @param identifier the identifier
   * @return the property, or null if the specification defines none with it
   */
  public static @Nullable Property<?> of(int identifier) {
    return identifier < 0 || identifier > HIGHEST_IDENTIFIER ? null : BY_IDENTIFIER[identifier];
  }

  /**
   * Returns all properties in the order of their identifiers.
   *
   * @return all properties
   */
  public static List<Property<?>> all() {
    return ALL;
  }

  /**
   * Returns the identifier on the wire.
   *
   * @return 0x01 to 0x2A
   */
  public int identifier() {
    return identifier;
  }

  /**
   * Returns the name in the specification.
   *
   * @return as {@code Session Expiry Interval}
   */
  public String name() {
    return name;
  }

  /**
   * Returns the form of the value on the wire.
   *
   * @return the form
   */
  public Type type() {
    return type;
  }

  /**
   * Returns the Java type of the value.
   *
   * @return the class
   */
  public Class<T> valueType() {
    return valueType;
  }

  /**
   * Tells whether this property may stand on a packet.
   *
   * @param place the packet
   * @return true if the specification allows it
   */
  public boolean isAllowedOn(Place place) {
    return places.contains(place);
  }

  /**
   * Tells whether this property may occur more than once on a packet. The Subscription Identifier
   * may on PUBLISH, but not on SUBSCRIBE.
   *
   * @param place the packet
   * @return true if the specification allows it
   */
  public boolean isRepeatableOn(Place place) {
    return this == USER_PROPERTY || (this == SUBSCRIPTION_IDENTIFIER && place == Place.PUBLISH);
  }

  /**
   * Tells whether the specification allows a number as this property's value.
   *
   * @param value the number
   * @return true if it does; false too for properties that are not numbers
   */
  public boolean allows(long value) {
    return value >= lowest() && value <= highest();
  }

  /**
   * Returns the numbers that the specification allows as this property's value, for messages.
   *
   * @return as {@code 1 to 65535}
   */
  public String range() {
    return lowest() + " to " + highest();
  }

  private long lowest() {
    // Zero would mean "nothing may ever be sent" or "no alias" and is a protocol error.
    boolean zeroIsAnError =
        this == RECEIVE_MAXIMUM
            || this == MAXIMUM_PACKET_SIZE
            || this == TOPIC_ALIAS
            || this == SUBSCRIPTION_IDENTIFIER;
    return zeroIsAnError ? 1 : 0;
  }

  private long highest() {
    return switch (type) {
      case BYTE -> 1; // every byte in the table is a flag or the maximum QoS
      case TWO_BYTE_INTEGER -> 0xFFFF;
      case FOUR_BYTE_INTEGER -> 0xFFFF_FFFFL;
      case VARIABLE_BYTE_INTEGER -> 268_435_455;
      case UTF_8_STRING, BINARY_DATA, UTF_8_STRING_PAIR -> -1;
    };
  }

  /** Returns the name in the specification. */
  @Override
  public String toString() {
    return name;
  }
}
