// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.handler.codec.mqtt.MqttProperties;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The MQTT 5.0 properties of a packet that was received. Immutable. */
public final class ReceivedProperties {
  private final MqttProperties properties;

  ReceivedProperties(MqttProperties properties) {
    this.properties = properties;
  }

  /**
   * Whether a property is there.
   *
   * @param property which
   * @return true if the packet carries it
   */
  public boolean has(Property property) {
    return properties.getProperty(property.identifier()) != null;
  }

  /**
   * A property that is a number; the first one where several are allowed.
   *
   * @param property which
   * @return its value, unsigned
   * @throws IllegalStateException if the packet does not carry it
   */
  public long number(Property property) {
    if (find(property) instanceof Integer number) {
      return Integer.toUnsignedLong(number);
    }
    throw new IllegalStateException("No number " + property + " among " + asMap());
  }

  /**
   * A property that is text.
   *
   * @param property which
   * @return its value
   * @throws IllegalStateException if the packet does not carry it
   */
  public String text(Property property) {
    if (find(property) instanceof String text) {
      return text;
    }
    throw new IllegalStateException("No text " + property + " among " + asMap());
  }

  /**
   * A property that is bytes.
   *
   * @param property which
   * @return a copy of its value
   * @throws IllegalStateException if the packet does not carry it
   */
  public byte[] binary(Property property) {
    if (find(property) instanceof byte[] bytes) {
      return bytes.clone();
    }
    throw new IllegalStateException("No bytes " + property + " among " + asMap());
  }

  /**
   * The user properties in their order.
   *
   * @return names and values, possibly empty
   */
  public List<Map.Entry<String, String>> userProperties() {
    List<Map.Entry<String, String>> pairs = new ArrayList<>();
    for (MqttProperties.MqttProperty<?> each :
        properties.getProperties(Property.USER_PROPERTY.identifier())) {
      if (each instanceof MqttProperties.UserProperty user) {
        pairs.add(Map.entry(user.value().key, user.value().value));
      }
    }
    return pairs;
  }

  /**
   * The subscription identifiers in their order.
   *
   * @return the identifiers, possibly empty
   */
  public List<Integer> subscriptionIdentifiers() {
    List<Integer> identifiers = new ArrayList<>();
    for (MqttProperties.MqttProperty<?> each :
        properties.getProperties(Property.SUBSCRIPTION_IDENTIFIER.identifier())) {
      if (each.value() instanceof Integer identifier) {
        identifiers.add(identifier);
      }
    }
    return identifiers;
  }

  /**
   * All properties: numbers as {@link Long}, text as {@link String}, bytes as a {@code byte[]},
   * user properties and subscription identifiers as lists.
   *
   * @return a copy, in the order of the identifiers
   */
  public Map<Property, Object> asMap() {
    Map<Property, Object> all = new EnumMap<>(Property.class);
    for (Property property : Property.values()) {
      if (!has(property)) {
        continue;
      }
      switch (property) {
        case USER_PROPERTY -> all.put(property, userProperties());
        case SUBSCRIPTION_IDENTIFIER -> all.put(property, subscriptionIdentifiers());
        default -> {
          Object value = find(property);
          if (value instanceof Integer number) {
            all.put(property, Integer.toUnsignedLong(number));
          } else if (value != null) {
            all.put(property, value);
          }
        }
      }
    }
    return all;
  }

  /** All properties in words. */
  @Override
  public String toString() {
    return asMap().toString();
  }

  private @Nullable Object find(Property property) {
    MqttProperties.MqttProperty<?> found = properties.getProperty(property.identifier());
    return found == null ? null : found.value();
  }
}
