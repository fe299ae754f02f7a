// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.codec.MqttDecoder;
import io.bight.mqtt.codec.MqttEncoder;
import io.bight.mqtt.packet.Connect;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What lives as long as one connection, and is dropped with it, never reset: the codec, the
 * server's limits, quotas, topic aliases, deadlines, bytes in and out.
 */
final class ConnectionState {
  private static final int FIRST_BATCH_BYTES = 512;
  private static final int NO_LIMIT = Integer.MAX_VALUE;
  private static final @Nullable String[] NO_ALIASES = new String[0];
  private static final int DEFAULT_RECEIVE_MAXIMUM = 65_535;

  /** One for each version serves all connections. */
  private static final Map<MqttVersion, MqttEncoder> ENCODERS =
      Arrays.stream(MqttVersion.values())
          .collect(Collectors.toUnmodifiableMap(version -> version, MqttEncoder::new));

  final MqttVersion version;
  final boolean cleanStart;
  final Properties connectProperties;
  final MqttEncoder encoder;
  final MqttDecoder decoder;
  final long connackDeadlineNanos;

  /** Messages delivered and not yet acknowledged to the server, in the order of arrival. */
  final ArrayDeque<IncomingPublish> unacknowledged = new ArrayDeque<>(0);

  final int receiveMaximum;

  /** Whether CONNECT asked for no words on acknowledgements. */
  final boolean refusesProblemInformation;

  final int topicAliasMaximum;

  /** Topic names by the server's alias [MQTT-3.3.2-10]; index 0 is not used. Grows with use. */
  private @Nullable String[] incomingAliases = NO_ALIASES;

  // Known once CONNACK has come.
  boolean accepted;
  @Nullable ServerLimits limits;
  KeepAlive keepAlive;

  /** How long the session lasts beyond this connection. */
  long sessionExpirySeconds;

  /** Whether the batch being made says what must be stored before it is written. */
  boolean batchDepends;

  /** Below zero when a resumed session has more in flight than the server now takes. */
  int sendQuota;

  /** The next PUBLISH to repeat on a resumed session, or null when all have been. */
  @Nullable OutgoingPublish repeatNext;

  /** QoS 0 messages in the batch being made, and in batches on their way to the transport. */
  @Nullable ArrayDeque<OutgoingPublish> sentAtMostOnce;

  int atMostOnceInBatch;

  /** How many batches are on their way to the transport before the first with QoS 0 messages. */
  private int plainBatches;

  /** How many QoS 0 messages each batch holds that follows those; null before the first. */
  private @Nullable ArrayDeque<Integer> batchesOnTheWay;

  /** QoS 1 and 2 messages from the server that count against its quota [MQTT-3.3.4-9]. */
  int receiveQuotaUsed;

  private final ByteBufAllocator allocator;
  private @Nullable ByteBuf outgoing;
  private boolean handedOver;

  /** The beginning of a packet whose end has not arrived. */
  private @Nullable ByteBuf rest;

  ConnectionState(
      Connect connect, ByteBufAllocator allocator, long nowNanos, long connackTimeoutNanos) {
    this.version = connect.version();
    this.cleanStart = connect.cleanStart();
    this.connectProperties = connect.properties();
    this.allocator = allocator;
    this.encoder = encoderOf(connect.version());
    long maximum = connect.properties().get(Property.MAXIMUM_PACKET_SIZE, (long) NO_LIMIT);
    this.decoder = MqttDecoder.forClient(connect.version(), (int) Math.min(maximum, NO_LIMIT));
    // Before 5.0 the server is not told, and can only be held to what identifiers allow.
    this.receiveMaximum =
        isVersion5()
            ? connect.properties().get(Property.RECEIVE_MAXIMUM, DEFAULT_RECEIVE_MAXIMUM)
            : DEFAULT_RECEIVE_MAXIMUM;
    this.refusesProblemInformation =
        isVersion5() && connect.properties().get(Property.REQUEST_PROBLEM_INFORMATION, 1) == 0;
    this.topicAliasMaximum = connect.properties().get(Property.TOPIC_ALIAS_MAXIMUM, 0);
    this.connackDeadlineNanos = nowNanos + connackTimeoutNanos;
    this.keepAlive = new KeepAlive(connect.keepAliveSeconds(), nowNanos);
  }

  private static MqttEncoder encoderOf(MqttVersion version) {
    return Objects.requireNonNull(ENCODERS.get(version), "version");
  }

  boolean isVersion5() {
    return version == MqttVersion.MQTT_5;
  }

  @Nullable String topicOfAlias(int alias) {
    return alias < incomingAliases.length ? incomingAliases[alias] : null;
  }

  void setTopicOfAlias(int alias, String topic) {
    if (alias >= incomingAliases.length) {
      int length = Math.min(topicAliasMaximum + 1, Math.max(2 * alias, 16));
      incomingAliases = Arrays.copyOf(incomingAliases, length);
    }
    incomingAliases[alias] = topic;
  }

  /** Tells whether bytes have left for the transport, if only CONNECT. */
  boolean hasHandedOver() {
    return handedOver;
  }

  /** Returns the batch being made, to append to. */
  ByteBuf outgoing() {
    if (outgoing == null) {
      outgoing = allocator.ioBuffer(FIRST_BATCH_BYTES);
    }
    return outgoing;
  }

  int outgoingBytes() {
    return outgoing == null ? 0 : outgoing.readableBytes();
  }

  /** Hands the batch over to the caller, who releases it; null if it is empty. */
  @Nullable ByteBuf takeOutgoing() {
    if (outgoingBytes() == 0) {
      return null;
    }
    ByteBuf batch = outgoing;
    outgoing = null;
    handedOver = true;
    noteOnTheWay(atMostOnceInBatch);
    atMostOnceInBatch = 0;
    return batch;
  }

  private void noteOnTheWay(int atMostOnce) {
    if (atMostOnce == 0 && (batchesOnTheWay == null || batchesOnTheWay.isEmpty())) {
      plainBatches++;
      return;
    }
    if (batchesOnTheWay == null) {
      batchesOnTheWay = new ArrayDeque<>(4);
    }
    batchesOnTheWay.add(atMostOnce);
  }

  /** The transport has written the oldest batch; returns how many QoS 0 messages it held. */
  int takeWritten() {
    if (plainBatches > 0) {
      plainBatches--;
      return 0;
    }
    Integer messages = batchesOnTheWay == null ? null : batchesOnTheWay.poll();
    return messages == null ? 0 : messages;
  }

  /** Drops the batch being made; its QoS 0 messages fail when the transport is closed. */
  void dropOutgoing() {
    atMostOnceInBatch = 0;
    if (outgoing != null) {
      outgoing.release();
      outgoing = null;
    }
  }

  /**
   * Joins newly received bytes to the rest of the last ones. The result is the caller's until he
   * gives it to {@link #keepRest}.
   */
  ByteBuf join(ByteBuf received) {
    if (rest == null) {
      return received.retain();
    }
    ByteBuf joined = rest;
    rest = null;
    joined.writeBytes(received);
    return joined;
  }

  /** Keeps the unread end of what {@link #join} returned until more arrives. */
  void keepRest(ByteBuf joined, ByteBuf received) {
    if (!joined.isReadable()) {
      joined.release();
    } else if (isSame(joined, received)) {
      rest = allocator.buffer(Math.max(joined.readableBytes(), FIRST_BATCH_BYTES));
      rest.writeBytes(joined);
      joined.release();
    } else {
      // A long packet grows in place; copying it anew for each piece would cost its length squared.
      rest = joined.discardReadBytes();
    }
  }

  @SuppressWarnings("ReferenceEquality") // buffers with equal bytes are not the same buffer
  private static boolean isSame(ByteBuf one, ByteBuf other) {
    return one == other;
  }

  void release() {
    dropOutgoing();
    releaseRest();
  }

  void releaseRest() {
    if (rest != null) {
      rest.release();
      rest = null;
    }
  }
}
