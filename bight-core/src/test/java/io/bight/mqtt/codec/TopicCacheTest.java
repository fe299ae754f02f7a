// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TopicCacheTest {
  private static final int LONGEST = 128;

  private final TopicCache cache = new TopicCache();

  static IntStream lengths() {
    return IntStream.rangeClosed(0, LONGEST);
  }

  @ParameterizedTest
  @MethodSource("lengths")
  void aNameIsFoundByItsBytesWhereverTheyLie(int length) {
    String topic = "x".repeat(length);
    put(topic);
    for (int before = 0; before < 9; before++) {
      assertThat(find(topic, before)).isSameAs(topic);
    }
  }

  @ParameterizedTest
  @MethodSource("lengths")
  void aNameThatDiffersInOneByteIsAnotherEvenUnderTheSameHash(int length) {
    String topic = "a".repeat(length);
    ByteBuf bytes = bytes(topic, 3);
    int hash = TopicCache.hash(bytes, 3, length);
    cache.put(hash, topic, bytes, 3, length);
    for (int i = 0; i < length; i++) {
      ByteBuf other = bytes.copy().setByte(3 + i, 'b');
      assertThat(cache.find(hash, other, 3, length)).as("byte %s of %s", i, length).isNull();
    }
    assertThat(cache.find(hash, bytes, 2, length + 1)).as("longer").isNull();
    if (length > 0) {
      assertThat(cache.find(hash, bytes, 3, length - 1)).as("shorter").isNull();
    }
    assertThat(cache.find(hash, bytes, 3, length)).isSameAs(topic);
  }

  @Test
  void aNameThatIsTooLongIsNotKept() {
    String topic = "x".repeat(LONGEST + 1);
    put(topic);
    assertThat(find(topic, 0)).isNull();
  }

  @Test
  void mostOfAsManyNamesAsThereAreSlotsForAreKept() {
    List<String> topics = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      topics.add("plant/hall-" + i % 4 + "/machine-" + i / 4 + "/temperature");
    }
    for (int round = 0; round < 4; round++) {
      topics.stream().filter(topic -> find(topic, 0) == null).forEach(this::put);
    }
    assertThat(topics).filteredOn(topic -> find(topic, 0) != null).hasSizeGreaterThan(20);
  }

  private void put(String topic) {
    ByteBuf bytes = bytes(topic, 1);
    int length = bytes.readableBytes() - 2;
    cache.put(TopicCache.hash(bytes, 1, length), topic, bytes, 1, length);
  }

  private String find(String topic, int before) {
    ByteBuf bytes = bytes(topic, before);
    int length = bytes.readableBytes() - before - 1;
    return cache.find(TopicCache.hash(bytes, before, length), bytes, before, length);
  }

  /** A name with other bytes on both sides. */
  private static ByteBuf bytes(String topic, int before) {
    return Unpooled.copiedBuffer("!".repeat(before) + topic + "!", StandardCharsets.ISO_8859_1);
  }
}
