// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.List;

/**
 * What callbacks are told of, apart from messages. There is one of each, known by its place in
 * {@link #ALL}.
 *
 * @param <E> what the callback is given
 */
@SuppressWarnings("UnusedTypeParameter") // it ties a kind to what is told
final class EventKind<E> {
  static final EventKind<ConnectEvent> CONNECT = new EventKind<>(0, "onConnect");
  static final EventKind<ConnectFailureEvent> CONNECT_FAILURE =
      new EventKind<>(1, "onConnectFailure");
  static final EventKind<DisconnectEvent> DISCONNECT = new EventKind<>(2, "onDisconnect");
  static final EventKind<CallbackErrorEvent> CALLBACK_ERROR = new EventKind<>(3, "onCallbackError");
  static final EventKind<PublishEvent> PUBLISHED = new EventKind<>(4, "onPublished");
  static final EventKind<SubscribeEvent> SUBSCRIBED = new EventKind<>(5, "onSubscribed");
  static final EventKind<SubscribeEvent> UNSUBSCRIBED = new EventKind<>(6, "onUnsubscribed");
  static final EventKind<TransportEvent> TRANSPORT = new EventKind<>(7, "onTransport");
  static final EventKind<String> PACKET = new EventKind<>(8, "onPacket");
  static final EventKind<DeadLetterEvent> DEAD_LETTER = new EventKind<>(9, "onDeadLetter");

  static final List<EventKind<?>> ALL =
      List.of(
          CONNECT,
          CONNECT_FAILURE,
          DISCONNECT,
          CALLBACK_ERROR,
          PUBLISHED,
          SUBSCRIBED,
          UNSUBSCRIBED,
          TRANSPORT,
          PACKET,
          DEAD_LETTER);

  /** The place among all. */
  final int index;

  /** The name of the builder's method. */
  final String callback;

  private EventKind(int index, String callback) {
    this.index = index;
    this.callback = callback;
  }
}
