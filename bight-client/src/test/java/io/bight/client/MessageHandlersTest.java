// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Few handlers and many, and the way from the one to the other. */
class MessageHandlersTest {
  private static final List<String> FILTERS =
      List.of("a/b", "+/b", "a/#", "#", "a/c", "$share/g/+/+");

  private static MessageHandler handler(Random random) {
    int which = random.nextInt(FILTERS.size() + 1);
    return new MessageHandler(
        which == FILTERS.size() ? null : FILTERS.get(which), message -> {}, null);
  }

  @Property(tries = 1000)
  void findsWhatMatchesInTheOrderOfAdditionHoweverManyThereAre(
      @ForAll long seed, @ForAll @IntRange(max = 3 * MessageHandlers.MOST_TRIED) int changes) {
    Random random = new Random(seed);
    MessageHandlers handlers = new MessageHandlers();
    List<MessageHandler> plain = new ArrayList<>();
    for (int i = 0; i <= changes; i++) {
      MessageHandler added = handler(random);
      int place = plain.isEmpty() ? -1 : random.nextInt(plain.size());
      int what = place < 0 ? 0 : random.nextInt(6);
      if (what == 5) {
        handlers.removeAll(List.of(plain.remove(place), added));
      } else if (what == 4) {
        handlers.replace(plain.set(place, added), added);
      } else {
        handlers.add(added);
        plain.add(added);
      }
      assertThat(handlers.all()).containsExactlyElementsOf(plain);
      assertThat(handlers.isEmpty()).isEqualTo(plain.isEmpty());
      for (String topic : List.of("a/b", "a/c", "x/y/z", "$SYS/b")) {
        assertThat(handlers.matching(topic))
            .containsExactlyElementsOf(
                plain.stream().filter(handler -> handler.matches(topic)).toList());
      }
    }
  }

  @Example
  void replacesAHandlerThatIsGoneByOneBehindAll() {
    MessageHandlers handlers = new MessageHandlers();
    MessageHandler first = new MessageHandler("#", message -> {}, null);
    MessageHandler second = new MessageHandler("#", message -> {}, null);
    handlers.add(first);
    handlers.replace(new MessageHandler("#", message -> {}, null), second);
    assertThat(handlers.matching("a")).containsExactly(first, second);
  }

  /** Nobody looks between the few and the index. */
  @Example
  void firstHandlerIsAlwaysFoundWhileOthersAreAdded() throws InterruptedException {
    for (int round = 0; round < 2_000; round++) {
      MessageHandlers handlers = new MessageHandlers();
      MessageHandler first = new MessageHandler("#", message -> {}, null);
      handlers.add(first);
      AtomicBoolean ended = new AtomicBoolean();
      Thread adding =
          new Thread(
              () -> {
                for (int i = 0; i < 2 * MessageHandlers.MOST_TRIED; i++) {
                  handlers.add(new MessageHandler("a/" + i, message -> {}, null));
                }
                ended.set(true);
              });
      adding.start();
      do {
        assertThat(handlers.matching("b")).containsExactly(first);
        assertThat(handlers.isEmpty()).isFalse();
      } while (!ended.get());
      adding.join();
    }
  }
}
