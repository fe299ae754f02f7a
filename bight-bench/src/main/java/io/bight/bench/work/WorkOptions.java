// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a work is done; the same for each peer of a run.
 *
 * @param port the sink's
 * @param controlPort the sink's, for {@link io.bight.bench.sink.SinkControl}
 * @param warmUp how long the work is done before it is measured
 * @param measured how long it is measured
 * @param payloadBytes of each message
 * @param window how many messages are outstanding at most
 * @param resume after how many messages of a full window are done the program goes on
 * @param connections over how many connections it is done
 * @param filters how many topic filters are subscribed to
 * @param trustStore for TLS
 * @param directory where the session is to survive
 */
public record WorkOptions(
    int port,
    int controlPort,
    Duration warmUp,
    Duration measured,
    int payloadBytes,
    int window,
    int resume,
    int connections,
    int filters,
    @Nullable Path trustStore,
    @Nullable Path directory) {

  static WorkOptions of(Map<String, String> values) {
    String trustStore = values.get("trustStore");
    String directory = values.get("directory");
    return new WorkOptions(
        Integer.parseInt(values.getOrDefault("port", "0")),
        Integer.parseInt(values.getOrDefault("controlPort", "0")),
        Duration.ofMillis(Long.parseLong(values.getOrDefault("warmUpMillis", "6000"))),
        Duration.ofMillis(Long.parseLong(values.getOrDefault("measuredMillis", "2000"))),
        Integer.parseInt(values.getOrDefault("payload", "64")),
        Integer.parseInt(values.getOrDefault("window", "1000")),
        Integer.parseInt(values.getOrDefault("resume", "500")),
        Integer.parseInt(values.getOrDefault("connections", "1")),
        Integer.parseInt(values.getOrDefault("filters", "1")),
        trustStore == null ? null : Path.of(trustStore),
        directory == null ? null : Path.of(directory));
  }

  /** As {@link #of} reads them. */
  public Map<String, String> arguments() {
    Map<String, String> values = new LinkedHashMap<>();
    values.put("port", String.valueOf(port));
    values.put("controlPort", String.valueOf(controlPort));
    values.put("warmUpMillis", String.valueOf(warmUp.toMillis()));
    values.put("measuredMillis", String.valueOf(measured.toMillis()));
    values.put("payload", String.valueOf(payloadBytes));
    values.put("window", String.valueOf(window));
    values.put("resume", String.valueOf(resume));
    values.put("connections", String.valueOf(connections));
    values.put("filters", String.valueOf(filters));
    if (trustStore != null) {
      values.put("trustStore", trustStore.toString());
    }
    if (directory != null) {
      values.put("directory", directory.toString());
    }
    return values;
  }
}
