// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import com.sun.management.UnixOperatingSystemMXBean;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the process holds at one moment, to be compared with another.
 *
 * <pre>{@code
 * ResourceCounts before = ResourceCounts.snapshot();
 * openAndCloseAThousandClients();
 * assertThat(ResourceCounts.snapshot().growthSince(before)).isEmpty();
 * }</pre>
 *
 * <p>The first use of almost anything opens descriptors and starts threads that stay, so warm up
 * before the first snapshot.
 *
 * @param threads the live threads, how many there are of each name; the digits at the end of a name
 *     are left out
 * @param openDescriptors open file descriptors, -1 where the platform does not tell
 * @param directBytes memory of direct buffers from the JDK
 * @param nettyBytes memory that Netty's default allocators hold from the system, pooled chunks
 *     included even if all of them is free
 */
public record ResourceCounts(
    Map<String, Integer> threads, long openDescriptors, long directBytes, long nettyBytes) {

  /**
   * Copies the map.
   *
   * @param threads the live threads by name
   * @param openDescriptors open file descriptors
   * @param directBytes memory of direct buffers
   * @param nettyBytes memory of Netty's allocators
   */
  public ResourceCounts {
    threads = Map.copyOf(threads);
  }

  /**
   * Counts now.
   *
   * @return the counts
   */
  public static ResourceCounts snapshot() {
    Map<String, Integer> threads = new TreeMap<>();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      threads.merge(thread.getName().replaceFirst("[-#]?\\d+$", ""), 1, Integer::sum);
    }
    long directBytes = 0;
    for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      if (pool.getName().equals("direct")) {
        directBytes = pool.getMemoryUsed();
      }
    }
    long nettyBytes =
        PooledByteBufAllocator.DEFAULT.metric().usedDirectMemory()
            + UnpooledByteBufAllocator.DEFAULT.metric().usedDirectMemory();
    return new ResourceCounts(threads, descriptors(), directBytes, nettyBytes);
  }

  /**
   * How many threads there are.
   *
   * @return the sum over all names
   */
  public int threadCount() {
    return threads.values().stream().mapToInt(Integer::intValue).sum();
  }

  /**
   * How many threads there are whose names begin in a way.
   *
   * @param prefix the beginning
   * @return the count
   */
  public int threadCount(String prefix) {
    return threads.entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(prefix))
        .mapToInt(Map.Entry::getValue)
        .sum();
  }

  /**
   * What has become more, in words: {@code 3 more threads 'bight-loop'}.
   *
   * @param before the earlier counts
   * @return one line for each kind, empty if nothing grew
   */
  public List<String> growthSince(ResourceCounts before) {
    List<String> growth = new ArrayList<>();
    new TreeMap<>(threads)
        .forEach(
            (name, count) -> {
              int earlier = before.threads.getOrDefault(name, 0);
              if (count > earlier) {
                growth.add((count - earlier) + " more threads '" + name + "'");
              }
            });
    more(growth, openDescriptors - before.openDescriptors, "open descriptors");
    more(growth, directBytes - before.directBytes, "bytes of direct buffers");
    more(growth, nettyBytes - before.nettyBytes, "bytes held by Netty");
    return growth;
  }

  private static void more(List<String> growth, long difference, String what) {
    if (difference > 0) {
      growth.add(difference + " more " + what);
    }
  }

  private static long descriptors() {
    Object system = ManagementFactory.getOperatingSystemMXBean();
    return system instanceof UnixOperatingSystemMXBean unix
        ? unix.getOpenFileDescriptorCount()
        : -1;
  }
}
