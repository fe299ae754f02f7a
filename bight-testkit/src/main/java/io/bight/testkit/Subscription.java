// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.handler.codec.mqtt.MqttTopicSubscription;

/**
 * One entry of a SUBSCRIBE (MQTT 5.0, section 3.8.3). Before MQTT 5.0 only the filter and the QoS
 * exist; the others then have their defaults.
 *
 * @param topicFilter the filter
 * @param qos the highest QoS asked for, 0 to 2
 * @param noLocal whether the client's own messages are kept from it
 * @param retainAsPublished whether the RETAIN flag is forwarded as it was
 * @param retainHandling 0: send retained messages, 1: only for a new subscription, 2: never
 */
public record Subscription(
    String topicFilter, int qos, boolean noLocal, boolean retainAsPublished, int retainHandling) {

  static Subscription of(MqttTopicSubscription entry) {
    return new Subscription(
        entry.topicFilter(),
        entry.qualityOfService().value(),
        entry.option().isNoLocal(),
        entry.option().isRetainAsPublished(),
        entry.option().retainHandling().value());
  }

  /** In words: {@code 'a/#' qos=1}. */
  @Override
  public String toString() {
    return "'" + topicFilter + "' qos=" + qos;
  }
}
