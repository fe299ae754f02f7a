// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Property.Place;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.RetainHandling;
import io.bight.mqtt.UserProperty;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.PacketType;
import io.bight.mqtt.packet.Pingreq;
import io.bight.mqtt.packet.Pingresp;
import io.bight.mqtt.packet.Puback;
import io.bight.mqtt.packet.Pubcomp;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Pubrec;
import io.bight.mqtt.packet.Pubrel;
import io.bight.mqtt.packet.Suback;
import io.bight.mqtt.packet.Subscribe;
import io.bight.mqtt.packet.Subscription;
import io.bight.mqtt.packet.Unsuback;
import io.bight.mqtt.packet.Unsubscribe;
import io.bight.mqtt.packet.Will;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;

/** Every packet that may be sent, by version and sender. */
final class ArbitraryPackets {
  private ArbitraryPackets() {}

  /** A packet with the version and the side that sends it. */
  record Sent(MqttVersion version, boolean byClient, Packet packet) {
    MqttDecoder decoder() {
      MqttVersion known = packet instanceof Connect ? null : version;
      return new MqttDecoder(byClient, known, Integer.MAX_VALUE);
    }
  }

  static Arbitrary<Sent> sent() {
    List<Arbitrary<Sent>> all = new ArrayList<>();
    for (MqttVersion version : MqttVersion.values()) {
      all.add(packets(version, true).map(packet -> new Sent(version, true, packet)));
      all.add(packets(version, false).map(packet -> new Sent(version, false, packet)));
    }
    // The leaves bring their edges themselves; all their combinations would be too many.
    return Arbitraries.oneOf(all).withoutEdgeCases();
  }

  static Arbitrary<Packet> packets(MqttVersion version, boolean byClient) {
    List<Arbitrary<? extends Packet>> kinds = new ArrayList<>();
    kinds.add(publish(version, byClient));
    kinds.add(publish(version, byClient)); // the most important kind, and the most varied
    kinds.add(acknowledgements(version, byClient));
    if (byClient) {
      kinds.add(connect(version));
      kinds.add(subscribe(version));
      kinds.add(unsubscribe(version));
      kinds.add(Arbitraries.just(Pingreq.INSTANCE));
    } else {
      kinds.add(connack(version));
      kinds.add(suback(version));
      kinds.add(unsuback(version));
      kinds.add(Arbitraries.just(Pingresp.INSTANCE));
    }
    if (version.hasProperties()) {
      kinds.add(disconnect(byClient));
      kinds.add(auth(byClient));
    } else if (byClient) {
      kinds.add(Arbitraries.just(new Disconnect(ReasonCode.SUCCESS)));
    }
    return Arbitraries.oneOf(kinds);
  }

  static Arbitrary<Connect> connect(MqttVersion version) {
    Arbitrary<byte[]> passwords = bytes(0, 12);
    Arbitrary<String> identifiers =
        version == MqttVersion.MQTT_5 ? texts() : texts().filter(text -> !text.isEmpty());
    return Combinators.combine(
            identifiers,
            Arbitraries.of(true, false),
            Arbitraries.integers().between(0, 65_535),
            wills(version).injectNull(0.4),
            texts().injectNull(0.3),
            passwords.injectNull(0.3),
            properties(version, Place.CONNECT))
        .as(
            (identifier, clean, keepAlive, will, user, password, properties) ->
                new Connect(
                    version,
                    identifier,
                    clean,
                    keepAlive,
                    will,
                    user,
                    user == null && version != MqttVersion.MQTT_5 ? null : password,
                    withMethodForData(properties)));
  }

  private static Arbitrary<Will> wills(MqttVersion version) {
    return Combinators.combine(
            topicNames(),
            bytes(0, 20),
            Arbitraries.of(Qos.class),
            Arbitraries.of(true, false),
            properties(version, Place.WILL))
        .as(Will::new);
  }

  static Arbitrary<Connack> connack(MqttVersion version) {
    Arbitrary<ReasonCode> reasons =
        version == MqttVersion.MQTT_5
            ? reasons(PacketType.CONNACK, false)
            : Arbitraries.integers().between(0, 5).map(AllowedReasonCodes::ofReturnCode);
    return Combinators.combine(
            Arbitraries.of(true, false), reasons, properties(version, Place.CONNACK))
        .as(
            (present, reason, properties) ->
                new Connack(
                    present && reason == ReasonCode.SUCCESS && version != MqttVersion.MQTT_3_1,
                    reason,
                    properties));
  }

  static Arbitrary<Publish> publish(MqttVersion version, boolean byClient) {
    return Combinators.combine(
            topicNames(),
            bytes(0, 40),
            Arbitraries.of(Qos.class),
            Arbitraries.of(true, false),
            Arbitraries.of(true, false),
            identifiers(),
            properties(version, Place.PUBLISH),
            Arbitraries.of(true, false))
        .as(
            (topic, payload, qos, retain, dup, identifier, properties, withoutTopic) -> {
              boolean acknowledged = qos != Qos.AT_MOST_ONCE;
              boolean aliased = properties.has(Property.TOPIC_ALIAS);
              return new Publish(
                  aliased && withoutTopic ? "" : topic,
                  payload,
                  qos,
                  retain,
                  acknowledged && dup,
                  acknowledged ? identifier : 0,
                  byClient ? properties.without(Property.SUBSCRIPTION_IDENTIFIER) : properties);
            });
  }

  static Arbitrary<? extends Packet> acknowledgements(MqttVersion version, boolean byClient) {
    return Arbitraries.oneOf(
        acknowledgement(version, byClient, PacketType.PUBACK, Place.PUBACK, Puback::new),
        acknowledgement(version, byClient, PacketType.PUBREC, Place.PUBREC, Pubrec::new),
        acknowledgement(version, byClient, PacketType.PUBREL, Place.PUBREL, Pubrel::new),
        acknowledgement(version, byClient, PacketType.PUBCOMP, Place.PUBCOMP, Pubcomp::new));
  }

  private interface Maker {
    Packet make(int packetIdentifier, ReasonCode reasonCode, Properties properties);
  }

  private static Arbitrary<Packet> acknowledgement(
      MqttVersion version, boolean byClient, PacketType type, Place place, Maker maker) {
    Arbitrary<ReasonCode> reasons =
        version.hasProperties() ? reasons(type, byClient) : Arbitraries.just(ReasonCode.SUCCESS);
    return Combinators.combine(identifiers(), reasons, properties(version, place)).as(maker::make);
  }

  static Arbitrary<Subscribe> subscribe(MqttVersion version) {
    return Combinators.combine(
            identifiers(),
            subscriptions(version).list().ofMinSize(1).ofMaxSize(4),
            properties(version, Place.SUBSCRIBE))
        .as(Subscribe::new);
  }

  private static Arbitrary<Subscription> subscriptions(MqttVersion version) {
    if (!version.hasProperties()) {
      return Combinators.combine(topicFilters(), Arbitraries.of(Qos.class)).as(Subscription::new);
    }
    return Combinators.combine(
            topicFilters(),
            Arbitraries.of(Qos.class),
            Arbitraries.of(true, false),
            Arbitraries.of(true, false),
            Arbitraries.of(RetainHandling.class))
        .as(
            (filter, qos, noLocal, asPublished, handling) ->
                new Subscription(
                    filter, qos, noLocal && !filter.startsWith("$share/"), asPublished, handling));
  }

  static Arbitrary<Suback> suback(MqttVersion version) {
    Arbitrary<ReasonCode> reasons =
        version.hasProperties()
            ? reasons(PacketType.SUBACK, false)
            : Arbitraries.of(
                ReasonCode.SUCCESS,
                ReasonCode.GRANTED_QOS_1,
                ReasonCode.GRANTED_QOS_2,
                ReasonCode.UNSPECIFIED_ERROR);
    return Combinators.combine(
            identifiers(),
            reasons.list().ofMinSize(1).ofMaxSize(5),
            properties(version, Place.SUBACK))
        .as(Suback::new);
  }

  static Arbitrary<Unsubscribe> unsubscribe(MqttVersion version) {
    return Combinators.combine(
            identifiers(),
            topicFilters().list().ofMinSize(1).ofMaxSize(4),
            properties(version, Place.UNSUBSCRIBE))
        .as(Unsubscribe::new);
  }

  static Arbitrary<Unsuback> unsuback(MqttVersion version) {
    Arbitrary<List<ReasonCode>> reasons =
        version.hasProperties()
            ? reasons(PacketType.UNSUBACK, false).list().ofMinSize(1).ofMaxSize(5)
            : Arbitraries.just(List.of());
    return Combinators.combine(identifiers(), reasons, properties(version, Place.UNSUBACK))
        .as(Unsuback::new);
  }

  static Arbitrary<Disconnect> disconnect(boolean byClient) {
    return Combinators.combine(
            reasons(PacketType.DISCONNECT, byClient),
            properties(MqttVersion.MQTT_5, Place.DISCONNECT))
        .as(
            (reason, properties) ->
                new Disconnect(
                    reason,
                    byClient ? properties : properties.without(Property.SESSION_EXPIRY_INTERVAL)));
  }

  static Arbitrary<Auth> auth(boolean byClient) {
    return Combinators.combine(
            reasons(PacketType.AUTH, byClient), properties(MqttVersion.MQTT_5, Place.AUTH))
        .as(
            (reason, properties) -> {
              boolean bare = reason == ReasonCode.SUCCESS && properties.isEmpty();
              return new Auth(
                  reason,
                  bare || properties.has(Property.AUTHENTICATION_METHOD)
                      ? properties
                      : properties.toBuilder()
                          .set(Property.AUTHENTICATION_METHOD, "SCRAM-SHA-256")
                          .build());
            });
  }

  private static Arbitrary<ReasonCode> reasons(PacketType type, boolean byClient) {
    return Arbitraries.of(
        Arrays.stream(ReasonCode.values())
            .filter(
                reason ->
                    byClient
                        ? AllowedReasonCodes.fromClient(type, reason)
                        : AllowedReasonCodes.fromServer(type, reason))
            .toList());
  }

  /** Any properties allowed in the place, in any order; none before 5.0. */
  static Arbitrary<Properties> properties(MqttVersion version, Place place) {
    if (!version.hasProperties()) {
      return Arbitraries.just(Properties.NONE);
    }
    List<Property<?>> allowed =
        Property.all().stream().filter(property -> property.isAllowedOn(place)).toList();
    List<Arbitrary<Entry<?>>> entriesOfEach = new ArrayList<>();
    allowed.forEach(property -> entriesOfEach.add(entry(property)));
    return Arbitraries.oneOf(entriesOfEach)
        .list()
        .ofMaxSize(5)
        .map(
            entries -> {
              Properties.Builder builder = Properties.builder();
              List<Property<?>> seen = new ArrayList<>();
              for (Entry<?> entry : entries) {
                if (!seen.contains(entry.property) || entry.property.isRepeatableOn(place)) {
                  entry.addTo(builder);
                  seen.add(entry.property);
                }
              }
              return builder.build();
            });
  }

  private record Entry<T>(Property<T> property, Object value) {
    void addTo(Properties.Builder builder) {
      builder.add(property, property.valueType().cast(value));
    }
  }

  private static <T> Arbitrary<Entry<?>> entry(Property<T> property) {
    int least = property.allows(0) ? 0 : 1;
    Arbitrary<?> values =
        switch (property.type()) {
          case BYTE -> Arbitraries.of(0, 1);
          case TWO_BYTE_INTEGER ->
              Arbitraries.oneOf(
                  Arbitraries.of(least, 0xFFFF), Arbitraries.integers().between(least, 0xFFFF));
          case FOUR_BYTE_INTEGER ->
              Arbitraries.oneOf(
                  Arbitraries.of((long) least, 0x8000_0000L, 0xFFFF_FFFFL),
                  Arbitraries.longs().between(least, 0xFFFF_FFFFL));
          case VARIABLE_BYTE_INTEGER ->
              Arbitraries.oneOf(
                  Arbitraries.of(1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455),
                  Arbitraries.integers().between(least, 268_435_455));
          case UTF_8_STRING -> property == Property.RESPONSE_TOPIC ? topicNames() : texts();
          case BINARY_DATA -> bytes(0, 12);
          case UTF_8_STRING_PAIR -> Combinators.combine(texts(), texts()).as(UserProperty::new);
        };
    return values.map(value -> new Entry<>(property, value));
  }

  private static Properties withMethodForData(Properties properties) {
    boolean dataAlone =
        properties.has(Property.AUTHENTICATION_DATA)
            && !properties.has(Property.AUTHENTICATION_METHOD);
    return dataAlone
        ? properties.toBuilder().set(Property.AUTHENTICATION_METHOD, "PLAIN").build()
        : properties;
  }

  static Arbitrary<Integer> identifiers() {
    return Arbitraries.oneOf(
        Arbitraries.of(1, 255, 256, 65_535), Arbitraries.integers().between(1, 65_535));
  }

  static Arbitrary<byte[]> bytes(int least, int most) {
    return Arbitraries.bytes().array(byte[].class).ofMinSize(least).ofMaxSize(most);
  }

  /** Strings with characters of one to four bytes, U+FEFF among them [MQTT-1.5.4-3]. */
  static Arbitrary<String> texts() {
    Arbitrary<String> one =
        Arbitraries.frequencyOf(
            Tuple.of(6, Arbitraries.chars().range('a', 'z').map(String::valueOf)),
            Tuple.of(2, Arbitraries.of("/", " ", "\u007f", "\u0001", "é", "\u0800", "€", "\ufeff")),
            Tuple.of(
                1, Arbitraries.of("\ud7ff", "\ue000", "\uffff", "\ud800\udc00", "\udbff\udfff")),
            Tuple.of(1, Arbitraries.just("😀")));
    return one.list().ofMaxSize(12).map(parts -> String.join("", parts));
  }

  static Arbitrary<String> topicNames() {
    return texts().map(text -> text.isEmpty() ? "t" : text);
  }

  static Arbitrary<String> topicFilters() {
    Arbitrary<String> levels =
        Arbitraries.oneOf(
            texts().map(text -> text.replace("/", "")), Arbitraries.of("+", "a", "sport", "$SYS"));
    Arbitrary<String> filters =
        Combinators.combine(
                levels.list().ofMinSize(1).ofMaxSize(4), Arbitraries.of("", "", "/#", "$share/g/"))
            .as(
                (parts, extra) -> {
                  String joined = String.join("/", parts);
                  return extra.startsWith("$") ? extra + joined : joined + extra;
                });
    return filters.map(f -> f.isEmpty() ? "#" : f.equals("$share/g/") ? "$share/g/+" : f);
  }
}
