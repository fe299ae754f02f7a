// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

/** Our reading of UTF-8 against the JDK's, which is strict too but knows nothing of U+0000. */
@Normative(
    v311 = {"1.5.3-1", "1.5.3-2"},
    v5 = {"1.5.4-1", "1.5.4-2"})
class Utf8Test {
  @Property(tries = 5000)
  void judgesBytesAsTheJdkDoes(@ForAll @Size(max = 6) byte[] bytes) {
    assertThat(Utf8.indexOfIllFormed(bytes, 0, bytes.length) < 0).isEqualTo(isWellFormed(bytes));
  }

  @Example
  void judgesEveryTwoBytesAsTheJdkDoes() {
    for (int pair = 0; pair < 0x1_0000; pair++) {
      byte[] bytes = {(byte) (pair >> 8), (byte) pair, (byte) 0x80, (byte) 0x80};
      for (int length = 1; length <= 4; length++) {
        byte[] part = Arrays.copyOf(bytes, length);
        assertThat(Utf8.indexOfIllFormed(part, 0, length) < 0)
            .as("%04x and %d bytes", pair, length)
            .isEqualTo(isWellFormed(part));
      }
    }
  }

  @Example
  void saysWhereTheMistakeLies() {
    byte[] bytes = {'x', 'a', (byte) 0xC3, (byte) 0xA9, (byte) 0xFF, 'b'};
    assertThat(Utf8.indexOfIllFormed(bytes, 1, 6)).isEqualTo(4);
    assertThat(Utf8.indexOfIllFormed(bytes, 1, 4)).isEqualTo(-1);
    assertThat(Utf8.indexOfIllFormed(bytes, 1, 3)).isEqualTo(2);
  }

  @Property(tries = 2000)
  void judgesAndMeasuresStringsAsTheJdkDoes(@ForAll @Size(max = 8) char[] chars) {
    String text = new String(chars);
    boolean sendable;
    int length = 0;
    try {
      length = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text)).remaining();
      sendable = text.indexOf('\0') < 0;
    } catch (CharacterCodingException e) {
      sendable = false;
    }
    if (sendable) {
      assertThat(Utf8.requireWellFormed(text, "text")).isSameAs(text);
      assertThat(Utf8.requireEncodable(text, "text")).isEqualTo(length);
      assertThat(Utf8.encodedLength(text)).isEqualTo(length);
    } else {
      assertThatThrownBy(() -> Utf8.requireWellFormed(text, "text"))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Utf8.requireEncodable(text, "text"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("text");
    }
  }

  @Example
  void refusesMoreThan65535Bytes() {
    assertThat(Utf8.requireEncodable("x".repeat(65_535), "text")).isEqualTo(65_535);
    assertThatThrownBy(() -> Utf8.requireEncodable("x".repeat(65_536), "text"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("text has 65536 bytes in UTF-8; 65535 is the most");
  }

  private static boolean isWellFormed(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes))
          .chars()
          .noneMatch(c -> c == 0);
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  @Example
  void aWrongByteIsFoundWhereverItStands() {
    for (int length = 1; length < 40; length++) {
      byte[] bytes = new byte[length + 3];
      for (int at = 0; at < length; at++) {
        for (byte wrong : new byte[] {0, (byte) 0x80, (byte) 0xFF}) {
          Arrays.fill(bytes, (byte) 0x7F);
          bytes[3 + at] = wrong;
          assertThat(Utf8.indexOfIllFormed(bytes, 3, 3 + length)).isEqualTo(3 + at);
          bytes[3 + at] = 1;
          assertThat(Utf8.indexOfIllFormed(bytes, 3, 3 + length)).isEqualTo(-1);
        }
      }
    }
  }
}
