// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.sink;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a sink does beside counting and acknowledging.
 *
 * @param echo sends each message back to who published it
 * @param greet sends each subscriber one message after the SUBACK
 * @param payloadBytes of each message of a flood
 * @param window how many QoS 1 messages of a flood may be unacknowledged; the client's Receive
 *     Maximum where that is less
 * @param keyStore a PKCS 12 file with a key, for TLS
 */
public record SinkOptions(
    boolean echo, boolean greet, int payloadBytes, int window, @Nullable Path keyStore) {
  /** What every key store of the benchmarks is locked with. */
  public static final String PASSWORD = "benchmark";

  /** A sink that counts and acknowledges, and floods with a payload of 64 bytes. */
  public static final SinkOptions DEFAULT = new SinkOptions(false, false, 64, 1_000, null);

  static SinkOptions of(Map<String, String> arguments) {
    String keyStore = arguments.get("keyStore");
    return new SinkOptions(
        Boolean.parseBoolean(arguments.get("echo")),
        Boolean.parseBoolean(arguments.get("greet")),
        Integer.parseInt(arguments.getOrDefault("payload", "64")),
        Integer.parseInt(arguments.getOrDefault("window", "1000")),
        keyStore == null ? null : Path.of(keyStore));
  }
}
