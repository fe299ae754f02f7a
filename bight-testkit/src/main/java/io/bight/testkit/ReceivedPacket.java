// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.handler.codec.mqtt.MqttConnectMessage;
import io.netty.handler.codec.mqtt.MqttConnectPayload;
import io.netty.handler.codec.mqtt.MqttConnectVariableHeader;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.handler.codec.mqtt.MqttMessageIdAndPropertiesVariableHeader;
import io.netty.handler.codec.mqtt.MqttMessageIdVariableHeader;
import io.netty.handler.codec.mqtt.MqttProperties;
import io.netty.handler.codec.mqtt.MqttPubReplyMessageVariableHeader;
import io.netty.handler.codec.mqtt.MqttPublishMessage;
import io.netty.handler.codec.mqtt.MqttPublishVariableHeader;
import io.netty.handler.codec.mqtt.MqttReasonCodeAndPropertiesVariableHeader;
import io.netty.handler.codec.mqtt.MqttSubscribePayload;
import io.netty.handler.codec.mqtt.MqttUnsubscribePayload;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A packet that came from the client, as the server read it. Immutable; safe to keep and to read
 * from any thread.
 *
 * <p>One class for all types, so that a test reads like the protocol: {@code
 * packet.packetIdentifier()}. Asking for something that the type does not have throws {@link
 * IllegalStateException} with the packet in words.
 */
public final class ReceivedPacket {
  private final MqttMessage message;
  private final byte[] payload;
  private final byte[] bytes;
  private final int connection;
  private final long receivedAtNanos;

  /** Copies the payload of a PUBLISH; the message stays the caller's to release. */
  ReceivedPacket(MqttMessage message, byte[] bytes, int connection, long receivedAtNanos) {
    this.message = message;
    this.bytes = bytes;
    this.connection = connection;
    this.receivedAtNanos = receivedAtNanos;
    if (message instanceof MqttPublishMessage publish) {
      payload = new byte[publish.payload().readableBytes()];
      publish.payload().getBytes(publish.payload().readerIndex(), payload);
    } else {
      payload = new byte[0];
    }
  }

  /**
   * What kind of packet it is.
   *
   * @return the type
   */
  public PacketType type() {
    return PacketType.of(message.fixedHeader().messageType());
  }

  /**
   * The number of the connection it came on.
   *
   * @return 1 for the server's first connection
   */
  public int connection() {
    return connection;
  }

  /**
   * When its last byte arrived, by the server's clock.
   *
   * @return nanoseconds; only differences mean anything
   */
  public long receivedAtNanos() {
    return receivedAtNanos;
  }

  /**
   * The whole packet as it was on the wire.
   *
   * @return a copy
   */
  public byte[] bytes() {
    return bytes.clone();
  }

  /**
   * The packet identifier.
   *
   * @return 1 to 65535, or 0 for a PUBLISH at QoS 0, which has none
   */
  public int packetIdentifier() {
    Object header = message.variableHeader();
    if (header instanceof MqttPublishVariableHeader publish) {
      return qos() == 0 ? 0 : publish.packetId();
    }
    if (header instanceof MqttMessageIdVariableHeader withIdentifier) {
      return withIdentifier.messageId();
    }
    throw lacks("packet identifier");
  }

  /**
   * The topic of a PUBLISH.
   *
   * @return the topic name; empty where a topic alias stands for it
   */
  public String topic() {
    if (message.variableHeader() instanceof MqttPublishVariableHeader publish) {
      return publish.topicName();
    }
    throw lacks("topic");
  }

  /**
   * The payload of a PUBLISH.
   *
   * @return a copy
   */
  public byte[] payload() {
    requirePublish("payload");
    return payload.clone();
  }

  /**
   * The payload of a PUBLISH as text.
   *
   * @return the payload read as UTF-8
   */
  public String payloadUtf8() {
    return new String(payload(), StandardCharsets.UTF_8);
  }

  /**
   * The quality of service of a PUBLISH.
   *
   * @return 0, 1 or 2
   */
  public int qos() {
    requirePublish("QoS");
    return message.fixedHeader().qosLevel().value();
  }

  /**
   * Whether a PUBLISH says that it is sent again.
   *
   * @return the DUP flag
   */
  public boolean dup() {
    requirePublish("DUP flag");
    return message.fixedHeader().isDup();
  }

  /**
   * Whether a PUBLISH asks to be retained.
   *
   * @return the RETAIN flag
   */
  public boolean retain() {
    requirePublish("RETAIN flag");
    return message.fixedHeader().isRetain();
  }

  /**
   * The reason code of a PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT or AUTH.
   *
   * @return 0 to 255; 0 where the packet leaves it out or the version has none
   */
  public int reasonCode() {
    Object header = message.variableHeader();
    if (header instanceof MqttPubReplyMessageVariableHeader reply) {
      return reply.reasonCode() & 0xFF;
    }
    if (header instanceof MqttReasonCodeAndPropertiesVariableHeader withReason) {
      return withReason.reasonCode() & 0xFF;
    }
    return switch (type()) {
      case PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT, AUTH -> 0;
      default -> throw lacks("reason code");
    };
  }

  /**
   * What a SUBSCRIBE asks for.
   *
   * @return its entries in order
   */
  public List<Subscription> subscriptions() {
    if (message.payload() instanceof MqttSubscribePayload subscribe) {
      return subscribe.topicSubscriptions().stream().map(Subscription::of).toList();
    }
    throw lacks("subscriptions");
  }

  /**
   * The topic filters of a SUBSCRIBE or UNSUBSCRIBE.
   *
   * @return the filters in order
   */
  public List<String> topicFilters() {
    if (message.payload() instanceof MqttUnsubscribePayload unsubscribe) {
      return List.copyOf(unsubscribe.topics());
    }
    return subscriptions().stream().map(Subscription::topicFilter).toList();
  }

  /**
   * The protocol version of a CONNECT.
   *
   * @return 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0
   */
  public int protocolVersion() {
    return connectHeader("protocol version").version();
  }

  /**
   * The client identifier of a CONNECT.
   *
   * @return the identifier, possibly empty
   */
  public String clientIdentifier() {
    return connectPayload("client identifier").clientIdentifier();
  }

  /**
   * The Clean Start flag of a CONNECT, called Clean Session before MQTT 5.0.
   *
   * @return whether the client asks for a new session
   */
  public boolean cleanStart() {
    return connectHeader("Clean Start flag").isCleanSession();
  }

  /**
   * The keep alive of a CONNECT.
   *
   * @return seconds, 0 for none
   */
  public int keepAliveSeconds() {
    return connectHeader("keep alive").keepAliveTimeSeconds();
  }

  /**
   * The user name of a CONNECT.
   *
   * @return the name, or null if there is none
   */
  public @Nullable String userName() {
    return connectPayload("user name").userName();
  }

  /**
   * The password of a CONNECT.
   *
   * @return a copy, or null if there is none
   */
  public byte @Nullable [] password() {
    byte[] password = connectPayload("password").passwordInBytes();
    return password == null ? null : password.clone();
  }

  /**
   * The will of a CONNECT.
   *
   * @return the will, or null if there is none
   */
  public @Nullable Will will() {
    MqttConnectVariableHeader header = connectHeader("will");
    MqttConnectPayload connect = connectPayload("will");
    if (!header.isWillFlag()) {
      return null;
    }
    byte[] message = connect.willMessageInBytes();
    return new Will(
        connect.willTopic(),
        message == null ? new byte[0] : message.clone(),
        header.willQos(),
        header.isWillRetain(),
        new ReceivedProperties(connect.willProperties()));
  }

  /**
   * The properties of the packet; none before MQTT 5.0.
   *
   * @return the properties, possibly empty
   */
  public ReceivedProperties properties() {
    return new ReceivedProperties(nettyProperties());
  }

  MqttProperties nettyProperties() {
    Object header = message.variableHeader();
    if (header instanceof MqttConnectVariableHeader connect) {
      return connect.properties();
    }
    if (header instanceof MqttPublishVariableHeader publish) {
      return publish.properties();
    }
    if (header instanceof MqttPubReplyMessageVariableHeader reply) {
      return reply.properties();
    }
    if (header instanceof MqttMessageIdAndPropertiesVariableHeader withProperties) {
      return withProperties.properties();
    }
    if (header instanceof MqttReasonCodeAndPropertiesVariableHeader withReason) {
      return withReason.properties();
    }
    return MqttProperties.NO_PROPERTIES;
  }

  /**
   * The packet in words, as the transcript has it: {@code PUBLISH id=7 qos=1 'a/b' 12 B}.
   *
   * @return one line
   */
  @Override
  public String toString() {
    StringBuilder words = new StringBuilder(type().name());
    switch (type()) {
      case CONNECT -> {
        words.append(String.format(Locale.ROOT, " version=%d", protocolVersion()));
        words.append(" client='").append(clientIdentifier()).append('\'');
        words.append(cleanStart() ? " clean start" : "");
        words.append(" keep alive=").append(keepAliveSeconds()).append(" s");
      }
      case PUBLISH -> {
        words.append(qos() == 0 ? "" : " id=" + packetIdentifier());
        words.append(" qos=").append(qos()).append(dup() ? " dup" : "");
        words.append(retain() ? " retain" : "").append(" '").append(topic()).append("' ");
        words.append(payload.length).append(" B");
      }
      case SUBSCRIBE -> words.append(" id=").append(packetIdentifier()).append(subscriptions());
      case UNSUBSCRIBE -> words.append(" id=").append(packetIdentifier()).append(topicFilters());
      case PUBACK, PUBREC, PUBREL, PUBCOMP -> words.append(" id=").append(packetIdentifier());
      default -> {}
    }
    switch (type()) {
      case PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT, AUTH ->
          words.append(reasonCode() == 0 ? "" : String.format(" reason=0x%02X", reasonCode()));
      default -> {}
    }
    Map<Property, Object> properties = properties().asMap();
    return properties.isEmpty()
        ? words.toString()
        : words.append(' ').append(properties).toString();
  }

  private void requirePublish(String what) {
    if (type() != PacketType.PUBLISH) {
      throw lacks(what);
    }
  }

  private MqttConnectVariableHeader connectHeader(String what) {
    if (message instanceof MqttConnectMessage connect) {
      return connect.variableHeader();
    }
    throw lacks(what);
  }

  private MqttConnectPayload connectPayload(String what) {
    if (message instanceof MqttConnectMessage connect) {
      return connect.payload();
    }
    throw lacks(what);
  }

  private IllegalStateException lacks(String what) {
    return new IllegalStateException("A " + type() + " has no " + what);
  }
}
