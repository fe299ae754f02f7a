// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Files on a disk that fails after so many writes and syncs, in the middle of a write. */
final class FaultyAccess implements FileAccess {
  /** How many writes and syncs still work. */
  int left = Integer.MAX_VALUE;

  /** How many syncs there were. */
  volatile int syncs;

  private void use(@Nullable ByteBuffer partly, long position, FileChannel channel)
      throws IOException {
    if (left-- <= 0) {
      left = 0;
      if (partly != null) {
        ByteBuffer half = partly.duplicate();
        half.limit(half.position() + half.remaining() / 2);
        channel.write(half, position);
      }
      throw new IOException("No space left on device");
    }
  }

  @Override
  public FileChannel open(Path file, OpenOption... options) throws IOException {
    return new FaultyChannel(FileChannel.open(file, options));
  }

  private final class FaultyChannel extends FileChannel {
    private final FileChannel channel;

    FaultyChannel(FileChannel channel) {
      this.channel = channel;
    }

    @Override
    public int write(ByteBuffer source, long position) throws IOException {
      use(source, position, channel);
      return channel.write(source, position);
    }

    @Override
    public void force(boolean metaData) throws IOException {
      syncs++;
      use(null, 0, channel);
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      return channel.read(target, position);
    }

    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public FileChannel truncate(long size) throws IOException {
      channel.truncate(size);
      return this;
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) throws IOException {
      return channel.map(mode, position, size);
    }

    @Override
    protected void implCloseChannel() throws IOException {
      channel.close();
    }

    @Override
    public int read(ByteBuffer target) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long read(ByteBuffer[] targets, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int write(ByteBuffer source) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long position() {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel position(long newPosition) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long transferFrom(ReadableByteChannel source, long position, long count) {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) {
      throw new UnsupportedOperationException();
    }
  }
}
