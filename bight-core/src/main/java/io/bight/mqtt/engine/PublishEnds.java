// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.OutgoingPublish.Progress;
import io.bight.mqtt.packet.Publish;
import java.util.ArrayDeque;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How a message leaves the session: it frees its room, the program is told, and the store forgets
 * it with the next commit, so not before the program was told.
 */
final class PublishEnds {
  /** A message that has failed, and whose program is still to be told. */
  private record Failed(OutgoingPublish publish, MqttException failure) {}

  private final Session session;
  private final SessionKeeper keeper;

  /** Null before the first. */
  private @Nullable ArrayDeque<Failed> untold;

  PublishEnds(Session session, SessionKeeper keeper) {
    this.session = session;
    this.keeper = keeper;
  }

  void leaveQueue(OutgoingPublish publish) {
    if (!publish.wasSent()) {
      publish.setSent();
      session.leaveQueue();
    }
  }

  /** A message has come to its end, whatever that is, and its completion is told next. */
  void done(OutgoingPublish publish) {
    if (leave(publish)) {
      keeper.remove(publish);
    }
  }

  private boolean leave(OutgoingPublish publish) {
    if (publish.progress() == Progress.DONE) {
      return false;
    }
    publish.setProgress(Progress.DONE);
    leaveQueue(publish);
    session.free(publish.heapBytes());
    return true;
  }

  /** The transport has taken messages of QoS 0: that is their end. */
  void written(AtMostOnceBatch batch) {
    session.free(batch.takeHeapBytes());
    PublishResult result = PublishResult.of(Qos.AT_MOST_ONCE, ReasonCode.SUCCESS, Properties.NONE);
    while (batch.hasUntold()) { // a completion may end the connection, and with it the rest
      batch.takeUntold().onSuccess(result);
    }
  }

  /** The transport has gone without them. */
  void unwritten(AtMostOnceBatch batch, Function<Publish, MqttException> failure) {
    session.free(batch.takeHeapBytes());
    while (batch.hasUntold()) {
      Publication publication = batch.takeUntold();
      publication.onFailure(failure.apply(publication.message()));
    }
  }

  /**
   * A QoS 0 message has its place in the batch, or among the last ones of its connection: the
   * session knows nothing more of it than what it takes.
   */
  void leaveWithBatch(OutgoingPublish publish) {
    leaveQueue(publish);
    publish.setProgress(Progress.DONE);
  }

  void fail(OutgoingPublish publish, MqttException failure) {
    done(publish);
    publish.publication().onFailure(failure);
  }

  /**
   * A message has failed in the middle of a state change: {@link #tell} tells the program once the
   * state is whole, since a completion may issue any command.
   */
  void failLater(OutgoingPublish publish, MqttException failure) {
    leave(publish);
    if (untold == null) {
      untold = new ArrayDeque<>();
    }
    untold.add(new Failed(publish, failure));
  }

  /** Tells of what has failed meanwhile. */
  void tell() {
    @Nullable Failed failed;
    while (untold != null && (failed = untold.poll()) != null) {
      keeper.remove(failed.publish);
      failed.publish.publication().onFailure(failed.failure);
    }
  }
}
