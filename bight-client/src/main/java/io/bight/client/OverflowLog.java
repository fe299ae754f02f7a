// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttQueueFullException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says how many messages a client has dropped: the first at once, then every ten seconds. */
final class OverflowLog {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);
  private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(10);

  // Each client has one of this, and hardly any has something to say.
  private static final AtomicLongFieldUpdater<OverflowLog> DROPPED =
      AtomicLongFieldUpdater.newUpdater(OverflowLog.class, "dropped");
  private static final AtomicLongFieldUpdater<OverflowLog> NEXT_NANOS =
      AtomicLongFieldUpdater.newUpdater(OverflowLog.class, "nextNanos");

  private volatile long dropped;
  private volatile long nextNanos = System.nanoTime();

  long dropped() {
    return dropped;
  }

  /** A message was dropped; any thread. */
  void onDropped(MqttQueueFullException why) {
    long count = DROPPED.incrementAndGet(this);
    long now = System.nanoTime();
    long next = nextNanos;
    if (now - next >= 0 && NEXT_NANOS.compareAndSet(this, next, now + PAUSE_NANOS)) {
      LOG.warn("{} (dropped so far: {}; this is said every 10 s at most)", why.getMessage(), count);
    }
  }
}
