// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * What a program knows of its own work after it was killed: a file that only grows, a line for each
 * fact, each line by one write to the operating system. {@code done 17 1700000000000} says that
 * message 17 was done, and when.
 */
final class Ledger implements AutoCloseable {
  private final FileChannel channel;

  private Ledger(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Opens a ledger for writing, behind what it has. A line that was cut off when the process was
   * killed in the middle of its write was not written.
   */
  static Ledger open(Path file) throws IOException {
    if (Files.exists(file)) {
      byte[] before = Files.readAllBytes(file);
      int whole = before.length;
      while (whole > 0 && before[whole - 1] != '\n') {
        whole--;
      }
      if (whole < before.length) {
        try (FileChannel toCut = FileChannel.open(file, StandardOpenOption.WRITE)) {
          toCut.truncate(whole);
        }
      }
    }
    return new Ledger(
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND));
  }

  /** Writes a line. When this returns, the line survives the process. */
  void write(String word, String subject) {
    String line = word + " " + subject + " " + System.currentTimeMillis() + "\n";
    ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
    try {
      int length = bytes.remaining();
      if (channel.write(bytes) != length) {
        throw new IOException("a line of the ledger was written in part only");
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write to the ledger", e);
    }
  }

  void write(String word, int number) {
    write(word, Integer.toString(number));
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** Reads the whole lines that a ledger has by now. */
  static List<Line> read(Path file) {
    try {
      if (!Files.exists(file)) {
        return List.of();
      }
      String text = Files.readString(file);
      List<Line> lines = new ArrayList<>();
      for (String each : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
        int first = each.indexOf(' ');
        int last = each.lastIndexOf(' ');
        lines.add(
            new Line(
                each.substring(0, first),
                each.substring(first + 1, last),
                Long.parseLong(each.substring(last + 1))));
      }
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + file, e);
    }
  }

  /**
   * A line.
   *
   * @param word what happened
   * @param subject to what, mostly the number of a message
   * @param millis when, since 1970
   */
  record Line(String word, String subject, long millis) {
    boolean is(String other) {
      return word.equals(other);
    }

    int number() {
      return Integer.parseInt(subject);
    }

    @Override
    public String toString() {
      return word + " " + subject + " " + millis;
    }
  }
}
