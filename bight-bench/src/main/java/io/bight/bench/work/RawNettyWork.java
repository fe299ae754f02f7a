// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.ConnectionOptions;
import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.handler.ssl.SslProvider;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The works without a client by Netty, with OpenSSL where there is TLS: the same bytes, half a
 * window at a time, on the loop's thread. No queue, no checks.
 *
 * @param perMessage whether a buffer for each message goes through the pipeline, as Netty's own
 *     codecs have it, and is written by itself, with one flush for the half window; else all bytes
 *     of it are one
 */
record RawNettyWork(RawWork.Kind kind, boolean perMessage) implements Work {

  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    Map<String, Long> before = control.counts();
    SslContext tls = options.trustStore() == null ? null : openSsl(options.trustStore());
    IoHandlerFactory selector =
        Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, selector);
    try {
      RawHandler handler = new RawHandler(kind, perMessage, options);
      Bootstrap bootstrap =
          new Bootstrap()
              .group(loop)
              .channel(Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class)
              .option(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
              .handler(
                  new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                      if (tls != null) {
                        channel
                            .pipeline()
                            .addLast(
                                tls.newHandler(
                                    channel.alloc(), ConnectionOptions.HOST, options.port()));
                      }
                      if (perMessage) {
                        channel.pipeline().addLast(new PacketDecoder());
                      }
                      channel.pipeline().addLast(handler);
                    }
                  });
      Channel channel = bootstrap.connect(ConnectionOptions.HOST, options.port()).sync().channel();
      handler.ready.get(30, TimeUnit.SECONDS);
      if (kind == RawWork.Kind.RECEIVE) {
        control.flood();
      } else {
        channel.eventLoop().execute(() -> handler.publish(channel));
      }
      pass(handler, options.warmUp().toNanos());
      Meter meter = new Meter(control);
      meter.start(handler.done.get());
      pass(handler, options.measured().toNanos());
      Figures figures = meter.stop(handler.done.get());
      handler.stopped = true;
      control.stop();
      if (kind == RawWork.Kind.PUBLISH) {
        await("all is written", () -> handler.writing.get() == 0);
        Work.requireCount(control, before, "publishes", handler.done.get());
      }
      channel.close().sync();
      return figures;
    } finally {
      loop.shutdownGracefully(0, 10, TimeUnit.SECONDS).sync();
    }
  }

  private static SslContext openSsl(Path trustStore) throws Exception {
    return SslContextBuilder.forClient()
        .sslProvider(SslProvider.OPENSSL)
        .trustManager(ConnectionOptions.pem(trustStore).toFile())
        .build();
  }

  /** Lets time pass, and until something has been done. */
  private static void pass(RawHandler handler, long nanos) throws TimeoutException {
    long before = handler.done.get();
    long end = System.nanoTime() + nanos;
    for (long left = nanos; left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
    await("anything is done", () -> handler.done.get() > before);
  }

  private static void await(String what, BooleanSupplier condition) throws TimeoutException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new TimeoutException("Not after 30 s: " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Passes each packet on in a buffer of its own, a slice of what was read. */
  private static final class PacketDecoder extends ByteToMessageDecoder {
    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
      int at = in.readerIndex();
      int header = 1;
      int length = 0;
      int octet;
      do {
        if (in.readableBytes() <= header) {
          return;
        }
        octet = in.getByte(at + header);
        length |= (octet & 0x7F) << (7 * (header - 1));
        header++;
      } while (octet < 0);
      if (in.readableBytes() >= header + length) {
        out.add(in.readRetainedSlice(header + length));
      }
    }
  }

  /** The end of the pipeline; on the loop's thread but for what is volatile. */
  private static final class RawHandler extends ChannelInboundHandlerAdapter {
    /** Half of a window is written while the other half is on its way. */
    private static final int HALVES = 2;

    final CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
    final AtomicLong done = new AtomicLong();
    volatile boolean stopped;

    /** How many halves are being written; changed by the loop's thread, read by the program. */
    final AtomicInteger writing = new AtomicInteger();

    private final boolean perMessage;
    private final boolean tls;
    private final int half;

    /** What is written at a time: half a window, or a message. */
    private final ByteBuf packets;

    /** How many answers are to come before the work begins. */
    private int answers;

    // The packet that is being read
    private boolean inLength;
    private int shift;
    private int rest;

    RawHandler(RawWork.Kind kind, boolean perMessage, WorkOptions options) {
      this.perMessage = perMessage;
      this.tls = options.trustStore() != null;
      this.half = Math.max(1, options.window() / 2);
      this.answers = kind == RawWork.Kind.RECEIVE ? 2 : 1;
      this.packets =
          Unpooled.wrappedBuffer(
              RawConnection.publishes(TOPIC, options.payloadBytes(), 0, perMessage ? 1 : half));
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
      if (!tls) {
        connect(context);
      }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (event instanceof SslHandshakeCompletionEvent handshake) {
        if (handshake.isSuccess()) {
          connect(context);
        } else {
          ready.completeExceptionally(handshake.cause());
        }
      }
    }

    private static void connect(ChannelHandlerContext context) {
      context.writeAndFlush(Unpooled.wrappedBuffer(RawConnection.connect()));
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf in = (ByteBuf) message;
      int packetsRead = perMessage ? 1 : packetsIn(in);
      in.release();
      if (answers > 0 && packetsRead > 0) {
        onAnswers(context, packetsRead);
      } else {
        done.lazySet(done.getPlain() + packetsRead);
      }
    }

    private int packetsIn(ByteBuf in) {
      int packetsRead = 0;
      while (in.isReadable()) {
        if (rest > 0 && !inLength) {
          int skipped = Math.min(rest, in.readableBytes());
          in.skipBytes(skipped);
          rest -= skipped;
          packetsRead += rest == 0 ? 1 : 0;
        } else if (!inLength) {
          in.skipBytes(1);
          inLength = true;
          shift = 0;
        } else {
          byte next = in.readByte();
          rest |= (next & 0x7F) << shift;
          shift += 7;
          inLength = next < 0;
        }
      }
      return packetsRead;
    }

    /** CONNACK, then SUBACK; each comes alone. */
    private void onAnswers(ChannelHandlerContext context, int count) {
      answers -= count;
      if (answers > 0) {
        context.writeAndFlush(Unpooled.wrappedBuffer(RawConnection.subscription(TOPIC, 0)));
      } else {
        ready.complete(null);
      }
    }

    void publish(Channel channel) {
      while (writing.get() < HALVES && !stopped) {
        writing.incrementAndGet();
        for (int i = 1; perMessage && i < half; i++) {
          channel.write(packets.retainedDuplicate(), channel.voidPromise());
        }
        channel
            .writeAndFlush(packets.retainedDuplicate())
            .addListener(
                written -> {
                  if (written.isSuccess()) {
                    done.lazySet(done.getPlain() + half);
                  }
                  writing.decrementAndGet(); // after what is counted, which the program then sees
                  if (written.isSuccess()) {
                    publish(channel);
                  }
                });
      }
    }
  }
}
