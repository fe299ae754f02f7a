// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.UserProperty;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.StoredPublish.State;
import io.bight.mqtt.packet.Publish;
import io.bight.store.RecordReader.BadRecordException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A message on its way out as it stands in the store.
 *
 * <pre>
 *   state   | packet identifier                                 what it was when it was first stored
 *   flags   QoS 0-1 | retain 2 | tag 3 | life 4 | properties 5 | offline policy 6-7
 *   topic   | tag, if any
 *   life    nanoseconds left, and the time they end, in milliseconds since 1970; if it has an end
 *   count, then identifier and value of each property, if any
 *   payload, to the end
 * </pre>
 *
 * <p>How a message goes on stands apart from it in three bytes: what is large is written once.
 *
 * @param position its place in the session
 * @param message the message
 * @param offlinePolicy what it was published with
 * @param tag what the program knows it by, or null
 * @param nanosToLive how long it could wait when it was stored
 * @param deadlineMillis when that time ends, in milliseconds since 1970
 * @param progress how far it has come
 */
record MessageRecord(
    long position,
    Publish message,
    OfflinePolicy offlinePolicy,
    @Nullable String tag,
    long nanosToLive,
    long deadlineMillis,
    Progress progress) {
  private static final int RETAIN = 1 << 2;
  private static final int HAS_TAG = 1 << 3;
  private static final int HAS_LIFE = 1 << 4;
  private static final int HAS_PROPERTIES = 1 << 5;
  private static final int POLICY_SHIFT = 6;

  private static final byte[] NO_PAYLOAD = new byte[0];

  // The place in each list is the number in the file.
  private static final List<State> STATES =
      List.of(State.QUEUED, State.QUEUED_AGAIN, State.PUBLISHED, State.RELEASED);
  static final List<Qos> QOS = List.of(Qos.AT_MOST_ONCE, Qos.AT_LEAST_ONCE, Qos.EXACTLY_ONCE);
  private static final List<OfflinePolicy> POLICIES =
      List.of(OfflinePolicy.QUEUE, OfflinePolicy.LATEST_PER_TOPIC, OfflinePolicy.FAIL);

  /**
   * How far a message has come.
   *
   * @param state its state
   * @param packetIdentifier its packet identifier where it is in flight, else 0
   */
  record Progress(State state, int packetIdentifier) {
    byte[] toBytes() {
      return new byte[] {
        (byte) STATES.indexOf(state), (byte) (packetIdentifier >> 8), (byte) packetIdentifier
      };
    }

    static Progress of(byte[] bytes) throws BadRecordException {
      RecordReader reader = new RecordReader(bytes);
      State state = reader.takeOne(STATES);
      Progress progress = checked(state, reader.takeByte() << 8 | reader.takeByte());
      reader.requireEnd();
      return progress;
    }

    private static Progress checked(State state, int packetIdentifier) throws BadRecordException {
      if (state.isInFlight() != packetIdentifier > 0) {
        throw new BadRecordException(state + " with packet identifier " + packetIdentifier);
      }
      return new Progress(state, packetIdentifier);
    }
  }

  static MessageRecord of(StoredPublish stored, long nowMillis) {
    long nanos = stored.nanosToLive();
    return new MessageRecord(
        stored.position(),
        stored.message(),
        stored.offlinePolicy(),
        stored.tag(),
        nanos,
        nanos == StoredPublish.NEVER_EXPIRES ? Long.MAX_VALUE : nowMillis + nanos / 1_000_000,
        new Progress(stored.state(), stored.packetIdentifier()));
  }

  MessageRecord with(Progress next) {
    return new MessageRecord(
        position, message, offlinePolicy, tag, nanosToLive, deadlineMillis, next);
  }

  /** How long it may still wait; not longer than when it was stored, whatever the clock says. */
  long nanosToLive(long nowMillis) {
    if (nanosToLive == StoredPublish.NEVER_EXPIRES) {
      return nanosToLive;
    }
    long millis = deadlineMillis - nowMillis;
    return millis >= nanosToLive / 1_000_000 ? nanosToLive : Math.max(0, millis) * 1_000_000;
  }

  StoredPublish toStored(long nowMillis) {
    return new StoredPublish(
        position,
        message,
        offlinePolicy,
        tag,
        nanosToLive(nowMillis),
        progress.state,
        progress.packetIdentifier);
  }

  /** The payload of a message that is released is not asked for any more. */
  byte[] toBytes(RecordWriter writer) {
    Properties properties = message.properties();
    boolean hasLife = nanosToLive != StoredPublish.NEVER_EXPIRES;
    writer.start().putByte(STATES.indexOf(progress.state)).putNumber(progress.packetIdentifier);
    writer.putByte(
        QOS.indexOf(message.qos())
            | (message.retain() ? RETAIN : 0)
            | (tag == null ? 0 : HAS_TAG)
            | (hasLife ? HAS_LIFE : 0)
            | (properties.isEmpty() ? 0 : HAS_PROPERTIES)
            | POLICIES.indexOf(offlinePolicy) << POLICY_SHIFT);
    writer.putString(message.topic());
    if (tag != null) {
      writer.putString(tag);
    }
    if (hasLife) {
      writer.putNumber(nanosToLive).putNumber(deadlineMillis);
    }
    if (!properties.isEmpty()) {
      putProperties(writer, properties);
    }
    return writer
        .putRest(progress.state == State.RELEASED ? NO_PAYLOAD : message.payload())
        .finish();
  }

  private static void putProperties(RecordWriter writer, Properties properties) {
    writer.putNumber(properties.size());
    for (int i = 0; i < properties.size(); i++) {
      writer.putByte(properties.propertyAt(i).identifier());
      Object value = properties.valueAt(i);
      if (value instanceof Number number) {
        writer.putNumber(number.longValue());
      } else if (value instanceof byte[] bytes) {
        writer.putBytes(bytes);
      } else if (value instanceof UserProperty pair) {
        writer.putString(pair.name()).putString(pair.value());
      } else {
        writer.putString((String) value);
      }
    }
  }

  /**
   * Reads a message.
   *
   * @param progress how far it has come since it was stored; null: no further
   */
  static MessageRecord of(long position, byte[] bytes, byte @Nullable [] progress)
      throws BadRecordException {
    RecordReader reader = new RecordReader(bytes);
    State state = reader.takeOne(STATES);
    Progress stored = Progress.checked(state, reader.takeNumber(0, 65_535));
    Progress latest = progress == null ? stored : Progress.of(progress);
    int flags = reader.takeByte();
    if ((flags & 3) >= QOS.size() || flags >> POLICY_SHIFT >= POLICIES.size()) {
      throw new BadRecordException("its flags are " + flags);
    }
    String topic = reader.takeString();
    String tag = (flags & HAS_TAG) == 0 ? null : reader.takeString();
    boolean hasLife = (flags & HAS_LIFE) != 0;
    long nanosToLive = hasLife ? reader.takeNumber() : StoredPublish.NEVER_EXPIRES;
    long deadlineMillis = hasLife ? reader.takeNumber() : Long.MAX_VALUE;
    Properties properties =
        (flags & HAS_PROPERTIES) == 0 ? Properties.NONE : takeProperties(reader);
    byte[] payload = reader.takeRest();
    Publish message =
        new Publish(
            topic,
            latest.state == State.RELEASED ? NO_PAYLOAD : payload,
            QOS.get(flags & 3),
            (flags & RETAIN) != 0,
            false,
            0,
            properties);
    return new MessageRecord(
        position,
        message,
        POLICIES.get(flags >> POLICY_SHIFT),
        tag,
        nanosToLive,
        deadlineMillis,
        latest);
  }

  private static Properties takeProperties(RecordReader reader) throws BadRecordException {
    Properties.Builder builder = Properties.builder();
    for (int left = reader.takeNumber(1, Integer.MAX_VALUE); left > 0; left--) {
      int identifier = reader.takeByte();
      Property<?> property = Property.of(identifier);
      if (property == null) {
        throw new BadRecordException("there is no property " + identifier);
      }
      try {
        takeValue(reader, property, builder);
      } catch (IllegalArgumentException e) {
        throw new BadRecordException(String.valueOf(e.getMessage()));
      }
    }
    return builder.build();
  }

  @SuppressWarnings("unchecked") // the type of the value follows from the form
  private static void takeValue(
      RecordReader reader, Property<?> property, Properties.Builder builder)
      throws BadRecordException {
    switch (property.type()) {
      case FOUR_BYTE_INTEGER -> builder.add((Property<Long>) property, reader.takeNumber());
      case BYTE, TWO_BYTE_INTEGER, VARIABLE_BYTE_INTEGER ->
          builder.add((Property<Integer>) property, reader.takeNumber(0, Integer.MAX_VALUE));
      case UTF_8_STRING -> builder.add((Property<String>) property, reader.takeString());
      case BINARY_DATA -> builder.add((Property<byte[]>) property, reader.takeBytes());
      case UTF_8_STRING_PAIR -> builder.userProperty(reader.takeString(), reader.takeString());
    }
  }
}
