// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.codec.MqttEncoder;
import io.bight.mqtt.engine.ConnectionEnd;
import io.bight.mqtt.engine.EngineListener;
import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.engine.IncomingPublish;
import io.bight.mqtt.engine.MqttEngine;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;

/**
 * A connected engine, and a server that is nothing but a buffer, on a clock that stands still. Each
 * message that arrives is acknowledged within its event.
 */
final class ConnectedEngine implements EngineListener, AutoCloseable {
  /** The clock stands still: no deadline comes. */
  static final long NOW = 0;

  final MqttEngine engine =
      new MqttEngine(
          () -> "the client",
          EngineOptions.DEFAULT,
          SessionStore.IN_MEMORY,
          PooledByteBufAllocator.DEFAULT,
          this);

  /** What the server says next. */
  final ByteBuf fromServer = PooledByteBufAllocator.DEFAULT.directBuffer(1 << 17);

  /** What the engine has said since the last {@link #take}. */
  final ByteBuf fromClient = PooledByteBufAllocator.DEFAULT.directBuffer(1 << 20);

  long messages;

  ConnectedEngine() {
    engine.connectionOpened(
        new Connect(MqttVersion.MQTT_5, "client", true, 0, null, null, null, Properties.NONE), NOW);
    take();
    new MqttEncoder(MqttVersion.MQTT_5)
        .encode(new Connack(false, ReasonCode.SUCCESS, Properties.NONE), fromServer);
    receive();
  }

  /** Gives the engine what the server has said. */
  void receive() {
    engine.receive(fromServer, NOW);
    fromServer.clear();
  }

  /** Takes what the engine has to say, as the transport does, and keeps it to be read. */
  void take() {
    fromClient.clear();
    for (ByteBuf bytes; (bytes = engine.takeOutgoing()) != null; ) {
      fromClient.writeBytes(bytes);
      bytes.release();
      engine.outgoingWritten();
    }
  }

  @Override
  public void onConnected(Connack connack) {}

  @Override
  public void onConnectionEnded(ConnectionEnd end) {
    if (end.by() != ConnectionEnd.By.USER) {
      throw new IllegalStateException(end.message());
    }
  }

  @Override
  public void onMessage(IncomingPublish message) {
    messages++;
    engine.acknowledge(message, ReasonCode.SUCCESS, Properties.NONE, NOW);
  }

  @Override
  public void close() {
    engine.disconnect(new Disconnect(ReasonCode.SUCCESS), NOW);
    take();
    engine.connectionClosed(null, NOW);
    engine.failAll(new MqttException("the benchmark is over", null));
    fromServer.release();
    fromClient.release();
  }
}
