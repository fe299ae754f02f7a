// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.engine.Completion;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.engine.StoredPublish;

/** A message that an earlier process published: nobody has its future, but callbacks are told. */
final class RestoredPublish implements Completion<PublishResult> {
  private final ClientWorker worker;
  private final StoredPublish kept;

  RestoredPublish(ClientWorker worker, StoredPublish kept) {
    this.worker = worker;
    this.kept = kept;
  }

  @Override
  public void onSuccess(PublishResult result) {
    worker.onPublished(kept.message(), kept.tag(), result, null);
    worker.onRestoredDone(kept);
  }

  @Override
  public void onFailure(MqttException failure) {
    worker.onPublished(kept.message(), kept.tag(), null, failure);
    worker.onRestoredDone(kept);
  }

  /** The next process will be told. */
  @Override
  public void onKept(MqttException failure) {}
}
