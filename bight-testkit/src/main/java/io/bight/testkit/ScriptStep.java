// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import java.time.Duration;
import java.util.HexFormat;
import java.util.Objects;
import java.util.function.Consumer;

/** One step of a {@link ServerScript}: plain data, interpreted by {@link ScriptedConnection}. */
sealed interface ScriptStep {
  /** The step in words, for the message of a failure. */
  String words();

  record Act(String words, Consumer<ScriptedConnection> action) implements ScriptStep {}

  record Expect(PacketType type, String words, Consumer<ReceivedPacket> check)
      implements ScriptStep {}

  @SuppressWarnings("ArrayRecordComponent") // never compared
  record ExpectBytes(byte[] bytes) implements ScriptStep {
    @Override
    public String words() {
      return "the bytes " + hex(bytes);
    }
  }

  record ExpectClose() implements ScriptStep {
    @Override
    public String words() {
      return "the client to close the connection";
    }
  }

  record Silence(Duration duration) implements ScriptStep {
    @Override
    public String words() {
      return "nothing for " + duration;
    }
  }

  record Pause(Duration duration) implements ScriptStep {
    @Override
    public String words() {
      return "a delay of " + duration;
    }
  }

  record Drop(int packets) implements ScriptStep {
    @Override
    public String words() {
      return packets + " packets to drop";
    }
  }

  static String hex(byte[] bytes) {
    return HexFormat.ofDelimiter(" ").formatHex(bytes);
  }

  static void requireEqual(String what, Object wanted, Object found) {
    if (!Objects.equals(wanted, found)) {
      throw new AssertionError(what + " should be " + wanted + " but is " + found);
    }
  }
}
