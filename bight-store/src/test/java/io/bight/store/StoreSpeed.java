// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.StoredPublish.State;
import io.bight.mqtt.packet.Publish;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Measures the store against a loop that only appends to a file and syncs it, in turns, since other
 * programs use the disk too: the medians of several rounds are shown. Arguments: a directory on the
 * disk to measure, rounds, seconds for each measurement.
 */
public final class StoreSpeed {
  private static final int[] BATCHES = {1, 10, 100, 1_000};
  private static final byte[] PAYLOAD = new byte[100];

  private StoreSpeed() {}

  /** Begins here. */
  public static void main(String[] arguments) throws Exception {
    Path base = Path.of(arguments.length > 0 ? arguments[0] : "target/speed");
    int rounds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 5;
    double seconds = arguments.length > 2 ? Double.parseDouble(arguments[2]) : 1;
    Files.createDirectories(base);
    System.out.printf(
        Locale.ROOT,
        "%-24s %10s %10s %10s %10s   publishes per second, 100 B, at so many per commit%n",
        "",
        "1",
        "10",
        "100",
        "1000");
    double[][][] results = new double[4][BATCHES.length][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int batch = 0; batch < BATCHES.length; batch++) {
        results[0][batch][round] = raw(base, BATCHES[batch], seconds);
        for (Durability durability : Durability.values()) {
          results[1 + durability.ordinal()][batch][round] =
              store(base, durability, BATCHES[batch], seconds);
        }
      }
    }
    String[] names = {"raw append and sync", "ALWAYS", "INTERVAL", "OS"};
    for (int i = 0; i < names.length; i++) {
      StringBuilder row = new StringBuilder(String.format(Locale.ROOT, "%-24s", names[i]));
      for (double[] runs : results[i]) {
        Arrays.sort(runs);
        row.append(String.format(Locale.ROOT, " %10.0f", runs[rounds / 2]));
      }
      System.out.println(row);
    }
    incoming(base);
    held(base);
    memory(base);
    delete(base);
  }

  private static double raw(Path base, int batch, double seconds) throws IOException {
    Path file = Files.createTempFile(base, "raw", "");
    ByteBuffer buffer = ByteBuffer.allocateDirect(batch * 120);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      long start = System.nanoTime();
      long end = start + (long) (seconds * 1e9);
      long count = 0;
      while (System.nanoTime() < end) {
        buffer.clear();
        for (int i = 0; i < batch; i++) {
          buffer.putLong(count++).put(PAYLOAD);
        }
        channel.write(buffer.flip());
        channel.force(false);
      }
      return count / ((System.nanoTime() - start) / 1e9);
    } finally {
      Files.delete(file);
    }
  }

  /** Each message is put and published in one commit, and ends in the next. */
  private static double store(Path base, Durability durability, int batch, double seconds)
      throws IOException {
    Path directory = Files.createTempDirectory(base, "store");
    try (SessionStore store = DiskSessionStore.in(directory).durability(durability).open("speed")) {
      store.load();
      long start = System.nanoTime();
      long end = start + (long) (seconds * 1e9);
      long count = 0;
      while (System.nanoTime() < end) {
        for (int i = 0; i < batch; i++, count++) {
          store.putOutgoing(message(count));
          store.putPublished(count, (int) (count % 65_535) + 1);
          if (count >= batch) {
            store.removeOutgoing(count - batch);
          }
        }
        store.commit();
      }
      return count / ((System.nanoTime() - start) / 1e9);
    }
  }

  static StoredPublish message(long position) {
    return new StoredPublish(
        position,
        Publish.builder("speed/topic").payload(PAYLOAD).qos(Qos.AT_LEAST_ONCE).build(),
        OfflinePolicy.QUEUE,
        null,
        StoredPublish.NEVER_EXPIRES,
        State.QUEUED,
        0);
  }

  private static void incoming(Path base) throws IOException {
    Path directory = Files.createTempDirectory(base, "incoming");
    try (SessionStore store = DiskSessionStore.in(directory).open("speed")) {
      store.load();
      double best = Double.MAX_VALUE;
      for (int round = 0; round < 20; round++) {
        long start = System.nanoTime();
        for (int i = 1; i <= 65_535; i++) {
          store.putIncoming(i);
        }
        best = Math.min(best, (System.nanoTime() - start) / 65_535.0);
      }
      System.out.printf(Locale.ROOT, "putIncoming: %.1f ns%n", best);
    }
  }

  private static void held(Path base) throws IOException {
    Path directory = Files.createTempDirectory(base, "held");
    try (SessionStore store =
        DiskSessionStore.in(directory).durability(Durability.OS).open("speed")) {
      store.load();
      for (long i = 0; i < 100_000; i++) {
        store.putOutgoing(message(i));
        if (i % 100 == 99) {
          store.commit();
        }
      }
    }
    for (int round = 0; round < 3; round++) {
      long start = System.nanoTime();
      try (SessionStore store = DiskSessionStore.in(directory).open("speed")) {
        int count = store.load().outgoing().size();
        System.out.printf(
            Locale.ROOT,
            "100,000 messages: %,d kB, opened and loaded %d in %.0f ms%n",
            Files.size(directory.resolve("session.db")) / 1_000,
            count,
            (System.nanoTime() - start) / 1e6);
      }
    }
  }

  private static void memory(Path base) throws IOException {
    List<SessionStore> stores = new ArrayList<>();
    usedBytes();
    for (int count : new int[] {50, 250}) {
      long before = usedBytes();
      int first = stores.size();
      while (stores.size() < count) {
        Path directory = Files.createTempDirectory(base, "memory");
        SessionStore store =
            DiskSessionStore.in(directory).durability(Durability.OS).open("speed" + stores.size());
        store.load();
        for (int i = 0; i < 200; i++) {
          store.putOutgoing(message(i));
          store.commit();
        }
        stores.add(store);
      }
      System.out.printf(
          Locale.ROOT,
          "an open store with 200 messages: %.1f kB of heap%n",
          (usedBytes() - before) / 1e3 / (count - first));
    }
    stores.forEach(SessionStore::close);
  }

  private static long usedBytes() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
