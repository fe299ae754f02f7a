// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Publish;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The QoS 1 messages that the application was given last, so that one that the server repeats is
 * not given to it again. Of each it keeps the packet identifier, a digest of topic and payload, and
 * the answer; the message itself only until it is answered. As long as the session; touched by the
 * driver only.
 */
final class RecentMessages {
  private final int window;
  private final MessageDigest sha256;

  /** In the order of arrival. */
  private final LinkedHashMap<Integer, Entry> byPacketIdentifier = new LinkedHashMap<>();

  /** How many messages the application was given. */
  private long messages;

  /** What is known of a message. */
  static final class Entry {
    private final long number;
    private final long digest1;
    private final long digest2;

    /** The message until it is answered, then null. */
    @Nullable IncomingPublish unanswered;

    /** The answer, once there is one. */
    ReasonCode answer = ReasonCode.SUCCESS;

    private Entry(long number, ByteBuffer digest, IncomingPublish message) {
      this.number = number;
      this.digest1 = digest.getLong(0);
      this.digest2 = digest.getLong(Long.BYTES);
      this.unanswered = message;
    }

    private boolean has(ByteBuffer digest) {
      return digest.getLong(0) == digest1 && digest.getLong(Long.BYTES) == digest2;
    }
  }

  /**
   * Makes an empty list.
   *
   * @param window how many messages it goes back
   */
  RecentMessages(int window) {
    this.window = window;
    try {
      this.sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java platform has it
    }
  }

  /**
   * Returns the message that this one repeats, if it is among the last ones. If not, it is new: it
   * takes the place of an earlier one with its packet identifier, and null is returned.
   */
  @Nullable Entry findOrAdd(IncomingPublish message, ConnectionState connection) {
    Publish publish = message.message();
    ByteBuffer digest = digest(publish);
    Entry earlier = byPacketIdentifier.get(publish.packetIdentifier());
    if (publish.dup()
        && earlier != null
        && earlier.has(digest)
        && (earlier.unanswered == null || !earlier.unanswered.isGivenUp(connection))) {
      return earlier;
    }
    byPacketIdentifier.remove(publish.packetIdentifier()); // the new one is the last in the order
    byPacketIdentifier.put(publish.packetIdentifier(), new Entry(++messages, digest, message));
    forgetOld();
    return null;
  }

  private ByteBuffer digest(Publish publish) {
    sha256.update(publish.topic().getBytes(StandardCharsets.UTF_8));
    sha256.update((byte) 0); // which no topic has [MQTT-4.7.3-2]
    return ByteBuffer.wrap(sha256.digest(publish.payload()));
  }

  private void forgetOld() {
    var entries = byPacketIdentifier.values().iterator();
    while (entries.hasNext() && entries.next().number <= messages - window) {
      entries.remove();
    }
  }

  /** The application has answered a message. */
  void onAnswered(IncomingPublish message, ReasonCode answer) {
    Entry entry = byPacketIdentifier.get(message.message().packetIdentifier());
    if (entry != null && entry.unanswered == message) {
      entry.unanswered = null;
      entry.answer = answer;
    }
  }

  int size() {
    return byPacketIdentifier.size();
  }

  void clear() {
    byPacketIdentifier.clear();
  }
}
