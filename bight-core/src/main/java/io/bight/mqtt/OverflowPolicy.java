// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

/**
 * What happens to a message for which there is no room. Two bounds hold from the call of {@code
 * publish} on: so many messages may wait to be sent, and those that wait, are being written or are
 * in flight may take so many bytes of heap. A message larger than the bound in bytes is refused
 * whatever the policy. A message that was sent once is never dropped.
 */
public enum OverflowPolicy {
  /**
   * The new message is refused: its future has failed with {@link MqttQueueFullException} when
   * {@code publish} returns. Nothing else tells of it; for programs that look at the outcome.
   */
  REJECT,
  /**
   * Those that wait longest are dropped, as many as make room, and their futures fail with {@link
   * MqttQueueFullException}. Losses are counted and logged as a warning. Where no room can be made
   * because messages in flight take it, the new one is dropped.
   */
  DROP_OLDEST,
  /**
   * The new message is dropped: its future fails as with {@link #REJECT}. Losses are counted and
   * logged as a warning; for programs that do not look at each outcome.
   */
  DROP_NEWEST,
  /**
   * {@code publish} waits until there is room, and drives the loop meanwhile if nobody else does,
   * as other blocking calls do. The future fails if the waiting thread is interrupted, whose flag
   * is kept, if the client is closed, or if a time limit passes. Inside a callback of the client's
   * loop the message is refused instead: only that thread could make room. The engine, which never
   * waits, refuses too. With {@link OfflinePolicy#LATEST_PER_TOPIC} publish waits as well, unless
   * the message takes the place of one that the driver has not taken over yet.
   */
  BLOCK
}
