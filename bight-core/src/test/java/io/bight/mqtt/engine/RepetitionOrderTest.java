// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.Normative;
import io.bight.mqtt.Qos;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Pubrel;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * What is repeated on a resumed session, and in which order, after any mixture of messages that had
 * an entry in the session and messages that had none.
 */
class RepetitionOrderTest extends EngineFixture {
  private static final int SEEDS = 300;
  private static final int CONNECTIONS = 4;
  private static final int STEPS = 40;

  private Random random = new Random(0);

  /** Packet identifiers whose PUBLISH is unacknowledged, in the order of PUBLISH. */
  private final List<Integer> published = new ArrayList<>();

  /** Packet identifiers whose PUBREC has come, in that order. */
  private final List<Integer> released = new ArrayList<>();

  @Test
  @Normative(
      v311 = {"4.6.0-1", "4.6.0-4"},
      v5 = {"4.6.0-1", "4.6.0-4"})
  void isThatOfPublishAndOfPubrecWhateverHadAnEntry() {
    events.wantsPackets = true;
    for (int seed = 0; seed < SEEDS; seed++) {
      random = new Random(seed);
      engine = newEngine(EngineOptions.DEFAULT);
      published.clear();
      released.clear();
      for (int connection = 0; connection < CONNECTIONS; connection++) {
        resume(connection > 0, "seed " + seed + ", connection " + connection);
        for (int step = 0; step < STEPS; step++) {
          if (random.nextInt(3) == 0) {
            publish();
          } else {
            acknowledge();
          }
        }
        takeAll();
        engine.connectionClosed(null, now());
      }
    }
  }

  private void resume(boolean sessionPresent, String what) {
    engine.connectionOpened(connectPacket(), now());
    takeAll();
    receive(0x20, 3, sessionPresent ? 1 : 0, 0, 0);
    List<Packet> repeated = takeAll();
    assertThat(identifiers(repeated, Pubrel.class)).as(what).isEqualTo(released);
    assertThat(identifiers(repeated, Publish.class)).as(what).isEqualTo(published);
  }

  private void publish() {
    Publish.Builder message = random.nextBoolean() ? qos1("a") : qos2("a");
    if (random.nextInt(3) == 0) {
      message.messageExpiryInterval(Duration.ofHours(1)); // it has an entry from the beginning
    }
    new Tracked(message).publish(engine, now());
    published.addAll(identifiers(takeAll(), Publish.class));
  }

  /** Acknowledges a message that waits for it. */
  private void acknowledge() {
    int number = random.nextInt(published.size() + released.size() + 1);
    if (number < released.size()) {
      answer(0x70, released.remove(number));
    } else if (number < released.size() + published.size()) {
      int identifier = published.remove(number - released.size());
      if (isAtLeastOnce(identifier)) {
        answer(0x40, identifier);
      } else {
        answer(0x50, identifier);
        released.add(identifier);
      }
    }
    takeAll();
  }

  private boolean isAtLeastOnce(int identifier) {
    Object packet = engine.session().packetIdentifiers.get(identifier);
    Publish message =
        packet instanceof OutgoingPublish entry
            ? entry.message()
            : ((Publication) packet).message();
    return message.qos() == Qos.AT_LEAST_ONCE;
  }

  private void answer(int header, int packetIdentifier) {
    receive(header, 2, packetIdentifier >> 8, packetIdentifier & 0xFF);
  }

  private void receive(int... bytes) {
    ByteBuf packet = Unpooled.buffer();
    for (int value : bytes) {
      packet.writeByte(value);
    }
    engine.receive(packet, now());
    packet.release();
  }

  /** Takes all that is to be sent; returns the packets. */
  private List<Packet> takeAll() {
    for (ByteBuf batch; (batch = engine.takeOutgoing()) != null; ) {
      batch.release();
      engine.outgoingWritten();
    }
    List<Packet> sent = List.copyOf(events.sent);
    events.sent.clear();
    return sent;
  }

  private static List<Integer> identifiers(List<Packet> packets, Class<? extends Packet> type) {
    return packets.stream()
        .filter(type::isInstance)
        .map(
            packet ->
                packet instanceof Publish publish
                    ? publish.packetIdentifier()
                    : ((Pubrel) packet).packetIdentifier())
        .toList();
  }
}
