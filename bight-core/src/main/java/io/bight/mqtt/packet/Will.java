// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Qos;
import io.bight.mqtt.Topics;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The message that the server publishes when it loses the client [MQTT 5.0, section 3.1.2.5].
 *
 * @param topic the topic name
 * @param payload the payload, not copied; do not change it
 * @param qos the QoS at which it is published
 * @param retain whether it is retained
 * @param properties Will Delay Interval and those of a message
 */
@SuppressWarnings("ArrayRecordComponent") // equality and text are defined below
public record Will(String topic, byte[] payload, Qos qos, boolean retain, Properties properties) {
  /**
   * Makes a will.
   *
   * @param topic the topic name
   * @param payload the payload, not copied; do not change it
   * @param qos the QoS at which it is published
   * @param retain whether it is retained
   * @param properties Will Delay Interval and those of a message
   * @throws IllegalArgumentException if the topic name is not allowed or the payload is longer than
   *     65,535 bytes
   */
  public Will {
    Topics.requireName(topic);
    if (payload.length > 65_535) {
      throw new IllegalArgumentException(
          "the will's payload has " + payload.length + " bytes; 65535 is the most");
    }
    Objects.requireNonNull(qos, "qos");
    Objects.requireNonNull(properties, "properties");
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Will that
        && topic.equals(that.topic)
        && Arrays.equals(payload, that.payload)
        && qos == that.qos
        && retain == that.retain
        && properties.equals(that.properties);
  }

  @Override
  public int hashCode() {
    return Objects.hash(topic, Arrays.hashCode(payload), qos, retain);
  }

  /** Returns the fields in words; of the payload only its length. */
  @Override
  public String toString() {
    return "Will[topic="
        + topic
        + ", "
        + payload.length
        + " B, qos="
        + qos.code()
        + ", retain="
        + retain
        + ", properties="
        + properties
        + "]";
  }
}
