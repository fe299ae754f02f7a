// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelId;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.DuplexChannel;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayDeque;

/** A socket of the virtual network, as Netty sees one: its other side is a {@link Link}. */
final class SimulatedSocket extends AbstractChannel implements DuplexChannel {
  private static final ChannelMetadata METADATA = new ChannelMetadata(false);
  private static final InetSocketAddress LOCAL =
      InetSocketAddress.createUnresolved("client.simulated", 50_000);
  private static final InetSocketAddress REMOTE =
      InetSocketAddress.createUnresolved("server.simulated", 1_883);

  private static final class Id implements ChannelId {
    private static final long serialVersionUID = 1L;
    static final Id ONE = new Id();

    @Override
    public String asShortText() {
      return "simulated";
    }

    @Override
    public String asLongText() {
      return "simulated";
    }

    @Override
    public int compareTo(ChannelId other) {
      return 0;
    }
  }

  private final SimulatedProcess process;
  private final ClientSimulation world;
  private final ChannelConfig config = new DefaultChannelConfig(this);
  private final ClientPacket.Reader reader = new ClientPacket.Reader();
  private final ArrayDeque<byte[]> inbound = new ArrayDeque<>();

  private boolean open = true;
  private boolean active;
  private boolean outputShutdown;
  private ChannelPromise connecting;

  /** The same until the network has answered. */
  private ChannelPromise connectPromise;

  private Link link;

  // Reading
  private boolean readPending;
  private boolean readScheduled;
  private boolean endSeen;
  private IOException reset;
  private final byte[] connack = new byte[130];
  private int connackBytes;
  private boolean connackSeen;

  // Writing
  private boolean blocked;
  private long taken;

  SimulatedSocket(SimulatedProcess process) {
    super(null, Id.ONE);
    this.process = process;
    this.world = process.world();
    config.setAllocator(process.allocator());
    if (world.scenario().blocksWrites) {
      config.setWriteBufferWaterMark(new WriteBufferWaterMark(16, 64));
    }
  }

  Link link() {
    return link;
  }

  /** Tells whether it connects, or is connected; one that could not connect is about to close. */
  boolean isInUse() {
    return open && (connecting == null || !connecting.isDone() || connecting.isSuccess());
  }

  // ---- connecting

  private void connect(ChannelPromise promise) {
    connectPromise = promise;
    connecting = promise;
    process.onConnecting(this);
    if (world.percent(world.clientScenario().connectHangPercent)) {
      world.trace("network: an attempt to connect is not answered");
      return;
    }
    boolean refused = world.percent(world.clientScenario().connectRefusedPercent);
    world.after(
        world.latency(),
        () ->
            process.onIo(
                () -> {
                  if (refused || !world.server().isUp()) {
                    failConnect(new ConnectException("connection refused"));
                  } else {
                    succeedConnect();
                  }
                }));
  }

  private void succeedConnect() {
    ChannelPromise promise = connectPromise;
    if (promise == null || !open) {
      return;
    }
    connectPromise = null;
    active = true;
    link = world.newLink();
    if (world.percent(world.clientScenario().stallPercent)) {
      link.stall(world.longTime());
    }
    world.trace("client: opens link %d", link.number);
    if (!promise.trySuccess()) {
      unsafe().close(voidPromise());
      return;
    }
    pipeline().fireChannelActive();
  }

  private void failConnect(IOException cause) {
    ChannelPromise promise = connectPromise;
    if (promise != null && open) {
      connectPromise = null;
      world.trace("client: cannot connect: %s", cause.getMessage());
      promise.tryFailure(cause);
      unsafe().close(unsafe().voidPromise());
    }
  }

  // ---- reading

  /** Bytes have arrived. */
  void onBytes(byte[] bytes) {
    inbound.add(bytes);
    scheduleRead();
  }

  /** The server's end has come. */
  void onEnd(IOException resetOrNull) {
    endSeen = true;
    reset = resetOrNull;
    scheduleRead();
  }

  @Override
  protected void doBeginRead() {
    readPending = true;
    scheduleRead();
  }

  private void scheduleRead() {
    if (readPending && !readScheduled && open && (endSeen || !inbound.isEmpty())) {
      readScheduled = true;
      process.onIo(this::readArrived);
    }
  }

  private void readArrived() {
    readScheduled = false;
    if (!open || !readPending) {
      return;
    }
    readPending = false;
    boolean some = false;
    for (byte[] bytes; open && (bytes = inbound.poll()) != null; ) {
      some = true;
      lookForConnack(bytes);
      ByteBuf buffer = Unpooled.wrappedBuffer(bytes);
      pipeline().fireChannelRead(buffer);
      if (buffer.refCnt() != 0) {
        world.fail(new Violation("received bytes are not released"));
      }
      if (!config.isAutoRead()) {
        break;
      }
    }
    if (some) {
      pipeline().fireChannelReadComplete();
    }
    if (open && endSeen && inbound.isEmpty() && (config.isAutoRead() || !some)) {
      if (reset != null) {
        pipeline().fireExceptionCaught(reset);
      }
      if (open) {
        unsafe().close(unsafe().voidPromise());
      }
    }
  }

  /** Before the client hears whether the server has a session, the ledger does. */
  private void lookForConnack(byte[] bytes) {
    if (connackSeen) {
      return;
    }
    for (byte next : bytes) {
      connack[connackBytes++] = next;
      if (connackBytes >= 4 && connackBytes == 2 + connack[1]) {
        connackSeen = true;
        if (connack[3] == 0) {
          process.onAccepted(link, connack[2] == 1);
        }
        return;
      }
    }
  }

  // ---- writing

  @Override
  protected Object filterOutboundMessage(Object message) {
    byte[] batch = ByteBufUtil.getBytes((ByteBuf) message);
    world.guard(
        () -> {
          if (batch.length == 0) {
            throw new Violation("an empty batch");
          }
          for (ClientPacket packet : reader.read(batch, taken)) {
            process.onTaken(packet, link);
          }
        });
    taken += batch.length;
    return message;
  }

  @Override
  protected void doWrite(ChannelOutboundBuffer out) throws IOException {
    while (!blocked && out.current() != null) {
      if (link.isServerGone() && world.oneIn(4)) {
        throw new IOException("broken pipe");
      }
      byte[] batch = ByteBufUtil.getBytes((ByteBuf) out.current());
      out.remove();
      if (process.isAlive()) {
        world.guard(() -> link.write(batch));
      }
      if (world.scenario().blocksWrites && world.isActive() && world.oneIn(3)) {
        block();
      }
    }
  }

  private void block() {
    blocked = true;
    world.after(
        world.oneIn(10) ? world.longTime() : world.latency(),
        () ->
            process.onIo(
                () -> {
                  blocked = false;
                  if (open && unsafe().outboundBuffer() != null) {
                    unsafe().flush();
                  }
                }));
  }

  @Override
  protected void doShutdownOutput() {
    outputShutdown = true;
    link.closeByClient();
    if (world.oneIn(2)) {
      world.after(world.latency(), () -> onEnd(null)); // the server closes its end too
    }
  }

  @Override
  protected void doClose() {
    open = false;
    active = false;
    inbound.clear();
    if (connectPromise != null) {
      ChannelPromise promise = connectPromise;
      connectPromise = null;
      promise.tryFailure(new IOException("closed while connecting"));
    }
    if (link != null) {
      link.closeByClient();
    }
    process.onClosed(this);
  }

  // ---- what is the same for all sockets

  private final class SimulatedUnsafe extends AbstractUnsafe {
    @Override
    public void connect(SocketAddress remote, SocketAddress local, ChannelPromise promise) {
      if (promise.setUncancellable() && ensureOpen(promise)) {
        SimulatedSocket.this.connect(promise);
      }
    }
  }

  @Override
  protected AbstractUnsafe newUnsafe() {
    return new SimulatedUnsafe();
  }

  @Override
  protected boolean isCompatible(EventLoop loop) {
    return true;
  }

  @Override
  protected SocketAddress localAddress0() {
    return LOCAL;
  }

  @Override
  protected SocketAddress remoteAddress0() {
    return REMOTE;
  }

  @Override
  protected void doBind(SocketAddress local) {
    throw new UnsupportedOperationException();
  }

  @Override
  protected void doDisconnect() {
    doClose();
  }

  @Override
  public ChannelConfig config() {
    return config;
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public boolean isActive() {
    return active;
  }

  @Override
  public ChannelMetadata metadata() {
    return METADATA;
  }

  @Override
  public boolean isInputShutdown() {
    return !open;
  }

  @Override
  public ChannelFuture shutdownInput() {
    throw new UnsupportedOperationException();
  }

  @Override
  public ChannelFuture shutdownInput(ChannelPromise promise) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean isOutputShutdown() {
    return outputShutdown || !open;
  }

  @Override
  public ChannelFuture shutdownOutput() {
    return shutdownOutput(newPromise());
  }

  @Override
  public ChannelFuture shutdownOutput(ChannelPromise promise) {
    ((AbstractUnsafe) unsafe()).shutdownOutput(promise);
    return promise;
  }

  @Override
  public boolean isShutdown() {
    return !open;
  }

  @Override
  public ChannelFuture shutdown() {
    throw new UnsupportedOperationException();
  }

  @Override
  public ChannelFuture shutdown(ChannelPromise promise) {
    throw new UnsupportedOperationException();
  }
}
