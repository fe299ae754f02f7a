// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel.MapMode;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * The packet identifiers of incoming QoS 2 messages that were handled, one byte each, in a file
 * that is mapped into memory: setting a byte costs nothing and survives the process at once. Taking
 * identifiers out waits for the commit; what is to go is written down first, so that a process that
 * is killed meanwhile leaves all of it or nothing.
 *
 * <pre>
 *       0  magic (8) | format version (4) | token (8)
 *      64  number of the removal below (8); it counts if the database has reached that number
 *   4,096  removal: a bit for each identifier
 *  12,288  marks: a byte for each identifier, 0xA5 handled, 0 free
 *  77,824  the end
 * </pre>
 *
 * <p>The driver's, but for {@link #force}. A mapping is let go by the garbage collector: until then
 * the file takes address space, and Windows does not let it be deleted.
 */
final class IncomingTable {
  static final int FORMAT_VERSION = 1;
  static final int FILE_BYTES = 77_824;

  private static final long MAGIC = 0x4269_6768_7451_6F32L; // "BightQo2"
  private static final int TOKEN_AT = 12;
  private static final int NUMBER_AT = 64;
  private static final int REMOVAL_AT = 4_096;
  private static final int MARKS_AT = 12_288;
  private static final int IDENTIFIERS = 65_536;
  private static final byte HANDLED = (byte) 0xA5;

  /**
   * What a file holds.
   *
   * @param isWhole whether it is as it was left
   * @param token what ties it to its session; 0: not known
   * @param marked the identifiers marked as handled
   * @param removal identifiers to be taken out if the database has reached the number
   * @param number the number of the removal; 0: none
   * @param badMarks how many identifiers have neither mark
   */
  record Found(
      boolean isWhole, long token, BitSet marked, BitSet removal, long number, int badMarks) {
    /** What was handled, given how far the database has come. */
    BitSet handled(long removals) {
      BitSet handled = (BitSet) marked.clone();
      if (number != 0 && number <= removals) {
        handled.andNot(removal);
      }
      return handled;
    }
  }

  private final MappedByteBuffer map;
  private final BitSet removal = new BitSet();
  private boolean isDirty;

  private IncomingTable(MappedByteBuffer map) {
    this.map = map;
  }

  /** Reads a file without believing it; it may have any length. */
  static Found read(UninterruptedFile file) throws IOException {
    long size = file.size();
    ByteBuffer content = ByteBuffer.allocate(FILE_BYTES);
    file.read(content, 0);
    boolean hasHead =
        size >= REMOVAL_AT
            && content.getLong(0) == MAGIC
            && content.getInt(Long.BYTES) == FORMAT_VERSION;
    BitSet marked = new BitSet();
    int badMarks = 0;
    for (int identifier = 1; identifier < IDENTIFIERS; identifier++) {
      byte mark = content.get(MARKS_AT + identifier);
      if (mark == HANDLED) {
        marked.set(identifier);
      } else if (mark != 0) {
        badMarks++;
      }
    }
    BitSet removal = BitSet.valueOf(content.slice(REMOVAL_AT, IDENTIFIERS / 8));
    boolean isWhole = hasHead && size == FILE_BYTES && badMarks == 0;
    return new Found(
        isWhole,
        hasHead ? content.getLong(TOKEN_AT) : 0,
        marked,
        removal,
        hasHead ? content.getLong(NUMBER_AT) : 0,
        badMarks);
  }

  /**
   * Writes a new file, every byte of it: a write through a mapping must not have to look for room
   * on the disk, since there is nobody it could tell of a failure.
   */
  static IncomingTable create(UninterruptedFile file, long token, BitSet handled)
      throws IOException {
    ByteBuffer content = ByteBuffer.allocate(FILE_BYTES);
    content.putLong(0, MAGIC).putInt(Long.BYTES, FORMAT_VERSION).putLong(TOKEN_AT, token);
    handled.stream().forEach(identifier -> content.put(MARKS_AT + identifier, HANDLED));
    file.write(content, 0);
    return map(file);
  }

  /**
   * Maps a file that was found whole, and ends the removal that a killed process has begun.
   *
   * @param removals how far the database has come
   */
  static IncomingTable goOn(UninterruptedFile file, Found found, long removals) throws IOException {
    IncomingTable table = map(file);
    if (found.number != 0 || !found.removal.isEmpty()) {
      table.removal.or(found.removal);
      if (found.number != 0 && found.number <= removals) {
        table.finishRemoval();
      } else {
        table.abandonRemoval();
      }
    }
    return table;
  }

  /** Maps a file that is as it should be. */
  private static IncomingTable map(UninterruptedFile file) throws IOException {
    if (file.size() != FILE_BYTES) {
      throw new IOException("it has " + file.size() + " B in place of " + FILE_BYTES);
    }
    return new IncomingTable(file.call(open -> open.map(MapMode.READ_WRITE, 0, FILE_BYTES)));
  }

  /** From the return on, the identifier is handled, whatever becomes of the process. */
  void put(int packetIdentifier) {
    map.put(MARKS_AT + packetIdentifier, HANDLED);
    removal.clear(packetIdentifier);
    isDirty = true;
  }

  /** Takes effect with the next commit. */
  void remove(int packetIdentifier) {
    if (map.get(MARKS_AT + packetIdentifier) != 0) {
      removal.set(packetIdentifier);
    }
  }

  /** Takes effect with the next commit. */
  void clear() {
    for (int identifier = 1; identifier < IDENTIFIERS; identifier++) {
      remove(identifier);
    }
  }

  boolean hasRemoval() {
    return !removal.isEmpty();
  }

  /** Whether there is anything that a sync would make last. */
  boolean isDirty() {
    return isDirty;
  }

  /**
   * Writes down what is to be taken out.
   *
   * @param number it is to be done if the database reaches this number
   */
  void prepareRemoval(long number) {
    long[] words = removal.toLongArray();
    for (int i = 0; i < words.length; i++) {
      if (words[i] != 0) {
        map.putLong(REMOVAL_AT + i * Long.BYTES, Long.reverseBytes(words[i]));
      }
    }
    VarHandle.releaseFence(); // a killed process leaves the number only with what it stands for
    map.putLong(NUMBER_AT, number);
    VarHandle.releaseFence();
  }

  /** The database has reached the number. */
  void finishRemoval() {
    removal.stream().forEach(identifier -> map.put(MARKS_AT + identifier, (byte) 0));
    endRemoval();
    isDirty = true;
  }

  /** The commit has failed: what was to go stays, until it is told anew. */
  void abandonRemoval() {
    endRemoval();
  }

  private void endRemoval() {
    VarHandle.releaseFence();
    map.putLong(NUMBER_AT, 0);
    VarHandle.releaseFence();
    removal.stream()
        .map(identifier -> REMOVAL_AT + identifier / Long.SIZE * Long.BYTES)
        .forEach(word -> map.putLong(word, 0));
    removal.clear();
  }

  /** Returns when all marks are on stable storage. Any thread. */
  void force() {
    map.force();
  }

  void onForced() {
    isDirty = false;
  }

  /** The identifiers as the engine is given them. */
  static List<Integer> list(BitSet handled) {
    List<Integer> identifiers = new ArrayList<>(handled.cardinality());
    handled.stream().forEach(identifiers::add);
    return identifiers;
  }
}
