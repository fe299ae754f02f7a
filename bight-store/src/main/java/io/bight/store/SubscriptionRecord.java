// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.RetainHandling;
import io.bight.mqtt.engine.StoredSubscription;
import io.bight.mqtt.engine.StoredSubscription.State;
import io.bight.mqtt.packet.Subscription;
import io.bight.store.RecordReader.BadRecordException;
import java.util.List;

/** A subscription as it stands in the store: options, identifier, topic filter. */
final class SubscriptionRecord {
  private static final int NO_LOCAL = 1 << 2;
  private static final int RETAIN_AS_PUBLISHED = 1 << 3;
  private static final int RETAIN_HANDLING_SHIFT = 4;
  private static final int STATE_SHIFT = 6;

  // The place in the list is the number in the file.
  private static final List<RetainHandling> RETAIN_HANDLING =
      List.of(RetainHandling.SEND, RetainHandling.SEND_IF_NEW, RetainHandling.DO_NOT_SEND);

  // Format 1 knew the first two.
  private static final List<State> STATE =
      List.of(State.LOST, State.GRANTED, State.ASKED, State.UNWANTED);

  private SubscriptionRecord() {}

  static byte[] toBytes(StoredSubscription stored, RecordWriter writer) {
    Subscription subscription = stored.subscription();
    return writer
        .start()
        .putByte(
            MessageRecord.QOS.indexOf(subscription.qos())
                | (subscription.noLocal() ? NO_LOCAL : 0)
                | (subscription.retainAsPublished() ? RETAIN_AS_PUBLISHED : 0)
                | RETAIN_HANDLING.indexOf(subscription.retainHandling()) << RETAIN_HANDLING_SHIFT
                | STATE.indexOf(stored.state()) << STATE_SHIFT)
        .putNumber(stored.identifier())
        .putString(subscription.topicFilter())
        .finish();
  }

  static StoredSubscription of(byte[] bytes) throws BadRecordException {
    RecordReader reader = new RecordReader(bytes);
    int options = reader.takeByte();
    int retainHandling = options >> RETAIN_HANDLING_SHIFT & 3;
    if ((options & 3) >= MessageRecord.QOS.size() || retainHandling >= RETAIN_HANDLING.size()) {
      throw new BadRecordException("its options are " + options);
    }
    int identifier = reader.takeNumber(0, 268_435_455);
    String topicFilter = reader.takeString();
    reader.requireEnd();
    try {
      Subscription subscription =
          new Subscription(
              topicFilter,
              MessageRecord.QOS.get(options & 3),
              (options & NO_LOCAL) != 0,
              (options & RETAIN_AS_PUBLISHED) != 0,
              RETAIN_HANDLING.get(retainHandling));
      return new StoredSubscription(subscription, identifier, STATE.get(options >> STATE_SHIFT));
    } catch (IllegalArgumentException e) {
      throw new BadRecordException(String.valueOf(e.getMessage()));
    }
  }
}
