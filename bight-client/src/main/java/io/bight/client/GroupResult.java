// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What became of something that was asked of every client of an {@link MqttGroup}: one result or
 * one failure for each. Both maps are in the order in which the clients were added.
 *
 * @param <T> what a success brings
 */
public final class GroupResult<T> {
  /** So that the message of a thousand failures can still be read. */
  private static final int MOST_FAILURES_TOLD = 5;

  private final String what;
  private final Map<MqttClient, T> results;
  private final Map<MqttClient, MqttException> failures;

  GroupResult(String what, Map<MqttClient, T> results, Map<MqttClient, MqttException> failures) {
    this.what = what;
    this.results = Collections.unmodifiableMap(new LinkedHashMap<>(results));
    this.failures = Collections.unmodifiableMap(new LinkedHashMap<>(failures));
  }

  /**
   * Returns what the clients brought that succeeded.
   *
   * @return by client; the values are null where a success brings nothing
   */
  public Map<MqttClient, T> results() {
    return results;
  }

  /**
   * Returns why the other clients failed.
   *
   * @return by client; a {@link io.bight.mqtt.MqttTimeoutException} where the time passed first
   */
  public Map<MqttClient, MqttException> failures() {
    return failures;
  }

  /**
   * Tells whether every client succeeded.
   *
   * @return true if there is no failure
   */
  public boolean allSucceeded() {
    return failures.isEmpty();
  }

  /**
   * Takes a failure of one for a failure of all.
   *
   * @return this result, if every client succeeded
   * @throws MqttException if one failed; the message names the first few, the cause is the first,
   *     and the others are suppressed
   */
  public GroupResult<T> orThrow() {
    if (allSucceeded()) {
      return this;
    }
    Iterator<MqttException> each = failures.values().iterator();
    MqttException failure = new MqttException(toString(), each.next());
    each.forEachRemaining(failure::addSuppressed);
    throw failure;
  }

  /** Returns how many succeeded, and the first few failures in words. */
  @Override
  public String toString() {
    int all = results.size() + failures.size();
    StringBuilder text = new StringBuilder(what);
    if (all == 0) {
      return text.append(" reached nobody: the group has no client; add(...) one").toString();
    }
    if (failures.isEmpty()) {
      text.append(all == 1 ? " succeeded for " : " succeeded for all ");
      return text.append(Count.of(all, "client")).toString();
    }
    text.append(" failed for ").append(failures.size()).append(" of ");
    text.append(Count.of(all, "client")).append(": ");
    failures.values().stream()
        .limit(MOST_FAILURES_TOLD)
        .forEach(failure -> text.append(failure.getMessage()).append("; "));
    text.setLength(text.length() - 2);
    if (failures.size() > MOST_FAILURES_TOLD) {
      text.append("; and ").append(failures.size() - MOST_FAILURES_TOLD).append(" more");
    }
    return text.toString();
  }
}
