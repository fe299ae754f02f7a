// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.time.Duration;
import java.util.Map;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * How a transport is opened, apart from where to.
 *
 * @param connectTimeout how long TCP may take, for each address
 * @param handshakeTimeout how long TLS and WebSocket may take, each
 * @param userTimeout how long written bytes may stay unacknowledged, where the system can tell;
 *     zero: as long as it likes
 * @param sslContext what TLS trusts and presents; null: the JDK's default
 * @param verifyHostName whether the certificate must be for the host that was asked for
 * @param webSocketHeaders what is added to the WebSocket's request
 */
record TransportOptions(
    Duration connectTimeout,
    Duration handshakeTimeout,
    Duration userTimeout,
    @Nullable SSLContext sslContext,
    boolean verifyHostName,
    Map<String, String> webSocketHeaders) {}
