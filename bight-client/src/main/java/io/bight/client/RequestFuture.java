// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.engine.Completion;
import org.jspecify.annotations.Nullable;

/** The outcome of a request that the engine completes. */
final class RequestFuture<T> extends MqttFuture<T> implements Completion<T> {
  private final MqttLoop loop;

  /** What is asked, without the name of the client if there is one. */
  private final String description;

  private final @Nullable MqttClient client;

  RequestFuture(MqttLoop loop, String description) {
    this.loop = loop;
    this.description = description;
    this.client = null;
  }

  /** Makes the outcome of what is asked of a client, which is named behind what is asked. */
  RequestFuture(MqttClient client, String asked) {
    this.loop = client.loop();
    this.description = asked;
    this.client = client;
  }

  @Override
  MqttLoop loop() {
    return loop;
  }

  @Override
  String describeHolder() {
    return client == null ? "" : client.status().describeProgress() + "; ";
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
    return client == null ? description : description + " " + client.describe();
  }
}
