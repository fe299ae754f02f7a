// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

/** Numbers of things, for messages. */
final class Count {
  private Count() {}

  /** Returns {@code 1 message}, {@code 2 messages} and so on. */
  static String of(long number, String thing) {
    return number + " " + thing + (number == 1 ? "" : "s");
  }
}
