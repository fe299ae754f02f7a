// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What the server does on one connection, step by step. Each {@code expect} waits for the next
 * packet of the client and fails unless it is the one described; everything else is done at once
 * when the step before it is through.
 *
 * <pre>{@code
 * server.onConnection()
 *     .expectConnect(connect -> assertThat(connect.keepAliveSeconds()).isEqualTo(60))
 *     .sendConnack()
 *     .expectSubscribe("a/#").sendSuback()
 *     .sendPublish("a/b", "21.5", 1, 7)
 *     .expectPuback(7)
 *     .closeConnection();
 * }</pre>
 *
 * <p>Steps may be added at any time from any thread; on a connection that waits at the end of its
 * script they take effect at once. When the script is through, another packet is a failure, except
 * DISCONNECT, or a broker takes over ({@link #thenBroker()}), or nobody answers ({@link
 * #swallow()}). The checks given to {@code expect} methods run on the server's thread, or in memory
 * on the thread that delivers the bytes.
 */
public final class ServerScript {
  private final ScriptedServer server;
  private final Deque<ScriptStep> steps = new ArrayDeque<>();
  private @Nullable ScriptedConnection connection;

  ServerScript(ScriptedServer server) {
    this.server = server;
  }

  // ---- Expectations ----

  /**
   * Expects a packet of a type.
   *
   * @param type which
   * @return this
   */
  public ServerScript expect(PacketType type) {
    return expect(type, packet -> {});
  }

  /**
   * Expects a packet of a type that passes a check.
   *
   * @param type which
   * @param check throws an {@link AssertionError} if the packet is not as it should be
   * @return this
   */
  public ServerScript expect(PacketType type, Consumer<ReceivedPacket> check) {
    return add(new ScriptStep.Expect(type, type.name(), check));
  }

  /**
   * Expects CONNECT.
   *
   * @return this
   */
  public ServerScript expectConnect() {
    return expect(PacketType.CONNECT);
  }

  /**
   * Expects a CONNECT that passes a check.
   *
   * @param check throws an {@link AssertionError} if the packet is not as it should be
   * @return this
   */
  public ServerScript expectConnect(Consumer<ReceivedPacket> check) {
    return expect(PacketType.CONNECT, check);
  }

  /**
   * Expects PUBLISH.
   *
   * @param topic its topic
   * @return this
   */
  public ServerScript expectPublish(String topic) {
    return add(
        new ScriptStep.Expect(
            PacketType.PUBLISH,
            "PUBLISH to '" + topic + "'",
            packet -> ScriptStep.requireEqual("topic", topic, packet.topic())));
  }

  /**
   * Expects a PUBLISH that passes a check.
   *
   * @param check throws an {@link AssertionError} if the packet is not as it should be
   * @return this
   */
  public ServerScript expectPublish(Consumer<ReceivedPacket> check) {
    return expect(PacketType.PUBLISH, check);
  }

  /**
   * Expects PUBACK.
   *
   * @param packetIdentifier its packet identifier
   * @return this
   */
  public ServerScript expectPuback(int packetIdentifier) {
    return expectIdentified(PacketType.PUBACK, packetIdentifier);
  }

  /**
   * Expects PUBREC.
   *
   * @param packetIdentifier its packet identifier
   * @return this
   */
  public ServerScript expectPubrec(int packetIdentifier) {
    return expectIdentified(PacketType.PUBREC, packetIdentifier);
  }

  /**
   * Expects PUBREL.
   *
   * @param packetIdentifier its packet identifier
   * @return this
   */
  public ServerScript expectPubrel(int packetIdentifier) {
    return expectIdentified(PacketType.PUBREL, packetIdentifier);
  }

  /**
   * Expects PUBCOMP.
   *
   * @param packetIdentifier its packet identifier
   * @return this
   */
  public ServerScript expectPubcomp(int packetIdentifier) {
    return expectIdentified(PacketType.PUBCOMP, packetIdentifier);
  }

  /**
   * Expects SUBSCRIBE.
   *
   * @param topicFilters exactly its filters in order; none given means any
   * @return this
   */
  public ServerScript expectSubscribe(String... topicFilters) {
    return expectFilters(PacketType.SUBSCRIBE, topicFilters);
  }

  /**
   * Expects UNSUBSCRIBE.
   *
   * @param topicFilters exactly its filters in order; none given means any
   * @return this
   */
  public ServerScript expectUnsubscribe(String... topicFilters) {
    return expectFilters(PacketType.UNSUBSCRIBE, topicFilters);
  }

  /**
   * Expects PINGREQ.
   *
   * @return this
   */
  public ServerScript expectPingreq() {
    return expect(PacketType.PINGREQ);
  }

  /**
   * Expects DISCONNECT, whatever its reason.
   *
   * @return this
   */
  public ServerScript expectDisconnect() {
    return expect(PacketType.DISCONNECT);
  }

  /**
   * Expects DISCONNECT for a reason.
   *
   * @param reasonCode its reason code; 0 before MQTT 5.0
   * @return this
   */
  public ServerScript expectDisconnect(int reasonCode) {
    return add(
        new ScriptStep.Expect(
            PacketType.DISCONNECT,
            String.format("DISCONNECT with reason 0x%02X", reasonCode),
            packet -> ScriptStep.requireEqual("reason", reasonCode, packet.reasonCode())));
  }

  /**
   * Expects exact bytes, whatever they mean, before they are looked at as packets.
   *
   * @param hex two digits a byte, spaces allowed: {@code "C0 00"}
   * @return this
   */
  public ServerScript expectBytes(String hex) {
    return add(new ScriptStep.ExpectBytes(parse(hex)));
  }

  /**
   * Expects the client to end the connection.
   *
   * @return this
   */
  public ServerScript expectClose() {
    return add(new ScriptStep.ExpectClose());
  }

  /**
   * Expects that the client sends nothing for a while.
   *
   * @param duration how long, by the server's clock
   * @return this
   */
  public ServerScript expectNothing(Duration duration) {
    return add(new ScriptStep.Silence(duration));
  }

  // ---- Packets to the client ----

  /**
   * Sends a packet.
   *
   * @param packet the packet
   * @return this
   */
  public ServerScript send(OutgoingPacket packet) {
    return act("send " + packet, connection -> connection.write(packet));
  }

  /**
   * Sends a CONNACK that accepts, without a session.
   *
   * @return this
   */
  public ServerScript sendConnack() {
    return send(OutgoingPacket.connack());
  }

  /**
   * Sends a CONNACK.
   *
   * @param with sets what it says: {@code c -> c.sessionPresent(true)}
   * @return this
   */
  public ServerScript sendConnack(Consumer<OutgoingPacket> with) {
    OutgoingPacket connack = OutgoingPacket.connack();
    with.accept(connack);
    return send(connack);
  }

  /**
   * Refuses the client: a CONNACK with a reason, then the end of the connection.
   *
   * @param reasonCode 1 to 5 before MQTT 5.0, 0x80 and above since
   * @return this
   */
  public ServerScript refuse(int reasonCode) {
    return sendConnack(connack -> connack.reasonCode(reasonCode)).closeConnection();
  }

  /**
   * Answers the last SUBSCRIBE.
   *
   * @param reasonCodes one for each filter; none given means: grant what was asked
   * @return this
   */
  public ServerScript sendSuback(int... reasonCodes) {
    return answer(
        PacketType.SUBSCRIBE,
        "SUBACK",
        subscribe ->
            OutgoingPacket.suback(
                subscribe.packetIdentifier(),
                reasonCodes.length > 0
                    ? reasonCodes
                    : subscribe.subscriptions().stream().mapToInt(Subscription::qos).toArray()));
  }

  /**
   * Answers the last UNSUBSCRIBE.
   *
   * @param reasonCodes one for each filter; none given means success for all
   * @return this
   */
  public ServerScript sendUnsuback(int... reasonCodes) {
    return answer(
        PacketType.UNSUBSCRIBE,
        "UNSUBACK",
        unsubscribe ->
            OutgoingPacket.unsuback(
                unsubscribe.packetIdentifier(),
                reasonCodes.length > 0 ? reasonCodes : new int[unsubscribe.topicFilters().size()]));
  }

  /**
   * Sends a PUBLISH at QoS 0.
   *
   * @param topic the topic
   * @param payloadUtf8 the payload
   * @return this
   */
  public ServerScript sendPublish(String topic, String payloadUtf8) {
    return send(OutgoingPacket.publish(topic, payloadUtf8));
  }

  /**
   * Sends a PUBLISH at QoS 1 or 2.
   *
   * @param topic the topic
   * @param payloadUtf8 the payload
   * @param qos 1 or 2
   * @param packetIdentifier 1 to 65535
   * @return this
   */
  public ServerScript sendPublish(String topic, String payloadUtf8, int qos, int packetIdentifier) {
    return send(
        OutgoingPacket.publish(topic, payloadUtf8).qos(qos).packetIdentifier(packetIdentifier));
  }

  /**
   * Answers the last PUBLISH with PUBACK.
   *
   * @return this
   */
  public ServerScript sendPuback() {
    return acknowledge(PacketType.PUBLISH, PacketType.PUBACK);
  }

  /**
   * Sends PUBACK.
   *
   * @param packetIdentifier its packet identifier
   * @return this
   */
  public ServerScript sendPuback(int packetIdentifier) {
    return send(OutgoingPacket.acknowledgement(PacketType.PUBACK, packetIdentifier));
  }

  /**
   * Answers the last PUBLISH with PUBREC.
   *
   * @return this
   */
  public ServerScript sendPubrec() {
    return acknowledge(PacketType.PUBLISH, PacketType.PUBREC);
  }

  /**
   * Sends PUBREC.
   *
   * @param packetIdentifier its packet identifier
   * @return this
   */
  public ServerScript sendPubrec(int packetIdentifier) {
    return send(OutgoingPacket.acknowledgement(PacketType.PUBREC, packetIdentifier));
  }

  /**
   * Answers the last PUBREC with PUBREL.
   *
   * @return this
   */
  public ServerScript sendPubrel() {
    return acknowledge(PacketType.PUBREC, PacketType.PUBREL);
  }

  /**
   * Sends PUBREL.
   *
   * @param packetIdentifier its packet identifier
   * @return this
   */
  public ServerScript sendPubrel(int packetIdentifier) {
    return send(OutgoingPacket.acknowledgement(PacketType.PUBREL, packetIdentifier));
  }

  /**
   * Answers the last PUBREL with PUBCOMP.
   *
   * @return this
   */
  public ServerScript sendPubcomp() {
    return acknowledge(PacketType.PUBREL, PacketType.PUBCOMP);
  }

  /**
   * Sends PUBCOMP.
   *
   * @param packetIdentifier its packet identifier
   * @return this
   */
  public ServerScript sendPubcomp(int packetIdentifier) {
    return send(OutgoingPacket.acknowledgement(PacketType.PUBCOMP, packetIdentifier));
  }

  /**
   * Sends PINGRESP.
   *
   * @return this
   */
  public ServerScript sendPingresp() {
    return send(OutgoingPacket.pingresp());
  }

  /**
   * Sends DISCONNECT; the connection stays open until {@link #closeConnection()}.
   *
   * @param reasonCode why
   * @return this
   */
  public ServerScript sendDisconnect(int reasonCode) {
    return send(OutgoingPacket.disconnect(reasonCode));
  }

  /**
   * Sends bytes as they are.
   *
   * @param hex two digits a byte, spaces allowed: {@code "D0 00"}
   * @return this
   */
  public ServerScript sendBytes(String hex) {
    return sendBytes(parse(hex));
  }

  /**
   * Sends bytes as they are.
   *
   * @param bytes the bytes; copied
   * @return this
   */
  public ServerScript sendBytes(byte[] bytes) {
    byte[] copy = bytes.clone();
    return act("send " + copy.length + " bytes", connection -> connection.write(copy));
  }

  /**
   * Sends a packet in two pieces.
   *
   * @param packet the packet
   * @param at how many bytes the first piece has
   * @param pause how long after it the rest follows, by the server's clock
   * @return this
   */
  public ServerScript sendSplit(OutgoingPacket packet, int at, Duration pause) {
    act("send " + at + " bytes of " + packet, connection -> connection.writePart(packet, 0, at));
    delay(pause);
    return act(
        "send the rest of " + packet,
        connection -> connection.writePart(packet, at, Integer.MAX_VALUE));
  }

  // ---- The connection and its faults ----

  /**
   * Sends whatever follows in pieces of at most so many bytes.
   *
   * @param bytes 1 or more; 0 ends it
   * @return this
   */
  public ServerScript inPiecesOf(int bytes) {
    return act("send in pieces of " + bytes, connection -> connection.inPiecesOf(bytes));
  }

  /**
   * Waits before the next step. Packets that arrive meanwhile wait as well.
   *
   * @param duration how long, by the server's clock: virtual in memory
   * @return this
   */
  public ServerScript delay(Duration duration) {
    return add(new ScriptStep.Pause(duration));
  }

  /**
   * Adds several steps at once. On an open connection a step added by itself takes effect before
   * the next is there, and a packet that comes between the two finds nobody who expects it.
   *
   * <pre>{@code
   * script.together(more -> more.resumeReading().expectPingreq());
   * }</pre>
   *
   * @param steps is given an empty script to fill, before it returns
   * @return this
   */
  public ServerScript together(Consumer<ServerScript> steps) {
    ServerScript added = new ServerScript(server);
    steps.accept(added);
    server.locked(
        () -> {
          added.copyStepsTo(this);
          if (connection != null) {
            connection.proceed();
          }
        });
    return this;
  }

  /**
   * Runs something of the test's own at this point.
   *
   * @param action what to do; runs on the server's thread
   * @return this
   */
  public ServerScript run(Runnable action) {
    return act("run an action of the test", connection -> action.run());
  }

  /**
   * From here on answers PINGREQ by itself wherever it comes, so that keep alive need not be
   * scripted.
   *
   * @return this
   */
  public ServerScript answerPings() {
    return act("answer pings", ScriptedConnection::answerPings);
  }

  /**
   * Loses the next packets of the client: they are recorded and otherwise ignored.
   *
   * @param packets how many
   * @return this
   */
  public ServerScript drop(int packets) {
    return add(new ScriptStep.Drop(packets));
  }

  /**
   * When the script is through: read everything, record it, and never answer.
   *
   * @return this
   */
  public ServerScript swallow() {
    return act("swallow", ScriptedConnection::swallowAfterScript);
  }

  /**
   * When the script is through: let {@link ScriptedServer#broker()} serve the connection. If the
   * script has taken the CONNECT, the broker knows it and sends no second CONNACK.
   *
   * @return this
   */
  public ServerScript thenBroker() {
    return act("hand over to the broker", ScriptedConnection::brokerAfterScript);
  }

  /**
   * Stops reading from the connection without closing it, so that the client's send buffer fills:
   * with no further sends, a half-open link. In memory, {@link ScriptedConnection#receive(byte[])}
   * keeps the bytes.
   *
   * @return this
   */
  public ServerScript stopReading() {
    return act("stop reading", connection -> connection.setReading(false));
  }

  /**
   * Reads again after {@link #stopReading()}.
   *
   * @return this
   */
  public ServerScript resumeReading() {
    return act("resume reading", connection -> connection.setReading(true));
  }

  /**
   * Ends the connection with a reset once so many more bytes have come from the client; the bytes
   * after them are never seen.
   *
   * @param bytes 0 or more
   * @return this
   */
  public ServerScript cutAfterReceiving(long bytes) {
    return act("cut after receiving", connection -> connection.cutAfterReceiving(bytes));
  }

  /**
   * Ends the connection with a reset once so many more bytes have gone to the client.
   *
   * @param bytes 0 or more
   * @return this
   */
  public ServerScript cutAfterSending(long bytes) {
    return act("cut after sending", connection -> connection.cutAfterSending(bytes));
  }

  /**
   * Closes the connection in order (FIN).
   *
   * @return this
   */
  public ServerScript closeConnection() {
    return act("close the connection", ScriptedConnection::closeByServer);
  }

  /**
   * Breaks the connection (RST), as a crashed host does.
   *
   * @return this
   */
  public ServerScript resetConnection() {
    return act("reset the connection", ScriptedConnection::resetByServer);
  }

  // ---- For the connection; all under the server's lock ----

  void bind(ScriptedConnection connection) {
    this.connection = connection;
  }

  @Nullable ScriptStep peek() {
    return steps.peek();
  }

  void next() {
    steps.remove();
  }

  void copyStepsTo(ServerScript other) {
    other.steps.addAll(steps);
  }

  /** Adds a step; a connection that waits for one goes on with it. */
  private ServerScript add(ScriptStep step) {
    server.locked(
        () -> {
          steps.add(step);
          if (connection != null) {
            connection.proceed();
          }
        });
    return this;
  }

  private ServerScript act(String words, Consumer<ScriptedConnection> action) {
    return add(new ScriptStep.Act(words, action));
  }

  private ServerScript expectIdentified(PacketType type, int packetIdentifier) {
    return add(
        new ScriptStep.Expect(
            type,
            type + " id=" + packetIdentifier,
            packet ->
                ScriptStep.requireEqual(
                    "packet identifier", packetIdentifier, packet.packetIdentifier())));
  }

  private ServerScript expectFilters(PacketType type, String... topicFilters) {
    if (topicFilters.length == 0) {
      return expect(type);
    }
    List<String> wanted = Arrays.asList(topicFilters.clone());
    return add(
        new ScriptStep.Expect(
            type,
            type + " " + wanted,
            packet -> ScriptStep.requireEqual("topic filters", wanted, packet.topicFilters())));
  }

  private ServerScript acknowledge(PacketType received, PacketType acknowledgement) {
    return answer(
        received,
        acknowledgement.name(),
        packet -> OutgoingPacket.acknowledgement(acknowledgement, packet.packetIdentifier()));
  }

  private ServerScript answer(
      PacketType received, String answer, Function<ReceivedPacket, OutgoingPacket> toAnswer) {
    return act(
        "answer the last " + received + " with " + answer,
        connection -> connection.write(toAnswer.apply(connection.last(received))));
  }

  private static byte[] parse(String hex) {
    return HexFormat.of().parseHex(hex.replaceAll("\\s", ""));
  }
}
