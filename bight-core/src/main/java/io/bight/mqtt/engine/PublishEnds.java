// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.engine.OutgoingPublish.Progress;

/** How a message leaves the session: the queue first, then its room and the store. */
final class PublishEnds {
  private final Session session;
  private final SessionKeeper keeper;

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

  /** A message has come to its end, whatever that is: it takes no room any more. */
  void done(OutgoingPublish publish) {
    if (publish.progress != Progress.DONE) {
      publish.progress = Progress.DONE;
      keeper.remove(publish); // lasts with the next commit only, so after the program was told
      leaveQueue(publish);
      session.free(publish.heapBytes());
    }
  }

  void fail(OutgoingPublish publish, MqttException failure) {
    done(publish);
    publish.completion().onFailure(failure);
  }
}
