// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store.measure;

import com.sleepycat.je.Database;
import com.sleepycat.je.DatabaseConfig;
import com.sleepycat.je.DatabaseEntry;
import com.sleepycat.je.Durability;
import com.sleepycat.je.Environment;
import com.sleepycat.je.EnvironmentConfig;
import com.sleepycat.je.Transaction;
import com.sleepycat.je.TransactionConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import jetbrains.exodus.ArrayByteIterable;
import jetbrains.exodus.bindings.LongBinding;
import jetbrains.exodus.env.Environments;
import jetbrains.exodus.env.StoreConfig;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.type.ByteArrayDataType;
import org.h2.mvstore.type.LongDataType;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * Measures embedded stores at what a session asks of them: values of 100 bytes, each put and removed with a later batch, one
 * sync per batch. Each store as its manual would have it. Arguments: a directory on the disk to measure, seconds per row.
 */
public final class CompareStores {
  private static final int[] BATCHES = {1, 10, 100, 1_000};
  private static final byte[] VALUE = new byte[100];

  /** What is asked of a candidate; the changes since the last commit last when commit returns. */
  interface Candidate extends AutoCloseable {
    void put(long key);

    void remove(long key);

    void commit();

    @Override
    void close();
  }

  /** Opens a candidate. */
  interface Opener {
    Candidate open(Path directory) throws Exception;
  }

  record Named(String name, Opener opener) {}

  private static final List<Named> CANDIDATES =
      List.of(
          new Named("raw append", directory -> new Raw(directory, 0)),
          new Named("raw overwrite", directory -> new Raw(directory, 1 << 26)),
          new Named("MVStore", Mv::new),
          new Named("RocksDB", Rocks::new),
          new Named("Berkeley DB JE", Je::new),
          new Named("Xodus", Xodus::new));

  public static void main(String[] arguments) throws Exception {
    Path base = Path.of(arguments.length > 0 ? arguments[0] : "target/measure");
    double seconds = arguments.length > 1 ? Double.parseDouble(arguments[1]) : 2;
    Files.createDirectories(base);
    System.out.printf(Locale.ROOT, "%-16s %10s %10s %10s %10s   durable publishes per second at so many per sync%n",
        "", "1", "10", "100", "1000");
    for (Named candidate : CANDIDATES) {
      StringBuilder row = new StringBuilder(String.format(Locale.ROOT, "%-16s", candidate.name));
      for (int batch : BATCHES) {
        Path directory = fresh(base);
        try (Candidate store = candidate.opener.open(directory)) {
          run(store, batch, seconds / 4);
          row.append(String.format(Locale.ROOT, " %10.0f", run(store, batch, seconds)));
        }
      }
      System.out.println(row);
    }
    System.out.printf(Locale.ROOT, "%n%-16s %14s %14s %16s%n", "", "1M put/remove", "100,000 held", "opened and read");
    for (Named candidate : CANDIDATES.subList(2, CANDIDATES.size())) {
      growth(candidate, base);
    }
    delete(base);
  }

  private static double run(Candidate store, int batch, double seconds) {
    long end = System.nanoTime() + (long) (seconds * 1e9);
    long start = System.nanoTime();
    long key = 0;
    while (System.nanoTime() < end) {
      for (int i = 0; i < batch; i++, key++) {
        store.put(key);
        if (key >= batch) {
          store.remove(key - batch);
        }
      }
      store.commit();
    }
    return key / ((System.nanoTime() - start) / 1e9);
  }

  private static void growth(Named candidate, Path base) throws Exception {
    Path directory = fresh(base);
    long largest = 0;
    try (Candidate store = candidate.opener.open(directory)) {
      for (long key = 0; key < 1_000_000; key++) {
        store.put(key);
        if (key >= 1_000) {
          store.remove(key - 1_000);
        }
        if (key % 1_000 == 999) {
          store.commit();
          largest = Math.max(largest, size(directory));
        }
      }
    }
    long after = size(directory);
    directory = fresh(base);
    try (Candidate store = candidate.opener.open(directory)) {
      for (long key = 0; key < 100_000; key++) {
        store.put(key);
        if (key % 1_000 == 999) {
          store.commit();
        }
      }
    }
    long held = size(directory);
    long start = System.nanoTime();
    long count;
    try (Candidate store = candidate.opener.open(directory)) {
      count = store instanceof Counting counting ? counting.count() : -1;
    }
    System.out.printf(Locale.ROOT, "%-16s %4.1f (max %4.1f) MB %9.1f MB %9.0f ms (%d)%n", candidate.name,
        after / 1e6, largest / 1e6, held / 1e6, (System.nanoTime() - start) / 1e6, count);
  }

  /** Reads everything. */
  interface Counting {
    long count();
  }

  private static final class Raw implements Candidate {
    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
    private final long length;
    private long position;

    Raw(Path directory, long length) throws IOException {
      this.length = length;
      channel = FileChannel.open(directory.resolve("raw"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      for (long at = 0; at < length; at += buffer.capacity()) {
        channel.write(buffer.clear(), at);
      }
      channel.force(true);
      buffer.clear();
    }

    @Override
    public void put(long key) {
      buffer.putLong(key).put(VALUE);
    }

    @Override
    public void remove(long key) {
      buffer.putLong(-key);
    }

    @Override
    public void commit() {
      try {
        buffer.flip();
        if (length > 0 && position + buffer.remaining() > length) {
          position = 0;
        }
        position += channel.write(buffer, position);
        channel.force(false);
        buffer.clear();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static final class Mv implements Candidate, Counting {
    private final MVStore store;
    private final MVMap<Long, byte[]> map;

    Mv(Path directory) {
      store = new MVStore.Builder().fileName(directory.resolve("store").toString()).autoCommitDisabled().open();
      store.setRetentionTime(0);
      map = store.openMap("messages",
          new MVMap.Builder<Long, byte[]>().keyType(LongDataType.INSTANCE).valueType(ByteArrayDataType.INSTANCE));
    }

    @Override
    public void put(long key) {
      map.put(key, VALUE);
    }

    @Override
    public void remove(long key) {
      map.remove(key);
    }

    @Override
    public void commit() {
      store.commit();
      store.sync();
    }

    @Override
    public long count() {
      long count = 0;
      for (var cursor = map.cursor(null); cursor.hasNext(); cursor.next()) {
        count++;
      }
      return count;
    }

    @Override
    public void close() {
      store.close();
    }
  }

  private static final class Rocks implements Candidate, Counting {
    private final Options options = new Options().setCreateIfMissing(true);
    private final WriteOptions write = new WriteOptions().setSync(true);
    private final RocksDB store;
    private WriteBatch batch = new WriteBatch();

    Rocks(Path directory) throws RocksDBException {
      RocksDB.loadLibrary();
      store = RocksDB.open(options, directory.toString());
    }

    @Override
    public void put(long key) {
      try {
        batch.put(bytes(key), VALUE);
      } catch (RocksDBException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void remove(long key) {
      try {
        batch.delete(bytes(key));
      } catch (RocksDBException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void commit() {
      try {
        store.write(write, batch);
        batch.clear();
      } catch (RocksDBException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public long count() {
      long count = 0;
      try (var iterator = store.newIterator()) {
        for (iterator.seekToFirst(); iterator.isValid(); iterator.next()) {
          count++;
        }
      }
      return count;
    }

    @Override
    public void close() {
      batch.close();
      store.close();
      write.close();
      options.close();
    }
  }

  private static final class Je implements Candidate, Counting {
    private final Environment environment;
    private final Database database;
    private Transaction transaction;

    Je(Path directory) {
      EnvironmentConfig config = new EnvironmentConfig();
      config.setAllowCreate(true).setTransactional(true).setCacheSize(16 << 20);
      environment = new Environment(directory.toFile(), config);
      database = environment.openDatabase(null, "messages", new DatabaseConfig().setAllowCreate(true).setTransactional(true));
    }

    private Transaction transaction() {
      if (transaction == null) {
        transaction =
            environment.beginTransaction(null, new TransactionConfig().setDurability(Durability.COMMIT_SYNC));
      }
      return transaction;
    }

    @Override
    public void put(long key) {
      database.put(transaction(), new DatabaseEntry(bytes(key)), new DatabaseEntry(VALUE));
    }

    @Override
    public void remove(long key) {
      database.delete(transaction(), new DatabaseEntry(bytes(key)));
    }

    @Override
    public void commit() {
      transaction().commit();
      transaction = null;
    }

    @Override
    public long count() {
      return database.count();
    }

    @Override
    public void close() {
      if (transaction != null) {
        transaction.abort();
      }
      database.close();
      environment.close();
    }
  }

  private static final class Xodus implements Candidate, Counting {
    private final jetbrains.exodus.env.Environment environment;
    private final jetbrains.exodus.env.Store store;
    private jetbrains.exodus.env.Transaction transaction;

    Xodus(Path directory) {
      environment =
          Environments.newInstance(directory.toFile(),
              new jetbrains.exodus.env.EnvironmentConfig().setLogDurableWrite(true).setLogCacheShared(true).setMemoryUsage(16 << 20));
      store = environment.computeInTransaction(
          begun -> environment.openStore("messages", StoreConfig.WITHOUT_DUPLICATES, begun));
    }

    private jetbrains.exodus.env.Transaction transaction() {
      if (transaction == null) {
        transaction = environment.beginTransaction();
      }
      return transaction;
    }

    @Override
    public void put(long key) {
      store.put(transaction(), LongBinding.longToEntry(key), new ArrayByteIterable(VALUE));
    }

    @Override
    public void remove(long key) {
      store.delete(transaction(), LongBinding.longToEntry(key));
    }

    @Override
    public void commit() {
      if (!transaction().commit()) {
        throw new IllegalStateException("not committed");
      }
      transaction = null;
    }

    @Override
    public long count() {
      return environment.computeInReadonlyTransaction(store::count);
    }

    @Override
    public void close() {
      if (transaction != null) {
        transaction.abort();
      }
      environment.close();
    }
  }

  private static byte[] bytes(long key) {
    return ByteBuffer.allocate(8).putLong(key).array();
  }

  private static Path fresh(Path base) throws IOException {
    return Files.createTempDirectory(base, "run");
  }

  private static long size(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
