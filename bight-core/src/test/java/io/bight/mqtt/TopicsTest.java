// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TopicsTest {
  /** The examples of [MQTT 5.0, sections 4.7.1, 4.7.2 and 4.7.3], and what they leave open. */
  @ParameterizedTest
  @CsvSource({
    "sport/tennis/player1/#, sport/tennis/player1, true",
    "sport/tennis/player1/#, sport/tennis/player1/ranking, true",
    "sport/tennis/player1/#, sport/tennis/player1/score/wimbledon, true",
    "sport/tennis/player1/#, sport/tennis/player10, false",
    "sport/#, sport, true",
    "sport/#, sports, false",
    "#, sport/tennis, true",
    "#, /, true",
    "sport/tennis/+, sport/tennis/player1, true",
    "sport/tennis/+, sport/tennis/player2, true",
    "sport/tennis/+, sport/tennis/player1/ranking, false",
    "sport/+, sport, false",
    "sport/+, sport/, true",
    "+/+, /finance, true",
    "/+, /finance, true",
    "+, /finance, false",
    "+/tennis/#, sport/tennis, true",
    "+/tennis/#, sport/tennis/a/b, true",
    "sport/+/player1, sport/tennis/player1, true",
    "sport/+/player1, sport//player1, true",
    "sport/+/player1, sport/player1, false",
    "#, $SYS/uptime, false",
    "+/monitor/Clients, $SYS/monitor/Clients, false",
    "$SYS/#, $SYS/uptime, true",
    "$SYS/monitor/+, $SYS/monitor/Clients, true",
    "a/#, a/$SYS, true",
    "ACCOUNTS, Accounts, false",
    "/finance, finance, false",
    "a, a, true",
    "a, ab, false",
    "ab, a, false",
    "a/b, a/b/c, false",
    "a/b/c, a/b, false",
    "+/#, a, true",
    "$share/group/sport/+, sport/tennis, true",
    "$share/group/#, $SYS/uptime, false"
  })
  void matchesAsTheSpecificationSays(String topicFilter, String topic, boolean matches) {
    assertThat(Topics.matches(topicFilter, topic)).isEqualTo(matches);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "#",
        "+",
        "/",
        "a",
        "a/#",
        "sport/tennis/#",
        "+/tennis/#",
        "sport/+/player1",
        "/+",
        "+/+",
        "$SYS/#",
        "a b",
        "Accounts payable",
        "$share/group/a",
        "$share/group/#",
        "$share/g//",
        "$shared",
        "€/😀/+"
      })
  void acceptsFilters(String topicFilter) {
    assertThatCode(() -> Topics.requireFilter(topicFilter)).doesNotThrowAnyException();
  }

  @Normative(
      v311 = {"4.7.1-2", "4.7.1-3", "4.7.3-1", "4.7.3-2"},
      v5 = {"4.7.1-1", "4.7.1-2", "4.7.3-1", "4.7.3-2", "4.8.2-1", "4.8.2-2"})
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "sport/tennis#",
        "sport/tennis/#/ranking",
        "sport+",
        "+sport",
        "a/+b/c",
        "##",
        "a/##",
        "#/a",
        "a\0b",
        "\ud800",
        "$share/",
        "$share//a",
        "$share/group",
        "$share/group/",
        "$share/gr+up/a",
        "$share/gr#up/a",
        "$share/group/a#"
      })
  void refusesFilters(String topicFilter) {
    assertThatThrownBy(() -> Topics.requireFilter(topicFilter))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Normative(
      v311 = {"4.7.1-1", "4.7.3-1", "4.7.3-2"},
      v5 = {"4.7.0-1", "4.7.3-1", "4.7.3-2"})
  @ParameterizedTest
  @ValueSource(strings = {"", "a/+", "#", "a#b", "a\0", "a\udc00"})
  void refusesNames(String topic) {
    assertThatThrownBy(() -> Topics.requireName(topic))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "/", "//", " ", "$SYS/a", "€", "😀", "\ufeff"})
  void acceptsNames(String topic) {
    assertThat(Topics.requireName(topic)).isEqualTo(topic);
  }

  @Normative(v311 = "4.7.3-3", v5 = "4.7.3-3")
  @Test
  void measuresTheLongestNameInBytes() {
    assertThatCode(() -> Topics.requireName("€".repeat(21_845))).doesNotThrowAnyException();
    assertThatThrownBy(() -> Topics.requireName("€".repeat(21_846)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("65535");
  }

  @Test
  void namesTheWrongTopicAndTheRemedy() {
    assertThatThrownBy(() -> Topics.requireName("house/+"))
        .hasMessageContaining("'house/+'")
        .hasMessageContaining("publish to one topic");
  }

  @Test
  void takesTheShareNameOff() {
    assertThat(Topics.withoutShare("$share/group/a/+")).isEqualTo("a/+");
    assertThat(Topics.withoutShare("a/+")).isEqualTo("a/+");
    assertThat(Topics.isShared("$share/group/a")).isTrue();
    assertThat(Topics.isShared("$SYS/a")).isFalse();
  }
}
