// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.MqttStoreException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a directory for one store of one process. The operating system lets go of it when the
 * process ends, however it ends. Any thread.
 */
final class DirectoryLock implements Closeable {
  /** Beyond the text: some systems do not let others read what is locked. */
  private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

  private static final int TEXT_BYTES = 32;
  private static final String PROCESS = "process ";

  /** Directories that are open in this process; guarded by itself. */
  private static final Set<Path> OPEN = new HashSet<>();

  /**
   * Channels of lock files that another class loader of this process has locked. They stay open:
   * closing one would end that lock, since the system keeps one per process. Guarded by {@link
   * #OPEN}.
   */
  private static final List<FileChannel> NEVER_CLOSED = new ArrayList<>();

  private final Path directory;
  private @Nullable FileChannel channel;

  private DirectoryLock(Path directory, FileChannel channel) {
    this.directory = directory;
    this.channel = channel;
  }

  /**
   * Locks a directory.
   *
   * @param directory the real path of the directory
   * @throws MqttStoreException if somebody else has it
   */
  static DirectoryLock of(Path directory, Path file) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      synchronized (OPEN) {
        if (!OPEN.add(directory)) {
          throw inUse(directory, "another client of this process");
        }
        DirectoryLock lock = null;
        try {
          while (lock == null) {
            try {
              lock = new DirectoryLock(directory, lock(directory, file));
            } catch (ClosedByInterruptException e) {
              // The interrupt has closed the channel, and the lock with it.
              interrupted |= Thread.interrupted();
            }
          }
          return lock;
        } finally {
          if (lock == null) {
            OPEN.remove(directory);
          }
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static FileChannel lock(Path directory, Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    boolean keep = false;
    try {
      FileLock lock = channel.tryLock(LOCKED_BYTE, 1, false);
      if (lock == null) {
        throw inUse(directory, holder(channel));
      }
      String text = String.format("%-" + TEXT_BYTES + "s", PROCESS + ProcessHandle.current().pid());
      channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)), 0);
      keep = true;
      return channel;
    } catch (OverlappingFileLockException e) {
      NEVER_CLOSED.add(channel);
      keep = true;
      throw inUse(directory, "another client of this process");
    } finally {
      if (!keep) {
        channel.close();
      }
    }
  }

  private static String holder(FileChannel channel) {
    ByteBuffer bytes = ByteBuffer.allocate(TEXT_BYTES);
    try {
      channel.read(bytes, 0);
    } catch (IOException e) {
      return "another process";
    }
    String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.US_ASCII).trim();
    return text.matches(PROCESS + "\\d+") ? text : "another process";
  }

  private static MqttStoreException inUse(Path directory, String by) {
    return new MqttStoreException(
        "The session in "
            + directory
            + " is in use by "
            + by
            + ". Give each client a directory of its own, or end the other one first.",
        null);
  }

  @Override
  public void close() throws IOException {
    synchronized (OPEN) {
      FileChannel open = channel;
      if (open != null) {
        channel = null;
        OPEN.remove(directory);
        open.close();
      }
    }
  }
}
