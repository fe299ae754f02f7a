// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Subscription;
import io.bight.testkit.ScriptedConnection;
import io.bight.testkit.ScriptedServer;
import io.bight.testkit.ServerScript;
import io.bight.testkit.VirtualTime;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/**
 * An engine and a scripted server, joined by a wire and a clock that the test moves. What the one
 * has to say is carried to the other after every command, until both are silent. The server's codec
 * is Netty's.
 *
 * <p>After every test all scripts must be through, nothing may be left to send, and every buffer
 * must be released.
 */
abstract class EngineFixture {
  /** Shortly before the clock's numbers wrap round, as System.nanoTime's may at any time. */
  private static final long START_NANOS = Long.MAX_VALUE - Duration.ofSeconds(20).toNanos();

  final VirtualTime time = new VirtualTime(START_NANOS);
  final ScriptedServer server = ScriptedServer.inMemory(time);
  final RecordingListener events = new RecordingListener();
  final SessionStore store = newStore();
  final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
  MqttEngine engine = newEngine(EngineOptions.DEFAULT);

  // What the next CONNECT says
  MqttVersion version = MqttVersion.MQTT_5;
  boolean cleanStart;
  int keepAliveSeconds;
  Properties.Builder connectProperties = Properties.builder();

  private @Nullable ScriptedConnection wire;

  /** Returns where the session is kept; called once. */
  SessionStore newStore() {
    return SessionStore.IN_MEMORY;
  }

  final MqttEngine newEngine(EngineOptions options) {
    return newEngine(options, store);
  }

  final MqttEngine newEngine(EngineOptions options, SessionStore store) {
    return new MqttEngine(() -> "client 'test'", options, store, allocator, events);
  }

  @AfterEach
  final void everythingIsDoneAndReleased() {
    server.verify();
    assertThat(engine.takeOutgoing()).as("left to send").isNull();
    if (wire != null) {
      engine.connectionClosed(null, now());
      wire = null;
    }
    if (events.storeFailures.size() == events.storeRecoveries) {
      assertThat(engine.nextDeadlineNanos()).isEqualTo(MqttEngine.NO_DEADLINE);
    }
    server.close();
    assertThat(allocator.metric().usedDirectMemory()).as("bytes not released").isZero();
    assertThat(allocator.metric().usedHeapMemory()).as("bytes not released").isZero();
  }

  final long now() {
    return time.nowNanos();
  }

  // ---- the connection

  /** Opens a connection to the server's next script and carries what follows. */
  final void connect() {
    open();
    carry();
  }

  /** Opens a connection; nothing is carried yet. */
  final void open() {
    assertThat(wire).as("the last connection").isNull();
    wire = server.openConnection();
    engine.connectionOpened(connectPacket(), now());
  }

  final Connect connectPacket() {
    return new Connect(
        version,
        "test",
        cleanStart,
        keepAliveSeconds,
        null,
        null,
        null,
        version == MqttVersion.MQTT_5 ? connectProperties.build() : Properties.NONE);
  }

  /** Connects with a version to a server that accepts, and returns the script of what follows. */
  final ServerScript connected(MqttVersion with) {
    version = with;
    return connected();
  }

  /** Returns the script of a connection that will be accepted, to be told what follows. */
  final ServerScript accepting() {
    return server.onConnection().expectConnect().sendConnack();
  }

  final ServerScript connected() {
    ServerScript script = accepting();
    connect();
    assertThat(engine.state()).isEqualTo(MqttEngine.State.CONNECTED);
    return script;
  }

  /** Connects to a server that has kept the session, and returns the script of what follows. */
  final ServerScript resumed() {
    ServerScript script =
        server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(true));
    connect();
    return script;
  }

  /** The network breaks: what either side has said last is lost. */
  final void cut() {
    ScriptedConnection broken = wire();
    wire = null;
    ByteBuf lost = engine.takeOutgoing();
    if (lost != null) {
      lost.release();
    }
    broken.closeFromClient();
    engine.connectionClosed(new java.io.IOException("cut"), now());
  }

  /** The network breaks while it takes nothing: what the engine has to say is never taken. */
  final void cutWhenStalled() {
    ScriptedConnection broken = wire();
    wire = null;
    broken.closeFromClient();
    engine.connectionClosed(new java.io.IOException("cut"), now());
  }

  final ScriptedConnection wire() {
    assertThat(wire).as("connection").isNotNull();
    return wire;
  }

  final boolean isOpen() {
    return wire != null;
  }

  /** Carries bytes both ways until both sides are silent, and the end of the connection. */
  final void carry() {
    boolean moved = true;
    while (moved && wire != null) {
      moved = carryToServer();
      if (wire != null && carryToClient()) {
        moved = true;
      }
      if (wire != null && engine.wantsClose() && !engine.hasOutgoing()) {
        ScriptedConnection closed = wire;
        wire = null;
        closed.closeFromClient();
        engine.connectionClosed(null, now());
      } else if (wire != null && wire.isClosed() && !moved) {
        boolean reset = wire.wasReset();
        wire = null;
        engine.connectionClosed(reset ? new java.io.IOException("reset") : null, now());
      }
    }
  }

  final boolean carryToServer() {
    ByteBuf batch = engine.takeOutgoing();
    if (batch == null) {
      return false;
    }
    assertThat(batch.isReadable()).as("an empty batch").isTrue();
    try {
      wire().receive(batch);
    } finally {
      batch.release();
    }
    engine.outgoingWritten();
    return true;
  }

  final boolean carryToClient() {
    byte[] bytes = wire().takeOutgoing();
    if (bytes.length == 0) {
      return false;
    }
    receive(bytes);
    return true;
  }

  /** Gives bytes to the engine, as if the server had sent them. */
  final void receive(byte[] bytes) {
    ByteBuf buffer = Unpooled.wrappedBuffer(bytes);
    engine.receive(buffer, now());
    assertThat(buffer.isReadable()).as("bytes not read").isFalse();
    assertThat(buffer.refCnt()).isOne();
    buffer.release();
  }

  // ---- time

  /** Moves the clock, serving the deadlines of both sides in their order. */
  final void advance(Duration duration) {
    long end = now() + duration.toNanos();
    carry();
    while (true) {
      long next = end;
      long deadline = engine.nextDeadlineNanos();
      if (deadline != MqttEngine.NO_DEADLINE && deadline - next < 0) {
        next = deadline;
      }
      long servers = time.nextDeadlineNanos().orElse(end);
      if (servers - next < 0) {
        next = servers;
      }
      time.advanceTo(next);
      engine.handleTimeout(now());
      carry();
      if (next == end) {
        return;
      }
    }
  }

  final void advanceSeconds(double seconds) {
    advance(Duration.ofMillis(Math.round(seconds * 1000)));
  }

  // ---- commands, each with everything that follows from it

  final Outcome<PublishResult> publish(Publish.Builder message) {
    return publish(message.build());
  }

  final Outcome<PublishResult> publish(Publish message) {
    Outcome<PublishResult> outcome = new Outcome<>();
    engine.publish(message, outcome, now());
    carry();
    return outcome;
  }

  final Outcome<SubscribeResult> subscribe(String... topicFilters) {
    return subscribe(Properties.NONE, topicFilters);
  }

  final Outcome<SubscribeResult> subscribe(Properties properties, String... topicFilters) {
    Outcome<SubscribeResult> outcome = new Outcome<>();
    List<Subscription> subscriptions =
        Arrays.stream(topicFilters)
            .map(topicFilter -> new Subscription(topicFilter, Qos.AT_LEAST_ONCE))
            .toList();
    engine.subscribe(subscriptions, properties, outcome, now());
    carry();
    return outcome;
  }

  final Outcome<UnsubscribeResult> unsubscribe(String... topicFilters) {
    Outcome<UnsubscribeResult> outcome = new Outcome<>();
    engine.unsubscribe(List.of(topicFilters), Properties.NONE, outcome, now());
    carry();
    return outcome;
  }

  final void acknowledge(IncomingPublish message) {
    acknowledge(message, ReasonCode.SUCCESS);
  }

  final void acknowledge(IncomingPublish message, ReasonCode reasonCode) {
    engine.acknowledge(message, reasonCode, Properties.NONE, now());
    carry();
  }

  /** From here on every message is acknowledged within its event. */
  final void acknowledgeAtOnce() {
    events.whenMessage =
        message -> engine.acknowledge(message, ReasonCode.SUCCESS, Properties.NONE, now());
  }

  final void disconnect() {
    disconnect(ReasonCode.SUCCESS);
  }

  final void disconnect(ReasonCode reasonCode) {
    engine.disconnect(new Disconnect(reasonCode), now());
    carry();
  }

  // ---- words

  static Publish.Builder qos0(String topic) {
    return Publish.builder(topic);
  }

  static Publish.Builder qos1(String topic) {
    return Publish.builder(topic).qos(Qos.AT_LEAST_ONCE);
  }

  static Publish.Builder qos2(String topic) {
    return Publish.builder(topic).qos(Qos.EXACTLY_ONCE);
  }

  final List<String> payloads() {
    return events.messages.stream()
        .map(
            message ->
                new String(message.message().payload(), java.nio.charset.StandardCharsets.UTF_8))
        .toList();
  }

  final ConnectionEnd onlyEnd() {
    assertThat(events.ends).hasSize(1);
    return events.ends.get(0);
  }

  /** Checks how the only connection so far has ended. */
  final void assertEnded(ConnectionEnd.By by, @Nullable ReasonCode reasonCode, String... words) {
    assertThat(isOpen()).as("transport open").isFalse();
    assertThat(engine.state()).isEqualTo(MqttEngine.State.DISCONNECTED);
    ConnectionEnd end = onlyEnd();
    assertThat(end.by()).as(end.message()).isEqualTo(by);
    assertThat(end.reasonCode()).as(end.message()).isEqualTo(reasonCode);
    for (String word : words) {
      assertThat(end.message()).contains(word);
    }
  }

  /** Nothing is in flight and no packet identifier is taken. */
  final void assertNothingInFlight() {
    assertThat(engine.session().inFlightMessages()).as("in flight").isZero();
    assertThat(engine.session().packetIdentifiersInUse()).as("packet identifiers").isZero();
    assertThat(engine.session().queuedMessages()).as("queued").isZero();
    assertThat(engine.session().heldBytes()).as("held bytes").isZero();
  }
}
