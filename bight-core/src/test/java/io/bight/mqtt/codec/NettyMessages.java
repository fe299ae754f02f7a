// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.RetainHandling;
import io.bight.mqtt.UserProperty;
import io.bight.mqtt.packet.Acknowledgement;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
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
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.mqtt.MqttConnAckMessage;
import io.netty.handler.codec.mqtt.MqttConnAckVariableHeader;
import io.netty.handler.codec.mqtt.MqttConnectMessage;
import io.netty.handler.codec.mqtt.MqttConnectPayload;
import io.netty.handler.codec.mqtt.MqttConnectReturnCode;
import io.netty.handler.codec.mqtt.MqttConnectVariableHeader;
import io.netty.handler.codec.mqtt.MqttFixedHeader;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.handler.codec.mqtt.MqttMessageIdAndPropertiesVariableHeader;
import io.netty.handler.codec.mqtt.MqttMessageIdVariableHeader;
import io.netty.handler.codec.mqtt.MqttMessageType;
import io.netty.handler.codec.mqtt.MqttProperties;
import io.netty.handler.codec.mqtt.MqttProperties.BinaryProperty;
import io.netty.handler.codec.mqtt.MqttProperties.IntegerProperty;
import io.netty.handler.codec.mqtt.MqttProperties.MqttProperty;
import io.netty.handler.codec.mqtt.MqttProperties.StringPair;
import io.netty.handler.codec.mqtt.MqttProperties.StringProperty;
import io.netty.handler.codec.mqtt.MqttPubReplyMessageVariableHeader;
import io.netty.handler.codec.mqtt.MqttPublishMessage;
import io.netty.handler.codec.mqtt.MqttPublishVariableHeader;
import io.netty.handler.codec.mqtt.MqttQoS;
import io.netty.handler.codec.mqtt.MqttReasonCodeAndPropertiesVariableHeader;
import io.netty.handler.codec.mqtt.MqttSubAckMessage;
import io.netty.handler.codec.mqtt.MqttSubAckPayload;
import io.netty.handler.codec.mqtt.MqttSubscribeMessage;
import io.netty.handler.codec.mqtt.MqttSubscribePayload;
import io.netty.handler.codec.mqtt.MqttSubscriptionOption;
import io.netty.handler.codec.mqtt.MqttSubscriptionOption.RetainedHandlingPolicy;
import io.netty.handler.codec.mqtt.MqttTopicSubscription;
import io.netty.handler.codec.mqtt.MqttUnsubAckMessage;
import io.netty.handler.codec.mqtt.MqttUnsubAckPayload;
import io.netty.handler.codec.mqtt.MqttUnsubscribeMessage;
import io.netty.handler.codec.mqtt.MqttUnsubscribePayload;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Turns our packets into Netty's messages and back, field by field. */
final class NettyMessages {
  private NettyMessages() {}

  // ---- to Netty

  static MqttMessage toNetty(Packet packet, MqttVersion version) {
    MqttFixedHeader header = header(packet);
    return switch (packet.type()) {
      case CONNECT -> connect((Connect) packet, header);
      case CONNACK -> connack((Connack) packet, version, header);
      case PUBLISH -> {
        Publish publish = (Publish) packet;
        yield new MqttPublishMessage(
            header,
            new MqttPublishVariableHeader(
                publish.topic(), publish.packetIdentifier(), toNetty(publish.properties())),
            Unpooled.wrappedBuffer(publish.payload()));
      }
      case PUBACK, PUBREC, PUBREL, PUBCOMP -> {
        Acknowledgement acknowledgement = (Acknowledgement) packet;
        yield new MqttMessage(
            header,
            new MqttPubReplyMessageVariableHeader(
                acknowledgement.packetIdentifier(),
                (byte) acknowledgement.reasonCode().code(),
                toNetty(acknowledgement.properties())));
      }
      case SUBSCRIBE -> {
        Subscribe subscribe = (Subscribe) packet;
        yield new MqttSubscribeMessage(
            header,
            new MqttMessageIdAndPropertiesVariableHeader(
                subscribe.packetIdentifier(), toNetty(subscribe.properties())),
            new MqttSubscribePayload(
                subscribe.subscriptions().stream().map(NettyMessages::toNetty).toList()));
      }
      case SUBACK -> {
        Suback suback = (Suback) packet;
        yield new MqttSubAckMessage(
            header,
            new MqttMessageIdAndPropertiesVariableHeader(
                suback.packetIdentifier(), toNetty(suback.properties())),
            new MqttSubAckPayload(suback.reasonCodes().stream().map(ReasonCode::code).toList()));
      }
      case UNSUBSCRIBE -> {
        Unsubscribe unsubscribe = (Unsubscribe) packet;
        yield new MqttUnsubscribeMessage(
            header,
            new MqttMessageIdAndPropertiesVariableHeader(
                unsubscribe.packetIdentifier(), toNetty(unsubscribe.properties())),
            new MqttUnsubscribePayload(unsubscribe.topicFilters()));
      }
      case UNSUBACK -> {
        Unsuback unsuback = (Unsuback) packet;
        yield new MqttUnsubAckMessage(
            header,
            new MqttMessageIdAndPropertiesVariableHeader(
                unsuback.packetIdentifier(), toNetty(unsuback.properties())),
            new MqttUnsubAckPayload(
                unsuback.reasonCodes().stream().map(reason -> (short) reason.code()).toList()));
      }
      case PINGREQ -> MqttMessage.PINGREQ;
      case PINGRESP -> MqttMessage.PINGRESP;
      case DISCONNECT -> {
        Disconnect disconnect = (Disconnect) packet;
        yield new MqttMessage(header, reason(disconnect.reasonCode(), disconnect.properties()));
      }
      case AUTH -> {
        Auth auth = (Auth) packet;
        yield new MqttMessage(header, reason(auth.reasonCode(), auth.properties()));
      }
    };
  }

  private static MqttFixedHeader header(Packet packet) {
    MqttMessageType type = MqttMessageType.valueOf(packet.type().code());
    return switch (packet.type()) {
      case PUBLISH -> {
        Publish publish = (Publish) packet;
        yield new MqttFixedHeader(
            type, publish.dup(), MqttQoS.valueOf(publish.qos().code()), publish.retain(), 0);
      }
      case PUBREL, SUBSCRIBE, UNSUBSCRIBE ->
          new MqttFixedHeader(type, false, MqttQoS.AT_LEAST_ONCE, false, 0);
      default -> new MqttFixedHeader(type, false, MqttQoS.AT_MOST_ONCE, false, 0);
    };
  }

  private static MqttMessage connect(Connect connect, MqttFixedHeader header) {
    Will will = connect.will();
    return new MqttConnectMessage(
        header,
        new MqttConnectVariableHeader(
            connect.version().protocolName(),
            connect.version().protocolLevel(),
            connect.userName() != null,
            connect.password() != null,
            will != null && will.retain(),
            will == null ? 0 : will.qos().code(),
            will != null,
            connect.cleanStart(),
            connect.keepAliveSeconds(),
            toNetty(connect.properties())),
        new MqttConnectPayload(
            connect.clientIdentifier(),
            will == null ? MqttProperties.NO_PROPERTIES : toNetty(will.properties()),
            will == null ? null : will.topic(),
            will == null ? null : will.payload(),
            connect.userName(),
            connect.password()));
  }

  private static MqttMessage connack(Connack connack, MqttVersion version, MqttFixedHeader header) {
    int code =
        version.hasProperties()
            ? connack.reasonCode().code()
            : AllowedReasonCodes.returnCode(connack.reasonCode());
    return new MqttConnAckMessage(
        header,
        new MqttConnAckVariableHeader(
            MqttConnectReturnCode.valueOf((byte) code),
            connack.sessionPresent(),
            toNetty(connack.properties())));
  }

  private static MqttReasonCodeAndPropertiesVariableHeader reason(
      ReasonCode reasonCode, Properties properties) {
    return new MqttReasonCodeAndPropertiesVariableHeader(
        (byte) reasonCode.code(), toNetty(properties));
  }

  private static MqttTopicSubscription toNetty(Subscription subscription) {
    return new MqttTopicSubscription(
        subscription.topicFilter(),
        new MqttSubscriptionOption(
            MqttQoS.valueOf(subscription.qos().code()),
            subscription.noLocal(),
            subscription.retainAsPublished(),
            RetainedHandlingPolicy.valueOf(subscription.retainHandling().code())));
  }

  private static MqttProperties toNetty(Properties properties) {
    MqttProperties result = new MqttProperties();
    for (int i = 0; i < properties.size(); i++) {
      int identifier = properties.propertyAt(i).identifier();
      Object value = properties.valueAt(i);
      if (value instanceof UserProperty pair) {
        result.add(new MqttProperties.UserProperty(pair.name(), pair.value()));
      } else if (value instanceof String text) {
        result.add(new StringProperty(identifier, text));
      } else if (value instanceof byte[] bytes) {
        result.add(new BinaryProperty(identifier, bytes));
      } else {
        result.add(new IntegerProperty(identifier, ((Number) value).intValue()));
      }
    }
    return result;
  }

  // ---- from Netty

  static Packet fromNetty(MqttMessage message, MqttVersion version) {
    if (message.decoderResult().isFailure()) {
      throw new AssertionError("Netty refuses it", message.decoderResult().cause());
    }
    return switch (message.fixedHeader().messageType()) {
      case CONNECT -> connect((MqttConnectMessage) message, version);
      case CONNACK -> {
        MqttConnAckVariableHeader header = ((MqttConnAckMessage) message).variableHeader();
        int code = header.connectReturnCode().byteValue() & 0xFF;
        yield new Connack(
            header.isSessionPresent(),
            version.hasProperties()
                ? reasonCode(code)
                : Objects.requireNonNull(AllowedReasonCodes.ofReturnCode(code)),
            fromNetty(header.properties()));
      }
      case PUBLISH -> publish((MqttPublishMessage) message);
      case PUBACK, PUBREC, PUBREL, PUBCOMP -> acknowledgement(message);
      case SUBSCRIBE -> {
        MqttSubscribeMessage subscribe = (MqttSubscribeMessage) message;
        yield new Subscribe(
            subscribe.variableHeader().messageId(),
            subscribe.payload().topicSubscriptions().stream()
                .map(NettyMessages::fromNetty)
                .toList(),
            propertiesBehindIdentifier(message));
      }
      case SUBACK -> {
        MqttSubAckMessage suback = (MqttSubAckMessage) message;
        yield new Suback(
            suback.variableHeader().messageId(),
            suback.payload().reasonCodes().stream().map(NettyMessages::reasonCode).toList(),
            propertiesBehindIdentifier(message));
      }
      case UNSUBSCRIBE -> {
        MqttUnsubscribeMessage unsubscribe = (MqttUnsubscribeMessage) message;
        yield new Unsubscribe(
            unsubscribe.variableHeader().messageId(),
            unsubscribe.payload().topics(),
            propertiesBehindIdentifier(message));
      }
      case UNSUBACK -> {
        MqttUnsubAckMessage unsuback = (MqttUnsubAckMessage) message;
        List<ReasonCode> reasonCodes = new ArrayList<>();
        for (Short code : unsuback.payload().unsubscribeReasonCodes()) {
          reasonCodes.add(reasonCode(code));
        }
        yield new Unsuback(
            unsuback.variableHeader().messageId(),
            reasonCodes,
            propertiesBehindIdentifier(message));
      }
      case PINGREQ -> Pingreq.INSTANCE;
      case PINGRESP -> Pingresp.INSTANCE;
      case DISCONNECT ->
          message.variableHeader() instanceof MqttReasonCodeAndPropertiesVariableHeader header
              ? new Disconnect(reasonCode(header.reasonCode()), fromNetty(header.properties()))
              : new Disconnect(ReasonCode.SUCCESS);
      case AUTH -> {
        MqttReasonCodeAndPropertiesVariableHeader header =
            (MqttReasonCodeAndPropertiesVariableHeader) message.variableHeader();
        yield new Auth(reasonCode(header.reasonCode()), fromNetty(header.properties()));
      }
    };
  }

  private static Connect connect(MqttConnectMessage message, MqttVersion version) {
    MqttConnectVariableHeader header = message.variableHeader();
    MqttConnectPayload payload = message.payload();
    Will will =
        header.isWillFlag()
            ? new Will(
                payload.willTopic(),
                payload.willMessageInBytes(),
                Qos.of(header.willQos()),
                header.isWillRetain(),
                fromNetty(payload.willProperties()))
            : null;
    return new Connect(
        version,
        payload.clientIdentifier(),
        header.isCleanSession(),
        header.keepAliveTimeSeconds(),
        will,
        payload.userName(),
        payload.passwordInBytes(),
        fromNetty(header.properties()));
  }

  private static Publish publish(MqttPublishMessage message) {
    MqttFixedHeader fixed = message.fixedHeader();
    Qos qos = Qos.of(fixed.qosLevel().value());
    return new Publish(
        message.variableHeader().topicName(),
        ByteBufUtil.getBytes(message.payload()),
        qos,
        fixed.isRetain(),
        fixed.isDup(),
        qos == Qos.AT_MOST_ONCE ? 0 : message.variableHeader().packetId(),
        fromNetty(message.variableHeader().properties()));
  }

  private static Packet acknowledgement(MqttMessage message) {
    int identifier = ((MqttMessageIdVariableHeader) message.variableHeader()).messageId();
    ReasonCode reasonCode = ReasonCode.SUCCESS;
    Properties properties = Properties.NONE;
    if (message.variableHeader() instanceof MqttPubReplyMessageVariableHeader header) {
      reasonCode = reasonCode(header.reasonCode());
      properties = fromNetty(header.properties());
    }
    return switch (message.fixedHeader().messageType()) {
      case PUBACK -> new Puback(identifier, reasonCode, properties);
      case PUBREC -> new Pubrec(identifier, reasonCode, properties);
      case PUBREL -> new Pubrel(identifier, reasonCode, properties);
      default -> new Pubcomp(identifier, reasonCode, properties);
    };
  }

  private static Subscription fromNetty(MqttTopicSubscription subscription) {
    MqttSubscriptionOption option = subscription.option();
    return new Subscription(
        subscription.topicFilter(),
        Qos.of(option.qos().value()),
        option.isNoLocal(),
        option.isRetainAsPublished(),
        RetainHandling.of(option.retainHandling().value()));
  }

  private static Properties propertiesBehindIdentifier(MqttMessage message) {
    return message.variableHeader() instanceof MqttMessageIdAndPropertiesVariableHeader header
        ? fromNetty(header.properties())
        : Properties.NONE;
  }

  /** In the order of their identifiers: Netty does not keep the order of the packet. */
  private static Properties fromNetty(MqttProperties properties) {
    Properties.Builder builder = Properties.builder();
    for (Property<?> property : Property.all()) {
      for (MqttProperty<?> found : properties.getProperties(property.identifier())) {
        if (found.value() instanceof List<?> pairs) {
          for (Object pair : pairs) {
            addPair(builder, (StringPair) pair);
          }
        } else if (found.value() instanceof StringPair pair) {
          addPair(builder, pair);
        } else {
          add(builder, property, found.value());
        }
      }
    }
    return builder.build();
  }

  private static void addPair(Properties.Builder builder, StringPair pair) {
    builder.userProperty(pair.key, pair.value);
  }

  private static <T> void add(Properties.Builder builder, Property<T> property, Object value) {
    // Netty reads four bytes into an int, so that the upper half of the range comes out negative.
    Object wide = property.valueType() == Long.class ? ((Integer) value) & 0xFFFF_FFFFL : value;
    builder.add(property, property.valueType().cast(wide));
  }

  private static ReasonCode reasonCode(int code) {
    return Objects.requireNonNull(ReasonCode.of(code & 0xFF));
  }
}
