// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.packet.Subscription;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * What outlives a connection [MQTT 5.0, section 4.1]: messages queued and in flight, QoS 2 messages
 * being received, subscriptions wanted. Plain data of one client, touched by the driver only; it
 * ends with the client, or when the server says that it has lost its half.
 */
public final class Session {
  /** Packet identifiers in use, by messages and by requests. */
  final PacketIdentifiers<Object> packetIdentifiers = new PacketIdentifiers<>();

  /** Messages not sent yet, in the order of the calls. */
  final PublishList queued = new PublishList();

  long queuedBytes;

  /** QoS 1 and 2 messages whose PUBLISH is unacknowledged, in the order sent [MQTT-4.6.0-1]. */
  final PublishList published = new PublishList();

  /** QoS 2 messages whose PUBREL is unacknowledged, in the order of PUBREC [MQTT-4.6.0-4]. */
  final PublishList released = new PublishList();

  /** QoS 2 messages from their delivery until PUBREL. */
  final Map<Integer, IncomingPublish> receiving = new HashMap<>();

  /** The last QoS 1 messages; null where repetitions are not looked for. */
  final @Nullable RecentMessages recent;

  /** What the application subscribed to, to be asked for again on a new session. */
  final Map<String, WantedSubscription> wanted = new LinkedHashMap<>();

  /**
   * A subscription that the server has granted.
   *
   * @param subscription the topic filter and its options
   * @param identifier its Subscription Identifier; 0: none
   */
  record WantedSubscription(Subscription subscription, int identifier) {}

  /**
   * Makes an empty session.
   *
   * @param deduplicationWindow how many QoS 1 messages are remembered; 0: none
   */
  Session(int deduplicationWindow) {
    this.recent = deduplicationWindow == 0 ? null : new RecentMessages(deduplicationWindow);
  }

  /**
   * Returns how many messages wait to be sent.
   *
   * @return the number of messages
   */
  public int queuedMessages() {
    return queued.size();
  }

  /**
   * Returns how many bytes of topics and payloads wait to be sent.
   *
   * @return the number of bytes
   */
  public long queuedBytes() {
    return queuedBytes;
  }

  /**
   * Returns how many QoS 1 and 2 messages are sent but not complete.
   *
   * @return the number of messages
   */
  public int inFlightMessages() {
    return published.size() + released.size();
  }

  /**
   * Returns how many packet identifiers are in use.
   *
   * @return the number of identifiers
   */
  public int packetIdentifiersInUse() {
    return packetIdentifiers.used();
  }

  /**
   * Returns the incoming QoS 2 messages that are not complete.
   *
   * @return the number of messages
   */
  public int receivingMessages() {
    return receiving.size();
  }

  /**
   * Returns the subscriptions wanted.
   *
   * @return the topic filters
   */
  public Collection<String> wantedTopicFilters() {
    return List.copyOf(wanted.keySet());
  }

  @Override
  public String toString() {
    StringJoiner text = new StringJoiner(", ", "Session[", "]");
    text.add("queued=" + queued.size() + " (" + queuedBytes + " B)");
    text.add("published=" + published.size());
    text.add("released=" + released.size());
    text.add("receiving=" + receiving.keySet());
    text.add("subscriptions=" + wanted.keySet());
    return text.toString();
  }
}
