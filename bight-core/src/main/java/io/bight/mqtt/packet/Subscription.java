// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Qos;
import io.bight.mqtt.RetainHandling;
import io.bight.mqtt.Topics;
import java.util.Objects;

/**
 * A topic filter with its subscription options [MQTT 5.0, section 3.8.3.1]. A server of an earlier
 * version is sent the topic filter and the QoS only.
 *
 * @param topicFilter the topic filter
 * @param qos the highest QoS at which the server may send
 * @param noLocal whether messages this client publishes itself are left out
 * @param retainAsPublished whether messages keep their RETAIN flag as published
 * @param retainHandling whether retained messages are sent when the subscription is made
 */
public record Subscription(
    String topicFilter,
    Qos qos,
    boolean noLocal,
    boolean retainAsPublished,
    RetainHandling retainHandling) {

  /**
   * Makes a subscription.
   *
   * @param topicFilter the topic filter
   * @param qos the highest QoS at which the server may send
   * @param noLocal whether messages this client publishes itself are left out
   * @param retainAsPublished whether messages keep their RETAIN flag as published
   * @param retainHandling whether retained messages are sent when the subscription is made
   * @throws IllegalArgumentException if the topic filter is not allowed, or if No Local is set on a
   *     shared subscription [MQTT-3.8.3-4]
   */
  public Subscription {
    Topics.requireFilter(topicFilter);
    Objects.requireNonNull(qos, "qos");
    Objects.requireNonNull(retainHandling, "retainHandling");
    if (noLocal && Topics.isShared(topicFilter)) {
      throw new IllegalArgumentException(
          "No Local cannot be set on the shared subscription '" + topicFilter + "'");
    }
  }

  /**
   * Makes a subscription with the options' defaults.
   *
   * @param topicFilter the topic filter
   * @param qos the highest QoS at which the server may send
   * @throws IllegalArgumentException if the topic filter is not allowed
   */
  public Subscription(String topicFilter, Qos qos) {
    this(topicFilter, qos, false, false, RetainHandling.SEND);
  }

  /**
   * Returns this subscription with No Local set: messages this client publishes are left out.
   *
   * @return the changed subscription
   */
  public Subscription withNoLocal() {
    return new Subscription(topicFilter, qos, true, retainAsPublished, retainHandling);
  }

  /**
   * Returns this subscription with Retain As Published set: messages keep their RETAIN flag.
   *
   * @return the changed subscription
   */
  public Subscription withRetainAsPublished() {
    return new Subscription(topicFilter, qos, noLocal, true, retainHandling);
  }

  /**
   * Returns this subscription with another choice of when retained messages are sent.
   *
   * @param choice when retained messages are sent
   * @return the changed subscription
   */
  public Subscription withRetainHandling(RetainHandling choice) {
    return new Subscription(topicFilter, qos, noLocal, retainAsPublished, choice);
  }
}
