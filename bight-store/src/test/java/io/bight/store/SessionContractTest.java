// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import static io.bight.store.Samples.CLIENT;
import static io.bight.store.Samples.load;
import static io.bight.store.Samples.open;
import static io.bight.store.Samples.queued;
import static io.bight.store.Samples.subscription;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredPublish;
import io.bight.mqtt.engine.StoredPublish.State;
import io.bight.mqtt.engine.StoredSession;
import io.bight.mqtt.engine.StoredSession.Standing;
import io.bight.mqtt.packet.Publish;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What {@link SessionStore} promises, of the store on disk. */
class SessionContractTest {
  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource
  void whatWasCommittedComesBackExactly(Durability durability) {
    Random random = new Random(7);
    List<StoredPublish> messages =
        LongStream.range(0, 300).mapToObj(position -> Samples.full(position, random)).toList();
    Samples.SetClock clock = new Samples.SetClock();
    DiskSessionStore opener = DiskSessionStore.in(directory).durability(durability).clock(clock);
    try (SessionStore store = opener.open(CLIENT)) {
      assertThat(store.load()).isEqualTo(StoredSession.EMPTY);
      messages.forEach(store::putOutgoing);
      store.putSubscription(subscription("b/#", false));
      store.putSubscription(subscription("a/+", true));
      store.commit();
    }
    StoredSession loaded = load(opener);
    assertThat(loaded.outgoing()).isEqualTo(messages);
    assertThat(loaded.subscriptions())
        .containsExactly(subscription("b/#", false), subscription("a/+", true));
    assertThat(loaded.standing()).isEqualTo(Standing.KNOWN);
  }

  @ParameterizedTest
  @EnumSource
  void whatWasNotCommittedVanishesAsAWhole(Durability durability) {
    try (SessionStore store = open(directory, durability)) {
      store.load();
      store.putOutgoing(queued(1));
      store.commit();
      store.putOutgoing(queued(2));
      store.putPublished(1, 5);
      store.putSubscription(subscription("a", false));
      store.putConnecting();
      store.removeOutgoing(1);
    }
    StoredSession loaded = load(directory);
    assertThat(loaded.outgoing()).containsExactly(queued(1));
    assertThat(loaded.subscriptions()).isEmpty();
    assertThat(loaded.standing()).isEqualTo(Standing.KNOWN);
  }

  @Test
  void aRefusedConnectLeavesTheStandingAsItWas() {
    Samples.SetClock clock = new Samples.SetClock();
    DiskSessionStore opener = DiskSessionStore.in(directory).durability(Durability.OS).clock(clock);
    try (SessionStore store = opener.open(CLIENT)) {
      store.load();
      store.putEnded(60);
      clock.advance(Duration.ofSeconds(59));
      store.putConnecting();
      store.putNotConnected();
      store.commit();
    }
    assertThat(load(opener).standing()).isEqualTo(Standing.KNOWN);
    clock.advance(Duration.ofSeconds(1));
    assertThat(load(opener).standing()).isEqualTo(Standing.EXPIRED);
  }

  @Test
  void aClosedStoreTakesNoMarkOfAHandledMessage() {
    SessionStore store = open(directory, Durability.OS);
    store.load();
    store.close();
    assertThatThrownBy(() -> store.putIncoming(7)).isInstanceOf(MqttStoreException.class);
    assertThat(load(directory).incoming()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void messagesGoThroughTheirStatesInOneCommitAndInMany(Durability durability) {
    for (boolean many : new boolean[] {false, true}) {
      Path place = directory.resolve(many + "");
      try (SessionStore store = open(place, durability)) {
        store.load();
        Runnable step = many ? store::commit : () -> {};
        for (long position = 0; position < 4; position++) {
          store.putOutgoing(queued(position, Qos.EXACTLY_ONCE, "payload"));
        }
        step.run();
        store.putPublished(1, 11);
        store.putPublished(2, 65_535);
        store.putPublished(3, 13);
        step.run();
        store.putReleased(2);
        store.putQueuedAgain(3);
        store.commit();
      }
      assertThat(load(place).outgoing())
          .extracting(StoredPublish::state)
          .containsExactly(State.QUEUED, State.PUBLISHED, State.RELEASED, State.QUEUED_AGAIN);
      assertThat(load(place).outgoing())
          .extracting(StoredPublish::packetIdentifier)
          .containsExactly(0, 11, 65_535, 0);
      assertThat(load(place).outgoing())
          .extracting(stored -> stored.message().payload().length)
          .containsExactly(7, 7, 0, 7);
    }
  }

  @Test
  void aReleasedMessageLeavesItsPayloadInTheStoreNoMore() {
    byte[] payload = new byte[3_000_000];
    try (SessionStore store = open(directory, Durability.OS)) {
      store.load();
      store.putOutgoing(
          Samples.stored(
              1,
              Publish.builder("large").qos(Qos.EXACTLY_ONCE).payload(payload).build(),
              StoredPublish.NEVER_EXPIRES));
      store.putPublished(1, 1);
      store.commit();
      store.putReleased(1);
      store.commit();
      for (int i = 0; i < 500; i++) {
        store.putPublished(1, 1 + i % 2);
        store.putReleased(1);
        store.commit();
      }
    }
    assertThat(directory.resolve("session.db").toFile().length()).isLessThan(1_000_000);
    assertThat(load(directory).outgoing().get(0).message().topic()).isEqualTo("large");
  }

  @Test
  void aMessageTakesThePlaceOfTheOneAtItsPosition() {
    try (SessionStore store = open(directory, Durability.OS)) {
      store.load();
      store.putOutgoing(queued(1));
      store.putPublished(1, 3);
      store.commit();
      store.putPublished(1, 4);
      store.commit();
      store.putOutgoing(queued(1, Qos.AT_LEAST_ONCE, "newer"));
      store.commit();
    }
    assertThat(load(directory).outgoing()).containsExactly(queued(1, Qos.AT_LEAST_ONCE, "newer"));
  }

  @Test
  void whatComesAndGoesBetweenTwoCommitsLeavesNothing() {
    try (SessionStore store = open(directory, Durability.OS)) {
      store.load();
      store.putOutgoing(queued(1));
      store.putPublished(1, 3);
      store.removeOutgoing(1);
      store.putSubscription(subscription("a", false));
      store.removeSubscription("a");
      store.commit();
    }
    assertThat(load(directory)).isEqualTo(StoredSession.EMPTY);
  }

  @Test
  void thatAMessageHasEndedIsKeptByAnOrderlyEnd() {
    try (SessionStore store = open(directory, Durability.ALWAYS)) {
      store.load();
      store.putOutgoing(queued(1));
      store.putOutgoing(queued(2));
      store.commit();
      store.removeOutgoing(1);
    }
    assertThat(load(directory).outgoing()).containsExactly(queued(2));
  }

  @Test
  void subscriptionsKeepTheOrderInWhichTheyWereFirstPut() {
    try (SessionStore store = open(directory, Durability.OS)) {
      store.load();
      store.putSubscription(subscription("c", false));
      store.putSubscription(subscription("a", false));
      store.commit();
      store.putSubscription(subscription("b", false));
      store.putSubscription(subscription("c", true));
      store.commit();
    }
    try (SessionStore store = open(directory, Durability.OS)) {
      store.load();
      store.removeSubscription("a");
      store.putSubscription(subscription("a", true));
      store.commit();
    }
    assertThat(load(directory).subscriptions())
        .containsExactly(
            subscription("c", true), subscription("b", false), subscription("a", true));
  }

  @ParameterizedTest
  @EnumSource
  void handledIdentifiersSurviveAtOnceAndTheirRemovalWithTheCommit(Durability durability)
      throws Exception {
    try (SessionStore store = open(directory, durability)) {
      store.load();
      IntStream.of(1, 2, 3, 65_535).forEach(store::putIncoming);
      assertThat(load(Samples.copy(directory, directory.resolve("1"))).incoming())
          .containsExactly(1, 2, 3, 65_535);
      store.removeIncoming(2);
      store.removeIncoming(9);
      assertThat(load(Samples.copy(directory, directory.resolve("2"))).incoming())
          .containsExactly(1, 2, 3, 65_535);
      store.commit();
      assertThat(load(Samples.copy(directory, directory.resolve("3"))).incoming())
          .containsExactly(1, 3, 65_535);
      store.removeIncoming(3);
      store.putIncoming(3);
      store.clearIncoming();
      store.putIncoming(7);
      store.commit();
    }
    assertThat(load(directory).incoming()).containsExactly(7);
  }

  @Test
  void clearingForgetsAllButTheStandingWhenItIsCommitted() {
    try (SessionStore store = open(directory, Durability.OS)) {
      store.load();
      fill(store);
      store.clear();
    }
    assertThat(load(directory).outgoing()).hasSize(2);
    assertThat(load(directory).incoming()).containsExactly(5);
    try (SessionStore store = open(directory, Durability.OS)) {
      store.load();
      store.clear();
      store.putOutgoing(queued(9));
      store.putIncoming(6);
      store.commit();
    }
    StoredSession loaded = load(directory);
    assertThat(loaded.outgoing()).containsExactly(queued(9));
    assertThat(loaded.incoming()).containsExactly(6);
    assertThat(loaded.subscriptions()).isEmpty();
    assertThat(loaded.standing()).isEqualTo(Standing.UNCERTAIN);
  }

  private static void fill(SessionStore store) {
    store.putOutgoing(queued(1));
    store.putOutgoing(queued(2));
    store.putIncoming(5);
    store.putSubscription(subscription("a", true));
    store.putConnecting();
    store.commit();
  }

  @Test
  void theServersHalfIsUncertainWhileAConnectIsOpen() {
    try (SessionStore store = open(directory, Durability.OS)) {
      store.load();
      store.putConnecting();
      store.commit();
    }
    assertThat(load(directory).standing()).isEqualTo(Standing.UNCERTAIN);
    try (SessionStore store = open(directory, Durability.OS)) {
      store.load();
      store.putConnected(100);
      store.commit();
    }
    assertThat(load(directory).standing()).isEqualTo(Standing.KNOWN);
  }

  @Test
  void aSessionExpiresFromTheEndOfItsConnectionOn() {
    Samples.SetClock clock = new Samples.SetClock();
    DiskSessionStore opener = DiskSessionStore.in(directory).durability(Durability.OS).clock(clock);
    try (SessionStore store = opener.open(CLIENT)) {
      store.load();
      store.putConnected(100);
      store.commit();
      clock.advance(Duration.ofHours(1));
      assertThat(standingOf(store, clock)).isEqualTo(Standing.KNOWN);
      store.putEnded(60);
      store.commit();
    }
    clock.advance(Duration.ofSeconds(59));
    assertThat(load(opener).standing()).isEqualTo(Standing.KNOWN);
    clock.advance(Duration.ofSeconds(1));
    assertThat(load(opener).standing()).isEqualTo(Standing.EXPIRED);
    clock.advance(Duration.ofDays(-1));
    assertThat(load(opener).standing()).isEqualTo(Standing.KNOWN);
  }

  private Standing standingOf(SessionStore unused, Samples.SetClock clock) {
    try {
      Path copy = Samples.copy(directory, directory.resolve("copy"));
      return load(DiskSessionStore.in(copy).clock(clock)).standing();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void aSessionWithoutExpiryEndsWithItsConnectionAndOneThatNeverExpiresDoesNot() {
    Samples.SetClock clock = new Samples.SetClock();
    DiskSessionStore opener = DiskSessionStore.in(directory).durability(Durability.OS).clock(clock);
    try (SessionStore store = opener.open(CLIENT)) {
      store.load();
      store.putConnected(0);
      store.commit();
    }
    assertThat(load(opener).standing()).isEqualTo(Standing.EXPIRED);
    try (SessionStore store = opener.open(CLIENT)) {
      store.load();
      store.putEnded(SessionStore.NEVER_EXPIRES);
      store.commit();
    }
    clock.advance(Duration.ofDays(100_000));
    assertThat(load(opener).standing()).isEqualTo(Standing.KNOWN);
  }

  @Test
  void messagesComeBackWithWhatIsLeftOfTheirLife() {
    Samples.SetClock clock = new Samples.SetClock();
    DiskSessionStore opener = DiskSessionStore.in(directory).durability(Durability.OS).clock(clock);
    Publish message = Publish.builder("a").qos(Qos.AT_LEAST_ONCE).build();
    try (SessionStore store = opener.open(CLIENT)) {
      store.load();
      for (int position = 1; position <= 4; position++) {
        store.putOutgoing(Samples.stored(position, message, 10_000_000_000L));
      }
      store.putOutgoing(Samples.stored(5, message, 20_000_000_000L));
      store.putPublished(2, 2);
      store.putQueuedAgain(3);
      store.removeOutgoing(4);
      store.commit();
    }
    clock.advance(Duration.ofSeconds(4));
    assertThat(load(opener).outgoing())
        .extracting(StoredPublish::nanosToLive)
        .containsExactly(6_000_000_000L, 6_000_000_000L, 6_000_000_000L, 16_000_000_000L);
    clock.advance(Duration.ofDays(-1));
    assertThat(load(opener).outgoing())
        .extracting(StoredPublish::nanosToLive)
        .containsExactly(10_000_000_000L, 10_000_000_000L, 10_000_000_000L, 20_000_000_000L);
    clock.advance(Duration.ofDays(1).plusSeconds(6));
    assertThat(load(opener).outgoing())
        .extracting(StoredPublish::nanosToLive)
        .containsExactly(0L, 0L, 0L, 10_000_000_000L);
  }

  @Test
  void anInterruptDoesNotHarmTheSession() {
    try (SessionStore store = open(directory, Durability.ALWAYS)) {
      store.load();
      Thread.currentThread().interrupt();
      store.putOutgoing(queued(1));
      store.commit();
      assertThat(Thread.interrupted()).as("the interrupt is kept").isTrue();
      store.putOutgoing(queued(2));
      store.commit();
      Thread.currentThread().interrupt();
    }
    StoredSession loaded = load(directory);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(loaded.outgoing()).containsExactly(queued(1), queued(2));
  }
}
