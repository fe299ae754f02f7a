// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file whose channel survives interrupts. Java closes a channel when the thread that uses it is
 * interrupted; a driver may be interrupted at any time, and the session must not be lost by it. So
 * the interrupt is put aside for the time of the call, and what was closed is opened again: all
 * calls name their position, so they can be repeated.
 *
 * <p>Any thread may call; the driver writes and reads, the thread of {@link IntervalSync} forces.
 */
final class UninterruptedFile implements Closeable {
  private static final OpenOption[] WRITABLE = {
    StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE
  };
  private static final OpenOption[] READ_ONLY = {StandardOpenOption.READ};

  private final FileAccess access;
  private final OpenOption[] options;
  private Path path; // guarded by this
  private boolean closed; // guarded by this
  private volatile FileChannel channel; // written under this

  UninterruptedFile(FileAccess access, Path path, boolean readOnly) throws IOException {
    this.access = access;
    this.path = path;
    this.options = readOnly ? READ_ONLY : WRITABLE;
    this.channel = access.open(path, options);
  }

  /** The file was renamed while it is open. */
  synchronized void renamedTo(Path newPath) {
    path = newPath;
  }

  long size() throws IOException {
    return call(FileChannel::size);
  }

  /** Reads from the position until the buffer is full or the file ends. */
  void read(ByteBuffer buffer, long position) throws IOException {
    int start = buffer.position();
    call(
        file -> {
          buffer.position(start);
          while (buffer.hasRemaining()) {
            if (file.read(buffer, position + buffer.position() - start) < 0) {
              break;
            }
          }
          return buffer;
        });
  }

  /** Writes all of the buffer at the position. */
  void write(ByteBuffer buffer, long position) throws IOException {
    int start = buffer.position();
    call(
        file -> {
          buffer.position(start);
          while (buffer.hasRemaining()) {
            file.write(buffer, position + buffer.position() - start);
          }
          return buffer;
        });
  }

  void truncate(long size) throws IOException {
    call(file -> file.truncate(size));
  }

  /** Returns when the file's content is on stable storage. */
  void force() throws IOException {
    call(
        file -> {
          file.force(false);
          return file;
        });
  }

  <T> T call(Operation<T> operation) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        FileChannel current = channel;
        try {
          return operation.on(current);
        } catch (ClosedChannelException e) {
          interrupted |= Thread.interrupted();
          reopen(current, e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private synchronized void reopen(FileChannel broken, ClosedChannelException cause)
      throws IOException {
    if (closed) {
      throw cause;
    }
    if (channel == broken) {
      channel = access.open(path, options);
    }
  }

  @Override
  public synchronized void close() throws IOException {
    closed = true;
    channel.close();
  }

  /** Something done with the channel; repeated if an interrupt closes it. */
  @FunctionalInterface
  interface Operation<T> {
    T on(FileChannel channel) throws IOException;
  }
}
