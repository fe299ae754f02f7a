// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A loopback port, and the thread that serves it. Lives as long as its server; may be called from
 * any thread but its own.
 */
final class PortListener {
  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("bight-testkit-server", true), NioIoHandler.newFactory());
  private final Function<ServerTransport, ScriptedConnection> onAccept;
  private final int port;
  private @Nullable Channel listening;

  PortListener(Function<ServerTransport, ScriptedConnection> onAccept) {
    this.onAccept = onAccept;
    Channel channel = bind(0);
    listening = channel;
    port = ((InetSocketAddress) channel.localAddress()).getPort();
  }

  int port() {
    return port;
  }

  synchronized void stopListening() {
    if (listening != null) {
      listening.close().syncUninterruptibly();
      listening = null;
      awaitRefusal();
    }
  }

  /**
   * A closed channel's descriptor goes only with the selector's next turn, until when the system
   * still completes connects that nobody will accept.
   */
  private void awaitRefusal() {
    long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    while (System.nanoTime() - deadlineNanos < 0) {
      try (Socket probe = new Socket(InetAddress.getLoopbackAddress(), port)) {
        Thread.onSpinWait();
      } catch (IOException refused) {
        return;
      }
    }
    throw new IllegalStateException("Port " + port + " is still open after it was closed");
  }

  synchronized void startListening() {
    if (listening == null) {
      listening = bind(port);
    }
  }

  void schedule(Duration delay, Runnable action) {
    var unused = group.schedule(action, delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  void close() {
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly(10, TimeUnit.SECONDS);
    // The group's future fires on the last breath of the thread; a count of threads wants it gone.
    try {
      group.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Channel bind(int port) {
    return new ServerBootstrap()
        .group(group)
        .channel(NioServerSocketChannel.class)
        .option(ChannelOption.SO_REUSEADDR, true)
        .option(ChannelOption.SO_BACKLOG, 4096)
        .childOption(ChannelOption.TCP_NODELAY, true)
        .childHandler(
            new ChannelInitializer<>() {
              @Override
              protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new ConnectionHandler(onAccept));
              }
            })
        .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
        .syncUninterruptibly()
        .channel();
  }

  /** Between one channel and its {@link ScriptedConnection}; on the listener's thread. */
  private static final class ConnectionHandler extends ChannelInboundHandlerAdapter {
    private final Function<ServerTransport, ScriptedConnection> onAccept;
    private @Nullable ScriptedConnection connection;

    ConnectionHandler(Function<ServerTransport, ScriptedConnection> onAccept) {
      this.onAccept = onAccept;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
      connection = onAccept.apply(new ChannelTransport(context.channel()));
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      try {
        if (message instanceof ByteBuf buffer && connection != null) {
          byte[] bytes = new byte[buffer.readableBytes()];
          buffer.readBytes(bytes);
          connection.handleFromNetwork(bytes);
        }
      } finally {
        ReferenceCountUtil.release(message);
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      if (connection != null) {
        connection.handleClosedFromNetwork();
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      // A reset by the client ends the connection like any other end: channelInactive tells it.
      var unused = context.close();
    }
  }

  /** Writes to a channel; from any thread. */
  private record ChannelTransport(Channel channel) implements ServerTransport {
    @Override
    public void write(byte[] bytes, boolean piece) {
      var unused = channel.writeAndFlush(Unpooled.wrappedBuffer(bytes));
    }

    @Override
    public void close() {
      var unused =
          channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void reset() {
      try {
        channel.config().setOption(ChannelOption.SO_LINGER, 0);
      } catch (ChannelException e) {
        return; // the other side was faster: it is closed
      }
      var unused = channel.close();
    }

    @Override
    public void setReading(boolean reading) {
      channel.config().setAutoRead(reading);
    }
  }
}
