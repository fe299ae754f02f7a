// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.engine.Completion;
import io.bight.mqtt.engine.EngineOptions;
import io.bight.mqtt.engine.MqttEngine;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Publish;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is written when, and when that is told, on a channel in memory. */
class OpenTransportTest {
  /** A batch of its own. */
  private static final int LARGE = 300_000;

  private final List<String> events = new ArrayList<>();
  private final EmbeddedChannel channel = new EmbeddedChannel(new Writes());
  private final MqttClient client = MqttClient.builder("mqtt://127.0.0.1:1").build();
  private final MqttEngine engine =
      new MqttEngine(
          () -> "client 'test'",
          EngineOptions.DEFAULT,
          SessionStore.IN_MEMORY,
          new UnpooledByteBufAllocator(false),
          new SilentListener());
  private final OpenTransport transport = new OpenTransport(client, channel, engine);

  /** Writes that the transport has not finished, if it is to take its time. */
  private @Nullable List<ChannelPromise> held;

  /** The number of the write that fails. */
  private int failing = Integer.MAX_VALUE;

  private final class Writes extends ChannelOutboundHandlerAdapter {
    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
      ((ByteBuf) message).release();
      if (--failing == 0) {
        events.add("cannot write");
        promise.setFailure(new IOException("broken pipe"));
        context.close();
      } else {
        events.add("written");
        if (held == null) {
          promise.setSuccess();
        } else {
          held.add(promise);
        }
      }
    }
  }

  private final class Told implements Completion<PublishResult> {
    private final String name;

    Told(String name) {
      this.name = name;
    }

    @Override
    public void onSuccess(PublishResult result) {
      events.add(name + " done");
    }

    @Override
    public void onFailure(MqttException failure) {
      events.add(name + " failed");
    }
  }

  @BeforeEach
  void connect() {
    engine.connectionOpened(
        new Connect(MqttVersion.MQTT_5, "test", true, 0, null, null, null, Properties.NONE), 0);
    transport.flush();
    ByteBuf connack = Unpooled.wrappedBuffer(new byte[] {0x20, 3, 0, 0, 0});
    transport.receive(connack);
    connack.release();
    assertThat(events).containsExactly("written");
    events.clear();
  }

  @AfterEach
  void close() {
    channel.close();
    client.close();
  }

  private void publish(String name) {
    engine.publish(Publish.builder("a").payload(new byte[LARGE]).build(), new Told(name), 0);
  }

  @Test
  void allBatchesAreWrittenBeforeTheProgramIsToldOfTheFirst() {
    publish("a");
    publish("b");
    publish("c");
    transport.flush();
    assertThat(events)
        .containsExactly("written", "written", "written", "a done", "b done", "c done");
  }

  @Test
  void whatTheTransportFinishesLaterIsToldThen() {
    held = new ArrayList<>();
    publish("a");
    publish("b");
    transport.flush();
    assertThat(events).containsExactly("written", "written");
    held.get(0).setSuccess();
    assertThat(events).containsExactly("written", "written", "a done");
    held.get(1).setFailure(new IOException("broken pipe"));
    transport.onClosed();
    engine.connectionClosed(transport.writeFailure(), 0);
    assertThat(events).containsExactly("written", "written", "a done", "b failed");
  }

  @Test
  void whatWasWrittenBeforeTheChannelBrokeIsDoneAndWhatWasNotFailsOrWaits() {
    failing = 2;
    channel
        .closeFuture()
        .addListener(
            closed -> {
              transport.onClosed();
              engine.connectionClosed(transport.writeFailure(), 0);
            });
    publish("a");
    publish("b");
    publish("c");
    transport.flush();
    assertThat(events).containsExactly("written", "cannot write", "a done", "b failed");
    assertThat(engine.session().queuedMessages()).as("c waits for the next connection").isOne();
  }
}
