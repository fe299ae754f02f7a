// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.packet.Publish;
import org.jspecify.annotations.Nullable;

/** A {@link Publication} whose parts were given one by one. */
record GivenPublication(
    Publish message,
    OfflinePolicy offlinePolicy,
    @Nullable String tag,
    Completion<PublishResult> completion)
    implements Publication {
  @Override
  public void onSuccess(PublishResult result) {
    completion.onSuccess(result);
  }

  @Override
  public void onFailure(MqttException failure) {
    completion.onFailure(failure);
  }

  @Override
  public void onKept(MqttException failure) {
    completion.onKept(failure);
  }
}
