// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ReasonCodeTest {
  @Test
  void findsEveryReasonByItsCode() {
    Set<Integer> codes = new HashSet<>();
    for (ReasonCode reasonCode : ReasonCode.values()) {
      assertThat(ReasonCode.of(reasonCode.code())).isSameAs(reasonCode);
      codes.add(reasonCode.code());
    }
    // The table of [MQTT 5.0, section 2.4]: 0x80 to 0xA2 without a gap, and eight below.
    assertThat(codes).hasSize(8 + 35).contains(0, 1, 2, 4, 0x10, 0x11, 0x18, 0x19, 0x80, 0xA2);
  }

  @Test
  void knowsNoOtherCodes() {
    assertThat(ReasonCode.of(3)).isNull();
    assertThat(ReasonCode.of(0xA3)).isNull();
    assertThat(ReasonCode.of(-1)).isNull();
    assertThat(ReasonCode.of(256)).isNull();
  }

  @Test
  void failuresBeginAt0x80() {
    assertThat(Arrays.stream(ReasonCode.values()).filter(ReasonCode::isError)).hasSize(35);
    assertThat(ReasonCode.RE_AUTHENTICATE.isError()).isFalse();
    assertThat(ReasonCode.UNSPECIFIED_ERROR.isError()).isTrue();
  }

  @Test
  void showsWordsAndNumber() {
    assertThat(ReasonCode.NOT_AUTHORIZED).hasToString("not authorized (0x87)");
    assertThat(ReasonCode.SUCCESS).hasToString("success (0x00)");
  }

  @Test
  void readsQosAndRetainHandlingFromTheirNumbers() {
    for (int code = 0; code <= 2; code++) {
      assertThat(Qos.of(code).code()).isEqualTo(code);
      assertThat(RetainHandling.of(code).code()).isEqualTo(code);
    }
    assertThatThrownBy(() -> Qos.of(3)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> RetainHandling.of(3)).isInstanceOf(IllegalArgumentException.class);
    assertThat(Qos.EXACTLY_ONCE.atMost(Qos.AT_LEAST_ONCE)).isEqualTo(Qos.AT_LEAST_ONCE);
    assertThat(Qos.AT_MOST_ONCE.atMost(Qos.AT_LEAST_ONCE)).isEqualTo(Qos.AT_MOST_ONCE);
  }
}
