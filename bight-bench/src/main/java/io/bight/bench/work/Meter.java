// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.bight.bench.sink.SinkControl;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures this process between two points in time: user and system CPU of all its threads,
 * compiler and collector included, and what the threads that are alive at the end have allocated.
 */
final class Meter {
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final SinkControl control;

  private Map<Long, Long> allocatedBytes = new HashMap<>();
  private long messages;
  private long collections;
  private long sinkCpuNanos;
  private long cpuNanos;
  private long startNanos;

  Meter(SinkControl control) {
    this.control = control;
  }

  /**
   * Measures nothing, once, so that neither this process nor the server's loads classes for it in
   * the middle of what is measured: on one core that alone is a stall of 50 ms.
   */
  static void use(SinkControl control) throws IOException {
    Meter meter = new Meter(control);
    meter.start(0);
    meter.stop(1);
  }

  void start(long messagesUntilNow) throws IOException {
    allocatedBytes = allocated();
    collections = collections();
    sinkCpuNanos = sinkCpu();
    messages = messagesUntilNow;
    cpuNanos = SYSTEM.getProcessCpuTime();
    startNanos = System.nanoTime();
  }

  Figures stop(long messagesUntilNow) throws IOException {
    long wallNanos = System.nanoTime() - startNanos;
    double cpu = (double) (SYSTEM.getProcessCpuTime() - cpuNanos);
    long done = messagesUntilNow - messages;
    double sinkCpu = (double) (sinkCpu() - sinkCpuNanos);
    long allocated = 0;
    for (Map.Entry<Long, Long> thread : allocated().entrySet()) {
      allocated += thread.getValue() - allocatedBytes.getOrDefault(thread.getKey(), 0L);
    }
    if (done == 0) {
      throw new IllegalStateException("Nothing was done in " + wallNanos / 1_000_000 + " ms.");
    }
    return new Figures()
        .put("messages_per_second", done * 1e9 / wallNanos)
        .put("cpu_nanos_per_message", cpu / done)
        .put("allocated_bytes_per_message", (double) allocated / done)
        .put("cpu_percent", 100 * cpu / wallNanos)
        .put("collections", (double) (collections() - collections))
        .put("sink_cpu_percent", 100 * sinkCpu / wallNanos)
        .put("measured_seconds", wallNanos / 1e9);
  }

  static double processCpuNanos() {
    return (double) SYSTEM.getProcessCpuTime();
  }

  private long sinkCpu() throws IOException {
    return control.counts().getOrDefault("cpuNanos", 0L);
  }

  private static Map<Long, Long> allocated() {
    Map<Long, Long> bytes = new HashMap<>();
    long[] ids = THREADS.getAllThreadIds();
    long[] allocated = THREADS.getThreadAllocatedBytes(ids);
    for (int i = 0; i < ids.length; i++) {
      if (allocated[i] > 0) {
        bytes.put(ids[i], allocated[i]);
      }
    }
    return bytes;
  }

  private static long collections() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .mapToLong(GarbageCollectorMXBean::getCollectionCount)
        .sum();
  }

  /** What is on the heap after collections. */
  static long liveHeapBytes() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** A line of the kernel's account of this process, such as VmRSS; 0 where there is none. */
  static long processStatus(String name) throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return 0;
    }
    List<String> lines = Files.readAllLines(status);
    return lines.stream()
        .filter(line -> line.startsWith(name + ":"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElse(0);
  }
}
