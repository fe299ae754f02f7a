// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is remembered is what would be found, whatever has changed since. */
class RecentHandlersTest {
  private static final String TOPIC = "house/kitchen";

  /** Two topics that share a slot: their hash codes differ by 16. */
  private static final List<String> IN_ONE_SLOT = List.of("a", "q");

  private final MessageHandlers handlers = new MessageHandlers();
  private final RecentHandlers recent = new RecentHandlers(handlers);

  private static MessageHandler handler(String topicFilter) {
    return new MessageHandler(topicFilter, message -> {}, null);
  }

  private MessageHandler add(String topicFilter) {
    MessageHandler added = handler(topicFilter);
    handlers.add(added);
    return added;
  }

  /** Adds more handlers than are tried one by one, so that there is an index. */
  private void addOthers(int count) {
    for (int i = 0; i < count; i++) {
      add("other/" + i);
    }
  }

  @Test
  void whatWasFoundIsNotLookedForAgain() {
    add("#");
    assertThat(recent.matching(TOPIC)).isSameAs(recent.matching(TOPIC));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2 * MessageHandlers.MOST_TRIED})
  void handlerAddedAfterALookUpIsSeenAtTheNext(int others) {
    addOthers(others);
    MessageHandler first = add("house/+");
    assertThat(recent.matching(TOPIC)).containsExactly(first);
    MessageHandler second = add("house/#");
    assertThat(recent.matching(TOPIC)).containsExactly(first, second);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2 * MessageHandlers.MOST_TRIED})
  void handlerRemovedAfterALookUpIsNotFoundAtTheNext(int others) {
    addOthers(others);
    MessageHandler first = add("house/+");
    MessageHandler second = add("house/#");
    assertThat(recent.matching(TOPIC)).containsExactly(first, second);
    handlers.removeAll(List.of(first));
    assertThat(recent.matching(TOPIC)).containsExactly(second);
    handlers.removeAll(List.of(second));
    assertThat(recent.matching(TOPIC)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2 * MessageHandlers.MOST_TRIED})
  void handlerReplacedAfterALookUpIsTheNewOneAtTheNext(int others) {
    addOthers(others);
    MessageHandler first = add("house/+");
    assertThat(recent.matching(TOPIC)).containsExactly(first);
    MessageHandler second = handler("house/+");
    handlers.replace(first, second);
    assertThat(recent.matching(TOPIC)).containsExactly(second);
  }

  @Test
  void topicThatHadNoHandlerIsGivenItsFirst() {
    assertThat(recent.matching(TOPIC)).isEmpty();
    MessageHandler first = add(TOPIC);
    assertThat(recent.matching(TOPIC)).containsExactly(first);
  }

  @Test
  void handlerAddedForAnotherTopicLeavesTheAnswerAsItWas() {
    MessageHandler first = add(TOPIC);
    assertThat(recent.matching(TOPIC)).containsExactly(first);
    add("house/cellar");
    assertThat(recent.matching(TOPIC)).containsExactly(first);
  }

  @Test
  void listThatWasGivenOutDoesNotChangeWithTheHandlers() {
    MessageHandler first = add("#");
    List<MessageHandler> before = recent.matching(TOPIC);
    add(TOPIC);
    handlers.removeAll(List.of(first));
    assertThat(before).containsExactly(first);
  }

  @Test
  void topicsThatShareASlotAreNotTakenForEachOther() {
    assertThat(IN_ONE_SLOT.stream().map(topic -> topic.hashCode() & 15).distinct()).hasSize(1);
    MessageHandler one = add(IN_ONE_SLOT.get(0));
    MessageHandler other = add(IN_ONE_SLOT.get(1));
    for (int round = 0; round < 2; round++) {
      assertThat(recent.matching(IN_ONE_SLOT.get(0))).containsExactly(one);
      assertThat(recent.matching(IN_ONE_SLOT.get(1))).containsExactly(other);
    }
  }

  @Test
  void anotherStringWithTheSameNameFindsTheSame() {
    MessageHandler first = add("house/+");
    MessageHandler second = add("#");
    assertThat(recent.matching(TOPIC)).containsExactly(first, second);
    assertThat(recent.matching(new String(TOPIC.toCharArray()))).containsExactly(first, second);
  }

  @Test
  void manyTopicsAndChangesInTurnFindWhatIsThere() {
    Random random = new Random(1);
    List<String> topics = List.of(TOPIC, "house/cellar", "garden", "a", "q", "$SYS/house");
    for (int i = 0; i < 20_000; i++) {
      List<MessageHandler> all = handlers.all();
      switch (random.nextInt(all.size() < 10 ? 12 : 9)) {
        case 0 -> handlers.removeAll(all.isEmpty() ? all : List.of(all.get(0)));
        case 10 -> add(topics.get(random.nextInt(topics.size())));
        case 11 -> add(random.nextBoolean() ? "#" : "house/+");
        default -> {
          String topic = topics.get(random.nextInt(topics.size()));
          assertThat(recent.matching(topic)).isEqualTo(handlers.matching(topic));
        }
      }
    }
  }

  /** Each look-up is a new one, so that the handler comes in the middle of some of them. */
  @Test
  void handlerThatAnotherThreadAddsDuringALookUpIsSeenAtTheNext() throws InterruptedException {
    for (int round = 0; round < 500; round++) {
      MessageHandlers all = new MessageHandlers();
      RecentHandlers looked = new RecentHandlers(all);
      all.add(handler("+/+/+/+/+/+/+/none"));
      MessageHandler added = handler("#");
      AtomicBoolean ended = new AtomicBoolean();
      Thread adding =
          new Thread(
              () -> {
                all.add(added);
                ended.set(true);
              });
      adding.start();
      String topic;
      do {
        topic = new String("1/2/3/4/5/6/7/8".toCharArray());
        looked.matching(topic);
      } while (!ended.get());
      adding.join();
      assertThat(looked.matching(topic)).containsExactly(added);
    }
  }
}
