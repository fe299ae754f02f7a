// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.packet.Publish;
import org.jspecify.annotations.Nullable;

/** A message that remembers its outcome and its entry, whenever it gets one. */
final class Tracked implements Publication {
  final Outcome<PublishResult> outcome = new Outcome<>();
  @Nullable OutgoingPublish entry;
  private final Publish message;

  Tracked(Publish.Builder message) {
    this(message.build());
  }

  Tracked(Publish message) {
    this.message = message;
  }

  Tracked publish(MqttEngine engine, long nowNanos) {
    OutgoingPublish given = engine.publish(this, nowNanos);
    if (given != null) {
      entry = given;
    }
    return this;
  }

  @Override
  public Publish message() {
    return message;
  }

  @Override
  public void onEntry(OutgoingPublish given) {
    entry = given;
  }

  @Override
  public void onSuccess(PublishResult result) {
    outcome.onSuccess(result);
  }

  @Override
  public void onFailure(MqttException failure) {
    outcome.onFailure(failure);
  }
}
