// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.PipelineParts;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The end of one transport's pipeline: carries bytes and events to the client's worker. */
final class ConnectionHandler extends ChannelInboundHandlerAdapter {
  private final ClientWorker worker;
  private final ServerAddress.Scheme scheme;

  /** Null when the transport is open: then the attempt to open it is over, and is let go of. */
  private @Nullable Consumer<Throwable> onHandshakeFailure;

  private @Nullable Throwable cause;

  /**
   * Makes the handler of a transport that is being opened.
   *
   * @param onHandshakeFailure is told why TLS or WebSocket could not be agreed on
   */
  ConnectionHandler(
      ClientWorker worker, ServerAddress.Scheme scheme, Consumer<Throwable> onHandshakeFailure) {
    this.worker = worker;
    this.scheme = scheme;
    this.onHandshakeFailure = onHandshakeFailure;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    if (!scheme.tls && !scheme.webSocket) {
      becomeReady(context);
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (onHandshakeFailure != null && PipelineParts.isReady(event, scheme.webSocket)) {
      becomeReady(context);
    }
  }

  private void becomeReady(ChannelHandlerContext context) {
    onHandshakeFailure = null;
    worker.inLogContext(() -> worker.onTransportOpened(context.channel()));
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf bytes = (ByteBuf) message;
    try {
      worker.onBytes(context.channel(), bytes);
    } finally {
      bytes.release();
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    worker.inLogContext(worker::onReadComplete);
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    worker.inLogContext(worker::flush);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable thrown) {
    if (cause == null) {
      cause = plain(thrown);
    }
    context.close();
  }

  /**
   * Says the most common loss in words, where the system's own come with its function and number.
   */
  private static Throwable plain(Throwable thrown) {
    String message = String.valueOf(thrown.getMessage());
    return thrown instanceof IOException && message.contains("Connection reset")
        ? new IOException("connection reset by the server", thrown)
        : thrown;
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (onHandshakeFailure == null) {
      worker.inLogContext(() -> worker.onTransportClosed(context.channel(), cause));
    } else {
      onHandshakeFailure.accept(cause == null ? new ClosedChannelException() : cause);
    }
  }
}
