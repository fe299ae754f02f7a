// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.engine.OutgoingPublish.Progress;
import java.util.ArrayDeque;
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
  private final ArrayDeque<Failed> untold = new ArrayDeque<>(0);

  PublishEnds(Session session, SessionKeeper keeper) {
    this.session = session;
    this.keeper = keeper;
  }

  void leaveQueue(OutgoingPublish publish) {
    if (!publish.wasSent) {
      publish.wasSent = true;
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
    if (publish.progress == Progress.DONE) {
      return false;
    }
    publish.progress = Progress.DONE;
    leaveQueue(publish);
    session.free(publish.heapBytes());
    return true;
  }

  void fail(OutgoingPublish publish, MqttException failure) {
    done(publish);
    publish.completion().onFailure(failure);
  }

  /**
   * A message has failed in the middle of a state change: {@link #tell} tells the program once the
   * state is whole, since a completion may issue any command.
   */
  void failLater(OutgoingPublish publish, MqttException failure) {
    leave(publish);
    untold.add(new Failed(publish, failure));
  }

  /** Tells of what has failed meanwhile. */
  void tell() {
    @Nullable Failed failed;
    while ((failed = untold.poll()) != null) {
      keeper.remove(failed.publish);
      failed.publish.completion().onFailure(failed.failure);
    }
  }
}
