// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.engine.Completion;
import io.bight.mqtt.engine.OutgoingPublish;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.packet.Publish;
import org.jspecify.annotations.Nullable;

/**
 * A publish on its way: the command that carries it to the loop and the future that brings its
 * outcome back, in one object, since there is one for each message.
 */
final class PublishFuture extends MqttFuture<PublishResult>
    implements Command, Completion<PublishResult> {
  private final ClientWorker worker;
  private final Publish message;
  private final OfflinePolicy offlinePolicy;
  private final @Nullable String tag;

  /** The number of the connection that it was published on; 0: there was none. */
  private final int connection;

  /** In the command queue. */
  private @Nullable Command next;

  /** Written and read by the driver. */
  private @Nullable OutgoingPublish entry;

  PublishFuture(
      ClientWorker worker,
      Publish message,
      OfflinePolicy offlinePolicy,
      @Nullable String tag,
      int connection) {
    this.worker = worker;
    this.message = message;
    this.offlinePolicy = offlinePolicy;
    this.tag = tag;
    this.connection = connection;
  }

  Publish message() {
    return message;
  }

  OfflinePolicy offlinePolicy() {
    return offlinePolicy;
  }

  @Nullable String tag() {
    return tag;
  }

  int connection() {
    return connection;
  }

  /** Returns what the message counts for against the queue's bound. */
  long heapBytes() {
    return OutgoingPublish.heapBytesOf(message, offlinePolicy, tag);
  }

  @Override
  public void run(long nowNanos) {
    if (isDone()) {
      worker.gate().giveBack(this);
      return;
    }
    entry = worker.publish(this, nowNanos);
    if (isCancelled() && entry != null) {
      worker.cancel(entry); // by a callback that ran meanwhile and could not know the entry
    }
  }

  @Override
  public PublishFuture takeMessage() {
    return this;
  }

  @Override
  public @Nullable Command next() {
    return next;
  }

  @Override
  public void setNext(@Nullable Command next) {
    this.next = next;
  }

  @Override
  public void reject(MqttException failure) {
    completeExceptionally(failure); // by any thread, so no callback is told
  }

  /** It is not sent, which callbacks are told only if this is the driver's thread. */
  void refuse(MqttException failure) {
    worker.refuse(this, failure);
  }

  @Override
  public void onSuccess(PublishResult result) {
    worker.onPublished(message, tag, result, null);
    succeed(result);
  }

  @Override
  public void onFailure(MqttException failure) {
    worker.onPublished(message, tag, null, failure);
    fail(failure);
  }

  /** Whether it will succeed is open, so {@code onPublished} is not told here. */
  @Override
  public void onKept(MqttException failure) {
    fail(
        new MqttDisconnectedException(
            worker.describe()
                + " is closed; its session store keeps the message for '"
                + message.topic()
                + "', and the next client with this store goes on with it",
            failure));
  }

  /** Cancels the publish; a message that has not been sent will not be. */
  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = super.cancel(mayInterruptIfRunning);
    if (cancelled) {
      worker.submit(
          Command.of(
              nowNanos -> {
                if (entry != null) {
                  worker.cancel(entry);
                }
              },
              failure -> {}));
    }
    return cancelled;
  }

  @Override
  MqttLoop loop() {
    return worker.loop();
  }

  @Override
  String describeHolder() {
    return worker.describeProgress() + "; ";
  }

  @Override
  String describe() {
    return "publishing to '"
        + message.topic()
        + "' at QoS "
        + message.qos().code()
        + " by "
        + worker.describe();
  }
}
