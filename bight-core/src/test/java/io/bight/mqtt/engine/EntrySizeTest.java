// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Publish;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** What the session's entry of a message takes, measured by what this thread allocates. */
class EntrySizeTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final int MANY = 10_000;

  private final OutgoingPublish[] entries = new OutgoingPublish[MANY];

  private void makeEntries() {
    Publish message = Publish.builder("a").qos(Qos.AT_LEAST_ONCE).build();
    Publication publication =
        Publication.of(message, OfflinePolicy.QUEUE, null, new Outcome<PublishResult>());
    for (int i = 0; i < MANY; i++) {
      entries[i] = OutgoingPublish.of(publication, 200, OutgoingPublish.NEVER);
    }
  }

  private static long allocatedBytes() {
    return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  @Test
  void entryTakes48BytesWhereReferencesTake4() {
    makeEntries(); // what is loaded once does not count
    long start = allocatedBytes();
    Object[] references = new Object[MANY];
    long middle = allocatedBytes();
    makeEntries();
    long end = allocatedBytes();
    long referenceBytes = (middle - start) / references.length;
    double entryBytes = (double) (end - middle) / entries.length;
    assertThat(entryBytes).isCloseTo(32 + 4 * referenceBytes, within(2.0));
  }
}
