// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** What is logged while something runs; the tests' logger writes to standard error. */
final class StandardErrorCapture {
  private StandardErrorCapture() {}

  static String during(Runnable action) {
    PrintStream before = System.err;
    ByteArrayOutputStream copy = new ByteArrayOutputStream();
    System.setErr(new PrintStream(tee(before, copy), true, StandardCharsets.UTF_8));
    try {
      action.run();
    } finally {
      System.setErr(before);
    }
    return copy.toString(StandardCharsets.UTF_8);
  }

  private static OutputStream tee(PrintStream one, ByteArrayOutputStream two) {
    return new OutputStream() {
      @Override
      public void write(int octet) {
        one.write(octet);
        two.write(octet);
      }

      @Override
      public void write(byte[] bytes, int offset, int length) {
        one.write(bytes, offset, length);
        two.write(bytes, offset, length);
      }
    };
  }
}
