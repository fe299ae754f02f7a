// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property.Place;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Will;
import org.jspecify.annotations.Nullable;

/**
 * Reads CONNECT, which says the version itself [MQTT 5.0, section 3.1]. The text of MQTT 3.1
 * disregards what the flags do not ask for; later versions refuse it.
 */
final class ConnectReader {
  static final int USER_NAME = 0x80;
  static final int PASSWORD = 0x40;
  static final int WILL_RETAIN = 0x20;
  static final int WILL_QOS = 0x18;
  static final int WILL_QOS_SHIFT = 3;
  static final int WILL = 0x04;
  static final int CLEAN_START = 0x02;
  static final int RESERVED = 0x01;

  private ConnectReader() {}

  static Connect read(PacketReader reader) throws MqttDecodeException {
    MqttVersion version = readVersion(reader);
    int flags = reader.unsignedByte("connect flags");
    requireValid(flags, version, reader);
    int keepAliveSeconds = reader.unsignedShort("keep alive");
    Properties properties =
        version.hasProperties() ? PropertiesCodec.read(reader, Place.CONNECT) : Properties.NONE;
    boolean cleanStart = (flags & CLEAN_START) != 0;
    String clientIdentifier = readClientIdentifier(reader, version, cleanStart);
    Will will = (flags & WILL) == 0 ? null : readWill(reader, flags, version);
    String userName = null;
    if ((flags & USER_NAME) != 0 && !mayBeMissing(reader, version)) {
      userName = reader.string("user name");
    }
    byte[] password = null;
    if ((flags & PASSWORD) != 0 && !mayBeMissing(reader, version)) {
      password = reader.binary("password");
    }
    return new Connect(
        version,
        clientIdentifier,
        cleanStart,
        keepAliveSeconds,
        will,
        userName,
        password,
        properties);
  }

  private static MqttVersion readVersion(PacketReader reader) throws MqttDecodeException {
    String protocolName = reader.string("protocol name");
    int protocolLevel = reader.unsignedByte("protocol version");
    MqttVersion version = find(protocolName, protocolLevel);
    if (version == null) {
      throw reader.refused(
          ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
          "protocol '" + protocolName + "' with version " + protocolLevel + " is not known");
    }
    return version;
  }

  private static @Nullable MqttVersion find(String protocolName, int protocolLevel) {
    for (MqttVersion version : MqttVersion.values()) {
      if (version.protocolName().equals(protocolName) && version.protocolLevel() == protocolLevel) {
        return version;
      }
    }
    return null;
  }

  private static void requireValid(int flags, MqttVersion version, PacketReader reader)
      throws MqttDecodeException {
    int willQos = (flags & WILL_QOS) >> WILL_QOS_SHIFT;
    boolean will = (flags & WILL) != 0;
    if (will && willQos == 3) {
      throw reader.malformed("will QoS is 3"); // [MQTT-3.1.2-12]
    }
    // 3.1.1 [MQTT-3.1.2-22]; 5.0 allows a password alone [MQTT-3.1.2-19].
    boolean passwordAlone = (flags & (USER_NAME | PASSWORD)) == PASSWORD;
    if (passwordAlone && !version.hasProperties()) {
      throw reader.malformed("there is a password without a user name");
    }
    if (version == MqttVersion.MQTT_3_1) {
      return;
    }
    if ((flags & RESERVED) != 0) {
      throw reader.malformed("the reserved connect flag is 1"); // [MQTT-3.1.2-3]
    }
    if (!will && (flags & (WILL_QOS | WILL_RETAIN)) != 0) {
      // [MQTT-3.1.2-11], [MQTT-3.1.2-13]
      throw reader.malformed("will QoS or will retain is set, but there is no will");
    }
  }

  private static String readClientIdentifier(
      PacketReader reader, MqttVersion version, boolean cleanStart) throws MqttDecodeException {
    String clientIdentifier = reader.string("client identifier");
    if (clientIdentifier.isEmpty() && !mayBeEmpty(version, cleanStart)) {
      // The server answers with return code 2 [MQTT 3.1.1, MQTT-3.1.3-8].
      throw reader.refused(
          ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
          "client identifier is empty, which "
              + version
              + (version == MqttVersion.MQTT_3_1
                  ? " does not allow"
                  : " allows in a clean session"));
    }
    return clientIdentifier;
  }

  /** Tells whether a client may leave the choice of its identifier to the server. */
  static boolean mayBeEmpty(MqttVersion version, boolean cleanStart) {
    return switch (version) {
      case MQTT_3_1 -> false;
      case MQTT_3_1_1 -> cleanStart; // [MQTT-3.1.3-7]
      case MQTT_5 -> true;
    };
  }

  private static Will readWill(PacketReader reader, int flags, MqttVersion version)
      throws MqttDecodeException {
    Properties properties =
        version.hasProperties() ? PropertiesCodec.read(reader, Place.WILL) : Properties.NONE;
    String topic = reader.string("will topic");
    if (topic.isEmpty()) {
      throw reader.malformed("will topic is empty"); // [MQTT-4.7.3-1]
    }
    reader.requireNoWildcard(topic, "will topic");
    byte[] payload = reader.binary("will payload");
    Qos qos = Qos.of((flags & WILL_QOS) >> WILL_QOS_SHIFT);
    return new Will(topic, payload, qos, (flags & WILL_RETAIN) != 0, properties);
  }

  /** In 3.1 the end of the packet goes before the flags of user name and password. */
  private static boolean mayBeMissing(PacketReader reader, MqttVersion version) {
    return version == MqttVersion.MQTT_3_1 && reader.remaining() == 0;
  }
}
