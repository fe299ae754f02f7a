// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import com.hivemq.client.internal.mqtt.codec.decoder.MqttDecoderContext;
import com.hivemq.client.internal.mqtt.codec.decoder.MqttMessageDecoder;
import com.hivemq.client.internal.mqtt.codec.decoder.MqttMessageDecoders;
import com.hivemq.client.internal.mqtt.codec.decoder.mqtt3.Mqtt3ClientMessageDecoders;
import com.hivemq.client.internal.mqtt.codec.decoder.mqtt5.Mqtt5ClientMessageDecoders;
import com.hivemq.client.internal.mqtt.codec.encoder.MqttEncoderContext;
import com.hivemq.client.internal.mqtt.codec.encoder.MqttMessageEncoder;
import com.hivemq.client.internal.mqtt.codec.encoder.MqttMessageEncoders;
import com.hivemq.client.internal.mqtt.codec.encoder.mqtt3.Mqtt3ClientMessageEncoders;
import com.hivemq.client.internal.mqtt.codec.encoder.mqtt5.Mqtt5ClientMessageEncoders;
import com.hivemq.client.internal.mqtt.message.MqttMessage;
import com.hivemq.client.internal.mqtt.message.ping.MqttPingReq;
import com.hivemq.client.internal.mqtt.message.subscribe.MqttSubscribe;
import com.hivemq.client.internal.mqtt.message.unsubscribe.MqttUnsubscribe;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.datatypes.MqttTopicFilter;
import com.hivemq.client.mqtt.mqtt5.datatypes.Mqtt5UserProperties;
import com.hivemq.client.mqtt.mqtt5.datatypes.Mqtt5UserProperty;
import com.hivemq.client.mqtt.mqtt5.message.subscribe.Mqtt5Subscribe;
import com.hivemq.client.mqtt.mqtt5.message.subscribe.Mqtt5SubscribeBuilder;
import com.hivemq.client.mqtt.mqtt5.message.subscribe.Mqtt5Subscription;
import com.hivemq.client.mqtt.mqtt5.message.unsubscribe.Mqtt5Unsubscribe;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.packet.Subscribe;
import io.bight.mqtt.packet.Subscription;
import io.bight.mqtt.packet.Unsubscribe;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The codec of HiveMQ's client with one packet. Its classes cannot be reached by a program: they
 * are made here as its injector makes them, in spite of their constructors' access. The channel
 * handlers around them, which find the packet's bytes and its decoder, are not in it but for what
 * is repeated here: the fixed header. The encoder allocates a buffer for each packet.
 *
 * <p>CONNECT is left out, whose message only the connecting client can make.
 */
final class HiveMqCodec implements AutoCloseable {
  private static final MethodHandle ENCODE;

  static {
    try {
      ENCODE =
          MethodHandles.privateLookupIn(MqttMessageEncoder.class, MethodHandles.lookup())
              .findVirtual(
                  MqttMessageEncoder.class,
                  "castAndEncode",
                  MethodType.methodType(
                      ByteBuf.class, MqttMessage.class, MqttEncoderContext.class));
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final MqttDecoderContext decoderContext =
      make(MqttDecoderContext.class, 1 << 20, 0, true, true, false, false, false, false);
  private final MqttEncoderContext encoderContext =
      make(MqttEncoderContext.class, PooledByteBufAllocator.DEFAULT);
  private final MqttMessageDecoders decoders;
  private final MqttMessageEncoders encoders;
  private final ByteBuf in;
  private final int type;

  /** What to encode; null: the client only decodes it. */
  private final @Nullable MqttMessage message;

  HiveMqCodec(Sample sample) throws Exception {
    boolean is5 = sample.version() == MqttVersion.MQTT_5;
    this.decoders =
        is5 ? make(Mqtt5ClientMessageDecoders.class) : make(Mqtt3ClientMessageDecoders.class);
    this.encoders =
        is5 ? make(Mqtt5ClientMessageEncoders.class) : make(Mqtt3ClientMessageEncoders.class);
    this.in = sample.encoded();
    this.type = in.getUnsignedByte(0) >> 4;
    this.message =
        switch (sample.packet().type()) {
          case CONNACK, SUBACK, UNSUBACK, PINGRESP -> null;
          case CONNECT -> throw new IllegalArgumentException("CONNECT cannot be had");
          case PINGREQ -> MqttPingReq.INSTANCE;
          case SUBSCRIBE -> subscribe((Subscribe) sample.packet());
          case UNSUBSCRIBE -> unsubscribe((Unsubscribe) sample.packet());
          default -> sample.isFromServer() ? decode() : null;
        };
  }

  private static MqttMessage subscribe(Subscribe packet) {
    var builder = Mqtt5Subscribe.builder();
    Mqtt5SubscribeBuilder.Complete complete = null;
    for (Subscription subscription : packet.subscriptions()) {
      Mqtt5Subscription same =
          Mqtt5Subscription.builder()
              .topicFilter(subscription.topicFilter())
              .qos(Objects.requireNonNull(MqttQos.fromCode(subscription.qos().code())))
              .build();
      complete = complete == null ? builder.addSubscription(same) : complete.addSubscription(same);
    }
    int identifier = packet.properties().get(Property.SUBSCRIPTION_IDENTIFIER, -1);
    return ((MqttSubscribe)
            Objects.requireNonNull(complete)
                .userProperties(userProperties(packet.properties()))
                .build())
        .createStateful(packet.packetIdentifier(), identifier);
  }

  private static MqttMessage unsubscribe(Unsubscribe packet) {
    var builder =
        Mqtt5Unsubscribe.builder()
            .addTopicFilters(packet.topicFilters().stream().map(MqttTopicFilter::of).toList())
            .userProperties(userProperties(packet.properties()));
    return ((MqttUnsubscribe) builder.build()).createStateful(packet.packetIdentifier());
  }

  private static Mqtt5UserProperties userProperties(Properties properties) {
    return Mqtt5UserProperties.of(
        properties.userProperties().stream()
            .map(property -> Mqtt5UserProperty.of(property.name(), property.value()))
            .toList());
  }

  /** Makes an object as the injector does: with the only constructor, and what that needs. */
  private static <T> T make(Class<T> type, Object... arguments) {
    try {
      Constructor<?> constructor = type.getDeclaredConstructors()[0];
      constructor.setAccessible(true);
      Object[] all =
          arguments.length > 0
              ? arguments
              : Arrays.stream(constructor.getParameterTypes()).map(HiveMqCodec::make).toArray();
      return type.cast(constructor.newInstance(all));
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(type + " cannot be made", e);
    }
  }

  /** Returns a buffer that the caller releases. */
  ByteBuf encode() throws Throwable {
    return (ByteBuf) ENCODE.invokeExact(encoders.get(type), message, encoderContext);
  }

  MqttMessage decode() throws Exception {
    in.readerIndex(0);
    int flags = in.readUnsignedByte() & 0xF;
    while (in.readByte() < 0) {
      // the remaining length, which is that of the buffer
    }
    MqttMessageDecoder decoder = decoders.get(type);
    return decoder.decode(flags, in, decoderContext);
  }

  @Override
  public void close() {
    in.release();
  }
}
