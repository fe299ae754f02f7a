// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.sink;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;

/** TLS over a socket that does not block. Two buffers for each connection, filled to the brim. */
final class TlsWire implements Wire {
  private static final int BUFFER_BYTES = 256 * 1024;

  /** What a TLS record may take at most, with room to spare. */
  private static final int RECORD_BYTES = 18 * 1024;

  private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);

  private final SocketChannel channel;
  private final SSLEngine engine;

  /** Encrypted, from the socket; between calls from 0 to position. */
  private final ByteBuffer received = ByteBuffer.allocateDirect(BUFFER_BYTES);

  /** Encrypted, for the socket; between calls from position to limit. */
  private final ByteBuffer sending = ByteBuffer.allocateDirect(BUFFER_BYTES).limit(0);

  private boolean full;

  TlsWire(SocketChannel channel, SSLEngine engine) throws SSLException {
    this.channel = channel;
    this.engine = engine;
    engine.setUseClientMode(false);
    engine.beginHandshake();
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    int before = target.position();
    int fromSocket = channel.read(received);
    received.flip();
    full = false;
    boolean more = true;
    while (more) {
      SSLEngineResult result = engine.unwrap(received, target);
      switch (result.getStatus()) {
        case BUFFER_OVERFLOW -> {
          full = true;
          more = false;
        }
        case BUFFER_UNDERFLOW, CLOSED -> more = false;
        case OK -> more = received.hasRemaining() || isHandshaking();
      }
      more &= shakeHands(result.getHandshakeStatus()) || received.hasRemaining();
    }
    received.compact();
    int read = target.position() - before;
    return read == 0 && fromSocket < 0 ? -1 : read;
  }

  /** Goes on with the handshake; false if it waits for the client, or there is none. */
  private boolean shakeHands(HandshakeStatus status) throws IOException {
    HandshakeStatus now = status;
    while (true) {
      switch (now) {
        case NEED_TASK -> {
          for (Runnable task = engine.getDelegatedTask();
              task != null;
              task = engine.getDelegatedTask()) {
            task.run();
          }
          now = engine.getHandshakeStatus();
        }
        case NEED_WRAP -> now = wrap(NOTHING).getHandshakeStatus();
        case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
          return received.hasRemaining();
        }
        case FINISHED, NOT_HANDSHAKING -> {
          return false;
        }
      }
    }
  }

  private boolean isHandshaking() {
    return engine.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING;
  }

  @Override
  public void write(ByteBuffer source) throws IOException {
    flush();
    while (source.hasRemaining() && sending.remaining() < BUFFER_BYTES / 2) {
      if (wrap(source).getStatus() == SSLEngineResult.Status.CLOSED) {
        throw new ClosedChannelException(); // the client has said that it goes
      }
    }
  }

  private SSLEngineResult wrap(ByteBuffer source) throws IOException {
    sending.compact();
    SSLEngineResult result;
    do {
      result = engine.wrap(source, sending);
    } while (source.hasRemaining()
        && result.getStatus() == SSLEngineResult.Status.OK
        && result.bytesConsumed() > 0
        && sending.remaining() > RECORD_BYTES);
    sending.flip();
    flush();
    return result;
  }

  private void flush() throws IOException {
    if (sending.hasRemaining()) {
      channel.write(sending);
    }
  }

  @Override
  public boolean isWriting() {
    return sending.hasRemaining();
  }

  @Override
  public boolean hasRead() {
    return full;
  }
}
