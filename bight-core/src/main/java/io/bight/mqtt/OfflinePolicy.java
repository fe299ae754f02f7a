// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

/**
 * What happens to a message that cannot be sent at once: there is no connection, or the server
 * takes no more for the moment. Set per client, and per publish where one message differs.
 *
 * <p>It rules messages until they are sent. A QoS 1 or 2 message in flight when the connection is
 * lost is sent again on the next one if the server has kept the session, whatever its policy, since
 * the specification demands it [MQTT-4.4.0-1].
 */
public enum OfflinePolicy {
  /**
   * It waits until it can be sent, in the order of the calls, at QoS 0 too; before the first
   * connection and over any number of lost ones. What waits is bounded; {@link OverflowPolicy} says
   * what happens beyond it.
   */
  QUEUE,
  /**
   * It waits, but of those that wait with this policy only the newest of each topic: it takes the
   * place of the one before, whose future fails with {@link MqttOvertakenException}. It keeps that
   * place in the queue, so that a topic which changes often is not put off for ever, unless a
   * message with another policy was published to the same topic in between: then it goes to the
   * end, since the order on one topic is kept. Messages with other policies are not overtaken.
   */
  LATEST_PER_TOPIC,
  /**
   * It does not outlast the connection: without one it fails at once with {@link
   * MqttDisconnectedException}, and so does one that waits when the connection is lost. It is never
   * sent on a later connection unless it was in flight before and the server has kept the session;
   * where the server has not, it fails, although {@code SessionLoss.REPUBLISH} may be set. For
   * values that are stale when they are late.
   */
  FAIL
}
