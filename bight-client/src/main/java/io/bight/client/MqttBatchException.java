// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.packet.Publish;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.Collectors;

/**
 * Some of the messages of {@link MqttClient#publishAll(List)} have failed. All the others were
 * published. {@link #failures()} tells which have failed and why, and the reason what to do: one
 * that a session store keeps is published by the next client with this store, and one whose
 * connection or session was lost may have arrived.
 */
public final class MqttBatchException extends MqttException {
  private static final long serialVersionUID = 1L;

  /** How many are named in the message. */
  private static final int MOST_TOLD = 5;

  @SuppressWarnings("serial") // a TreeMap
  private final SortedMap<Integer, MqttException> failures;

  private MqttBatchException(String message, SortedMap<Integer, MqttException> failures) {
    super(message, failures.get(failures.firstKey()));
    this.failures = failures;
  }

  /**
   * Makes the exception.
   *
   * @param client names the client
   * @param failures at least one, by places in the messages; not copied, there may be many
   */
  static MqttBatchException of(
      String client, List<Publish> messages, SortedMap<Integer, MqttException> failures) {
    String told =
        failures.entrySet().stream()
            .limit(MOST_TOLD)
            .map(
                entry ->
                    "message "
                        + (entry.getKey() + 1)
                        + " to '"
                        + messages.get(entry.getKey()).topic()
                        + "': "
                        + entry.getValue().getMessage())
            .collect(Collectors.joining("; "));
    int more = failures.size() - MOST_TOLD;
    return new MqttBatchException(
        client
            + " published "
            + (messages.size() - failures.size())
            + " of "
            + Count.of(messages.size(), "message")
            + ", but not "
            + told
            + (more > 0 ? "; and " + more + " more" : ""),
        failures);
  }

  /**
   * Returns why messages have failed. The first one is also the cause.
   *
   * @return the reasons by the places of the messages in the list, the first of which is 0
   */
  public SortedMap<Integer, MqttException> failures() {
    return Collections.unmodifiableSortedMap(failures);
  }
}
