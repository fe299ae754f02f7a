// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * A file of blocks, each with a seal that tells whether it is whole and which commit wrote it. The
 * database above knows where its pages are, but not whether they are what it wrote; here a flipped
 * bit, a cut, and a block that a power failure left as it was before are all found when the block
 * is read.
 *
 * <pre>
 *   block n, at n * 4108:   4,096 bytes | version of the commit (8) | CRC-32C of these and n (4)
 * </pre>
 *
 * <p>The file is longer than what is in use, by zeros, and grows in steps: a sync that need not
 * record a new length and new places on the disk is about twice as fast.
 */
final class SealedBlocks implements Closeable {
  /** What the database reads and writes. */
  static final int BLOCK_BYTES = 4_096;

  static final int SEALED_BYTES = BLOCK_BYTES + 8 + 4;

  private static final int SLAB_BLOCKS = 64;
  static final int SLAB_BYTES = SLAB_BLOCKS * SEALED_BYTES;

  private static final long SMALLEST_STEP_BYTES = 64 * 1024;
  private static final long LARGEST_STEP_BYTES = 4 * 1024 * 1024;

  private final UninterruptedFile file;
  private long fileBytes;

  SealedBlocks(UninterruptedFile file) throws IOException {
    this.file = file;
    this.fileBytes = file.size();
  }

  /** How many whole blocks the file has, empty ones counted. */
  long blocks() {
    return fileBytes / SEALED_BYTES;
  }

  /** How long the file is. */
  long fileBytes() {
    return fileBytes;
  }

  /** Whether the file ends within a block, as one that was cut does. */
  boolean endsWithinABlock() {
    return fileBytes % SEALED_BYTES != 0;
  }

  /** What is to be done with the blocks that are read. */
  @FunctionalInterface
  interface BlockReader {
    /**
     * Takes a block.
     *
     * @param block its number
     * @param content its bytes, from position to limit; not to be kept
     * @param version the version it was written in, if it is whole
     * @param whole whether the seal fits
     */
    void onBlock(long block, ByteBuffer content, long version, boolean whole) throws IOException;
  }

  /** Reads blocks in order. Blocks behind the end of the file are not whole. */
  void read(long first, long count, BlockReader reader) throws IOException {
    ByteBuffer slab = Buffers.takeSlab();
    try {
      for (long block = first; block < first + count; ) {
        int blocks = (int) Math.min(SLAB_BLOCKS, first + count - block);
        slab.clear().limit(blocks * SEALED_BYTES);
        file.read(slab, block * SEALED_BYTES);
        // What is behind the end reads as zeros, whatever the buffer held before.
        while (slab.hasRemaining()) {
          slab.put((byte) 0);
        }
        for (int i = 0; i < blocks; i++, block++) {
          int at = i * SEALED_BYTES;
          slab.clear();
          boolean whole = slab.getInt(at + BLOCK_BYTES + 8) == seal(slab, at, block);
          slab.limit(at + BLOCK_BYTES).position(at);
          ByteBuffer content = slab.slice();
          slab.clear();
          reader.onBlock(block, content, slab.getLong(at + BLOCK_BYTES), whole);
        }
      }
    } finally {
      Buffers.releaseSlab(slab);
    }
  }

  /** Writes whole blocks. */
  void write(long first, ByteBuffer content, long version) throws IOException {
    ByteBuffer slab = Buffers.takeSlab();
    try {
      long block = first;
      while (content.hasRemaining()) {
        int blocks = Math.min(SLAB_BLOCKS, content.remaining() / BLOCK_BYTES);
        slab.clear();
        for (int i = 0; i < blocks; i++) {
          int at = i * SEALED_BYTES;
          slab.position(at).limit(at + SEALED_BYTES);
          slab.put(at, content, content.position(), BLOCK_BYTES);
          content.position(content.position() + BLOCK_BYTES);
          slab.putLong(at + BLOCK_BYTES, version);
          slab.putInt(at + BLOCK_BYTES + 8, seal(slab, at, block + i));
        }
        slab.clear().limit(blocks * SEALED_BYTES);
        file.write(slab, block * SEALED_BYTES);
        block += blocks;
      }
      long end = block * SEALED_BYTES;
      if (end > fileBytes) {
        fileBytes = end;
        prepareNextStep(slab);
      }
    } finally {
      Buffers.releaseSlab(slab);
    }
  }

  /** Writes zeros behind what is in use. Where there is no room for them, they are left out. */
  private void prepareNextStep(ByteBuffer slab) {
    long step = Math.min(Math.max(fileBytes / 4, SMALLEST_STEP_BYTES), LARGEST_STEP_BYTES);
    long target = (fileBytes + step) / SEALED_BYTES * SEALED_BYTES;
    slab.clear();
    while (slab.hasRemaining()) {
      slab.putLong(0);
    }
    try {
      while (fileBytes < target) {
        slab.clear().limit((int) Math.min(SLAB_BYTES, target - fileBytes));
        int length = slab.remaining();
        file.write(slab, fileBytes);
        fileBytes += length;
      }
    } catch (IOException e) {
      // The disk is full or nearly so. What is needed has been written; a part of the zeros may be.
      try {
        fileBytes = Math.max(fileBytes, file.size() / SEALED_BYTES * SEALED_BYTES);
      } catch (IOException unknown) {
        e.addSuppressed(unknown);
      }
    }
  }

  /** Gives back what is behind the block. */
  void truncate(long blocks) throws IOException {
    file.truncate(blocks * SEALED_BYTES);
    fileBytes = blocks * SEALED_BYTES;
  }

  /** Returns when what was written is on stable storage. Any thread. */
  void force() throws IOException {
    file.force();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  private static int seal(ByteBuffer slab, int at, long block) {
    int position = slab.position();
    int limit = slab.limit();
    CRC32C crc = new CRC32C();
    crc.update(slab.limit(at + BLOCK_BYTES + 8).position(at));
    slab.limit(limit).position(position);
    // Never 0 for a block of zeros, and never that of the same bytes at another place.
    return (int) crc.getValue() ^ (int) (block * 0x9E37_79B9L) ^ 0x5EA1_ED00;
  }
}
