// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Row R5 of docs/loop-table.md: the queue's bound in bytes bounds the heap, measured. */
@Timeout(120)
class HeapBoundTest {
  private static final long BOUND = 64L << 20;

  @ParameterizedTest
  @CsvSource({
    "0, QUEUE, commands, plain",
    "64, QUEUE, commands, plain",
    "64, QUEUE, engine, plain",
    "64, QUEUE, engine, properties",
    "64, LATEST_PER_TOPIC, commands, plain",
    "64, LATEST_PER_TOPIC, engine, plain",
    "100000, QUEUE, engine, plain",
    "64, QUEUE, flood, plain",
  })
  void r5BoundInBytesBoundsTheHeap(
      int payloadBytes, String offlinePolicy, String holder, String properties) throws Exception {
    Process process =
        new ProcessBuilder(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "-Xmx96m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                HeapProgram.class.getName(),
                Long.toString(BOUND),
                Integer.toString(payloadBytes),
                offlinePolicy,
                holder,
                properties)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(output).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    String[] numbers = output.strip().split(" ");
    long usedBytes = Long.parseLong(numbers[0]);
    assertThat(usedBytes)
        .as("heap in use with " + numbers[1] + " messages")
        .isBetween(BOUND / 2, BOUND + BOUND / 10);
  }
}
