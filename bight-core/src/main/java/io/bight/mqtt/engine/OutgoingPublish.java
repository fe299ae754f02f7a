// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Properties;
import io.bight.mqtt.UserProperty;
import io.bight.mqtt.packet.Publish;
import org.jspecify.annotations.Nullable;

/**
 * The session's entry of a message on its way out, until its last acknowledgement. One that is sent
 * as soon as it is published has none until its connection ends ({@link DirectMessages}). Belongs
 * to the session of one engine; read and written by the driver only.
 *
 * <pre>
 *            sent at QoS 0 ------------------------------&gt; DONE
 *   QUEUED --sent at QoS 1-&gt; PUBLISHED --PUBACK----------&gt; DONE
 *     ^  \---sent at QoS 2-&gt; PUBLISHED --PUBREC-&gt; RELEASED --PUBCOMP-&gt; DONE
 *     |                          |
 *     +---- the session is lost -+
 * </pre>
 */
public class OutgoingPublish {
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

  private static final Progress[] PROGRESSES = Progress.values();

  // How a message stands in the queue. Once it was sent, nobody asks whether it is followed.
  private static final byte UNSENT = 0;
  private static final byte FOLLOWED = 1;
  private static final byte SENT = 2;

  /** When a message without a Message Expiry Interval expires. */
  static final long NEVER = Long.MAX_VALUE;

  // As HeapBoundTest measures it on a JVM with compressed references, and a little more.
  private static final int OVERHEAD_BYTES = 200;
  private static final int LATEST_OVERHEAD_BYTES = 80;
  private static final int PROPERTY_OVERHEAD_BYTES = 64;

  // With these an entry takes 48 bytes where references are compressed.
  private final Publication publication;
  private final int heapBytes;

  /** Its place among the messages of the session, by which the store knows it. */
  long position;

  /** Whether the store has been told of it. */
  boolean isStored;

  /** The ordinal of its {@link Progress}, at first that of QUEUED. */
  private byte progress;

  /** UNSENT, FOLLOWED or SENT. */
  private byte standing = UNSENT;

  char packetIdentifier;

  /** The neighbours in the {@link PublishList} that holds this message. */
  @Nullable OutgoingPublish previous;

  @Nullable OutgoingPublish next;

  /** Whether it is one of the {@link PublishedMessages}. */
  boolean isPublished;

  /** Whether this message has used up a part of the current connection's send quota. */
  boolean holdsQuota;

  private OutgoingPublish(Publication publication, int heapBytes) {
    this.publication = publication;
    this.heapBytes = heapBytes;
  }

  /**
   * Returns the entry of a message that has just been given to the engine.
   *
   * @param expiresAtNanos when it expires, or {@link #NEVER}
   */
  static OutgoingPublish of(Publication publication, int heapBytes, long expiresAtNanos) {
    return expiresAtNanos == NEVER
        ? new OutgoingPublish(publication, heapBytes)
        : new Expiring(publication, heapBytes, expiresAtNanos);
  }

  /** One of the few that expire. */
  private static final class Expiring extends OutgoingPublish {
    private final long expiresAtNanos;

    Expiring(Publication publication, int heapBytes, long expiresAtNanos) {
      super(publication, heapBytes);
      this.expiresAtNanos = expiresAtNanos;
    }

    @Override
    long expiresAtNanos() {
      return expiresAtNanos;
    }
  }

  /** Returns the entry of a message that a store has kept; its state is set by the caller. */
  static OutgoingPublish restored(
      StoredPublish kept, Completion<PublishResult> completion, long nowNanos) {
    Publication publication =
        Publication.of(kept.message(), kept.offlinePolicy(), kept.tag(), completion);
    OutgoingPublish publish =
        of(
            publication,
            heapBytesOf(publication),
            kept.nanosToLive() == StoredPublish.NEVER_EXPIRES
                ? NEVER
                : nowNanos + kept.nanosToLive());
    publish.position = kept.position();
    publish.isStored = true;
    return publish;
  }

  /** Returns the message as a store keeps it. */
  final StoredPublish toStored(long nowNanos) {
    return new StoredPublish(
        position,
        message(),
        offlinePolicy(),
        tag(),
        expires() ? expiresAtNanos() - nowNanos : StoredPublish.NEVER_EXPIRES,
        switch (progress()) {
          case PUBLISHED -> StoredPublish.State.PUBLISHED;
          case RELEASED -> StoredPublish.State.RELEASED;
          default -> wasSent() ? StoredPublish.State.QUEUED_AGAIN : StoredPublish.State.QUEUED;
        },
        packetIdentifier);
  }

  /**
   * Returns about how much heap a message takes from its publish until it is done: topic, payload
   * and properties, and 200 B for the objects that carry it, 280 B with {@link
   * OfflinePolicy#LATEST_PER_TOPIC}. Strings are taken for two bytes a character.
   *
   * @param message the message
   * @param offlinePolicy the policy that it is published with
   * @return the bytes that count against the queue's bound
   */
  public static int heapBytesOf(Publish message, OfflinePolicy offlinePolicy) {
    return heapBytesOf(message, offlinePolicy, null);
  }

  /**
   * Returns about how much heap a message takes from its publish until it is done.
   *
   * @param publication the message, its policy and its tag
   * @return the bytes that count against the queue's bound
   */
  public static int heapBytesOf(Publication publication) {
    return heapBytesOf(publication.message(), publication.offlinePolicy(), publication.tag());
  }

  private static int heapBytesOf(
      Publish message, OfflinePolicy offlinePolicy, @Nullable String tag) {
    long bytes = OVERHEAD_BYTES + message.payload().length + 2L * message.topic().length();
    if (offlinePolicy == OfflinePolicy.LATEST_PER_TOPIC) {
      bytes += LATEST_OVERHEAD_BYTES;
    }
    if (tag != null) {
      bytes += PROPERTY_OVERHEAD_BYTES + 2L * tag.length();
    }
    Properties properties = message.properties();
    for (int i = 0; i < properties.size(); i++) {
      bytes += PROPERTY_OVERHEAD_BYTES + heapBytesOf(properties.valueAt(i));
    }
    return (int) Math.min(bytes, Integer.MAX_VALUE);
  }

  private static long heapBytesOf(Object propertyValue) {
    if (propertyValue instanceof byte[] bytes) {
      return bytes.length;
    } else if (propertyValue instanceof String text) {
      return 2L * text.length();
    } else if (propertyValue instanceof UserProperty pair) {
      return PROPERTY_OVERHEAD_BYTES + 2L * (pair.name().length() + pair.value().length());
    }
    return 0; // a number, within the overhead
  }

  /**
   * Returns the message.
   *
   * @return the message as the application gave it
   */
  public final Publish message() {
    return publication.message();
  }

  /**
   * Returns what happens to the message when it cannot be sent at once.
   *
   * @return its policy
   */
  public final OfflinePolicy offlinePolicy() {
    return publication.offlinePolicy();
  }

  /**
   * Returns what the program knows the message by.
   *
   * @return the tag that it was published with, or null
   */
  public final @Nullable String tag() {
    return publication.tag();
  }

  /** Returns what the message counts for against the queue's bound in bytes. */
  final int heapBytes() {
    return heapBytes;
  }

  /**
   * Returns how far the message has come.
   *
   * @return its progress
   */
  public final Progress progress() {
    return PROGRESSES[progress];
  }

  @SuppressWarnings("EnumOrdinal") // a byte instead of a reference: there are many of these
  final void setProgress(Progress progress) {
    this.progress = (byte) progress.ordinal();
  }

  /** Tells whether it was sent on some connection; from then on it is not dropped. */
  final boolean wasSent() {
    return standing == SENT;
  }

  final void setSent() {
    standing = SENT;
  }

  /**
   * Tells of a message that was never sent whether another on its topic waits behind it, so that
   * its place cannot be taken.
   */
  final boolean isFollowed() {
    return standing == FOLLOWED;
  }

  final void setFollowed() {
    standing = FOLLOWED;
  }

  /**
   * Returns the packet identifier.
   *
   * @return 1 to 65,535 while in flight at QoS 1 and 2, else 0
   */
  public final int packetIdentifier() {
    return packetIdentifier;
  }

  /** Returns what the engine was given, which is told of the end. */
  final Publication publication() {
    return publication;
  }

  /** Returns the seconds this message may still live at a time, rounded up; at most 0: expired. */
  final long secondsToLive(long nowNanos) {
    return -Math.floorDiv(nowNanos - expiresAtNanos(), 1_000_000_000L);
  }

  final boolean expires() {
    return expiresAtNanos() != NEVER;
  }

  /** Returns when this message expires, or {@link #NEVER}. */
  long expiresAtNanos() {
    return NEVER;
  }

  @Override
  public final String toString() {
    return message()
        + " "
        + progress()
        + (packetIdentifier == 0 ? "" : " id=" + packetIdentifier());
  }
}
