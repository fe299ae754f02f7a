// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Utf8;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Will;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a single option may be: the rules that hold when a client is built, and also when a hook
 * changes an attempt to connect. Each returns the value as it is kept, or throws {@link
 * IllegalArgumentException}.
 */
final class OptionChecks {
  private static final long LONGEST_SESSION_SECONDS = 0xFFFF_FFFFL;

  private OptionChecks() {}

  static byte @Nullable [] copyOfPassword(byte @Nullable [] secret) {
    if (secret != null && secret.length > 65_535) {
      throw new IllegalArgumentException("the password has more than 65535 bytes");
    }
    return secret == null ? null : secret.clone();
  }

  static Will willOf(Publish message, Duration delay) {
    Properties willProperties = message.properties();
    if (!delay.isZero()) {
      willProperties =
          willProperties.toBuilder().set(Property.WILL_DELAY_INTERVAL, delay.toSeconds()).build();
    }
    return new Will(
        message.topic(), message.payload(), message.qos(), message.retain(), willProperties);
  }

  static int keepAliveSeconds(Duration interval) {
    long seconds = interval.toSeconds();
    if (seconds < 0 || seconds > 65_535 || (seconds == 0 && !interval.isZero())) {
      throw new IllegalArgumentException(
          "keep alive is 1 to 65535 s, or zero for none, not " + interval);
    }
    return (int) seconds;
  }

  static String requireString(String text, String what) {
    Utf8.requireWellFormed(text, what);
    if (Utf8.encodedLength(text) > 65_535) {
      throw new IllegalArgumentException(what + " is longer than 65535 bytes");
    }
    return text;
  }

  static long sessionExpirySeconds(Duration interval) {
    return Math.min(interval.toSeconds(), LONGEST_SESSION_SECONDS);
  }

  static void requireQueueMaximum(int messages, long bytes) {
    if (messages <= 0 || bytes <= 0) {
      throw new IllegalArgumentException(
          "the queue's bounds are positive, not "
              + Count.of(messages, "message")
              + " and "
              + bytes
              + " B; to publish only while connected, set OfflinePolicy.FAIL");
    }
  }

  static int requireSendMaximum(int messages) {
    if (messages < 1 || messages > 65_535) {
      throw new IllegalArgumentException(
          "the Send Maximum is 1 to 65535 messages, not " + messages);
    }
    return messages;
  }

  static int requireDeduplicationWindow(int messages) {
    if (messages < 0 || messages > 65_535) {
      throw new IllegalArgumentException(
          "the de-duplication window is 0 to 65535 messages, not " + messages);
    }
    return messages;
  }

  static Duration requireNotNegative(Duration timeout) {
    if (timeout.isNegative()) {
      throw new IllegalArgumentException("a time limit cannot be negative: " + timeout);
    }
    return timeout;
  }

  static Duration requirePositive(Duration timeout, String what) {
    if (timeout.compareTo(Duration.ofMillis(1)) < 0
        || timeout.compareTo(Duration.ofMillis(Integer.MAX_VALUE)) > 0) {
      throw new IllegalArgumentException(what + " is 1 ms to 24 days, not " + timeout);
    }
    return timeout;
  }
}
