// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.IncomingPublish;

/** A message on its way through handlers that are not called as it arrives. */
final class Delivery {
  /** What has become of a message at one handler. */
  enum Outcome {
    /** It is done with. */
    DONE,
    /** It is done with, and the program acknowledges it. */
    KEPT,
    /** It stays unacknowledged, and is to come again on the next connection. */
    FAILED,
    /** It is to be given to the handler again. */
    RETRY
  }

  final IncomingPublish incoming;
  final Message message;

  /** How many connections had ended when it arrived. */
  final int connectionsEnded;

  /** How many handlers are not done with it, the one who hands out included; the driver's. */
  int parts = 1;

  /** Whether any handler's topic filter matches; the driver's. */
  boolean matched;

  /** Whether all handlers that are done leave the acknowledgement to the client; the driver's. */
  boolean mayAcknowledge = true;

  /** How often it has failed, those on earlier connections included; guarded by the counter. */
  int failures;

  Delivery(IncomingPublish incoming, Message message, int connectionsEnded) {
    this.incoming = incoming;
    this.message = message;
    this.connectionsEnded = connectionsEnded;
  }

  boolean isAtLeastOnce() {
    return incoming.message().qos() == Qos.AT_LEAST_ONCE;
  }
}
