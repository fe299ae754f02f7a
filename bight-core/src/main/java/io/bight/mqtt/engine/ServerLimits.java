// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.Topics;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Subscription;
import org.jspecify.annotations.Nullable;

/**
 * What the server has said in CONNACK that it accepts on this connection [MQTT 5.0, section
 * 3.2.2.3]. What it does not mention has the specification's default; a server of an earlier
 * version mentions nothing.
 *
 * @param receiveMaximum how many QoS 1 and 2 messages may be unacknowledged
 * @param maximumQos the highest QoS that may be published
 * @param retainAvailable whether RETAIN may be set
 * @param maximumPacketSizeBytes the size of the largest packet
 * @param topicAliasMaximum the highest topic alias; 0: none
 * @param wildcardSubscriptionAvailable whether topic filters may have wildcards
 * @param subscriptionIdentifierAvailable whether subscriptions may have identifiers
 * @param sharedSubscriptionAvailable whether subscriptions may be shared
 */
public record ServerLimits(
    int receiveMaximum,
    Qos maximumQos,
    boolean retainAvailable,
    long maximumPacketSizeBytes,
    int topicAliasMaximum,
    boolean wildcardSubscriptionAvailable,
    boolean subscriptionIdentifierAvailable,
    boolean sharedSubscriptionAvailable) {

  private static final int DEFAULT_RECEIVE_MAXIMUM = 65_535;
  private static final long LARGEST_PACKET = 268_435_455L + 5;

  /** What a server accepts that says nothing, as most do. */
  private static final ServerLimits DEFAULT_V5 = of(true, Properties.NONE);

  private static final ServerLimits DEFAULT_BEFORE_V5 = of(false, Properties.NONE);

  /**
   * Reads the limits of a server.
   *
   * @param version the version in use
   * @param connack the server's answer
   * @return its limits
   */
  public static ServerLimits of(MqttVersion version, Connack connack) {
    var properties = connack.properties();
    boolean v5 = version.hasProperties();
    if (properties.isEmpty()) {
      return v5 ? DEFAULT_V5 : DEFAULT_BEFORE_V5;
    }
    return of(v5, properties);
  }

  private static ServerLimits of(boolean v5, Properties properties) {
    return new ServerLimits(
        properties.get(Property.RECEIVE_MAXIMUM, DEFAULT_RECEIVE_MAXIMUM),
        Qos.of(properties.get(Property.MAXIMUM_QOS, 2)),
        properties.get(Property.RETAIN_AVAILABLE, 1) == 1,
        properties.get(Property.MAXIMUM_PACKET_SIZE, LARGEST_PACKET),
        properties.get(Property.TOPIC_ALIAS_MAXIMUM, 0),
        properties.get(Property.WILDCARD_SUBSCRIPTION_AVAILABLE, 1) == 1,
        v5 && properties.get(Property.SUBSCRIPTION_IDENTIFIER_AVAILABLE, 1) == 1,
        properties.get(Property.SHARED_SUBSCRIPTION_AVAILABLE, 1) == 1);
  }

  /** Returns the reason for which the server would refuse a subscription, or null. */
  @Nullable ReasonCode refusalOf(Subscription subscription) {
    String filter = subscription.topicFilter();
    if (!sharedSubscriptionAvailable && Topics.isShared(filter)) {
      return ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED;
    }
    if (!wildcardSubscriptionAvailable && Topics.containsWildcard(filter)) {
      return ReasonCode.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED;
    }
    return null;
  }
}
