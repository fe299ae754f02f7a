// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.PipelineParts;
import io.bight.mqtt.engine.MqttEngine;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.concurrent.ScheduledFuture;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A transport from its opening to its end: writes what the engine has as far as the socket takes
 * it, serves the engine's deadlines, and closes in order. All methods are the driver's.
 */
final class OpenTransport {
  /** How long the server may take to close its end after ours. */
  private static final long CLOSE_GRACE_MILLIS = 250;

  /** How long the last bytes may take to be written when the connection ends in order. */
  private static final long LAST_WRITE_MILLIS = 10_000;

  /** So that one client that writes at full speed leaves the turn to others. */
  private static final int MOST_BATCHES_IN_A_FLUSH = 16;

  /**
   * After so much of a long read what the engine has to say is written: acknowledgements of its
   * beginning are on their way to the server while its end is handled.
   */
  private static final int PIECE_BYTES = 48 * 1024;

  /** Why nothing is read; it goes on when no reason is left. */
  enum Pause {
    /** Whoever drives is to leave, and the rest waits for the next one. */
    DRIVER_LEAVES(1),
    /** The program has no room for more messages. */
    NO_ROOM(2);

    private final int bit;

    Pause(int bit) {
      this.bit = bit;
    }
  }

  private final MqttClient client;
  private final Channel channel;
  private final MqttEngine engine;

  /** Why nothing is read: a bit for each reason. */
  private int pauses;

  private @Nullable ChannelFuture lastWrite;
  private @Nullable ScheduledFuture<?> engineTimer;
  private long engineTimerNanos;
  private @Nullable FirstBytes firstBytes;
  private @Nullable Throwable writeFailure;
  private boolean flushScheduled;
  private boolean flushing;

  /** How many batches are written of which the engine has not been told. */
  private int untoldBatches;

  private boolean shuttingDown;
  private boolean gone;

  OpenTransport(MqttClient client, Channel channel, MqttEngine engine) {
    this.client = client;
    this.channel = channel;
    this.engine = engine;
  }

  boolean isOf(Channel other) {
    return channel.equals(other);
  }

  // ---- writing

  /** Has {@link #flush} called at the end of the turn, once, however many ask for it. */
  void scheduleFlush() {
    if (!flushScheduled) {
      flushScheduled = true;
      channel
          .eventLoop()
          .execute(
              () -> {
                flushScheduled = false;
                LogContext.run(client, this::flush);
              });
    }
  }

  /** Writes what the engine has, as far as the transport takes it: one write and flush a batch. */
  void flush() {
    // What the engine has when the transport is gone is for the next one. A write may tell within
    // that there is room again, and whoever writes looks for himself.
    if (gone || flushing) {
      return;
    }
    flushing = true;
    try {
      if (writeBatches() == 0) {
        engine.commit(client.loop().nowNanos()); // even if the transport takes nothing
      }
    } finally {
      flushing = false;
      tellWritten();
    }
    if (engine.wantsClose() && !engine.hasOutgoing()) {
      shutDownWhenWritten();
    }
    scheduleEngineTimer();
  }

  /** Writes as many batches as the transport takes, but not too many; returns how many. */
  private int writeBatches() {
    ByteBuf batch;
    int batches = 0;
    while (channel.isWritable() && (batch = engine.takeOutgoing()) != null) {
      lastWrite = channel.writeAndFlush(batch);
      lastWrite.addListener(
          written -> {
            if (written == lastWrite) {
              lastWrite = null; // a connection may be idle for hours
            }
            if (!written.isSuccess()) {
              LogContext.run(client, () -> onWriteFailure(written.cause()));
              return;
            }
            untoldBatches++;
            if (!flushing) {
              LogContext.run(client, this::tellWritten);
            }
          });
      if (++batches == MOST_BATCHES_IN_A_FLUSH) {
        scheduleFlush();
        break;
      }
    }
    return batches;
  }

  /**
   * Tells the engine what is written, and so the program: after the last batch of a flush, for the
   * program's callbacks take time in which the server had nothing to do.
   */
  private void tellWritten() {
    while (untoldBatches > 0 && !gone) {
      untoldBatches--;
      engine.outgoingWritten();
    }
  }

  /** The socket is closed because of it, and that alone would look like the server's doing. */
  private void onWriteFailure(Throwable cause) {
    boolean wasOpen = !(cause instanceof ClosedChannelException);
    if (writeFailure == null && wasOpen) {
      writeFailure = cause;
    }
  }

  /** Returns why bytes could not be written, or null if all could or the channel was closed. */
  @Nullable Throwable writeFailure() {
    return writeFailure;
  }

  private void scheduleEngineTimer() {
    long deadline = engine.nextDeadlineNanos();
    if (gone || deadline == MqttEngine.NO_DEADLINE) {
      return; // a timer that is left over finds nothing to do
    }
    if (engineTimer != null) {
      if (engineTimerNanos - deadline <= 0) {
        return; // it fires early enough and then looks again
      }
      engineTimer.cancel(false);
    }
    engineTimerNanos = deadline;
    engineTimer =
        channel
            .eventLoop()
            .schedule(
                this::onEngineTimer,
                Math.max(0, deadline - client.loop().nowNanos()),
                TimeUnit.NANOSECONDS);
  }

  private void onEngineTimer() {
    engineTimer = null;
    LogContext.run(
        client,
        () -> {
          engine.handleTimeout(client.loop().nowNanos());
          flush();
        });
  }

  // ---- reading

  void receive(ByteBuf bytes) {
    if (firstBytes == null) {
      firstBytes = FirstBytes.of(bytes);
    }
    long now = client.loop().nowNanos();
    int end = bytes.writerIndex();
    while (end - bytes.readerIndex() > PIECE_BYTES) {
      bytes.writerIndex(bytes.readerIndex() + PIECE_BYTES);
      engine.receive(bytes, now);
      bytes.writerIndex(end);
      flush();
    }
    engine.receive(bytes, now);
  }

  /** Returns what the server's first bytes look like, or null if none have come. */
  @Nullable FirstBytes firstBytes() {
    return firstBytes;
  }

  /** Reads no more; returns whether this is a new reason. */
  boolean pauseReading(Pause reason) {
    channel.config().setAutoRead(false);
    boolean isNew = !isPaused(reason);
    pauses |= reason.bit;
    return isNew;
  }

  boolean isPaused(Pause reason) {
    return (pauses & reason.bit) != 0;
  }

  /** Reads again if no other reason is left, and handles what had arrived before the pause. */
  void resumeReading(Pause reason) {
    boolean wasPaused = isPaused(reason);
    pauses &= ~reason.bit;
    if (wasPaused && pauses == 0 && !gone) {
      channel.config().setAutoRead(true);
      LogContext.run(
          client,
          () -> {
            engine.resumeReceiving(client.loop().nowNanos());
            flush();
          });
    }
  }

  // ---- the end

  /**
   * The engine's connection has ended: has the rest written and closes, within a time that also
   * holds where the socket takes nothing any more.
   *
   * @param peerIsDead whether nobody is there to take the rest
   */
  void end(boolean peerIsDead) {
    scheduleFlush();
    if (peerIsDead) {
      channel.eventLoop().execute(this::abort);
    } else {
      closeAfter(LAST_WRITE_MILLIS);
    }
  }

  /** Closes without waiting for anything. */
  void abort() {
    channel.close();
  }

  /** Closes in order: our end first, once all is written; the server's end after it. */
  private void shutDownWhenWritten() {
    if (shuttingDown) {
      return;
    }
    shuttingDown = true;
    if (lastWrite == null || lastWrite.isDone()) {
      shutDown();
    } else {
      lastWrite.addListener(done -> shutDown());
    }
  }

  private void shutDown() {
    if (!channel.isActive()) {
      channel.close();
      return;
    }
    if (PipelineParts.hasOwnFarewell(channel)) {
      channel.close(); // TLS and WebSocket say so to the server and wait for it
      return;
    }
    // Closing at once could make the server's system throw away what it has not read yet.
    ((DuplexChannel) channel).shutdownOutput();
    closeAfter(CLOSE_GRACE_MILLIS);
  }

  private void closeAfter(long millis) {
    var timer = channel.eventLoop().schedule(this::abort, millis, TimeUnit.MILLISECONDS);
    channel.closeFuture().addListener(done -> timer.cancel(false));
  }

  /** The channel is closed, by either side. */
  void onClosed() {
    tellWritten(); // what was written before
    gone = true;
    if (engineTimer != null) {
      engineTimer.cancel(false);
      engineTimer = null;
    }
  }
}
