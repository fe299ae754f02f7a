// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.Properties;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The room for SUBSCRIBE and UNSUBSCRIBE of one client, from the call until the answer. A bound
 * that no sound program meets, so that one which asks again and again while it is offline does not
 * fill the heap. Apart from the messages' room: a full queue does not keep a client from
 * subscribing.
 */
final class RequestRoom {
  static final int MAXIMUM_REQUESTS = 65_535;
  static final long MAXIMUM_BYTES = 64L << 20;

  private static final int REQUEST_BYTES = 768;
  private static final int FILTER_BYTES = 128;
  private static final int PROPERTY_BYTES = 256;

  // Guarded by this
  private int requests;
  private long bytes;

  /** Takes room for a request until its future is done; returns false if it was refused. */
  boolean tryTake(
      RequestFuture<?> request, List<String> topicFilters, Properties properties, String client) {
    long size = REQUEST_BYTES + (long) PROPERTY_BYTES * properties.size();
    for (String topicFilter : topicFilters) {
      size += FILTER_BYTES + 4L * topicFilter.length(); // in the packet and in its description
    }
    long taken = size;
    String full = take(taken);
    if (full != null) {
      request.onFailure(new MqttQueueFullException(client + full));
      return false;
    }
    request.whenComplete((result, failure) -> giveBack(taken));
    return true;
  }

  /** Takes room; returns what to say if there is none, behind the client's name, or null. */
  private synchronized @Nullable String take(long size) {
    if (requests < MAXIMUM_REQUESTS && bytes + size <= MAXIMUM_BYTES) {
      requests++;
      bytes += size;
      return null;
    }
    return " has "
        + (requests + 1)
        + " SUBSCRIBE and UNSUBSCRIBE that wait for their answer, about "
        + (bytes + size)
        + " B; there is room for "
        + MAXIMUM_REQUESTS
        + " and "
        + MAXIMUM_BYTES
        + " B. Wait for earlier ones, and subscribe once: it is done again on every new session";
  }

  private synchronized void giveBack(long size) {
    requests--;
    bytes -= size;
  }
}
