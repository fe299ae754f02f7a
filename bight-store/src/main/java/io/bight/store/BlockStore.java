// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.store.BlockScan.Commit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.ZipOutputStream;
import org.h2.mvstore.DataUtils;
import org.h2.mvstore.FileStore;
import org.h2.mvstore.MVStoreException;
import org.h2.mvstore.RandomAccessStore;
import org.h2.mvstore.SFChunk;
import org.h2.mvstore.WriteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What the database MVStore writes to, in place of its own file: sealed blocks, syncs only when
 * they are asked for, a length that changes in steps, and no space used again that a power failure
 * might still ask for.
 *
 * <p>Of its own accord MVStore syncs and cuts its file after most commits, syncs the file's times
 * too, and may write over what the last synced version needs. The driver's, but for {@link #force}.
 */
final class BlockStore extends RandomAccessStore {
  /** A file below this size is not made smaller. */
  private static final long SMALL_BLOCKS = 64;

  private static final int HEADER_BLOCKS = 2;

  /**
   * The first commit takes one block and says which tables there are. It is never written anew, so
   * it has a spare, in place of the second of two headers.
   */
  private static final long FIRST_VERSION = 1;

  private static final long FIRST_BLOCK = 2;
  private static final long SPARE_BLOCK = 1;

  /** Space that is free as soon as the commit with this number is synced. */
  private record Freed(long block, int blocks, long commit) {}

  private final SealedBlocks blocks;
  private final boolean holdsFreedSpace;
  private final boolean isRecovery;

  /** The commit to begin with; blocks of later ones do not exist. Null: the file is new. */
  private final @Nullable Commit newest;

  private final ArrayDeque<Freed> freed = new ArrayDeque<>();
  private long freedBlocks;
  private long commit;

  /** What is to be written anew elsewhere; null: what MVStore finds. */
  private @Nullable Collection<SFChunk> rewriteCandidates;

  private boolean closing;
  private boolean closed;

  /** From now on there may be later commits: our own. */
  private boolean isOpen;

  private BlockStore(
      String name,
      SealedBlocks blocks,
      boolean readOnly,
      boolean holdsFreedSpace,
      @Nullable Commit newest,
      long blocksInUse,
      Map<String, Object> config) {
    super(config);
    this.blocks = blocks;
    this.holdsFreedSpace = holdsFreedSpace;
    this.newest = newest;
    this.isRecovery = readOnly;
    this.isOpen = newest == null;
    if (blocksInUse > 0 && newest == null) {
      // Of less than the headers MVStore would look for the beginning for ever.
      throw new IllegalStateException(name + " holds no commit");
    }
    init(name, readOnly);
    setSize(blocksInUse * SealedBlocks.BLOCK_BYTES);
    // Space is used again when no version needs it, whatever the clock says.
    setRetentionTime(-1);
  }

  /** No pages are kept in memory beyond those a commit changes. */
  private static Map<String, Object> config() {
    Map<String, Object> config = new HashMap<>();
    config.put("cacheSize", 0);
    config.put("pageSplitSize", 8 * 1024);
    return config;
  }

  /**
   * For use.
   *
   * @param holdsFreedSpace whether space is used again only after a sync
   */
  static BlockStore writable(
      String name, SealedBlocks blocks, BlockScan scan, boolean holdsFreedSpace) {
    var newest = scan.finished().lastEntry();
    return new BlockStore(
        name,
        blocks,
        false,
        holdsFreedSpace,
        newest == null ? null : newest.getValue(),
        scan.blocksInUse(),
        config());
  }

  /** For recovery: as it was at a commit, and with nothing in place of what cannot be read. */
  static BlockStore asOf(String name, SealedBlocks blocks, BlockScan scan, Commit newest) {
    Map<String, Object> config = config();
    config.put("recoveryMode", 1);
    return new BlockStore(name, blocks, true, false, newest, scan.blocksInUse(), config);
  }

  @Override
  public ByteBuffer readFully(@Nullable SFChunk chunk, long pos, int len) {
    ByteBuffer content = ByteBuffer.allocate(len);
    long first = pos / SealedBlocks.BLOCK_BYTES;
    long last = (pos + len - 1) / SealedBlocks.BLOCK_BYTES;
    if (chunk == null && pos == 0) {
      return header();
    }
    try {
      blocks.read(
          first,
          last - first + 1,
          (block, bytes, version, whole) -> {
            boolean fits =
                whole
                    && (isOpen || newest == null || version <= newest.version())
                    && (chunk == null || version == chunk.version);
            if (fits) {
              int from = (int) Math.max(0, pos - block * SealedBlocks.BLOCK_BYTES);
              int count = Math.min(SealedBlocks.BLOCK_BYTES - from, content.remaining());
              content.put(bytes.slice(from, count));
            } else if (isRecovery && block == FIRST_BLOCK && readSpare(pos, content)) {
              // The spare is whole.
            } else if (isRecovery && chunk == null && standsIn(pos, len, content)) {
              // What the list of chunks says of it will do.
            } else {
              throw new IOException("block " + block + " is damaged");
            }
          });
    } catch (IOException e) {
      throw failed(DataUtils.ERROR_READING_FAILED, "Reading", e);
    }
    content.flip();
    readCount.incrementAndGet();
    readBytes.addAndGet(len);
    return content;
  }

  private boolean readSpare(long pos, ByteBuffer content) throws IOException {
    int from = (int) Math.max(0, pos - FIRST_BLOCK * SealedBlocks.BLOCK_BYTES);
    int count = Math.min(SealedBlocks.BLOCK_BYTES - from, content.remaining());
    boolean[] isWhole = new boolean[1];
    blocks.read(
        SPARE_BLOCK,
        1,
        (block, bytes, version, whole) -> {
          isWhole[0] = whole && version == FIRST_VERSION;
          if (isWhole[0]) {
            content.put(bytes.slice(from, count));
          }
        });
    return isWhole[0];
  }

  /**
   * Where the first or the last block of a chunk cannot be read, MVStore would give up all of the
   * file; what another chunk says of this one is enough to read the pages that are left.
   */
  private boolean standsIn(long pos, int len, ByteBuffer content) {
    if (content.position() != 0) {
      return false;
    }
    for (SFChunk chunk : getChunks().values()) {
      if (chunk.block * SealedBlocks.BLOCK_BYTES == pos) {
        byte[] header = (chunk.asString() + '\n').getBytes(StandardCharsets.ISO_8859_1);
        if (header.length > len) {
          return false;
        }
        content.put(header);
        content.position(len);
        return true;
      }
      if ((chunk.block + chunk.len) * SealedBlocks.BLOCK_BYTES - len == pos) {
        Map<String, Object> footer = new HashMap<>();
        footer.put("chunk", chunk.id);
        footer.put("len", chunk.len);
        footer.put("version", chunk.version);
        content.put(checked(footer));
        content.position(len);
        return true;
      }
    }
    return false;
  }

  private static byte[] checked(Map<String, Object> values) {
    StringBuilder text = DataUtils.appendMap(new StringBuilder(), new HashMap<>(values));
    byte[] bytes = text.toString().getBytes(StandardCharsets.ISO_8859_1);
    DataUtils.appendMap(text, "fletcher", DataUtils.getFletcher32(bytes, 0, bytes.length));
    return text.append('\n').toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  /**
   * The headers lead MVStore to the commit that the scan has found to be the last: those in the
   * file may be older, or damaged.
   */
  private ByteBuffer header() {
    Map<String, Object> header = new HashMap<>();
    header.put("H", 2);
    header.put("blockSize", SealedBlocks.BLOCK_BYTES);
    header.put("format", 3);
    header.put("created", 0L);
    if (newest != null) {
      header.put("block", newest.block());
      header.put("chunk", newest.chunk());
      header.put("version", newest.version());
    }
    byte[] whole = checked(header);
    ByteBuffer content = ByteBuffer.allocate(HEADER_BLOCKS * SealedBlocks.BLOCK_BYTES);
    content.put(0, whole);
    content.put(SealedBlocks.BLOCK_BYTES, whole);
    return content;
  }

  /** Recovery does not ask for more than it needs: what MVStore tries last is the strictest. */
  @Override
  protected void readStoreHeader(boolean recoveryMode) {
    super.readStoreHeader(false);
    isOpen = !isRecovery;
  }

  @Override
  protected void writeFully(@Nullable SFChunk chunk, long pos, ByteBuffer src) {
    int length = src.remaining();
    try {
      if (chunk == null && pos == 0) {
        src.limit(src.position() + SealedBlocks.BLOCK_BYTES);
      } else if (chunk != null && chunk.version == FIRST_VERSION && chunk.len == 1) {
        blocks.write(SPARE_BLOCK, src.duplicate(), FIRST_VERSION);
      }
      blocks.write(pos / SealedBlocks.BLOCK_BYTES, src, chunk == null ? 0 : chunk.version);
    } catch (IOException e) {
      throw failed(DataUtils.ERROR_WRITING_FAILED, "Writing", e);
    }
    setSize(Math.max(size(), pos + length));
    writeCount.incrementAndGet();
    writeBytes.addAndGet(length);
  }

  private MVStoreException failed(int code, String what, IOException cause) {
    return DataUtils.newMVStoreException(code, "{0} {1} failed", what, getFileName(), cause);
  }

  long fileBytes() {
    return blocks.fileBytes();
  }

  /** A commit begins; what it frees is free when {@link #onForced} is told its number. */
  long beginCommit() {
    return ++commit;
  }

  /** Returns when what was written is on stable storage. Any thread. */
  void force() throws IOException {
    blocks.force();
  }

  /** Everything up to a commit is on stable storage. */
  void onForced(long forcedCommit) {
    saveChunkLock.lock();
    try {
      while (!freed.isEmpty() && freed.peek().commit <= forcedCommit) {
        Freed next = freed.poll();
        freedBlocks -= next.blocks;
        free(next.block * SealedBlocks.BLOCK_BYTES, next.blocks * SealedBlocks.BLOCK_BYTES);
      }
    } finally {
      saveChunkLock.unlock();
    }
  }

  /** How much waits for a sync before it can be used again. */
  long heldBytes() {
    return freedBlocks * SealedBlocks.BLOCK_BYTES;
  }

  @Override
  protected void freeChunkSpace(Iterable<SFChunk> chunks) {
    if (!holdsFreedSpace) {
      super.freeChunkSpace(chunks);
      return;
    }
    for (SFChunk chunk : chunks) {
      freed.add(new Freed(chunk.block, chunk.len, commit));
      freedBlocks += chunk.len;
    }
  }

  /** How much of the file is of use, about. */
  long liveBytes() {
    long live = 0;
    for (SFChunk chunk : getChunks().values()) {
      live += chunk.maxLenLive;
    }
    return live;
  }

  /** Chooses what is written anew elsewhere, so that its space becomes free. */
  boolean chooseRewrite(long liveBytes) {
    long goal = 2 * liveBytes / SealedBlocks.BLOCK_BYTES + SMALL_BLOCKS;
    rewriteCandidates =
        getChunks().values().stream()
            .filter(chunk -> chunk.version > FIRST_VERSION)
            .filter(chunk -> chunk.block + chunk.len > goal || chunk.maxLenLive < chunk.maxLen / 2)
            .toList();
    return !rewriteCandidates.isEmpty();
  }

  void endRewrite() {
    rewriteCandidates = null;
  }

  @Override
  public @Nullable Collection<SFChunk> getRewriteCandidates() {
    return rewriteCandidates;
  }

  /** Cuts the file behind what is in use, leaving some room. After a sync only. */
  void shrink() {
    saveChunkLock.lock();
    try {
      long inUse = getAfterLastBlock_();
      if (blocks.blocks() > 2 * inUse + SMALL_BLOCKS) {
        cut(inUse + inUse / 4);
      }
    } finally {
      saveChunkLock.unlock();
    }
  }

  private void cut(long keptBlocks) {
    try {
      blocks.truncate(keptBlocks);
    } catch (IOException e) {
      throw failed(DataUtils.ERROR_WRITING_FAILED, "Cutting", e);
    }
    setSize(Math.min(size(), keptBlocks * SealedBlocks.BLOCK_BYTES));
  }

  @Override
  protected void shrinkStoreIfPossible(int minPercent) {
    if (closing) {
      cut(getAfterLastBlock_());
    }
  }

  /** The last commit of an orderly end is synced before anything is cut. */
  @Override
  protected void writeCleanShutdown() {
    if (holdsFreedSpace) {
      forceNow();
      onForced(Long.MAX_VALUE);
    }
    closing = true;
    super.writeCleanShutdown();
  }

  /** MVStore asks for this more often than is needed; only the end of the store is honoured. */
  @Override
  public void sync() {
    if (closing && holdsFreedSpace) {
      forceNow();
    }
  }

  private void forceNow() {
    try {
      force();
    } catch (IOException e) {
      throw failed(DataUtils.ERROR_WRITING_FAILED, "Syncing", e);
    }
  }

  @Override
  protected void truncate(long size) {
    // See shrinkStoreIfPossible.
  }

  @Override
  public WriteBuffer getWriteBuffer() {
    return Buffers.takeChunk();
  }

  @Override
  public void releaseWriteBuffer(WriteBuffer buff) {
    Buffers.releaseChunk(buff);
  }

  @Override
  public void open(String fileName, boolean readOnly, char[] encryptionKey) {
    throw new UnsupportedOperationException("it is open");
  }

  @Override
  public FileStore<SFChunk> open(String fileName, boolean readOnly) {
    throw new UnsupportedOperationException("it is open");
  }

  @Override
  public void backup(ZipOutputStream out) {
    throw new UnsupportedOperationException("copy the directory of a store that is closed");
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      blocks.close();
    } catch (IOException e) {
      throw failed(DataUtils.ERROR_WRITING_FAILED, "Closing", e);
    } finally {
      super.close();
    }
  }
}
