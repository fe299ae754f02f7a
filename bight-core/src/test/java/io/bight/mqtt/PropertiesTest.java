// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.Property.Place;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PropertiesTest {
  /** Table 2-4 of MQTT 5.0, in other words than the code's. */
  @ParameterizedTest
  @CsvSource({
    "0x01, BYTE, PUBLISH WILL",
    "0x02, FOUR_BYTE_INTEGER, PUBLISH WILL",
    "0x03, UTF_8_STRING, PUBLISH WILL",
    "0x08, UTF_8_STRING, PUBLISH WILL",
    "0x09, BINARY_DATA, PUBLISH WILL",
    "0x0B, VARIABLE_BYTE_INTEGER, PUBLISH SUBSCRIBE",
    "0x11, FOUR_BYTE_INTEGER, CONNECT CONNACK DISCONNECT",
    "0x12, UTF_8_STRING, CONNACK",
    "0x13, TWO_BYTE_INTEGER, CONNACK",
    "0x15, UTF_8_STRING, CONNECT CONNACK AUTH",
    "0x16, BINARY_DATA, CONNECT CONNACK AUTH",
    "0x17, BYTE, CONNECT",
    "0x18, FOUR_BYTE_INTEGER, WILL",
    "0x19, BYTE, CONNECT",
    "0x1A, UTF_8_STRING, CONNACK",
    "0x1C, UTF_8_STRING, CONNACK DISCONNECT",
    "0x1F, UTF_8_STRING, CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH",
    "0x21, TWO_BYTE_INTEGER, CONNECT CONNACK",
    "0x22, TWO_BYTE_INTEGER, CONNECT CONNACK",
    "0x23, TWO_BYTE_INTEGER, PUBLISH",
    "0x24, BYTE, CONNACK",
    "0x25, BYTE, CONNACK",
    "0x27, FOUR_BYTE_INTEGER, CONNECT CONNACK",
    "0x28, BYTE, CONNACK",
    "0x29, BYTE, CONNACK",
    "0x2A, BYTE, CONNACK"
  })
  void standsWhereTheSpecificationAllows(int identifier, Property.Type type, String places) {
    Property<?> property = Property.of(identifier);
    Set<Place> allowed =
        Arrays.stream(Place.values()).filter(property::isAllowedOn).collect(Collectors.toSet());

    assertThat(property.type()).isEqualTo(type);
    assertThat(allowed)
        .isEqualTo(
            Arrays.stream(places.split(" ")).map(Place::valueOf).collect(Collectors.toSet()));
  }

  @Test
  void userPropertiesStandEverywhere() {
    assertThat(EnumSet.allOf(Place.class)).allMatch(Property.USER_PROPERTY::isAllowedOn);
    assertThat(EnumSet.allOf(Place.class)).allMatch(Property.USER_PROPERTY::isRepeatableOn);
  }

  @Test
  void holdsTheWholeTable() {
    assertThat(Property.all()).hasSize(27);
    assertThat(Property.of(0x04)).isNull();
    assertThat(Property.of(-1)).isNull();
    assertThat(Property.of(0x2B)).isNull();
  }

  @Test
  void repeatsSubscriptionIdentifiersOnPublishOnly() {
    assertThat(Property.SUBSCRIPTION_IDENTIFIER.isRepeatableOn(Place.PUBLISH)).isTrue();
    assertThat(Property.SUBSCRIPTION_IDENTIFIER.isRepeatableOn(Place.SUBSCRIBE)).isFalse();
    assertThat(Property.CONTENT_TYPE.isRepeatableOn(Place.PUBLISH)).isFalse();
  }

  @Test
  void keepsTheOrderOfRepeatedProperties() {
    Properties properties =
        Properties.builder()
            .userProperty("b", "1")
            .set(Property.CONTENT_TYPE, "text/plain")
            .userProperty("a", "2")
            .userProperty("b", "3")
            .build();

    assertThat(properties.userProperties())
        .containsExactly(
            new UserProperty("b", "1"), new UserProperty("a", "2"), new UserProperty("b", "3"));
    assertThat(properties.size()).isEqualTo(4);
    assertThat(properties.propertyAt(1)).isSameAs(Property.CONTENT_TYPE);
    assertThat(properties.valueAt(1)).isEqualTo("text/plain");
  }

  @Test
  void setReplacesAndAddAppends() {
    Properties properties =
        Properties.builder()
            .set(Property.RECEIVE_MAXIMUM, 1)
            .set(Property.RECEIVE_MAXIMUM, 2)
            .add(Property.SUBSCRIPTION_IDENTIFIER, 3)
            .add(Property.SUBSCRIPTION_IDENTIFIER, 4)
            .build();

    assertThat(properties.get(Property.RECEIVE_MAXIMUM)).isEqualTo(2);
    assertThat(properties.getAll(Property.SUBSCRIPTION_IDENTIFIER)).isEqualTo(List.of(3, 4));
    assertThat(properties.get(Property.SUBSCRIPTION_IDENTIFIER)).isEqualTo(3);
    assertThat(properties.get(Property.TOPIC_ALIAS)).isNull();
    assertThat(properties.get(Property.TOPIC_ALIAS, 7)).isEqualTo(7);
  }

  @Test
  void withoutTakesAllRepetitionsAway() {
    Properties properties =
        Properties.builder()
            .userProperty("a", "1")
            .set(Property.TOPIC_ALIAS, 1)
            .userProperty("a", "2")
            .build();

    assertThat(properties.without(Property.USER_PROPERTY))
        .isEqualTo(Properties.builder().set(Property.TOPIC_ALIAS, 1).build());
    assertThat(properties.without(Property.CONTENT_TYPE)).isSameAs(properties);
    assertThat(properties.without(Property.USER_PROPERTY).without(Property.TOPIC_ALIAS).isEmpty())
        .isTrue();
  }

  @Test
  void comparesBytesByTheirContents() {
    Properties one = Properties.builder().set(Property.CORRELATION_DATA, new byte[] {1}).build();
    Properties same = Properties.builder().set(Property.CORRELATION_DATA, new byte[] {1}).build();
    Properties other = Properties.builder().set(Property.CORRELATION_DATA, new byte[] {2}).build();

    assertThat(one).isEqualTo(same).hasSameHashCodeAs(same).isNotEqualTo(other);
  }

  @ParameterizedTest
  @CsvSource({"0", "65536", "-1"})
  void refusesNumbersOutOfRange(int receiveMaximum) {
    assertThatThrownBy(() -> Properties.builder().set(Property.RECEIVE_MAXIMUM, receiveMaximum))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Receive Maximum cannot be " + receiveMaximum + "; it is 1 to 65535");
  }

  @Test
  void hidesAuthenticationDataInText() {
    Properties properties =
        Properties.builder()
            .set(Property.AUTHENTICATION_DATA, "secret".getBytes(StandardCharsets.UTF_8))
            .set(Property.CORRELATION_DATA, new byte[3])
            .userProperty("a", "b")
            .build();

    assertThat(properties)
        .hasToString("{Authentication Data: ***, Correlation Data: 3 B, User Property: a=b}");
  }

  @Test
  void whatWasBuiltStaysAsItIsWhenItsBuilderGoesOn() {
    for (int count = 1; count < 40; count++) {
      Properties.Builder builder = Properties.builder().set(Property.CONTENT_TYPE, "first");
      for (int i = 1; i < count; i++) {
        builder.userProperty("name", String.valueOf(i));
      }
      Properties built = builder.build();
      Properties.Builder copy = built.toBuilder();
      builder.set(Property.CONTENT_TYPE, "second").userProperty("one", "more");
      copy.set(Property.CONTENT_TYPE, "third");

      assertThat(built.size()).isEqualTo(count);
      assertThat(built.get(Property.CONTENT_TYPE)).isEqualTo("first");
      assertThat(builder.build().size()).isEqualTo(count + 1);
      assertThat(copy.build().get(Property.CONTENT_TYPE)).isEqualTo("third");
      assertThat(Properties.NONE.isEmpty()).isTrue();
    }
  }
}
