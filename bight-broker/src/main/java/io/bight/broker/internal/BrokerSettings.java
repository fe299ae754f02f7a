// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker.internal;

import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * What {@link BrokerServer#start} needs to know. Only types of the JDK, because both sides of the
 * class loader boundary read it.
 *
 * @param host the address to bind
 * @param port the TCP port to bind, 0 for any free one
 * @param webSocketPort the WebSocket port to bind, 0 for any free one, {@link #NO_LISTENER} for no
 *     WebSocket listener
 * @param keepsSessions whether sessions, queued and retained messages are written below {@code
 *     folder}, or kept in memory only
 * @param folder a folder the broker may fill; it exists
 * @param log receives a line for each record that HiveMQ logs at INFO or above, from any thread
 */
public record BrokerSettings(
    String host,
    int port,
    int webSocketPort,
    boolean keepsSessions,
    Path folder,
    Consumer<String> log) {

  /** The {@code webSocketPort} that asks for no listener. */
  public static final int NO_LISTENER = -1;
}
