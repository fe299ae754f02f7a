// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import oshi.SystemInfo;
import oshi.hardware.CentralProcessor;
import oshi.hardware.GlobalMemory;
import oshi.hardware.HWDiskStore;
import oshi.hardware.NetworkIF;

/**
 * What the operating system counts: the load of the processors, memory in use, bytes to and from
 * disks and network. Counters become rates between one sample and the next. For one thread.
 */
final class Readings {
  private static final double NANOS_PER_SECOND = 1e9;

  /**
   * One reading.
   *
   * @param name the last level of its topic
   * @param value the number
   * @param unit {@code %} or {@code kB/s}
   */
  record Reading(String name, double value, String unit) {
    /** Returns the number as it is published. */
    String payload() {
      return String.format(Locale.ROOT, "%.1f", value);
    }

    @Override
    public String toString() {
      return payload() + " " + unit;
    }
  }

  private final CentralProcessor processor;
  private final GlobalMemory memory;
  private final List<HWDiskStore> disks;
  private final List<NetworkIF> networks;
  private final String hostName;

  private long[] processorTicks;
  private long diskBytes;
  private long networkBytes;
  private long sampledNanos;

  private Readings(SystemInfo system) {
    processor = system.getHardware().getProcessor();
    memory = system.getHardware().getMemory();
    disks = system.getHardware().getDiskStores();
    networks = system.getHardware().getNetworkIFs();
    String name = system.getOperatingSystem().getNetworkParams().getHostName();
    hostName = name.isBlank() ? "localhost" : name.replaceAll("[/+#\\s]", "-");
    processorTicks = processor.getSystemCpuLoadTicks();
    diskBytes = countDiskBytes();
    networkBytes = countNetworkBytes();
    sampledNanos = System.nanoTime();
  }

  /** Takes the first sample, which the next one is compared with; takes up to a second. */
  static Readings open() {
    return new Readings(new SystemInfo());
  }

  /** The machine's name, as a level of a topic. */
  String hostName() {
    return hostName;
  }

  /** Reads everything; rates are those since the last call. */
  List<Reading> sample() {
    long nowNanos = System.nanoTime();
    double seconds = Math.max(1, nowNanos - sampledNanos) / NANOS_PER_SECOND;
    sampledNanos = nowNanos;
    List<Reading> readings = new ArrayList<>();

    double load = processor.getSystemCpuLoadBetweenTicks(processorTicks);
    processorTicks = processor.getSystemCpuLoadTicks();
    readings.add(new Reading("cpu", 100 * load, "%"));

    double used = memory.getTotal() - memory.getAvailable();
    readings.add(new Reading("memory", 100 * used / memory.getTotal(), "%"));

    long disk = countDiskBytes();
    readings.add(new Reading("disk", (disk - diskBytes) / 1000.0 / seconds, "kB/s"));
    diskBytes = disk;

    long network = countNetworkBytes();
    readings.add(new Reading("network", (network - networkBytes) / 1000.0 / seconds, "kB/s"));
    networkBytes = network;
    return readings;
  }

  private long countDiskBytes() {
    long bytes = 0;
    for (HWDiskStore disk : disks) {
      disk.updateAttributes();
      bytes += disk.getReadBytes() + disk.getWriteBytes();
    }
    return bytes;
  }

  private long countNetworkBytes() {
    long bytes = 0;
    for (NetworkIF network : networks) {
      network.updateAttributes();
      bytes += network.getBytesRecv() + network.getBytesSent();
    }
    return bytes;
  }
}
