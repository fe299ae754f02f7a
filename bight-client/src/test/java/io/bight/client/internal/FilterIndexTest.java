// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.Topics;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.Tuple.Tuple3;
import org.jspecify.annotations.Nullable;

/** The index against a plain list whose filters are tried one by one. */
class FilterIndexTest {
  private static final class Named extends FilterIndex.Entry {
    private final String name;

    Named(@Nullable String topicFilter) {
      this(topicFilter, "");
    }

    Named(@Nullable String topicFilter, String name) {
      super(topicFilter);
      this.name = name;
    }

    boolean matches(String topic) {
      return topicFilter() == null || Topics.matches(topicFilter(), topic);
    }

    @Override
    public String toString() {
      return topicFilter() + name;
    }
  }

  private enum Change {
    ADD,
    REPLACE,
    REMOVE,
    REMOVE_SEVERAL
  }

  /** Few texts, so that much matches; some begin with a dollar, are empty, or share a hash. */
  private static Arbitrary<String> level() {
    return Arbitraries.of("a", "b", "", "$SYS", "a b", "Aa", "BB", "€");
  }

  private static Arbitrary<String> topicOf(Arbitrary<String> level) {
    return level
        .list()
        .ofMinSize(1)
        .ofMaxSize(5)
        .map(levels -> String.join("/", levels))
        .filter(topic -> !topic.isEmpty());
  }

  @Provide
  Arbitrary<String> topic() {
    return topicOf(level());
  }

  @Provide
  Arbitrary<@Nullable String> filter() {
    Arbitrary<String> start =
        topicOf(Arbitraries.frequencyOf(Tuple.of(2, level()), Tuple.of(1, Arbitraries.just("+"))));
    Arbitrary<String> filter =
        Combinators.combine(start, Arbitraries.of("", "", "/#"), Arbitraries.of(0, 0, 0, 1, 2))
            .as(
                (text, end, share) ->
                    switch (share) {
                      case 1 -> "$share/group/" + text + end;
                      case 2 -> end.isEmpty() ? "#" : text + end;
                      default -> text + end;
                    });
    return filter.injectNull(0.05);
  }

  @Provide
  Arbitrary<List<Tuple3<Change, String, Integer>>> changes() {
    return Combinators.combine(
            Arbitraries.frequency(
                Tuple.of(5, Change.ADD),
                Tuple.of(1, Change.REPLACE),
                Tuple.of(3, Change.REMOVE),
                Tuple.of(1, Change.REMOVE_SEVERAL)),
            filter(),
            Arbitraries.integers().between(0, 100))
        .as(Tuple::of)
        .list()
        .ofMaxSize(60);
  }

  @Property(tries = 2000)
  void findsAfterAnyChangesWhatTheFiltersMatchInTheOrderOfRegistration(
      @ForAll("changes") List<Tuple3<Change, String, Integer>> changes,
      @ForAll("topic") String topic) {
    FilterIndex<Named> index = new FilterIndex<>();
    List<Named> plain = new ArrayList<>();
    for (Tuple3<Change, String, Integer> change : changes) {
      Named named = new Named(change.get2());
      int place = plain.isEmpty() ? -1 : change.get3() % plain.size();
      if (change.get1() == Change.ADD || place < 0) {
        index.add(named);
        plain.add(named);
      } else if (change.get1() == Change.REPLACE) {
        index.replace(plain.set(place, named), named);
      } else if (change.get1() == Change.REMOVE) {
        index.remove(plain.remove(place));
      } else {
        List<Named> some = plain.subList(place, Math.min(plain.size(), place + 3));
        index.removeAll(List.copyOf(some));
        some.clear();
      }
      assertThat(index.matching(topic))
          .containsExactlyElementsOf(plain.stream().filter(one -> one.matches(topic)).toList());
    }
    assertThat(index.all()).containsExactlyElementsOf(plain);
    assertThat(index.isEmpty()).isEqualTo(plain.isEmpty());
    index.removeAll(List.copyOf(plain));
    assertThat(index.matching(topic)).isEmpty();
    assertThat(index.isEmpty()).isTrue();
    assertThat(index.isBare()).isTrue();
  }

  @Property(tries = 5000)
  void oneFilterMatchesAsTopicsSays(
      @ForAll("filter") @Nullable String filter, @ForAll("topic") String topic) {
    FilterIndex<Named> index = new FilterIndex<>();
    index.add(new Named(filter));
    assertThat(index.matching(topic).size() == 1)
        .isEqualTo(filter == null || Topics.matches(filter, topic));
  }

  @Example
  void removesOnlyOnceAndOnlyWhatIsRegistered() {
    FilterIndex<Named> index = new FilterIndex<>();
    Named first = new Named("a/+");
    Named second = new Named("a/+");
    index.add(first);
    index.remove(first);
    index.add(second);
    index.remove(first);
    index.remove(new Named("a/+"));
    assertThat(index.matching("a/b")).containsExactly(second);
  }

  @Example
  void replacesWhatIsGoneByAnEntryBehindAll() {
    FilterIndex<Named> index = new FilterIndex<>();
    Named first = new Named("a");
    Named second = new Named("+");
    Named third = new Named("#");
    index.add(first);
    index.add(second);
    index.remove(first);
    index.replace(first, third);
    assertThat(index.matching("a")).containsExactly(second, third);
  }

  @Example
  void whatWasFoundDoesNotChangeAfterwards() {
    FilterIndex<Named> index = new FilterIndex<>();
    Named first = new Named("+");
    Named second = new Named("#");
    index.add(first);
    List<Named> one = index.matching("a");
    index.add(second);
    List<Named> both = index.matching("a");
    index.removeAll(List.of(first, second));
    assertThat(one).containsExactly(first);
    assertThat(both).containsExactly(first, second);
  }

  /** The longest filters there are: 32,768 levels, of which the stack must not know. */
  @Example
  void findsFiltersWithAsManyLevelsAsThereCanBe() {
    FilterIndex<Named> index = new FilterIndex<>();
    Named pluses = new Named("+/".repeat(32_767) + "+");
    Named slashes = new Named("/".repeat(65_534) + "+");
    index.add(pluses);
    index.add(slashes);
    assertThat(index.matching("a/".repeat(32_767) + "b")).containsExactly(pluses);
    assertThat(index.matching("/".repeat(65_534) + "b")).containsExactly(slashes);
    index.removeAll(List.of(pluses, slashes));
    assertThat(index.isBare()).isTrue();
  }

  /** A program that puts another filter in the place of one never loses a message by it. */
  @Example
  void thereIsAlwaysAnEntryWhileAnotherThreadAddsTheNextBeforeItRemovesTheLast()
      throws InterruptedException {
    FilterIndex<Named> index = new FilterIndex<>();
    Named start = new Named("a/b", "0");
    index.add(start);
    List<String> filters = List.of("+/b", "#", "a/b", "a/+", "a/b/#");
    CountDownLatch started = new CountDownLatch(1);
    AtomicBoolean ended = new AtomicBoolean();
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    Thread changing =
        new Thread(
            () -> {
              try {
                started.await();
                Named last = start;
                for (int i = 1; i <= 100_000; i++) {
                  Named next = new Named(filters.get(i % filters.size()), " " + i);
                  index.add(next);
                  index.remove(last);
                  last = next;
                }
              } catch (Throwable e) {
                failure.set(e);
              } finally {
                ended.set(true);
              }
            });
    changing.start();
    started.countDown();
    while (!ended.get()) {
      List<Named> found = index.matching("a/b");
      assertThat(found).hasSizeBetween(1, 2);
      if (found.size() == 2) {
        int first = Integer.parseInt(found.get(0).name.strip());
        int second = Integer.parseInt(found.get(1).name.strip());
        assertThat(second).isEqualTo(first + 1);
      }
    }
    changing.join();
    assertThat(failure.get()).isNull();
  }
}
