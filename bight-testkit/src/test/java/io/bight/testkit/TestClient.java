// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.mqtt.MqttDecoder;
import io.netty.handler.codec.mqtt.MqttEncoder;
import io.netty.handler.codec.mqtt.MqttFixedHeader;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.handler.codec.mqtt.MqttMessageBuilders;
import io.netty.handler.codec.mqtt.MqttMessageIdVariableHeader;
import io.netty.handler.codec.mqtt.MqttMessageType;
import io.netty.handler.codec.mqtt.MqttProperties;
import io.netty.handler.codec.mqtt.MqttPublishMessage;
import io.netty.handler.codec.mqtt.MqttQoS;
import io.netty.handler.codec.mqtt.MqttVersion;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The client of the kit's own tests: makes packets with Netty's codec, and carries them over a
 * socket or to a {@link ScriptedConnection} in memory.
 */
final class TestClient implements AutoCloseable {
  private final EmbeddedChannel codec =
      new EmbeddedChannel(new MqttDecoder(1_000_000), MqttEncoder.INSTANCE);
  private final Deque<MqttMessage> unread = new ArrayDeque<>();
  private final @Nullable Socket socket;
  private final @Nullable ScriptedConnection connection;
  private MqttVersion version = MqttVersion.MQTT_3_1_1;

  private TestClient(@Nullable Socket socket, @Nullable ScriptedConnection connection) {
    this.socket = socket;
    this.connection = connection;
  }

  static TestClient over(URI uri) throws IOException {
    Socket socket = new Socket(uri.getHost(), uri.getPort());
    socket.setSoTimeout(10_000);
    socket.setTcpNoDelay(true);
    return new TestClient(socket, null);
  }

  static TestClient over(ScriptedConnection connection) {
    return new TestClient(null, connection);
  }

  TestClient speaking(MqttVersion version) {
    this.version = version;
    return this;
  }

  void connect(String clientIdentifier, boolean cleanStart) throws IOException {
    MqttProperties properties = new MqttProperties();
    if (version == MqttVersion.MQTT_5 && !cleanStart) {
      properties.add(new MqttProperties.IntegerProperty(0x11, 3600));
    }
    send(
        MqttMessageBuilders.connect()
            .protocolVersion(version)
            .clientId(clientIdentifier)
            .cleanSession(cleanStart)
            .keepAlive(60)
            .properties(properties)
            .build());
  }

  /** Connects and reads the CONNACK. */
  TestClient connected(String clientIdentifier, boolean cleanStart) throws IOException {
    connect(clientIdentifier, cleanStart);
    expect("CONNACK");
    return this;
  }

  void publish(String topic, String payload, int qos, int identifier) throws IOException {
    send(publishPacket(topic, payload, qos, identifier, false));
  }

  static MqttPublishMessage publishPacket(
      String topic, String payload, int qos, int identifier, boolean retain) {
    return MqttMessageBuilders.publish()
        .topicName(topic)
        .qos(MqttQoS.valueOf(qos))
        .messageId(identifier)
        .retained(retain)
        .payload(Unpooled.copiedBuffer(payload, StandardCharsets.UTF_8))
        .build();
  }

  void subscribe(int identifier, String filter, int qos) throws IOException {
    send(
        MqttMessageBuilders.subscribe()
            .messageId(identifier)
            .addSubscription(MqttQoS.valueOf(qos), filter)
            .build());
  }

  void unsubscribe(int identifier, String filter) throws IOException {
    send(MqttMessageBuilders.unsubscribe().messageId(identifier).addTopicFilter(filter).build());
  }

  void acknowledge(MqttMessageType type, int identifier) throws IOException {
    MqttQoS qos = type == MqttMessageType.PUBREL ? MqttQoS.AT_LEAST_ONCE : MqttQoS.AT_MOST_ONCE;
    send(
        new MqttMessage(
            new MqttFixedHeader(type, false, qos, false, 0),
            MqttMessageIdVariableHeader.from(identifier)));
  }

  void ping() throws IOException {
    send(MqttMessage.PINGREQ);
  }

  void disconnect() throws IOException {
    send(MqttMessage.DISCONNECT);
  }

  void send(MqttMessage message) throws IOException {
    sendBytes(encode(message));
  }

  byte[] encode(MqttMessage message) {
    codec.writeOutbound(message);
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (ByteBuf part = codec.readOutbound(); part != null; part = codec.readOutbound()) {
      byte[] bytes = new byte[part.readableBytes()];
      part.readBytes(bytes);
      part.release();
      all.writeBytes(bytes);
    }
    return all.toByteArray();
  }

  void sendBytes(int... bytes) throws IOException {
    byte[] narrowed = new byte[bytes.length];
    for (int index = 0; index < bytes.length; index++) {
      narrowed[index] = (byte) bytes[index];
    }
    sendBytes(narrowed);
  }

  void sendBytes(byte[] bytes) throws IOException {
    if (socket != null) {
      socket.getOutputStream().write(bytes);
    } else {
      connection.receive(bytes);
    }
  }

  /** The next packet; null if the server has closed, or in memory if there is none. */
  @Nullable MqttMessage read() throws IOException {
    while (unread.isEmpty()) {
      byte[] bytes = readBytes();
      if (bytes.length == 0) {
        return null;
      }
      codec.writeInbound(Unpooled.wrappedBuffer(bytes));
      for (MqttMessage each = codec.readInbound(); each != null; each = codec.readInbound()) {
        unread.add(each);
      }
    }
    return unread.remove();
  }

  byte[] readBytes() throws IOException {
    if (socket == null) {
      return connection.takeOutgoing();
    }
    byte[] some = new byte[8192];
    int count = socket.getInputStream().read(some);
    return count < 0 ? new byte[0] : java.util.Arrays.copyOf(some, count);
  }

  /** Reads the next packet in words: {@code PUBLISH id=1 qos=1 a/b=x}. */
  String next() throws IOException {
    MqttMessage message = read();
    if (message == null) {
      return "nothing";
    }
    try {
      if (message.decoderResult().isFailure()) {
        return "malformed: " + message.decoderResult().cause();
      }
      StringBuilder words = new StringBuilder(message.fixedHeader().messageType().name());
      if (message instanceof MqttPublishMessage publish) {
        int qos = publish.fixedHeader().qosLevel().value();
        words.append(qos == 0 ? "" : " id=" + publish.variableHeader().packetId());
        words.append(" qos=").append(qos);
        words.append(publish.fixedHeader().isDup() ? " dup" : "");
        words.append(publish.fixedHeader().isRetain() ? " retain" : "");
        words.append(' ').append(publish.variableHeader().topicName()).append('=');
        words.append(publish.payload().toString(StandardCharsets.UTF_8));
      } else if (message.variableHeader() instanceof MqttMessageIdVariableHeader header) {
        words.append(" id=").append(header.messageId());
      }
      return words.toString();
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  void expect(String words) throws IOException {
    String found = next();
    if (!found.startsWith(words)) {
      throw new AssertionError("expected " + words + " but found " + found);
    }
  }

  void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  @Override
  public void close() throws IOException {
    codec.finishAndReleaseAll();
    unread.forEach(ReferenceCountUtil::release);
    if (socket != null) {
      socket.close();
    } else if (!connection.isClosed()) {
      connection.closeFromClient();
    }
  }
}
