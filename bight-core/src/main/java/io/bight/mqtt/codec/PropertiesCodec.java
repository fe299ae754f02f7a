// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Property.Place;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.Topics;
import io.bight.mqtt.UserProperty;
import io.bight.mqtt.Utf8;
import io.netty.buffer.ByteBuf;

/**
 * The properties of a packet of MQTT 5.0 with their length before them [MQTT 5.0, section 2.2.2].
 */
final class PropertiesCodec {
  private PropertiesCodec() {}

  /**
   * Checks the properties and returns their length.
   *
   * @return the bytes behind the length field
   * @throws IllegalArgumentException if one is not allowed here, is repeated, or cannot be encoded
   */
  static int encodedLength(Properties properties, Place place) {
    long length = 0;
    long seen = 0;
    for (int i = 0; i < properties.size(); i++) {
      Property<?> property = properties.propertyAt(i);
      if (!property.isAllowedOn(place)) {
        throw new IllegalArgumentException(place + " cannot carry the property " + property);
      }
      if ((seen & bit(property)) != 0 && !property.isRepeatableOn(place)) {
        throw new IllegalArgumentException(place + " carries the property " + property + " twice");
      }
      seen |= bit(property);
      length += 1 + valueLength(property, properties.valueAt(i));
    }
    if (length > VariableByteInteger.MAXIMUM) {
      throw new IllegalArgumentException(
          place
              + " carries properties of "
              + length
              + " bytes; "
              + VariableByteInteger.MAXIMUM
              + " is the most");
    }
    requireMethodForData(properties, place);
    return (int) length;
  }

  /** Returns the length together with that of its own field. */
  static int withLengthField(int encodedLength) {
    return VariableByteInteger.encodedLength(encodedLength) + encodedLength;
  }

  /** Writes the length field and the properties. */
  static void write(Properties properties, Place place, ByteBuf out) {
    int length = properties.isEmpty() ? 0 : encodedLength(properties, place);
    VariableByteInteger.write(length, out);
    writeWithoutLength(properties, length, out);
  }

  /** Writes the properties without the length field, for a caller that adds one of its own. */
  static void writeWithoutLength(Properties properties, int encodedLength, ByteBuf out) {
    if (encodedLength > 0) {
      byte[] bytes = new byte[encodedLength];
      writeWithoutLength(properties, encodedLength, bytes, 0);
      out.writeBytes(bytes);
    }
  }

  /**
   * Writes the properties into an array without the length field.
   *
   * @param encodedLength what {@link #encodedLength} has told
   * @return the index behind the last byte
   */
  static int writeWithoutLength(Properties properties, int encodedLength, byte[] out, int from) {
    // Nearly always all is ASCII; if anything is not, it is longer than this makes it.
    int end = write(properties, true, out, from);
    return end == from + encodedLength ? end : write(properties, false, out, from);
  }

  private static int write(Properties properties, boolean ascii, byte[] out, int from) {
    int index = from;
    for (int i = 0; i < properties.size(); i++) {
      Property<?> property = properties.propertyAt(i);
      Object value = properties.valueAt(i);
      out[index++] = (byte) property.identifier();
      index =
          switch (property.type()) {
            case BYTE -> writeNumber((Integer) value, 1, out, index);
            case TWO_BYTE_INTEGER -> writeNumber((Integer) value, 2, out, index);
            case FOUR_BYTE_INTEGER -> writeNumber(((Long) value).intValue(), 4, out, index);
            case VARIABLE_BYTE_INTEGER -> VariableByteInteger.write((Integer) value, out, index);
            case UTF_8_STRING -> Strings.write((String) value, ascii, out, index);
            case BINARY_DATA -> Strings.write((byte[]) value, out, index);
            case UTF_8_STRING_PAIR -> {
              UserProperty pair = (UserProperty) value;
              int behindName = Strings.write(pair.name(), ascii, out, index);
              yield Strings.write(pair.value(), ascii, out, behindName);
            }
          };
    }
    return index;
  }

  private static int writeNumber(int value, int size, byte[] out, int from) {
    for (int i = 0; i < size; i++) {
      out[from + i] = (byte) (value >>> (Byte.SIZE * (size - 1 - i)));
    }
    return from + size;
  }

  /** Reads the length field and the properties. */
  static Properties read(PacketReader reader, Place place) throws MqttDecodeException {
    int length = reader.variableByteInteger("property length");
    if (length == 0) {
      return Properties.NONE;
    }
    PropertyReader in = new PropertyReader(reader, reader.bytes(length, "properties"));
    Properties.Builder builder = Properties.builder();
    long seen = 0;
    while (!in.isAtEnd()) {
      Property<?> property =
          requireAllowed(reader, place, in.variableByteInteger("property identifier"));
      if ((seen & bit(property)) != 0 && !property.isRepeatableOn(place)) {
        throw reader.protocolError("property " + property + " stands twice");
      }
      seen |= bit(property);
      add(builder, property, readValue(reader, in, property));
    }
    Properties properties = builder.build();
    if (isDataWithoutMethod(properties, place)) {
      throw reader.protocolError("Authentication Data stands without Authentication Method");
    }
    return properties;
  }

  private static Property<?> requireAllowed(PacketReader reader, Place place, int identifier)
      throws MqttDecodeException {
    Property<?> property = Property.of(identifier);
    if (property == null) {
      throw reader.malformed("property identifier " + identifier + " is not defined");
    }
    if (!property.isAllowedOn(place)) {
      throw reader.malformed(
          "property "
              + property
              + (place == Place.WILL ? " on the will" : "")
              + " is not allowed here");
    }
    return property;
  }

  private static Object readValue(PacketReader reader, PropertyReader in, Property<?> property)
      throws MqttDecodeException {
    String name = property.name();
    return switch (property.type()) {
      case BYTE -> (Object) (int) requireAllowed(reader, property, in.unsignedByte(name));
      case TWO_BYTE_INTEGER ->
          (Object) (int) requireAllowed(reader, property, in.unsignedShort(name));
      case FOUR_BYTE_INTEGER -> (Object) requireAllowed(reader, property, in.unsignedInt(name));
      case VARIABLE_BYTE_INTEGER ->
          (Object) (int) requireAllowed(reader, property, in.variableByteInteger(name));
      case UTF_8_STRING -> readString(reader, in, property);
      case BINARY_DATA -> in.binary(name);
      case UTF_8_STRING_PAIR ->
          new UserProperty(in.string("User Property's name"), in.string("User Property's value"));
    };
  }

  private static String readString(PacketReader reader, PropertyReader in, Property<?> property)
      throws MqttDecodeException {
    String text = in.string(property.name());
    if (property == Property.RESPONSE_TOPIC) {
      if (text.isEmpty()) {
        throw reader.malformed("Response Topic is empty"); // [MQTT-4.7.3-1]
      }
      reader.requireNoWildcard(text, "Response Topic");
    }
    return text;
  }

  private static long requireAllowed(PacketReader reader, Property<?> property, long value)
      throws MqttDecodeException {
    if (!property.allows(value)) {
      // The only number with a reason code of its own [MQTT-3.3.2-8].
      ReasonCode reasonCode =
          property == Property.TOPIC_ALIAS
              ? ReasonCode.TOPIC_ALIAS_INVALID
              : ReasonCode.PROTOCOL_ERROR;
      throw reader.refused(
          reasonCode, "property " + property + " is " + value + ", not " + property.range());
    }
    return value;
  }

  @SuppressWarnings("unchecked") // readValue returns what the property's type says
  private static <T> void add(Properties.Builder builder, Property<T> property, Object value) {
    builder.add(property, (T) value);
  }

  private static long valueLength(Property<?> property, Object value) {
    return switch (property.type()) {
      case BYTE -> 1;
      case TWO_BYTE_INTEGER -> 2;
      case FOUR_BYTE_INTEGER -> 4;
      case VARIABLE_BYTE_INTEGER -> VariableByteInteger.encodedLength((Integer) value);
      case UTF_8_STRING -> 2 + stringLength(property, (String) value);
      case BINARY_DATA -> 2 + Strings.requireEncodable((byte[]) value, property.name());
      case UTF_8_STRING_PAIR -> {
        UserProperty pair = (UserProperty) value;
        yield 4L
            + Utf8.requireEncodable(pair.name(), "User Property's name")
            + Utf8.requireEncodable(pair.value(), "User Property's value");
      }
    };
  }

  private static int stringLength(Property<?> property, String value) {
    if (property == Property.RESPONSE_TOPIC) {
      Topics.requireName(value); // [MQTT-3.3.2-14]
    }
    return Utf8.requireEncodable(value, property.name());
  }

  private static void requireMethodForData(Properties properties, Place place) {
    if (isDataWithoutMethod(properties, place)) {
      throw new IllegalArgumentException(
          place + " carries Authentication Data without Authentication Method");
    }
  }

  /** On CONNECT this is named a protocol error [MQTT 5.0, section 3.1.2.11.10]. */
  private static boolean isDataWithoutMethod(Properties properties, Place place) {
    return place == Place.CONNECT
        && properties.has(Property.AUTHENTICATION_DATA)
        && !properties.has(Property.AUTHENTICATION_METHOD);
  }

  /** Identifiers are below 64, so that a {@code long} tells which were there. */
  private static long bit(Property<?> property) {
    return 1L << property.identifier();
  }
}
