// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttQueueFullException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says how many messages a client has dropped: the first at once, then every ten seconds. */
final class OverflowLog {
  private static final Logger LOG = LoggerFactory.getLogger(MqttClient.class);
  private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong nextNanos = new AtomicLong(System.nanoTime());

  long dropped() {
    return dropped.get();
  }

  /** A message was dropped; any thread. */
  void onDropped(MqttQueueFullException why) {
    long count = dropped.incrementAndGet();
    long now = System.nanoTime();
    long next = nextNanos.get();
    if (now - next >= 0 && nextNanos.compareAndSet(next, now + PAUSE_NANOS)) {
      LOG.warn("{} (dropped so far: {}; this is said every 10 s at most)", why.getMessage(), count);
    }
  }
}
