// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.Topics;
import io.bight.mqtt.Utf8;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A message [MQTT 5.0, section 3.3]. To send one, make it with {@link #builder(String)}; DUP and
 * packet identifier belong to a transmission and are set only on packets that were received or are
 * on the wire.
 */
public final class Publish implements Packet {
  private static final byte[] NO_BYTES = new byte[0];
  private static final int RETAIN = 1;
  private static final int QOS_SHIFT = 1;
  private static final int DUP = 8;

  private final String topic;
  private final byte[] payload;

  /** DUP, QoS and RETAIN as in the fixed header: there are many messages, so they are small. */
  private final byte flags;

  private final int packetIdentifier;
  private final Properties properties;

  /**
   * Makes the packet from all its fields, unchecked; users build messages with {@link
   * #builder(String)}.
   *
   * @param topic the topic name; empty if a topic alias stands for it
   * @param payload the payload, not copied; do not change it
   * @param qos the quality of service
   * @param retain whether the server keeps it for later subscribers, or kept it
   * @param dup whether it is a repetition
   * @param packetIdentifier 1 to 65,535 at QoS 1 and 2, else 0
   * @param properties the properties
   */
  public Publish(
      String topic,
      byte[] payload,
      Qos qos,
      boolean retain,
      boolean dup,
      int packetIdentifier,
      Properties properties) {
    this.topic = topic;
    this.payload = payload;
    this.flags = (byte) ((dup ? DUP : 0) | qos.code() << QOS_SHIFT | (retain ? RETAIN : 0));
    this.packetIdentifier = packetIdentifier;
    this.properties = properties;
  }

  /**
   * Starts a message.
   *
   * @param topic the topic name
   * @return a builder with an empty payload and QoS 0
   * @throws IllegalArgumentException if the topic name is not allowed
   */
  public static Builder builder(String topic) {
    return new Builder(topic);
  }

  @Override
  public PacketType type() {
    return PacketType.PUBLISH;
  }

  /**
   * Returns the topic name.
   *
   * @return the topic name; empty on the wire if a topic alias stands for it
   */
  public String topic() {
    return topic;
  }

  /**
   * Returns the payload.
   *
   * @return the bytes, not copied; do not change them
   */
  public byte[] payload() {
    return payload;
  }

  /**
   * Returns the quality of service.
   *
   * @return the quality of service
   */
  public Qos qos() {
    return Qos.of(flags >> QOS_SHIFT & 3);
  }

  /**
   * Returns the RETAIN flag.
   *
   * @return whether the server is to keep the message, or kept it
   */
  public boolean retain() {
    return (flags & RETAIN) != 0;
  }

  /**
   * Returns the DUP flag.
   *
   * @return whether this may be a repetition of an earlier transmission
   */
  public boolean dup() {
    return (flags & DUP) != 0;
  }

  /**
   * Returns the packet identifier.
   *
   * @return 1 to 65,535 on the wire at QoS 1 and 2, else 0
   */
  public int packetIdentifier() {
    return packetIdentifier;
  }

  /**
   * Returns the properties.
   *
   * @return the properties; none before MQTT 5.0
   */
  public Properties properties() {
    return properties;
  }

  /**
   * Returns this message under another topic name, as when a topic alias is resolved.
   *
   * @param resolved the topic name
   * @return the changed packet
   */
  public Publish withTopic(String resolved) {
    return new Publish(resolved, payload, qos(), retain(), dup(), packetIdentifier, properties);
  }

  /**
   * Returns this message with other properties.
   *
   * @param replacement the properties
   * @return the changed packet
   */
  public Publish withProperties(Properties replacement) {
    return new Publish(topic, payload, qos(), retain(), dup(), packetIdentifier, replacement);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Publish that
        && topic.equals(that.topic)
        && Arrays.equals(payload, that.payload)
        && flags == that.flags
        && packetIdentifier == that.packetIdentifier
        && properties.equals(that.properties);
  }

  @Override
  public int hashCode() {
    return Objects.hash(topic, Arrays.hashCode(payload), flags, packetIdentifier);
  }

  /** Returns the fields in words; of the payload only its length. */
  @Override
  public String toString() {
    return "Publish['"
        + topic
        + "', "
        + payload.length
        + " B, qos="
        + qos().code()
        + (packetIdentifier == 0 ? "" : ", id=" + packetIdentifier)
        + (retain() ? ", retain" : "")
        + (dup() ? ", dup" : "")
        + (properties.isEmpty() ? "" : ", " + properties)
        + "]";
  }

  /** Makes a message to send; not safe for use by several threads. */
  public static final class Builder {
    private final String topic;
    private byte[] payload = NO_BYTES;
    private Qos qos = Qos.AT_MOST_ONCE;
    private boolean retain;
    private Properties.@Nullable Builder properties;

    private Builder(String topic) {
      this.topic = Topics.requireName(topic);
    }

    /**
     * Sets the payload.
     *
     * @param bytes the payload, copied
     * @return this builder
     */
    public Builder payload(byte[] bytes) {
      payload = bytes.clone();
      return this;
    }

    /**
     * Sets the payload.
     *
     * @param bytes the payload, from position to limit, copied; the position stays
     * @return this builder
     */
    public Builder payload(ByteBuffer bytes) {
      payload = new byte[bytes.remaining()];
      bytes.duplicate().get(payload);
      return this;
    }

    /**
     * Sets the payload to text in UTF-8. The Payload Format Indicator is not set by it.
     *
     * @param text the payload
     * @return this builder
     */
    public Builder payload(String text) {
      payload = text.getBytes(StandardCharsets.UTF_8);
      return this;
    }

    /**
     * Sets the quality of service; QoS 0 unless set.
     *
     * @param level the quality of service
     * @return this builder
     */
    public Builder qos(Qos level) {
      qos = Objects.requireNonNull(level, "qos");
      return this;
    }

    /**
     * Sets whether the server keeps the message for later subscribers.
     *
     * @param keep true to keep it
     * @return this builder
     */
    public Builder retain(boolean keep) {
      retain = keep;
      return this;
    }

    /**
     * Sets after what time the message is of no use [MQTT 5.0, section 3.3.2.3.3]. MQTT 5.0 only;
     * left out for servers of earlier versions.
     *
     * @param interval whole seconds, up to 4,294,967,295
     * @return this builder
     * @throws IllegalArgumentException if the interval is negative or too long
     */
    public Builder messageExpiryInterval(Duration interval) {
      return property(Property.MESSAGE_EXPIRY_INTERVAL, interval.toSeconds());
    }

    /**
     * Says that the payload is text in UTF-8 [MQTT 5.0, section 3.3.2.3.2].
     *
     * @return this builder
     */
    public Builder payloadIsUtf8() {
      return property(Property.PAYLOAD_FORMAT_INDICATOR, 1);
    }

    /**
     * Sets what the payload is, as a MIME type [MQTT 5.0, section 3.3.2.3.9].
     *
     * @param contentType what the payload is
     * @return this builder
     */
    public Builder contentType(String contentType) {
      return property(Property.CONTENT_TYPE, Utf8.requireWellFormed(contentType, "content type"));
    }

    /**
     * Sets the topic that an answer is published to [MQTT 5.0, section 3.3.2.3.5].
     *
     * @param responseTopic the topic name
     * @return this builder
     * @throws IllegalArgumentException if the topic name is not allowed [MQTT-3.3.2-14]
     */
    public Builder responseTopic(String responseTopic) {
      return property(Property.RESPONSE_TOPIC, Topics.requireName(responseTopic));
    }

    /**
     * Sets the bytes by which the requester recognizes the answer [MQTT 5.0, section 3.3.2.3.6].
     *
     * @param correlationData the bytes, copied
     * @return this builder
     */
    public Builder correlationData(byte[] correlationData) {
      return property(Property.CORRELATION_DATA, correlationData.clone());
    }

    /**
     * Adds a user property [MQTT 5.0, section 3.3.2.3.7].
     *
     * @param name its name
     * @param value its value
     * @return this builder
     */
    public Builder userProperty(String name, String value) {
      Utf8.requireWellFormed(name, "user property name");
      Utf8.requireWellFormed(value, "user property value");
      properties().userProperty(name, value);
      return this;
    }

    /**
     * Makes the message.
     *
     * @return the message
     */
    public Publish build() {
      return new Publish(
          topic,
          payload,
          qos,
          retain,
          false,
          0,
          properties == null ? Properties.NONE : properties.build());
    }

    private <T> Builder property(Property<T> property, T value) {
      properties().set(property, value);
      return this;
    }

    private Properties.Builder properties() {
      if (properties == null) {
        properties = Properties.builder();
      }
      return properties;
    }
  }
}
