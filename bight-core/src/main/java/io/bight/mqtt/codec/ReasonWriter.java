// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Property.Place;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.PacketType;
import io.netty.buffer.ByteBuf;

/**
 * Writes the reason code and properties at the end of PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT
 * and AUTH of MQTT 5.0. Success without properties takes no bytes, another reason without
 * properties one. An AUTH of that second form does not occur: it always names its method.
 */
final class ReasonWriter {
  private ReasonWriter() {}

  /** Checks reason and properties and returns their length. */
  static int length(PacketType type, ReasonCode reasonCode, Properties properties) {
    requireAllowed(type, reasonCode);
    if (properties.isEmpty()) {
      return reasonCode == ReasonCode.SUCCESS ? 0 : 1;
    }
    int propertiesLength = PropertiesCodec.encodedLength(properties, placeOf(type));
    return 1 + PropertiesCodec.withLengthField(propertiesLength);
  }

  static void write(PacketType type, ReasonCode reasonCode, Properties properties, ByteBuf out) {
    boolean empty = properties.isEmpty();
    if (!empty || reasonCode != ReasonCode.SUCCESS) {
      out.writeByte(reasonCode.code());
    }
    if (!empty) {
      PropertiesCodec.write(properties, placeOf(type), out);
    }
  }

  static void requireAllowed(PacketType type, ReasonCode reasonCode) {
    if (!AllowedReasonCodes.fromClient(type, reasonCode)
        && !AllowedReasonCodes.fromServer(type, reasonCode)) {
      throw new IllegalArgumentException(type + " cannot say " + reasonCode);
    }
  }

  private static Place placeOf(PacketType type) {
    return switch (type) {
      case PUBACK -> Place.PUBACK;
      case PUBREC -> Place.PUBREC;
      case PUBREL -> Place.PUBREL;
      case PUBCOMP -> Place.PUBCOMP;
      case DISCONNECT -> Place.DISCONNECT;
      case AUTH -> Place.AUTH;
      default -> throw new IllegalArgumentException(type + " has another form");
    };
  }
}
