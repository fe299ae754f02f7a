// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Help.Ansi;

/**
 * Where a command reads and writes, and what the reader's terminal can show. One for the whole run;
 * its streams may be used by any thread.
 */
final class Console {
  /** For payloads, byte by byte: no character set comes between. */
  final OutputStream bytes;

  /** For text on standard output. Writes through to {@link #bytes}. */
  final PrintStream out;

  final PrintStream err;
  final InputStream in;

  private final Charset charset;

  /** Whether colours may be used: there is a terminal, and nobody has set NO_COLOR. */
  final boolean coloured;

  /** Whether characters beyond ASCII arrive at the reader. */
  final boolean unicode;

  Console(
      InputStream in,
      OutputStream bytes,
      OutputStream err,
      Charset charset,
      boolean coloured,
      boolean unicode) {
    this.in = in;
    this.bytes = bytes;
    this.charset = charset;
    this.out = new PrintStream(bytes, false, charset);
    this.err = new PrintStream(err, true, charset);
    this.coloured = coloured;
    this.unicode = unicode;
  }

  /** The console of this process. */
  static Console ofProcess() {
    Charset charset = charset();
    boolean dumb = "dumb".equals(System.getenv("TERM"));
    return new Console(
        System.in,
        new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)),
        new FileOutputStream(FileDescriptor.err),
        charset,
        !dumb && Ansi.AUTO.enabled(),
        charset.equals(StandardCharsets.UTF_8));
  }

  /** JDK 17 does not tell what standard output is encoded in, but what the system uses. */
  private static Charset charset() {
    String name = System.getProperty("stdout.encoding", System.getProperty("native.encoding", ""));
    return Charset.isSupported(name) ? Charset.forName(name) : Charset.defaultCharset();
  }

  /** Returns a writer that writes through to one of the two streams. */
  PrintWriter writer(PrintStream stream) {
    return new PrintWriter(new OutputStreamWriter(stream, charset), true);
  }

  /** Prints a line for a person, on standard error, so that scripts are not disturbed. */
  void say(String line) {
    err.println(line);
  }
}
