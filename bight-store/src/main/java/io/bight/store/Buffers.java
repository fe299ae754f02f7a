// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import org.h2.mvstore.WriteBuffer;

/**
 * The buffers that commits need while they run, shared by all stores of the process: a store that
 * is idle holds none. Any thread.
 */
final class Buffers {
  /** More stores than this rarely commit at the same moment; further ones make their own. */
  private static final int KEPT = 4;

  /** What {@link WriteBuffer} begins with is 1 MB; a commit of one message needs 4 kB. */
  private static final int FIRST_BYTES = 64 * 1024;

  private static final int LARGEST_KEPT_BYTES = 4 * 1024 * 1024;

  private static final ArrayBlockingQueue<WriteBuffer> CHUNKS = new ArrayBlockingQueue<>(KEPT);
  private static final ArrayBlockingQueue<ByteBuffer> SLABS = new ArrayBlockingQueue<>(KEPT);

  private Buffers() {}

  /** A buffer in which the database puts a commit together. */
  static WriteBuffer takeChunk() {
    WriteBuffer buffer = CHUNKS.poll();
    if (buffer == null) {
      return new WriteBuffer(FIRST_BYTES);
    }
    buffer.clear();
    return buffer;
  }

  static void releaseChunk(WriteBuffer buffer) {
    if (buffer.capacity() <= LARGEST_KEPT_BYTES) {
      CHUNKS.offer(buffer);
    }
  }

  /** A direct buffer of {@link SealedBlocks#SLAB_BYTES}, empty. */
  static ByteBuffer takeSlab() {
    ByteBuffer slab = SLABS.poll();
    return slab == null ? ByteBuffer.allocateDirect(SealedBlocks.SLAB_BYTES) : slab.clear();
  }

  static void releaseSlab(ByteBuffer slab) {
    SLABS.offer(slab);
  }
}
