// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.MqttStoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The files of one session and their names. A file that replaces another is written beside it first
 * and then renamed, so that at any moment one of the two is whole.
 */
final class SessionFiles {
  static final int FORMAT_VERSION = 2;

  private static final String FORMAT = "bight-session ";
  private static final String CLIENT = "client ";
  private static final String CHECKSUM = "checksum ";

  private static final String NEW = ".new";
  private static final String DAMAGED = ".damaged-";

  /** How many damaged files of a kind are kept; each further one takes the place of the last. */
  static final int DAMAGED_KEPT = 8;

  /**
   * Whose session it is.
   *
   * @param clientIdentifier the client identifier
   * @param isCurrentFormat whether the files are of the present format, not of an earlier one
   */
  record Identity(String clientIdentifier, boolean isCurrentFormat) {}

  final Path directory;
  final FileAccess access;

  SessionFiles(Path directory, FileAccess access) {
    this.directory = directory;
    this.access = access;
  }

  Path lock() {
    return directory.resolve("lock");
  }

  Path identity() {
    return directory.resolve("identity");
  }

  Path database() {
    return directory.resolve("session.db");
  }

  Path incoming() {
    return directory.resolve("incoming");
  }

  /** Where the successor of a file is written. */
  Path successor(Path file) {
    return file.resolveSibling(file.getFileName() + NEW);
  }

  UninterruptedFile open(Path file) throws IOException {
    return new UninterruptedFile(access, file, false);
  }

  UninterruptedFile openReadOnly(Path file) throws IOException {
    return new UninterruptedFile(access, file, true);
  }

  /** Begins the successor of a file; one that was left unfinished goes. */
  UninterruptedFile openSuccessor(Path file) throws IOException {
    Files.deleteIfExists(successor(file));
    return open(successor(file));
  }

  /** Puts the successor in the place of the file. */
  void replace(Path file) throws IOException {
    Files.move(
        successor(file), file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    syncDirectory();
  }

  /**
   * Ends what a process did not live to end: where a file was moved aside and its successor not yet
   * put in place, the successor is whole, since it was written before.
   */
  void finishReplacing(Path file) throws IOException {
    if (Files.exists(successor(file))) {
      if (Files.exists(file) || !Files.exists(damaged(file, 1))) {
        Files.delete(successor(file));
      } else {
        replace(file);
      }
    }
  }

  /** Keeps a damaged file under another name, and returns that. */
  Path moveAside(Path file) throws IOException {
    int number = 1;
    while (number < DAMAGED_KEPT && Files.exists(damaged(file, number))) {
      number++;
    }
    return Files.move(file, damaged(file, number), StandardCopyOption.REPLACE_EXISTING);
  }

  private static Path damaged(Path file, int number) {
    return file.resolveSibling(file.getFileName() + DAMAGED + number);
  }

  /** Makes renames last. Windows cannot, and need not. */
  private void syncDirectory() {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // As before the rename, so after it: one of the two files is there.
    }
  }

  /**
   * Reads whose directory it is.
   *
   * @return what is written; null: nothing is, or it cannot be trusted
   * @throws MqttStoreException if it was written by a newer version of this library
   */
  @Nullable Identity readIdentity() throws IOException {
    if (!Files.exists(identity())) {
      return null;
    }
    List<String> lines =
        List.of(
            new String(Files.readAllBytes(identity()), StandardCharsets.ISO_8859_1).split("\n"));
    if (lines.size() != 3
        || !lines.get(0).startsWith(FORMAT)
        || !lines.get(1).startsWith(CLIENT)
        || !lines.get(2).equals(CHECKSUM + checksum(lines.get(0), lines.get(1)))) {
      return null;
    }
    String format = lines.get(0).substring(FORMAT.length());
    boolean isCurrent = format.equals(String.valueOf(FORMAT_VERSION));
    if (!isCurrent && !format.equals("1")) {
      throw new MqttStoreException(
          "The session in "
              + directory
              + " has format "
              + format
              + "; this version of Bight knows format "
              + FORMAT_VERSION
              + ". Use the newer version, or another directory.",
          null);
    }
    byte[] client = lines.get(1).substring(CLIENT.length()).getBytes(StandardCharsets.ISO_8859_1);
    return new Identity(unescape(new String(client, StandardCharsets.UTF_8)), isCurrent);
  }

  void writeIdentity(String clientIdentifier) throws IOException {
    String client =
        new String(
            (CLIENT + escape(clientIdentifier)).getBytes(StandardCharsets.UTF_8),
            StandardCharsets.ISO_8859_1);
    String format = FORMAT + FORMAT_VERSION;
    String text = format + '\n' + client + '\n' + CHECKSUM + checksum(format, client) + '\n';
    try (UninterruptedFile file = openSuccessor(identity())) {
      file.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1)), 0);
      file.force();
    }
    replace(identity());
  }

  private static String checksum(String format, String client) {
    CRC32C crc = new CRC32C();
    crc.update((format + '\n' + client).getBytes(StandardCharsets.ISO_8859_1));
    return Long.toHexString(crc.getValue());
  }

  /** A client identifier may hold any character. */
  private static String escape(String text) {
    return text.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D");
  }

  private static String unescape(String text) {
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
  }
}
