// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.codec.EncodedTopics;
import io.bight.mqtt.codec.MqttDecoder;
import io.bight.mqtt.codec.MqttEncoder;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Publish;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
  private static final int WORTH_STAGING_BYTES = 1_024;
  private static final int STAGING_BYTES = 8_192;
  private static final byte[] NO_BYTES = new byte[0];
  private static final int LARGEST_FIRST_BATCH_BYTES = 320 * 1024;
  private static final int NO_LIMIT = Integer.MAX_VALUE;
  private static final @Nullable String[] NO_ALIASES = new String[0];
  private static final int DEFAULT_RECEIVE_MAXIMUM = 65_535;

  /** Serves all connections until they have a message that is not acknowledged at once. */
  private static final ArrayDeque<IncomingPublish> NONE_UNACKNOWLEDGED = new ArrayDeque<>(0);

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

  /**
   * Messages delivered and not yet acknowledged to the server, in the order of arrival; {@link
   * #queueUnacknowledged} adds one.
   */
  ArrayDeque<IncomingPublish> unacknowledged = NONE_UNACKNOWLEDGED;

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

  /** What is to be repeated on a resumed session, in the order sent; some may be done by now. */
  private @Nullable ArrayDeque<OutgoingPublish> repeats;

  /** The QoS 0 messages in the batch being made. */
  private AtMostOnceBatch atMostOnce = AtMostOnceBatch.EMPTY;

  /** What is to go out before the connection's end and is not encoded yet; null: nothing. */
  private @Nullable ArrayDeque<OutgoingPublish> last;

  /** DISCONNECT, while it is to be sent behind that. */
  @Nullable Disconnect disconnect;

  /** How many batches are on their way to the transport before the first with QoS 0 messages. */
  private int plainBatches;

  /** The QoS 0 messages of each batch that follows those; null before the first. */
  private @Nullable ArrayDeque<AtMostOnceBatch> batchesOnTheWay;

  /** The QoS 0 messages of batches that were dropped. */
  private @Nullable List<AtMostOnceBatch> droppedBatches;

  /** Those of the last batch that the transport has taken. */
  private AtMostOnceBatch beingTold = AtMostOnceBatch.EMPTY;

  /** How many QoS 0 messages the last batch had: the next one may have as many. */
  private int lastAtMostOnce;

  /** QoS 1 and 2 messages from the server that count against its quota [MQTT-3.3.4-9]. */
  int receiveQuotaUsed;

  private final ByteBufAllocator allocator;
  private @Nullable ByteBuf outgoing;
  private int lastBatchBytes;

  /** Small messages of a long batch, on their way into {@link #outgoing}; empty for short ones. */
  private byte[] staging = NO_BYTES;

  private int staged;

  // What the listener has answered for this batch, if it was asked
  private boolean askedForPackets;
  private boolean packetsWanted;
  private boolean handedOver;

  /** The beginning of a packet whose end has not arrived; more while receiving is paused. */
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

  /** A message waits for its acknowledgement, and for those of the messages before it. */
  void queueUnacknowledged(IncomingPublish incoming) {
    incoming.isQueued = true;
    if (unacknowledged == NONE_UNACKNOWLEDGED) {
      unacknowledged = new ArrayDeque<>(4);
    }
    unacknowledged.add(incoming);
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

  /** Has messages repeated as the quota allows. */
  void repeat(List<OutgoingPublish> publishes) {
    repeats = publishes.isEmpty() ? null : new ArrayDeque<>(publishes);
  }

  /** Returns the next PUBLISH to repeat, or null when all have been. */
  @Nullable OutgoingPublish repeatNext() {
    if (repeats == null) {
      return null;
    }
    OutgoingPublish next;
    while ((next = repeats.peek()) != null && !next.isPublished) {
      repeats.remove(); // its acknowledgement has come meanwhile
    }
    if (next == null) {
      repeats = null;
    }
    return next;
  }

  /** The message that {@link #repeatNext} has returned is repeated, or will not be. */
  void onRepeated() {
    if (repeats != null) {
      repeats.poll();
    }
  }

  void repeatNothing() {
    repeats = null;
  }

  /** Counts a QoS 0 message to the batch being made. */
  void addAtMostOnce(Publication publication, long heapBytes) {
    if (atMostOnce.size() == 0) {
      atMostOnce = new AtMostOnceBatch(lastAtMostOnce);
    }
    atMostOnce.add(publication, heapBytes);
  }

  /** The transport has taken the oldest batch; returns its QoS 0 messages. */
  AtMostOnceBatch takeWritten() {
    if (plainBatches > 0) {
      plainBatches--;
      return AtMostOnceBatch.EMPTY;
    }
    AtMostOnceBatch written = batchesOnTheWay == null ? null : batchesOnTheWay.poll();
    beingTold = written == null ? AtMostOnceBatch.EMPTY : written;
    return beingTold;
  }

  /** Takes the QoS 0 messages that are not told that the transport has taken them. */
  List<AtMostOnceBatch> takeUnwritten() {
    List<AtMostOnceBatch> unwritten = new ArrayList<>();
    unwritten.add(beingTold);
    if (batchesOnTheWay != null) {
      unwritten.addAll(batchesOnTheWay);
      batchesOnTheWay = null;
    }
    if (droppedBatches != null) {
      unwritten.addAll(droppedBatches);
    }
    unwritten.add(atMostOnce);
    droppedBatches = null;
    atMostOnce = AtMostOnceBatch.EMPTY;
    return unwritten;
  }

  /** Tells whether bytes have left for the transport, if only CONNECT. */
  boolean hasHandedOver() {
    return handedOver;
  }

  /**
   * Tells whether the listener wants to see this batch's packets; asks it once, for what it has to
   * look at costs as much as encoding a topic.
   */
  boolean wantsPackets(EngineListener listener) {
    if (!askedForPackets) {
      askedForPackets = true;
      packetsWanted = listener.wantsPackets();
    }
    return packetsWanted;
  }

  /** The listener may have another answer for what is appended from now on. */
  void askForPacketsAgain() {
    askedForPackets = false;
  }

  /** Appends a message to the batch. */
  void appendPublish(Publish message, int packetIdentifier, boolean dup, EncodedTopics topics) {
    if (staging.length == 0 && outgoingBytes() > WORTH_STAGING_BYTES) {
      staging = new byte[STAGING_BYTES];
    }
    for (int attempt = 0; attempt < 2 && staging.length > 0; attempt++) {
      int end = encoder.encodeSmallPublish(message, packetIdentifier, dup, topics, staging, staged);
      if (end >= 0) {
        staged = end;
        return;
      }
      if (end == MqttEncoder.NOT_SMALL || staged == 0) {
        break;
      }
      unstage();
    }
    encoder.encodePublish(message, packetIdentifier, dup, outgoing());
  }

  /** Appends to the batch what was staged. */
  private void unstage() {
    int length = staged;
    staged = 0;
    outgoing().writeBytes(staging, 0, length);
  }

  /** Returns the batch being made, to append to. */
  ByteBuf outgoing() {
    if (staged > 0) {
      unstage();
    }
    if (outgoing == null) {
      // Where the last batch was long this one is likely to be, and growing means copying.
      outgoing =
          allocator.ioBuffer(
              Math.max(FIRST_BATCH_BYTES, Math.min(lastBatchBytes, LARGEST_FIRST_BATCH_BYTES)));
    }
    return outgoing;
  }

  int outgoingBytes() {
    return staged + (outgoing == null ? 0 : outgoing.readableBytes());
  }

  /** Hands the batch over to the caller, who releases it; null if it is empty. */
  @Nullable ByteBuf takeOutgoing() {
    ByteBuf batch = staged > 0 ? outgoing() : outgoing;
    if (batch == null || !batch.isReadable()) {
      return null;
    }
    lastBatchBytes = batch.readableBytes() + batch.readableBytes() / 8;
    if (lastBatchBytes <= WORTH_STAGING_BYTES) {
      staging = NO_BYTES;
    }
    outgoing = null;
    askForPacketsAgain();
    handedOver = true;
    noteOnTheWay(atMostOnce);
    lastAtMostOnce = atMostOnce.size();
    atMostOnce = AtMostOnceBatch.EMPTY;
    return batch;
  }

  private void noteOnTheWay(AtMostOnceBatch batch) {
    if (batch.size() == 0 && (batchesOnTheWay == null || batchesOnTheWay.isEmpty())) {
      plainBatches++;
      return;
    }
    if (batchesOnTheWay == null) {
      batchesOnTheWay = new ArrayDeque<>(4);
    }
    batchesOnTheWay.add(batch);
  }

  /** Adds a message that is to go out before the connection's end. */
  void addLast(OutgoingPublish publish) {
    if (last == null) {
      last = new ArrayDeque<>();
    }
    last.add(publish);
  }

  /** Takes the next message that is to go out before the connection's end, or null. */
  @Nullable OutgoingPublish takeLast() {
    OutgoingPublish next = last == null ? null : last.poll();
    if (next == null) {
      last = null;
    }
    return next;
  }

  boolean hasLast() {
    return last != null && !last.isEmpty();
  }

  /**
   * Drops the batch being made and what was to follow it before the end; the QoS 0 messages among
   * them fail when the transport is closed.
   */
  void dropOutgoing() {
    disconnect = null;
    askForPacketsAgain();
    for (OutgoingPublish publish; (publish = takeLast()) != null; ) {
      if (publish.message().qos() == Qos.AT_MOST_ONCE) {
        addAtMostOnce(publish.publication(), publish.heapBytes());
      }
    }
    if (atMostOnce.size() > 0) {
      if (droppedBatches == null) {
        droppedBatches = new ArrayList<>(1);
      }
      droppedBatches.add(atMostOnce);
      atMostOnce = AtMostOnceBatch.EMPTY;
    }
    staged = 0;
    if (outgoing != null) {
      outgoing.release();
      outgoing = null;
    }
  }

  /** Returns what has waited, which is the caller's until {@link #keepRest}; null: nothing has. */
  @Nullable ByteBuf takeRest() {
    ByteBuf taken = rest;
    rest = null;
    return taken;
  }

  /**
   * Keeps what has not been read until more arrives.
   *
   * @param begun what {@link #takeRest} has returned
   * @param received what comes behind it; read to its end
   */
  void keepRest(@Nullable ByteBuf begun, ByteBuf received) {
    if (begun != null && begun.isReadable()) {
      // A long packet grows in place; copying it anew for each piece would cost its length squared.
      rest = begun.discardReadBytes().writeBytes(received);
      return;
    }
    if (begun != null) {
      begun.release();
    }
    if (received.isReadable()) {
      rest = allocator.buffer(Math.max(received.readableBytes(), FIRST_BATCH_BYTES));
      rest.writeBytes(received);
    }
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
