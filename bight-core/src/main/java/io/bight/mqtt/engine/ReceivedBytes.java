// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.codec.MqttDecodeException;
import io.bight.mqtt.packet.Packet;
import io.netty.buffer.ByteBuf;

/**
 * Bytes from the transport become packets, which are handled as soon as they are whole and unless
 * receiving is paused. What is left waits with its connection.
 */
final class ReceivedBytes {
  private final MqttEngine engine;
  private final EngineListener listener;
  private final ServerPackets serverPackets;

  /** Whether packets wait until the engine is told to go on. */
  private boolean paused;

  ReceivedBytes(MqttEngine engine, EngineListener listener, ServerPackets serverPackets) {
    this.engine = engine;
    this.listener = listener;
    this.serverPackets = serverPackets;
  }

  boolean isPaused() {
    return paused;
  }

  void setPaused(boolean paused) {
    this.paused = paused;
  }

  /** Handles what has waited and what has come; keeps what cannot be handled yet. */
  void receive(ConnectionState connection, ByteBuf bytes) {
    ByteBuf begun = connection.takeRest();
    try {
      if (begun == null || receiveBegun(connection, begun, bytes)) {
        receivePackets(connection, bytes);
      }
    } catch (MqttDecodeException e) {
      engine.refuse(
          connection,
          e.reasonCode(),
          "the server sent a packet that is not valid: " + e.getMessage());
    } finally {
      if (isCurrent(connection)) {
        connection.keepRest(begun, bytes);
      } else {
        bytes.skipBytes(bytes.readableBytes());
        if (begun != null) {
          begun.release();
        }
      }
    }
  }

  /**
   * Handles what has waited, and what of it had only begun once its end is moved to it: the packets
   * behind that are not copied.
   *
   * @return whether nothing of it is left, so that those behind it come next
   */
  private boolean receiveBegun(ConnectionState connection, ByteBuf begun, ByteBuf bytes)
      throws MqttDecodeException {
    while (true) {
      receivePackets(connection, begun);
      if (!isCurrent(connection) || paused) {
        return false;
      }
      if (!begun.isReadable()) {
        return true;
      }
      if (!bytes.isReadable()) {
        return false;
      }
      begun.writeBytes(bytes, Math.min(connection.decoder.missingBytes(), bytes.readableBytes()));
    }
  }

  /** Handles the packets that are whole. */
  private void receivePackets(ConnectionState connection, ByteBuf bytes)
      throws MqttDecodeException {
    boolean wantsPackets = listener.wantsPackets();
    boolean needsNoPackets = connection.accepted && !wantsPackets;
    while (isCurrent(connection) && !paused) {
      int plain = needsNoPackets ? connection.decoder.readPlainAcknowledgement(bytes) : 0;
      if (plain != 0) {
        serverPackets.handlePlainAcknowledgement(connection, plain);
        continue;
      }
      Packet packet = connection.decoder.decode(bytes);
      if (packet == null) {
        return;
      }
      if (wantsPackets) {
        listener.onPacket(false, packet);
      }
      serverPackets.handle(connection, packet);
    }
  }

  /** A packet may end the connection, and what follows its end means nothing. */
  private boolean isCurrent(ConnectionState connection) {
    return engine.connectionOrNull() == connection;
  }
}
