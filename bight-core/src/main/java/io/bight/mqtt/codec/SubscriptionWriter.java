// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property.Place;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.Topics;
import io.bight.mqtt.Utf8;
import io.bight.mqtt.packet.PacketType;
import io.bight.mqtt.packet.Suback;
import io.bight.mqtt.packet.Subscribe;
import io.bight.mqtt.packet.Subscription;
import io.bight.mqtt.packet.Unsuback;
import io.bight.mqtt.packet.Unsubscribe;
import io.netty.buffer.ByteBuf;
import java.util.List;

/** Writes SUBSCRIBE, UNSUBSCRIBE and their answers [MQTT 5.0, sections 3.8 to 3.11]. */
final class SubscriptionWriter {
  private SubscriptionWriter() {}

  static long length(Subscribe subscribe, MqttVersion version) {
    long length = headLength(subscribe.properties(), Place.SUBSCRIBE, version);
    requireSome(subscribe.subscriptions(), "SUBSCRIBE has no topic filter"); // [MQTT-3.8.3-2]
    for (Subscription subscription : subscribe.subscriptions()) {
      length += 2L + Utf8.requireEncodable(subscription.topicFilter(), "topic filter") + 1;
    }
    return length;
  }

  static void write(Subscribe subscribe, MqttVersion version, ByteBuf out) {
    writeHead(subscribe.packetIdentifier(), subscribe.properties(), Place.SUBSCRIBE, version, out);
    for (Subscription subscription : subscribe.subscriptions()) {
      Strings.write(subscription.topicFilter(), out);
      out.writeByte(options(subscription, version));
    }
  }

  static long length(Suback suback, MqttVersion version) {
    requireSome(suback.reasonCodes(), "SUBACK has no reason code");
    for (ReasonCode reasonCode : suback.reasonCodes()) {
      ReasonWriter.requireAllowed(PacketType.SUBACK, reasonCode);
    }
    return headLength(suback.properties(), Place.SUBACK, version) + suback.reasonCodes().size();
  }

  static void write(Suback suback, MqttVersion version, ByteBuf out) {
    writeHead(suback.packetIdentifier(), suback.properties(), Place.SUBACK, version, out);
    for (ReasonCode reasonCode : suback.reasonCodes()) {
      // Before 5.0 there is one failure only.
      boolean plain = reasonCode.isError() && !version.hasProperties();
      out.writeByte((plain ? ReasonCode.UNSPECIFIED_ERROR : reasonCode).code());
    }
  }

  static long length(Unsubscribe unsubscribe, MqttVersion version) {
    long length = headLength(unsubscribe.properties(), Place.UNSUBSCRIBE, version);
    requireSome(unsubscribe.topicFilters(), "UNSUBSCRIBE has no topic filter"); // [MQTT-3.10.3-2]
    for (String topicFilter : unsubscribe.topicFilters()) {
      Topics.requireFilter(topicFilter);
      length += 2L + Utf8.requireEncodable(topicFilter, "topic filter");
    }
    return length;
  }

  static void write(Unsubscribe unsubscribe, MqttVersion version, ByteBuf out) {
    writeHead(
        unsubscribe.packetIdentifier(), unsubscribe.properties(), Place.UNSUBSCRIBE, version, out);
    for (String topicFilter : unsubscribe.topicFilters()) {
      Strings.write(topicFilter, out);
    }
  }

  static long length(Unsuback unsuback, MqttVersion version) {
    long length = headLength(unsuback.properties(), Place.UNSUBACK, version);
    if (!version.hasProperties()) {
      return length;
    }
    requireSome(unsuback.reasonCodes(), "UNSUBACK has no reason code");
    for (ReasonCode reasonCode : unsuback.reasonCodes()) {
      ReasonWriter.requireAllowed(PacketType.UNSUBACK, reasonCode);
    }
    return length + unsuback.reasonCodes().size();
  }

  static void write(Unsuback unsuback, MqttVersion version, ByteBuf out) {
    writeHead(unsuback.packetIdentifier(), unsuback.properties(), Place.UNSUBACK, version, out);
    if (version.hasProperties()) {
      for (ReasonCode reasonCode : unsuback.reasonCodes()) {
        out.writeByte(reasonCode.code());
      }
    }
  }

  private static long headLength(Properties properties, Place place, MqttVersion version) {
    return version.hasProperties()
        ? 2L + PropertiesCodec.withLengthField(PropertiesCodec.encodedLength(properties, place))
        : 2L;
  }

  private static void writeHead(
      int packetIdentifier, Properties properties, Place place, MqttVersion version, ByteBuf out) {
    out.writeShort(packetIdentifier);
    if (version.hasProperties()) {
      PropertiesCodec.write(properties, place, out);
    }
  }

  private static int options(Subscription subscription, MqttVersion version) {
    int qos = subscription.qos().code();
    if (!version.hasProperties()) {
      return qos;
    }
    return qos
        | (subscription.noLocal() ? 4 : 0)
        | (subscription.retainAsPublished() ? 8 : 0)
        | subscription.retainHandling().code() << 4;
  }

  private static void requireSome(List<?> list, String otherwise) {
    if (list.isEmpty()) {
      throw new IllegalArgumentException(otherwise);
    }
  }
}
