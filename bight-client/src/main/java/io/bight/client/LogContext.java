// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;
import org.slf4j.helpers.NOPMDCAdapter;

/**
 * Has the client identifier in SLF4J's MDC while a thread works for a client, so that the lines
 * that are logged meanwhile say whose they are, the program's own included. Entered where a thread
 * begins to work for a client: once for what has been read or is to be written, not for each
 * message. Costs nothing where the logging backend has no MDC.
 */
final class LogContext {
  /** The key in the MDC. */
  static final String CLIENT = "bight.client";

  private static final boolean HAS_MDC = !(MDC.getMDCAdapter() instanceof NOPMDCAdapter);

  /** Says that nothing is to be restored; never anybody's value, since it is compared as object. */
  @SuppressWarnings("StringOperationCanBeSimplified")
  private static final String UNCHANGED = new String("unchanged");

  private LogContext() {}

  /**
   * The calling thread works for a client from now on.
   *
   * @return what {@link #leave} takes
   */
  static @Nullable String enter(MqttClient client) {
    return HAS_MDC ? put(client.clientId()) : UNCHANGED;
  }

  private static @Nullable String put(String clientIdentifier) {
    String before = MDC.get(CLIENT);
    if (clientIdentifier.isEmpty() || clientIdentifier.equals(before)) {
      return UNCHANGED;
    }
    MDC.put(CLIENT, clientIdentifier);
    return before;
  }

  /** The work is done: what was there before is there again. */
  @SuppressWarnings("ReferenceEquality") // see UNCHANGED
  static void leave(@Nullable String before) {
    if (before == UNCHANGED) {
      return;
    }
    if (before == null) {
      MDC.remove(CLIENT);
    } else {
      MDC.put(CLIENT, before);
    }
  }

  /** Does a piece of a client's work. */
  static void run(MqttClient client, Runnable work) {
    String before = enter(client);
    try {
      work.run();
    } finally {
      leave(before);
    }
  }
}
