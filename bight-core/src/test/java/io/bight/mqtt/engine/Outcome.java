// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttReasonException;
import io.bight.mqtt.ReasonCode;
import org.jspecify.annotations.Nullable;

/** A completion that remembers what it was told, and fails if it is told twice. */
final class Outcome<T> implements Completion<T> {
  private @Nullable T result;
  private @Nullable MqttException failure;
  private Runnable then = () -> {};

  /** Runs something inside the completion. */
  Outcome<T> then(Runnable action) {
    then = action;
    return this;
  }

  @Override
  public void onSuccess(T success) {
    assertOpen();
    result = success;
    then.run();
  }

  @Override
  public void onFailure(MqttException reason) {
    assertOpen();
    failure = reason;
    then.run();
  }

  void assertOpen() {
    assertThat(result).as("result").isNull();
    assertThat(failure).as("failure").isNull();
  }

  T assertSuccess() {
    assertThat(failure).as("failure").isNull();
    assertThat(result).as("result").isNotNull();
    return result;
  }

  MqttException assertFailure(String... words) {
    assertThat(failure).as("failure").isNotNull();
    for (String word : words) {
      assertThat(failure).hasMessageContaining(word);
    }
    return failure;
  }

  void assertRefused(ReasonCode reasonCode, String... words) {
    assertThat(assertFailure(words))
        .isInstanceOfSatisfying(
            MqttReasonException.class,
            refusal -> assertThat(refusal.reasonCode()).isEqualTo(reasonCode));
  }
}
