// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.packet.Publish;
import org.jspecify.annotations.Nullable;

/**
 * A message that is to be published, and who is told what became of it. What it returns stays the
 * same. A program that publishes a lot makes it one with what it waits on, since the engine keeps
 * no more of a message than this unless the message has to wait, or its connection ends.
 */
public interface Publication extends Completion<PublishResult> {
  /**
   * Returns the message.
   *
   * @return the message as it is sent
   */
  Publish message();

  /**
   * Returns what happens to the message when it cannot be sent at once.
   *
   * @return its policy
   */
  default OfflinePolicy offlinePolicy() {
    return OfflinePolicy.QUEUE;
  }

  /**
   * Returns what the program knows the message by, which is kept with it in the store.
   *
   * @return its tag, or null
   */
  default @Nullable String tag() {
    return null;
  }

  /**
   * A message that was sent as soon as it was published gets an entry after all, at the latest when
   * its connection ends: should it have to wait again, it can be cancelled. Nothing may be asked of
   * the engine here.
   *
   * @param entry what {@link MqttEngine#cancel} takes
   */
  default void onEntry(OutgoingPublish entry) {}

  /**
   * Makes one of its parts.
   *
   * @param message the message
   * @param offlinePolicy whether it waits
   * @param tag what the program knows it by, or null
   * @param completion is told the outcome
   * @return the parts together
   */
  static Publication of(
      Publish message,
      OfflinePolicy offlinePolicy,
      @Nullable String tag,
      Completion<PublishResult> completion) {
    return new GivenPublication(message, offlinePolicy, tag, completion);
  }
}
