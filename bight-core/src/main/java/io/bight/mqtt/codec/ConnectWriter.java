// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Property.Place;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.Topics;
import io.bight.mqtt.Utf8;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.PacketType;
import io.bight.mqtt.packet.Will;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** Writes CONNECT and CONNACK [MQTT 5.0, sections 3.1 and 3.2]. */
final class ConnectWriter {
  private ConnectWriter() {}

  /** Checks the packet and returns its remaining length. */
  static long length(Connect connect, MqttVersion version) {
    requireValid(connect, version);
    long length = 2L + version.protocolName().length() + 1 + 1 + 2;
    length += 2L + Utf8.requireEncodable(connect.clientIdentifier(), "client identifier");
    if (version.hasProperties()) {
      length +=
          PropertiesCodec.withLengthField(
              PropertiesCodec.encodedLength(connect.properties(), Place.CONNECT));
    }
    Will will = connect.will();
    if (will != null) {
      length += willLength(will, version);
    }
    String userName = connect.userName();
    if (userName != null) {
      length += 2L + Utf8.requireEncodable(userName, "user name");
    }
    byte @Nullable [] password = connect.password();
    if (password != null) {
      length += 2L + Strings.requireEncodable(password, "password");
    }
    return length;
  }

  static void write(Connect connect, ByteBuf out) {
    MqttVersion version = connect.version();
    Strings.write(version.protocolName(), out);
    out.writeByte(version.protocolLevel());
    out.writeByte(flags(connect));
    out.writeShort(connect.keepAliveSeconds());
    if (version.hasProperties()) {
      PropertiesCodec.write(connect.properties(), Place.CONNECT, out);
    }
    // The order is fixed [MQTT-3.1.3-1].
    Strings.write(connect.clientIdentifier(), out);
    Will will = connect.will();
    if (will != null) {
      if (version.hasProperties()) {
        PropertiesCodec.write(will.properties(), Place.WILL, out);
      }
      Strings.write(will.topic(), out);
      Strings.write(will.payload(), out);
    }
    String userName = connect.userName();
    if (userName != null) {
      Strings.write(userName, out);
    }
    byte @Nullable [] password = connect.password();
    if (password != null) {
      Strings.write(password, out);
    }
  }

  /** Checks the packet and returns its remaining length. */
  static long length(Connack connack, MqttVersion version) {
    if (connack.sessionPresent() && connack.reasonCode() != ReasonCode.SUCCESS) { // [MQTT-3.2.2-6]
      throw new IllegalArgumentException(
          "CONNACK says session present and " + connack.reasonCode());
    }
    if (!version.hasProperties()) {
      if (AllowedReasonCodes.returnCode(connack.reasonCode()) < 0) {
        throw new IllegalArgumentException(
            "CONNACK cannot say " + connack.reasonCode() + " in MQTT " + version);
      }
      return 2;
    }
    ReasonWriter.requireAllowed(PacketType.CONNACK, connack.reasonCode());
    return 2L
        + PropertiesCodec.withLengthField(
            PropertiesCodec.encodedLength(connack.properties(), Place.CONNACK));
  }

  static void write(Connack connack, MqttVersion version, ByteBuf out) {
    // 3.1 has no such flag.
    out.writeByte(connack.sessionPresent() && version != MqttVersion.MQTT_3_1 ? 1 : 0);
    if (version.hasProperties()) {
      out.writeByte(connack.reasonCode().code());
      PropertiesCodec.write(connack.properties(), Place.CONNACK, out);
    } else {
      out.writeByte(AllowedReasonCodes.returnCode(connack.reasonCode()));
    }
  }

  private static void requireValid(Connect connect, MqttVersion version) {
    if (connect.version() != version) {
      throw new IllegalArgumentException(
          "CONNECT of MQTT " + connect.version() + " given to an encoder of MQTT " + version);
    }
    int keepAliveSeconds = connect.keepAliveSeconds();
    if (keepAliveSeconds < 0 || keepAliveSeconds > 0xFFFF) {
      throw new IllegalArgumentException(
          "keep alive cannot be " + keepAliveSeconds + " s; it is 0 to 65535");
    }
    if (connect.password() != null && connect.userName() == null && !version.hasProperties()) {
      // 3.1.1 [MQTT-3.1.2-22]
      throw new IllegalArgumentException(
          "MQTT " + version + " does not allow a password without a user name");
    }
    if (connect.clientIdentifier().isEmpty()
        && !ConnectReader.mayBeEmpty(version, connect.cleanStart())) {
      throw new IllegalArgumentException(
          "MQTT "
              + version
              + " does not allow an empty client identifier"
              + (version == MqttVersion.MQTT_3_1 ? "" : " without a clean session"));
    }
  }

  private static long willLength(Will will, MqttVersion version) {
    Topics.requireName(will.topic());
    long length = 2L + Utf8.requireEncodable(will.topic(), "will topic");
    length += 2L + Strings.requireEncodable(will.payload(), "will payload");
    if (version.hasProperties()) {
      length +=
          PropertiesCodec.withLengthField(
              PropertiesCodec.encodedLength(will.properties(), Place.WILL));
    }
    return length;
  }

  private static int flags(Connect connect) {
    int flags = connect.cleanStart() ? ConnectReader.CLEAN_START : 0;
    Will will = connect.will();
    if (will != null) {
      flags |= ConnectReader.WILL;
      flags |= will.qos().code() << ConnectReader.WILL_QOS_SHIFT;
      flags |= will.retain() ? ConnectReader.WILL_RETAIN : 0;
    }
    flags |= connect.userName() == null ? 0 : ConnectReader.USER_NAME;
    flags |= connect.password() == null ? 0 : ConnectReader.PASSWORD;
    return flags;
  }
}
