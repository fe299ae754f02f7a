// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.TlsContext;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a transport is opened, apart from where to.
 *
 * @param connectTimeout how long TCP may take, for each address
 * @param handshakeTimeout how long TLS and WebSocket may take, each
 * @param tls what TLS trusts and presents; null: the JDK's default
 * @param verifyHostName whether the certificate must be for the host that was asked for
 * @param webSocketHeaders what is added to the WebSocket's request
 */
record TransportOptions(
    Duration connectTimeout,
    Duration handshakeTimeout,
    @Nullable TlsContext tls,
    boolean verifyHostName,
    Map<String, String> webSocketHeaders) {

  /** What nearly all clients have, and so share. */
  static final TransportOptions DEFAULT =
      new TransportOptions(Duration.ofSeconds(10), Duration.ofSeconds(10), null, true, Map.of());

  /** Returns these options, or what equals them and is there already. */
  TransportOptions shared() {
    return equals(DEFAULT) ? DEFAULT : this;
  }
}
