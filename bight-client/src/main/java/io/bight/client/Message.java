// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.UserProperty;
import io.bight.mqtt.engine.IncomingPublish;
import io.bight.mqtt.packet.Publish;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A message that has arrived [MQTT 5.0, section 3.3]. May be kept and read by any thread.
 *
 * <p>At QoS 1 and 2 it is acknowledged to the server when the last handler has returned, or has
 * thrown, which is reported. With {@link MqttClientBuilder#manualAcknowledgement} the program does
 * it, once, by {@link #acknowledge()} or {@link #reject(ReasonCode)}; acknowledgements leave in the
 * order in which the messages arrived.
 */
public final class Message {
  private final MqttClient client;
  private final IncomingPublish incoming;
  private final Publish publish;

  Message(MqttClient client, IncomingPublish incoming) {
    this.client = client;
    this.incoming = incoming;
    this.publish = incoming.message();
  }

  /**
   * Returns the client that received it.
   *
   * @return the client
   */
  public MqttClient client() {
    return client;
  }

  /**
   * Returns the topic name.
   *
   * @return the topic name, also where the server sent a topic alias
   */
  public String topic() {
    return publish.topic();
  }

  /**
   * Returns the payload.
   *
   * @return a read-only view of the bytes
   */
  public ByteBuffer payload() {
    return ByteBuffer.wrap(publish.payload()).asReadOnlyBuffer();
  }

  /**
   * Returns the payload.
   *
   * @return the bytes, copied
   */
  public byte[] payloadBytes() {
    return publish.payload().clone();
  }

  /**
   * Returns the payload as text.
   *
   * @return the text; bytes that are not UTF-8 become U+FFFD
   */
  public String payloadUtf8() {
    return new String(publish.payload(), StandardCharsets.UTF_8);
  }

  /**
   * Returns the QoS at which it was delivered, which may be lower than that of its publisher.
   *
   * @return the QoS
   */
  public Qos qos() {
    return publish.qos();
  }

  /**
   * Tells whether it was sent because it was retained, not because it is new; or, with Retain As
   * Published, whether its publisher set RETAIN.
   *
   * @return the RETAIN flag
   */
  public boolean isRetained() {
    return publish.retain();
  }

  /**
   * Tells whether the server may have sent it before.
   *
   * @return the DUP flag
   */
  public boolean isDuplicate() {
    return publish.dup();
  }

  /**
   * Returns the packet identifier.
   *
   * @return 1 to 65,535 at QoS 1 and 2; 0 at QoS 0
   */
  public int packetIdentifier() {
    return publish.packetIdentifier();
  }

  /**
   * Returns all properties.
   *
   * @return the properties; none before MQTT 5.0
   */
  public Properties properties() {
    return publish.properties();
  }

  /**
   * Returns the user properties.
   *
   * @return the user properties in order; empty if there are none
   */
  public List<UserProperty> userProperties() {
    return publish.properties().userProperties();
  }

  /**
   * Returns the content type.
   *
   * @return what the payload is, in the publisher's words, or null
   */
  public @Nullable String contentType() {
    return publish.properties().get(Property.CONTENT_TYPE);
  }

  /**
   * Returns the topic that an answer is to be published to.
   *
   * @return the topic name, or null
   */
  public @Nullable String responseTopic() {
    return publish.properties().get(Property.RESPONSE_TOPIC);
  }

  /**
   * Returns the bytes by which the requester recognizes the answer.
   *
   * @return the bytes, copied, or null
   */
  public byte @Nullable [] correlationData() {
    byte[] data = publish.properties().get(Property.CORRELATION_DATA);
    return data == null ? null : data.clone();
  }

  /**
   * Returns after what time the message is of no use.
   *
   * @return the time left when the server sent it, or null if it does not expire
   */
  public @Nullable Duration messageExpiryInterval() {
    Long seconds = publish.properties().get(Property.MESSAGE_EXPIRY_INTERVAL);
    return seconds == null ? null : Duration.ofSeconds(seconds);
  }

  /**
   * Tells whether the publisher says that the payload is text in UTF-8.
   *
   * @return true if its Payload Format Indicator is 1
   */
  public boolean isPayloadUtf8() {
    return publish.properties().get(Property.PAYLOAD_FORMAT_INDICATOR, 0) == 1;
  }

  /**
   * Returns the identifiers of the subscriptions that it matched.
   *
   * @return the Subscription Identifiers; empty if the subscriptions have none
   */
  public List<Integer> subscriptionIdentifiers() {
    return publish.properties().getAll(Property.SUBSCRIPTION_IDENTIFIER);
  }

  /**
   * Tells the server that the message is done with. Legal on any thread; a second call, and one at
   * QoS 0, change nothing.
   */
  public void acknowledge() {
    client.acknowledge(incoming, ReasonCode.SUCCESS, Properties.NONE);
  }

  /**
   * Tells the server that the message is refused; with MQTT 5.0 it learns why, before that it is
   * only acknowledged. Legal on any thread; a second call, and one at QoS 0, change nothing.
   *
   * @param reasonCode a reason of 0x80 or above that PUBACK and PUBREC may carry
   * @throws IllegalArgumentException if it is another reason
   */
  public void reject(ReasonCode reasonCode) {
    switch (reasonCode) {
      case UNSPECIFIED_ERROR,
          IMPLEMENTATION_SPECIFIC_ERROR,
          NOT_AUTHORIZED,
          TOPIC_NAME_INVALID,
          QUOTA_EXCEEDED,
          PAYLOAD_FORMAT_INVALID ->
          client.acknowledge(incoming, reasonCode, Properties.NONE);
      default ->
          throw new IllegalArgumentException(
              "a message cannot be rejected with " + reasonCode + " [MQTT 5.0, section 3.4.2.1]");
    }
  }

  /** Returns topic, size, QoS and flags. */
  @Override
  public String toString() {
    return publish.toString();
  }
}
