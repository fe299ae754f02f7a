// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a file of sealed blocks holds, found by one pass over it before the database reads it.
 *
 * @param blocksInUse the number of blocks up to the last one that is not empty
 * @param headerVersion the version that the file's head speaks of; the last one may be newer
 * @param isCut whether the file ends within a block
 * @param finished the commits that were written to their end, by version
 */
record BlockScan(
    long blocksInUse, long headerVersion, boolean isCut, TreeMap<Long, Commit> finished) {
  /** Where in a commit's last block the database says what it is. */
  private static final int FOOTER_BYTES = 128;

  private static final int HEADER_BLOCKS = 2;

  private static final Pattern FOOTER =
      Pattern.compile("chunk:([0-9a-f]+),len:([0-9a-f]+),version:([0-9a-f]+),.*", Pattern.DOTALL);
  private static final Pattern HEADER_VERSION = Pattern.compile("[^\n]*,version:([0-9a-f]+)");

  /**
   * A commit in the file.
   *
   * @param version its version
   * @param chunk what the database calls it
   * @param block where it begins
   */
  record Commit(long version, int chunk, long block) {}

  static BlockScan of(SealedBlocks blocks) throws IOException {
    long[] inUse = new long[1];
    long[] headerVersion = new long[1];
    TreeMap<Long, Commit> finished = new TreeMap<>();
    long count = blocks.blocks() + (blocks.endsWithinABlock() ? 1 : 0);
    blocks.read(
        0,
        count,
        (block, content, version, whole) -> {
          if (whole || version != 0 || !isEmpty(content)) {
            inUse[0] = block + 1;
          }
          if (whole && version == 0) {
            headerVersion[0] = Math.max(headerVersion[0], headerVersion(content));
          }
          if (whole && version != 0 && block >= HEADER_BLOCKS) {
            Commit commit = lastBlockOf(content, block, version);
            if (commit != null) {
              finished.put(version, commit);
            }
          }
        });
    return new BlockScan(inUse[0], headerVersion[0], blocks.endsWithinABlock(), finished);
  }

  private static @Nullable Commit lastBlockOf(ByteBuffer content, long block, long version) {
    int at = SealedBlocks.BLOCK_BYTES - FOOTER_BYTES;
    if (content.get(at) != 'c') {
      return null;
    }
    Matcher footer = FOOTER.matcher(text(content, at, FOOTER_BYTES));
    if (!footer.matches() || Long.parseUnsignedLong(footer.group(3), 16) != version) {
      return null;
    }
    long length = Long.parseUnsignedLong(footer.group(2), 16);
    return new Commit(version, Integer.parseUnsignedInt(footer.group(1), 16), block - length + 1);
  }

  private static long headerVersion(ByteBuffer content) {
    Matcher header = HEADER_VERSION.matcher(text(content, 0, 256));
    return header.lookingAt() ? Long.parseUnsignedLong(header.group(1), 16) : 0;
  }

  private static String text(ByteBuffer content, int at, int length) {
    byte[] bytes = new byte[length];
    content.get(at, bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
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
