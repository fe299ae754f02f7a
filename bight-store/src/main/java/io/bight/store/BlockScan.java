// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;

/**
 * What a file of sealed blocks holds, found by one pass over it before the database reads it.
 *
 * @param blocksInUse the number of blocks up to the last one that is not empty
 * @param damagedBlocks how many blocks are neither whole nor empty
 * @param versions the versions of which blocks are left, with whether their last block is there
 */
record BlockScan(long blocksInUse, long damagedBlocks, TreeMap<Long, Boolean> versions) {
  /** Where in a commit's last block the database says that this is one. */
  private static final int FOOTER_AT = SealedBlocks.BLOCK_BYTES - 128;

  private static final byte[] FOOTER = "chunk:".getBytes(StandardCharsets.ISO_8859_1);

  static BlockScan of(SealedBlocks blocks) throws IOException {
    long[] inUse = new long[1];
    long[] damaged = new long[1];
    TreeMap<Long, Boolean> versions = new TreeMap<>();
    long count = blocks.blocks() + (blocks.endsWithinABlock() ? 1 : 0);
    blocks.read(
        0,
        count,
        (block, content, version, whole) -> {
          if (whole) {
            inUse[0] = block + 1;
            if (version > 0) {
              versions.merge(version, isFooter(content), Boolean::logicalOr);
            }
          } else if (version != 0 || !isEmpty(content)) {
            inUse[0] = block + 1;
            damaged[0]++;
          }
        });
    return new BlockScan(inUse[0], damaged[0], versions);
  }

  /** The last version that was written to its end; 0: none. */
  long newestFinished() {
    for (var version : versions.descendingMap().entrySet()) {
      if (version.getValue()) {
        return version.getKey();
      }
    }
    return 0;
  }

  private static boolean isFooter(ByteBuffer content) {
    for (int i = 0; i < FOOTER.length; i++) {
      if (content.get(FOOTER_AT + i) != FOOTER[i]) {
        return false;
      }
    }
    return true;
  }

  private static boolean isEmpty(ByteBuffer content) {
    for (int i = 0; i < SealedBlocks.BLOCK_BYTES; i += Long.BYTES) {
      if (content.getLong(i) != 0) {
        return false;
      }
    }
    return true;
  }
}
