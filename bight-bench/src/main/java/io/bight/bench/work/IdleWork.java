// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.Connection;
import io.bight.bench.peer.Peer;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.util.List;
import java.util.Map;

/**
 * Connects many clients, and then does nothing while their keep alive of 60 s goes on. The clients
 * of one library share what it lets them share; Bight's are on one loop. At the end all connect
 * again a few times: what that costs when everything is compiled.
 */
record IdleWork() implements Work {
  private static final int WARM_ROUNDS = 3;

  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    int count = options.connections();
    try (Peer peer = Peer.of(name)) {
      // One connection first: classes and threads that all share are not a connection's cost.
      Connection first = Work.open(peer, Work.connectionOptions(options));
      long heapBytes = Meter.liveHeapBytes();
      long residentKibibytes = Meter.processStatus("VmRSS");
      Map<String, Long> before = control.counts();
      double cpuNanos = Meter.processCpuNanos();
      long startNanos = System.nanoTime();
      List<Connection> connections =
          ManyConnections.open(peer, Work.connectionOptions(options), count);
      long connectNanos = System.nanoTime() - startNanos;
      double connectCpuNanos = Meter.processCpuNanos() - cpuNanos;
      Work.requireCount(control, before, "connects", count);

      Figures figures =
          new Figures()
              .put("connect_seconds", connectNanos / 1e9)
              .put("connect_cpu_seconds", connectCpuNanos / 1e9)
              .put(
                  "heap_bytes_per_connection", (Meter.liveHeapBytes() - heapBytes) / (double) count)
              .put(
                  "resident_kibibytes_per_connection",
                  (Meter.processStatus("VmRSS") - residentKibibytes) / (double) count)
              .put("resident_mebibytes", Meter.processStatus("VmRSS") / 1024.0)
              .put("threads", (double) Meter.processStatus("Threads"));
      double idleCpuNanos = Meter.processCpuNanos();
      long pings = control.counts().getOrDefault("pings", 0L);
      long idleStartNanos = System.nanoTime();
      Work.pass(first, options.measured().toNanos());
      long idleNanos = System.nanoTime() - idleStartNanos;
      figures
          .put("idle_cpu_percent", 100 * (Meter.processCpuNanos() - idleCpuNanos) / idleNanos)
          .put("pings", (double) (control.counts().getOrDefault("pings", 0L) - pings))
          .put("idle_seconds", idleNanos / 1e9);
      ManyConnections.close(connections);
      figures.put("connect_warm_cpu_seconds", connectWarm(peer, options, control));
      first.close();
      return figures;
    }
  }

  /** Connects them all again and again; returns the CPU seconds of the last time. */
  private static double connectWarm(Peer peer, WorkOptions options, SinkControl control)
      throws Exception {
    double cpuNanos = 0;
    for (int round = 0; round < WARM_ROUNDS; round++) {
      Map<String, Long> before = control.counts();
      double startCpuNanos = Meter.processCpuNanos();
      List<Connection> connections =
          ManyConnections.open(peer, Work.connectionOptions(options), options.connections());
      cpuNanos = Meter.processCpuNanos() - startCpuNanos;
      Work.requireCount(control, before, "connects", options.connections());
      ManyConnections.close(connections);
    }
    return cpuNanos / 1e9;
  }
}
