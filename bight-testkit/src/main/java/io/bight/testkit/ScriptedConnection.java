// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.util.ReferenceCountUtil;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One connection of a {@link ScriptedServer}: runs its script against what the client sends.
 *
 * <p>On a port it is driven by the server's thread; in memory by the test, which carries the bytes
 * both ways:
 *
 * <pre>{@code
 * ScriptedServer server = ScriptedServer.inMemory(time);
 * server.onConnection().expectConnect().sendConnack();
 * ScriptedConnection connection = server.openConnection();
 * connection.receive(bytesFromTheClient);
 * byte[] toTheClient = connection.takeOutgoing();
 * }</pre>
 *
 * <p>All its state is guarded by the server's lock. It lives until either side ends the connection
 * and can be asked about it afterwards.
 */
public final class ScriptedConnection {
  private final ScriptedServer server;
  private final int number;
  private final ServerTransport transport;
  private final ServerScript script;
  private final ServerCodec codec = new ServerCodec();
  private final Map<PacketType, ReceivedPacket> lastOfType = new EnumMap<>(PacketType.class);
  private final List<byte[]> unread = new ArrayList<>();
  private AfterScript afterScript;
  private boolean proceeding;
  private boolean proceedAgain;
  private boolean reading = true;
  private boolean closed;
  private boolean closedByClient;
  private boolean wasReset;
  private boolean answersPings;
  private int dropped;
  private int pieceBytes = Integer.MAX_VALUE;
  private long bytesReceived;
  private long bytesSent;
  private long receiveLimit = Long.MAX_VALUE;
  private long sendLimit = Long.MAX_VALUE;
  private @Nullable ScriptStep timedStep;
  private boolean timedStepOver;
  private @Nullable BrokerConnection attachment;

  ScriptedConnection(
      ScriptedServer server,
      int number,
      ServerTransport transport,
      ServerScript script,
      AfterScript afterScript) {
    this.server = server;
    this.number = number;
    this.transport = transport;
    this.script = script;
    this.afterScript = afterScript;
  }

  // ---- For tests ----

  /**
   * The number of the connection.
   *
   * @return 1 for the server's first
   */
  public int number() {
    return number;
  }

  /**
   * The script of the connection, to which steps may still be added.
   *
   * @return the script
   */
  public ServerScript script() {
    return script;
  }

  /**
   * In memory: hands over bytes that the client has sent, and runs the script as far as they go.
   * After the end of the connection they are ignored, as a network would.
   *
   * @param bytes what the client has sent; copied
   * @throws AssertionError if the script expected something else
   */
  public void receive(byte[] bytes) {
    requireInMemory();
    byte[] copy = bytes.clone();
    server.locked(() -> handleBytes(copy));
  }

  /**
   * In memory: hands over bytes that the client has sent.
   *
   * @param bytes what the client has sent; read to its limit
   * @throws AssertionError if the script expected something else
   */
  public void receive(ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    receive(copy);
  }

  /**
   * In memory: hands over bytes that the client has sent, from Netty's buffer. The buffer is read
   * to its end and stays the caller's to release.
   *
   * @param bytes what the client has sent
   * @throws AssertionError if the script expected something else
   */
  public void receive(io.netty.buffer.ByteBuf bytes) {
    byte[] copy = new byte[bytes.readableBytes()];
    bytes.readBytes(copy);
    receive(copy);
  }

  /**
   * In memory: takes what the server has sent since the last call. After {@link
   * ServerScript#inPiecesOf(int)} each call gives one piece, so call it until it gives nothing.
   *
   * @return the bytes; empty if there are none
   */
  public byte[] takeOutgoing() {
    MemoryTransport memory = requireInMemory();
    return server.lockedGet(memory::take);
  }

  /**
   * In memory: the client ends the connection.
   *
   * @throws AssertionError if the script expected something else
   */
  public void closeFromClient() {
    requireInMemory();
    server.locked(this::handleClosed);
  }

  /**
   * Whether the connection has ended, by either side. In memory there may still be bytes to take;
   * after a reset there are none.
   *
   * @return true once it has ended
   */
  public boolean isClosed() {
    return server.lockedGet(() -> closed);
  }

  /**
   * Whether the client was the one that ended the connection.
   *
   * @return true if the client did
   */
  public boolean isClosedByClient() {
    return server.lockedGet(() -> closedByClient);
  }

  /**
   * Whether the server ended the connection with a reset.
   *
   * @return true if the server did
   */
  public boolean wasReset() {
    return server.lockedGet(() -> wasReset);
  }

  /**
   * How many bytes came from the client.
   *
   * @return those the server has read
   */
  public long bytesReceived() {
    return server.lockedGet(() -> bytesReceived);
  }

  /**
   * How many bytes went to the client.
   *
   * @return those the server has written
   */
  public long bytesSent() {
    return server.lockedGet(() -> bytesSent);
  }

  // ---- Input ----

  /** Takes the lock itself. */
  void handleFromNetwork(byte[] bytes) {
    server.locked(() -> handleBytes(bytes));
  }

  /** Takes the lock itself. */
  void handleClosedFromNetwork() {
    server.locked(this::handleClosed);
  }

  // ---- Under the server's lock from here on ----

  void handleBytes(byte[] bytes) {
    if (closed) {
      return;
    }
    if (!reading) {
      unread.add(bytes);
      return;
    }
    long allowed = receiveLimit - bytesReceived;
    byte[] seen = bytes.length <= allowed ? bytes : Arrays.copyOf(bytes, (int) allowed);
    bytesReceived += seen.length;
    codec.add(seen);
    proceed();
    if (bytesReceived >= receiveLimit) {
      resetByServer();
    }
  }

  void handleClosed() {
    if (closed) {
      return;
    }
    closedByClient = true;
    proceed();
    ended("connection closed by the client");
    ScriptStep waiting = script.peek();
    if (waiting instanceof ScriptStep.Expect || waiting instanceof ScriptStep.ExpectBytes) {
      server.fail("expected " + waiting.words() + ", but the client closed", this, null);
    }
  }

  /** Runs the script as far as it goes. A step that leads back here is run by the outer call. */
  void proceed() {
    proceedAgain = true;
    if (proceeding) {
      return;
    }
    proceeding = true;
    try {
      while (proceedAgain && !server.hasFailed()) {
        proceedAgain = false;
        while (!server.hasFailed() && oneStep()) {
          server.changed();
        }
      }
    } catch (ServerCodec.MalformedPacketException e) {
      server.record(number, "!! " + e.getMessage());
      server.fail("expected " + waitingFor() + ", but received a " + e.getMessage(), this, e);
    } catch (AssertionError | RuntimeException e) {
      server.fail("at " + waitingFor() + ": " + e.getMessage(), this, e);
    } finally {
      proceeding = false;
      server.changed();
    }
  }

  /** Does one step of the script, or one packet after it; false if there is nothing to do now. */
  private boolean oneStep() throws ServerCodec.MalformedPacketException {
    ScriptStep step = script.peek();
    if (step == null) {
      return afterScript();
    }
    if (step instanceof ScriptStep.Act act) {
      script.next();
      act.action().accept(this);
      return true;
    }
    if (step instanceof ScriptStep.Pause pause) {
      return timeIsOver(pause, pause.duration());
    }
    if (step instanceof ScriptStep.ExpectBytes expected) {
      return matchBytes(expected.bytes());
    }
    if (step instanceof ScriptStep.ExpectClose && closedByClient) {
      script.next();
      return true;
    }
    if (step instanceof ScriptStep.Silence silence && timeIsOver(silence, silence.duration())) {
      return true;
    }
    ReceivedPacket packet = takePacket();
    if (packet == null) {
      return false;
    }
    if (answersPings && packet.type() == PacketType.PINGREQ) {
      write(OutgoingPacket.pingresp());
    } else if (step instanceof ScriptStep.Drop drop) {
      if (++dropped >= drop.packets()) {
        dropped = 0;
        script.next();
      }
    } else if (step instanceof ScriptStep.Expect expected && expected.type() == packet.type()) {
      try {
        expected.check().accept(packet);
      } catch (AssertionError e) {
        throw new AssertionError("received " + packet + ": " + e.getMessage(), e);
      }
      script.next();
    } else {
      server.fail("expected " + step.words() + ", but received " + packet, this, null);
    }
    return true;
  }

  private boolean afterScript() throws ServerCodec.MalformedPacketException {
    ReceivedPacket packet = takePacket();
    if (packet == null) {
      return false;
    }
    if (afterScript == AfterScript.BROKER) {
      broker().handle(packet);
    } else if (answersPings && packet.type() == PacketType.PINGREQ) {
      write(OutgoingPacket.pingresp());
    } else if (afterScript == AfterScript.FAIL && packet.type() != PacketType.DISCONNECT) {
      server.fail("expected nothing more, but received " + packet, this, null);
    }
    return true;
  }

  private @Nullable ReceivedPacket takePacket() throws ServerCodec.MalformedPacketException {
    if (closed) {
      return null;
    }
    byte[] bytes = codec.takePacketBytes();
    if (bytes == null) {
      return null;
    }
    MqttMessage message = codec.decode(bytes);
    ReceivedPacket packet;
    try {
      packet = new ReceivedPacket(message, bytes, number, server.nowNanos());
    } finally {
      ReferenceCountUtil.release(message);
    }
    lastOfType.put(packet.type(), packet);
    server.record(packet);
    return packet;
  }

  private boolean matchBytes(byte[] expected) {
    if (codec.unreadBytes() < expected.length) {
      return false;
    }
    byte[] found = codec.take(expected.length);
    server.record(number, ">> " + ScriptStep.hex(found));
    if (!Arrays.equals(expected, found)) {
      throw new AssertionError("received the bytes " + ScriptStep.hex(found));
    }
    codec.learnVersion(found);
    script.next();
    return true;
  }

  private boolean timeIsOver(ScriptStep step, Duration duration) {
    if (timedStep != step) {
      timedStep = step;
      timedStepOver = false;
      server.schedule(
          duration,
          () -> {
            if (timedStep == step) {
              timedStepOver = true;
              proceed();
            }
          });
    }
    if (timedStepOver) {
      timedStep = null;
      script.next();
      return true;
    }
    return false;
  }

  // ---- What the steps do ----

  ReceivedPacket last(PacketType type) {
    ReceivedPacket packet = lastOfType.get(type);
    if (packet == null) {
      throw new IllegalStateException("no " + type + " has come on this connection to answer");
    }
    return packet;
  }

  void write(OutgoingPacket packet) {
    if (closed) {
      server.record(number, "   not sent, the connection has ended: " + packet);
      return;
    }
    byte[] encoded = codec.encode(packet);
    server.record(number, "<< " + packet);
    writeUnrecorded(encoded);
  }

  void write(byte[] bytes) {
    if (closed) {
      server.record(number, "   not sent, the connection has ended: " + bytes.length + " bytes");
      return;
    }
    server.record(number, "<< " + ScriptStep.hex(bytes));
    writeUnrecorded(bytes);
  }

  void writePart(OutgoingPacket packet, int from, int to) {
    if (closed) {
      server.record(number, "   not sent, the connection has ended: part of " + packet);
      return;
    }
    byte[] whole = codec.encode(packet);
    byte[] part = Arrays.copyOfRange(whole, from, Math.min(to, whole.length));
    server.record(number, "<< " + part.length + " of " + whole.length + " bytes of " + packet);
    writeUnrecorded(part);
  }

  private void writeUnrecorded(byte[] bytes) {
    int allowed = (int) Math.min(bytes.length, sendLimit - bytesSent);
    for (int at = 0; at < allowed; ) {
      int size = Math.min(pieceBytes, allowed - at);
      transport.write(Arrays.copyOfRange(bytes, at, at + size), pieceBytes != Integer.MAX_VALUE);
      at += size;
    }
    bytesSent += allowed;
    if (bytesSent >= sendLimit) {
      // Not a reset: it would overtake the bytes that shall still arrive.
      closeByServer();
    }
  }

  void inPiecesOf(int bytes) {
    pieceBytes = bytes == 0 ? Integer.MAX_VALUE : bytes;
  }

  void answerPings() {
    answersPings = true;
  }

  void swallowAfterScript() {
    afterScript = AfterScript.SWALLOW;
  }

  void brokerAfterScript() {
    afterScript = AfterScript.BROKER;
    ReceivedPacket connect = lastOfType.get(PacketType.CONNECT);
    if (connect != null) {
      broker().adopt(connect);
    }
  }

  void setReading(boolean reading) {
    this.reading = reading;
    transport.setReading(reading);
    if (reading) {
      List<byte[]> kept = List.copyOf(unread);
      unread.clear();
      kept.forEach(this::handleBytes);
    }
  }

  void cutAfterReceiving(long bytes) {
    receiveLimit = bytesReceived + bytes;
  }

  void cutAfterSending(long bytes) {
    sendLimit = bytesSent + bytes;
  }

  void closeByServer() {
    if (!closed) {
      ended("connection closed by the server");
      transport.close();
    }
  }

  void resetByServer() {
    if (!closed) {
      wasReset = true;
      ended("connection reset by the server");
      transport.reset();
    }
  }

  private void ended(String how) {
    closed = true;
    codec.release();
    server.record(number, "-- " + how);
    server.changed();
    if (attachment != null) {
      attachment.connectionEnded();
    }
  }

  private BrokerConnection broker() {
    if (attachment == null) {
      attachment = new BrokerConnection(server.broker(), this);
    }
    return attachment;
  }

  // ---- For the server's reports ----

  boolean hasEnded() {
    return closed;
  }

  boolean scriptIsThrough() {
    return script.peek() == null;
  }

  String waitingFor() {
    ScriptStep step = script.peek();
    return step == null ? "nothing more" : step.words();
  }

  private MemoryTransport requireInMemory() {
    if (transport instanceof MemoryTransport memory) {
      return memory;
    }
    throw new IllegalStateException("This connection is on a port: the network carries its bytes");
  }

  /** What happens to packets when the script is through. */
  enum AfterScript {
    FAIL,
    SWALLOW,
    BROKER
  }
}
