// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.packet.Publish;
import org.jspecify.annotations.Nullable;

/**
 * A message on its way out, from the command until its last acknowledgement. Belongs to the session
 * of one engine; read and written by the driver only.
 *
 * <pre>
 *            sent at QoS 0 ------------------------------&gt; DONE
 *   QUEUED --sent at QoS 1-&gt; PUBLISHED --PUBACK----------&gt; DONE
 *     ^  \---sent at QoS 2-&gt; PUBLISHED --PUBREC-&gt; RELEASED --PUBCOMP-&gt; DONE
 *     |                          |
 *     +---- the session is lost -+
 * </pre>
 */
public final class OutgoingPublish {
  /** How far a message has come. */
  public enum Progress {
    /** Waits for the connection, for quota or for room in the batch. */
    QUEUED,
    /** PUBLISH was sent; its acknowledgement is awaited. */
    PUBLISHED,
    /** PUBREC has come; PUBCOMP is awaited. */
    RELEASED,
    /** Completed, failed or dropped. */
    DONE
  }

  private static final long NEVER = Long.MAX_VALUE;

  private final Publish message;
  private final Completion<PublishResult> completion;
  private final long expiresAtNanos;

  Progress progress = Progress.QUEUED;
  int packetIdentifier;

  /** The neighbours in the {@link PublishList} that holds this message. */
  @Nullable OutgoingPublish previous;

  @Nullable OutgoingPublish next;

  /** Whether this message has used up a part of the current connection's send quota. */
  boolean holdsQuota;

  /**
   * Makes the entry for a message that does not expire.
   *
   * @param message the message
   * @param completion who is told the outcome
   */
  public OutgoingPublish(Publish message, Completion<PublishResult> completion) {
    this(message, completion, NEVER);
  }

  OutgoingPublish(Publish message, Completion<PublishResult> completion, long expiresAtNanos) {
    this.message = message;
    this.completion = completion;
    this.expiresAtNanos = expiresAtNanos;
  }

  /**
   * Returns the message.
   *
   * @return the message as the application gave it
   */
  public Publish message() {
    return message;
  }

  /**
   * Returns how far the message has come.
   *
   * @return its progress
   */
  public Progress progress() {
    return progress;
  }

  /**
   * Returns the packet identifier.
   *
   * @return 1 to 65,535 while in flight at QoS 1 and 2, else 0
   */
  public int packetIdentifier() {
    return packetIdentifier;
  }

  Completion<PublishResult> completion() {
    return completion;
  }

  /** Returns the seconds this message may still live at a time, rounded up; at most 0: expired. */
  long secondsToLive(long nowNanos) {
    return -Math.floorDiv(nowNanos - expiresAtNanos, 1_000_000_000L);
  }

  boolean expires() {
    return expiresAtNanos != NEVER;
  }

  /** Returns about how much memory the message takes, for the queue's bound. */
  int sizeBytes() {
    return message.payload().length + 2 * message.topic().length();
  }

  @Override
  public String toString() {
    return message + " " + progress + (packetIdentifier == 0 ? "" : " id=" + packetIdentifier);
  }
}
