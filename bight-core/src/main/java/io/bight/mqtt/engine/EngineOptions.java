// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.OverflowPolicy;
import java.time.Duration;

/**
 * What the specification leaves to the implementation.
 *
 * @param connackTimeout how long to wait for CONNACK
 * @param queueMaximumMessages how many messages may wait for their first transmission
 * @param queueMaximumBytes how many bytes of heap messages may take that wait, are being written or
 *     are in flight, as {@link OutgoingPublish#heapBytesOf} counts
 * @param overflowPolicy what happens to a message beyond these bounds
 * @param sessionLoss what happens to messages in flight when the server has lost the session
 * @param deduplicationWindow among how many of the last QoS 1 messages one is looked for that the
 *     server repeats, so that it is not given to the application again; 0: not at all
 * @param sendMaximum how many QoS 1 and 2 messages may be under way at most, whatever the server's
 *     Receive Maximum; from 1
 */
public record EngineOptions(
    Duration connackTimeout,
    int queueMaximumMessages,
    long queueMaximumBytes,
    OverflowPolicy overflowPolicy,
    SessionLoss sessionLoss,
    int deduplicationWindow,
    int sendMaximum) {

  /**
   * The defaults: 10 s, 1,000,000 messages, 64 MiB, refusal beyond; messages in flight go again.
   */
  public static final EngineOptions DEFAULT =
      new EngineOptions(
          Duration.ofSeconds(10),
          1_000_000,
          64L << 20,
          OverflowPolicy.REJECT,
          SessionLoss.REPUBLISH,
          0,
          65_535);

  /**
   * Makes the options.
   *
   * @param connackTimeout how long to wait for CONNACK
   * @param queueMaximumMessages how many messages may wait for their first transmission
   * @param queueMaximumBytes how many bytes of heap messages may take
   * @param overflowPolicy what happens to a message beyond these bounds
   * @param sessionLoss what happens to messages in flight when the server has lost the session
   * @param deduplicationWindow among how many QoS 1 messages one is looked for that is repeated
   * @param sendMaximum how many QoS 1 and 2 messages may be under way at most
   * @throws IllegalArgumentException if the Send Maximum allows no message
   */
  public EngineOptions {
    if (sendMaximum < 1) {
      throw new IllegalArgumentException("sendMaximum is " + sendMaximum + ", and 1 is the least");
    }
  }

  /**
   * What happens to QoS 1 and 2 messages that were sent but not acknowledged when the server comes
   * back without the session. Their packet identifiers mean nothing any more [MQTT-3.2.2-5].
   */
  public enum SessionLoss {
    /**
     * They are published as new messages: none is lost, a QoS 2 message may arrive twice if the
     * server had passed it on before it lost the session.
     */
    REPUBLISH,
    /** They fail: none arrives twice, one may not have arrived. */
    FAIL
  }
}
