// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.MessageToMessageCodec;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolConfig;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolHandler;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketVersion;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What lies between the socket and MQTT: TLS, and WebSocket frames. */
public final class PipelineParts {
  /** Longer headers of a server's answer are none that a WebSocket needs. */
  private static final int LONGEST_HTTP_ANSWER_BYTES = 16 * 1024;

  private static final ThreadPoolExecutor TLS_TASKS = tlsTasks();

  private PipelineParts() {}

  /** The tasks of a TLS handshake compute for milliseconds; they run away from the loop. */
  private static ThreadPoolExecutor tlsTasks() {
    int threads = Runtime.getRuntime().availableProcessors();
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(
            threads,
            threads,
            1,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            runnable -> {
              Thread thread = new Thread(runnable, "bight-tls");
              thread.setDaemon(true);
              return thread;
            });
    executor.allowCoreThreadTimeOut(true);
    return executor;
  }

  /**
   * Adds TLS to a pipeline.
   *
   * @param channel the socket
   * @param tls what to trust and present; null: the JDK's default, as it is now
   * @param host the name asked for, for SNI and the certificate
   * @param port the port asked for
   * @param verifyHostName whether the certificate must be for the host
   * @param timeout how long the handshake may take
   */
  public static void addTls(
      Channel channel,
      @Nullable TlsContext tls,
      String host,
      int port,
      boolean verifyHostName,
      Duration timeout) {
    TlsContext context = tls == null ? TlsContext.ofJdkDefault() : tls;
    SslHandler handler = context.newHandler(channel.alloc(), host, port, verifyHostName, TLS_TASKS);
    handler.setHandshakeTimeoutMillis(timeout.toMillis());
    channel.pipeline().addLast(handler);
  }

  /**
   * Adds WebSocket to a pipeline: behind it are bytes, as frames bring and take them
   * [MQTT-6.0.0-2].
   *
   * @param pipeline the pipeline
   * @param uri the URI, of the scheme ws or wss
   * @param headers what is added to the request
   * @param timeout how long the handshake may take
   */
  public static void addWebSocket(
      ChannelPipeline pipeline, URI uri, Map<String, String> headers, Duration timeout) {
    HttpHeaders added = new DefaultHttpHeaders();
    headers.forEach(added::set);
    pipeline.addLast(
        new HttpClientCodec(),
        new HttpObjectAggregator(LONGEST_HTTP_ANSWER_BYTES),
        new WebSocketClientProtocolHandler(
            WebSocketClientProtocolConfig.newBuilder()
                .webSocketUri(uri)
                .version(WebSocketVersion.V13)
                .subprotocol("mqtt") // [MQTT-6.0.0-3]
                .customHeaders(added)
                .maxFramePayloadLength(Integer.MAX_VALUE)
                .handshakeTimeoutMillis(timeout.toMillis())
                .build()),
        new WebSocketBytes());
  }

  /** Frames to bytes and back. */
  private static final class WebSocketBytes extends MessageToMessageCodec<WebSocketFrame, ByteBuf> {
    private boolean inText;

    @Override
    protected void encode(ChannelHandlerContext context, ByteBuf bytes, List<Object> out) {
      out.add(new BinaryWebSocketFrame(bytes.retain()));
    }

    @Override
    protected void decode(ChannelHandlerContext context, WebSocketFrame frame, List<Object> out) {
      inText =
          frame instanceof ContinuationWebSocketFrame
              ? inText
              : frame instanceof TextWebSocketFrame;
      if (inText) { // [MQTT-6.0.0-1]
        context
            .writeAndFlush(new CloseWebSocketFrame(WebSocketCloseStatus.INVALID_MESSAGE_TYPE))
            .addListener(ChannelFutureListener.CLOSE);
      } else if (frame.content().isReadable()) {
        out.add(frame.content().retain());
      }
    }
  }

  /**
   * Tells whether an event says that a transport is ready for MQTT.
   *
   * @param event a user event of the pipeline
   * @param webSocket whether the pipeline has a WebSocket, which comes after TLS
   * @return true once the last handshake is complete
   */
  public static boolean isReady(Object event, boolean webSocket) {
    if (webSocket) {
      return event == WebSocketClientProtocolHandler.ClientHandshakeStateEvent.HANDSHAKE_COMPLETE;
    }
    return event instanceof SslHandshakeCompletionEvent tls && tls.isSuccess();
  }

  /**
   * Tells whether closing in order is more than closing the socket.
   *
   * @param channel a transport
   * @return true with TLS or WebSocket
   */
  public static boolean hasOwnFarewell(Channel channel) {
    ChannelHandler tls = channel.pipeline().get(SslHandler.class);
    return tls != null || channel.pipeline().get(WebSocketClientProtocolHandler.class) != null;
  }
}
