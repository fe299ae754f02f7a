// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.engine.Completion;

/** The outcome of a request that the engine completes. */
final class RequestFuture<T> extends MqttFuture<T> implements Completion<T> {
  private final String description;

  RequestFuture(MqttLoop loop, String description) {
    super(loop);
    this.description = description;
  }

  @Override
  public void onSuccess(T result) {
    succeed(result);
  }

  @Override
  public void onFailure(MqttException failure) {
    fail(failure);
  }

  @Override
  String describe() {
    return description;
  }
}
