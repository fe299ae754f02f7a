// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.micro;

import io.bight.client.internal.FilterIndex;
import io.bight.mqtt.Topics;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * How the client finds a message's handlers among those of all its subscriptions. Each message
 * matches one filter; topics go round among those that are subscribed to.
 */
@SuppressWarnings("NullAway.Init") // JMH sets the fields up
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class FilterBenchmark {
  private static final int TOPICS = 256;

  /** What the filters look like; {@code %d} is the number of one. */
  public enum Kind {
    /** A topic name. */
    EXACT("site/%d/line/7/state"),
    /** A level left open in the middle. */
    PLUS("site/%d/+/7/state"),
    /** All below a level. */
    HASH("site/%d/#"),
    /** A shared subscription. */
    SHARE("$share/group/site/%d/line/+/state");

    private final String pattern;

    Kind(String pattern) {
      this.pattern = pattern;
    }
  }

  private static final class Handler extends FilterIndex.Entry {
    Handler(String topicFilter) {
      super(topicFilter);
    }
  }

  /** How many filters there are. */
  @Param({"1", "10", "100", "1000", "10000", "100000"})
  public int filters;

  /** What they look like. */
  @Param public Kind kind;

  private final FilterIndex<Handler> index = new FilterIndex<>();
  private final List<String> plain = new ArrayList<>();
  private final String[] topics = new String[TOPICS];
  private final char[][] characters = new char[TOPICS][];
  private int next;

  /** Registers the filters. */
  @Setup
  public void register() {
    for (int i = 0; i < filters; i++) {
      String filter = String.format(kind.pattern, i);
      index.add(new Handler(filter));
      plain.add(filter);
    }
    for (int i = 0; i < TOPICS; i++) {
      topics[i] = String.format(Kind.EXACT.pattern, (int) ((long) i * filters / TOPICS));
      characters[i] = topics[i].toCharArray();
      if (index.matching(topics[i]).size() != 1) {
        throw new IllegalStateException(topics[i] + " is to match one filter");
      }
    }
  }

  private int next() {
    next = (next + 1) % TOPICS;
    return next;
  }

  /** Finds the handlers of a topic that has come before, as one {@code String}. */
  @Benchmark
  public List<?> match() {
    return index.matching(topics[next()]);
  }

  /** Finds the handlers of a topic that is a new {@code String}, whose hash nobody knows yet. */
  @Benchmark
  public List<?> matchNewTopic() {
    return index.matching(new String(characters[next()]));
  }

  /** A topic that nothing matches. */
  @Benchmark
  public List<?> matchNothing() {
    return index.matching("site/none/line/7/state");
  }

  /** What it would cost to try the filters one by one. */
  @Benchmark
  public void tryOneByOne(Blackhole matching) {
    String topic = topics[next()];
    for (String filter : plain) {
      if (Topics.matches(filter, topic)) {
        matching.consume(filter);
      }
    }
  }

  /** Registers and removes one handler more. */
  @Benchmark
  public void addAndRemove() {
    Handler handler = new Handler("site/more/+/state");
    index.add(handler);
    index.remove(handler);
  }
}
