// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import java.io.IOException;
import org.openjdk.jmh.Main;

/**
 * Runs the benchmarks of single parts: {@code ./bight-bench/run micro} followed by JMH's options.
 *
 * <pre>
 *   ./bight-bench/run micro                                   all of them; takes hours
 *   ./bight-bench/run micro -l                                their names
 *   ./bight-bench/run micro PublishCodec -p qos=1 -p payloadBytes=64
 *   ./bight-bench/run micro FilterBenchmark.match -wi 3 -i 5 -r 1s
 *   ./bight-bench/run micro CommandQueue -rf json -rff queue.json     results as JSON
 *   ./bight-bench/run micro EnginePublish -prof gc                    and what is allocated
 *   ./bight-bench/run micro -h                                all options
 * </pre>
 */
public final class Micro {
  private Micro() {}

  /**
   * Runs them.
   *
   * @param arguments JMH's options
   * @throws IOException if the results cannot be written
   */
  public static void main(String[] arguments) throws IOException {
    Main.main(arguments);
  }
}
