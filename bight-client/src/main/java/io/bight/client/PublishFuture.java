// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.OfflinePolicy;
import io.bight.mqtt.engine.OutgoingPublish;
import io.bight.mqtt.engine.Publication;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.packet.Publish;
import org.jspecify.annotations.Nullable;

/**
 * A publish on its way: the command that carries it to the loop and the future that brings its
 * outcome back, in one small object, since there is one for each message.
 */
class PublishFuture extends StagedFuture<PublishResult> implements Command, Publication {
  private static final OfflinePolicy[] OFFLINE_POLICIES = OfflinePolicy.values();

  private final ClientWorker worker;
  private final Publish message;
  private final byte offlinePolicy;

  /**
   * In the command queue its neighbour there, a {@link Command}; from the driver's turn on what the
   * engine has of it, an {@link OutgoingPublish}, or null.
   */
  private @Nullable Object link;

  @SuppressWarnings("EnumOrdinal") // a byte instead of a reference
  private PublishFuture(ClientWorker worker, Publish message, OfflinePolicy offlinePolicy) {
    this.worker = worker;
    this.message = message;
    this.offlinePolicy = (byte) offlinePolicy.ordinal();
  }

  /**
   * Makes one that is still to be given to the gate.
   *
   * @param tag what the program knows the message by, or null
   * @param connection the number of the connection that it is published on; 0: there is none
   */
  static PublishFuture of(
      ClientWorker worker,
      Publish message,
      OfflinePolicy offlinePolicy,
      @Nullable String tag,
      int connection) {
    return tag == null && connection == 0
        ? new PublishFuture(worker, message, offlinePolicy)
        : new Marked(worker, message, offlinePolicy, tag, connection);
  }

  /** One of the few that have more to say than their message. */
  private static final class Marked extends PublishFuture {
    private final @Nullable String tag;
    private final int connection;

    Marked(
        ClientWorker worker,
        Publish message,
        OfflinePolicy offlinePolicy,
        @Nullable String tag,
        int connection) {
      super(worker, message, offlinePolicy);
      this.tag = tag;
      this.connection = connection;
    }

    @Override
    public @Nullable String tag() {
      return tag;
    }

    @Override
    int connection() {
      return connection;
    }
  }

  @Override
  public final Publish message() {
    return message;
  }

  @Override
  public final OfflinePolicy offlinePolicy() {
    return OFFLINE_POLICIES[offlinePolicy];
  }

  int connection() {
    return 0;
  }

  /** Returns what the message counts for against the queue's bound. */
  final long heapBytes() {
    return OutgoingPublish.heapBytesOf(this);
  }

  @Override
  public final void run(long nowNanos) {
    if (isDone()) {
      worker.gate().giveBack(1, heapBytes());
      return;
    }
    OutgoingPublish entry = worker.publish(this, nowNanos);
    if (entry != null) {
      link = entry;
      if (isCancelled()) {
        worker.cancel(entry); // by a callback that ran meanwhile and could not know the entry
      }
    }
  }

  @Override
  public final void onEntry(OutgoingPublish entry) {
    link = entry;
  }

  @Override
  public final boolean onlyPublishes() {
    return true;
  }

  @Override
  public final PublishFuture takeMessage() {
    return this;
  }

  @Override
  public final @Nullable Command next() {
    return (Command) link;
  }

  @Override
  public final void setNext(@Nullable Command next) {
    link = next;
  }

  @Override
  public final void reject(MqttException failure) {
    completeExceptionally(failure); // by any thread, so no callback is told
  }

  /** It is not sent, which callbacks are told only if this is the driver's thread. */
  final void refuse(MqttException failure) {
    worker.refuse(this, failure);
  }

  @Override
  public final void onSuccess(PublishResult result) {
    worker.onPublished(message, tag(), result, null);
    succeed(result);
  }

  @Override
  public final void onFailure(MqttException failure) {
    worker.onPublished(message, tag(), null, failure);
    fail(failure);
  }

  /** Whether it will succeed is open, so {@code onPublished} is not told here. */
  @Override
  public final void onKept(MqttException failure) {
    fail(worker.kept(message, failure));
  }

  /** Cancels the publish; a message that has not been sent will not be. */
  @Override
  public final boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = super.cancel(mayInterruptIfRunning);
    if (cancelled) {
      worker.submit(
          Command.of(
              nowNanos -> {
                if (link instanceof OutgoingPublish entry) {
                  worker.cancel(entry);
                }
              },
              failure -> {}));
    }
    return cancelled;
  }

  @Override
  final MqttLoop loop() {
    return worker.loop();
  }

  @Override
  final String describeHolder() {
    return worker.describeProgress() + "; ";
  }

  @Override
  final String describe() {
    return "publishing to '"
        + message.topic()
        + "' at QoS "
        + message.qos().code()
        + " by "
        + worker.describe();
  }
}
