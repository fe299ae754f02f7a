// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.endurance.Ledger.Line;
import io.bight.store.Durability;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Kills a publishing and a consuming program again and again, each in its own time, and maybe the
 * broker between them. Then lets them finish, and counts.
 */
final class KillRun {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String PUBLISHER = "publisher";
  private static final String CONSUMER = "consumer";

  private final KillPlan plan;
  private final Path folder;
  private final List<KillVerdict.Cut> cuts = new ArrayList<>();

  KillRun(KillPlan plan) throws IOException {
    this.plan = plan;
    this.folder = Path.of("target", "kill", plan.name()).toAbsolutePath();
    delete();
    Files.createDirectories(folder);
  }

  /**
   * Does it all.
   *
   * @return what was counted
   * @throws AssertionError if a promise was broken; its folder is kept then
   */
  KillVerdict run() throws Exception {
    Random random = new Random(plan.seed());
    try (KilledBroker broker = plan.broker().get();
        CountingSubscriber counter = new CountingSubscriber(broker.uri())) {
      subscribeFirst(broker, random.nextLong());
      if (plan.cuts()) {
        cut(broker, () -> {}); // Mosquitto saves all subscriptions when it ends in order
      }
      killAll(broker, random);
      finish(broker, counter, random.nextLong());
      KillVerdict verdict =
          new KillVerdict(
              plan,
              Ledger.read(ChildSettings.ledger(folder, PUBLISHER)),
              Ledger.read(ChildSettings.ledger(folder, CONSUMER)),
              counter.received(),
              cuts);
      verdict.check(broker, folder);
      delete();
      return verdict;
    }
  }

  /** Before the first message there is a subscription, or it would be lost rightly. */
  private void subscribeFirst(KilledBroker broker, long seed) throws Exception {
    try (Child consumer = start(ConsumerChild.class, CONSUMER, broker, new Random(seed), false)) {
      awaitLine(consumer, CONSUMER, "subscribed");
      consumer.kill();
    }
  }

  private void killAll(KilledBroker broker, Random random) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(3);
    CountDownLatch victims = new CountDownLatch(2);
    try {
      List<Future<?>> all = new ArrayList<>();
      all.add(
          threads.submit(
              () ->
                  killAgainAndAgain(
                      PublisherChild.class, PUBLISHER, broker, random(random), victims)));
      all.add(
          threads.submit(
              () ->
                  killAgainAndAgain(
                      ConsumerChild.class, CONSUMER, broker, random(random), victims)));
      if (plan.cuts()) {
        all.add(threads.submit(cutAgainAndAgain(broker, random(random), victims)));
      }
      for (Future<?> each : all) {
        each.get();
      }
    } finally {
      threads.shutdownNow();
      threads.awaitTermination(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  private static Random random(Random seeds) {
    return new Random(seeds.nextLong());
  }

  private Void killAgainAndAgain(
      Class<?> program, String name, KilledBroker broker, Random random, CountDownLatch victims)
      throws Exception {
    try {
      for (int life = 1; life <= plan.lives(); life++) {
        try (Child child = start(program, name, broker, random, false)) {
          if (random.nextInt(4) == 0) {
            // While it starts, opens its store, connects for the first time.
            child.live(Duration.ofMillis(random.nextInt(700)));
          } else {
            // After so many lines of work, about 22 bytes each, and a moment more.
            long bytes = child.ledgerBytes() + 22L * (1 + random.nextInt(300));
            child.await(() -> child.ledgerBytes() >= bytes, Duration.ofSeconds(2));
            child.live(Duration.ofNanos(random.nextInt(5_000_000)));
          }
          child.kill();
        }
      }
      return null;
    } finally {
      victims.countDown();
    }
  }

  private Callable<Void> cutAgainAndAgain(
      KilledBroker broker, Random random, CountDownLatch victims) {
    return () -> {
      while (!victims.await(50 + random.nextInt(1_000), TimeUnit.MILLISECONDS)) {
        cut(broker, () -> victims.await(random.nextInt(300), TimeUnit.MILLISECONDS));
      }
      return null;
    };
  }

  private void cut(KilledBroker broker, KilledBroker.Pause whileAway) throws InterruptedException {
    long begin = System.currentTimeMillis();
    broker.endAndComeBack(whileAway);
    cuts.add(new KillVerdict.Cut(begin, System.currentTimeMillis()));
  }

  private void finish(KilledBroker broker, CountingSubscriber counter, long seed) throws Exception {
    Random random = new Random(seed);
    try (Child publisher = start(PublisherChild.class, PUBLISHER, broker, random, true)) {
      publisher.awaitEnd(LIMIT);
    }
    counter.publishEnd(LIMIT);
    try (Child consumer = start(ConsumerChild.class, CONSUMER, broker, random, true)) {
      awaitLine(consumer, CONSUMER, "end");
      consumer.kill();
    }
  }

  private void awaitLine(Child child, String name, String word) throws InterruptedException {
    Path ledger = ChildSettings.ledger(folder, name);
    if (!child.await(() -> Ledger.read(ledger).stream().anyMatch(line -> line.is(word)), LIMIT)) {
      List<Line> lines = Ledger.read(ledger);
      throw new AssertionError(
          "waited in vain for '"
              + word
              + "' of the "
              + name
              + "; its ledger ends with "
              + lines.subList(Math.max(0, lines.size() - 20), lines.size())
              + "\n"
              + child.log());
    }
  }

  private Child start(
      Class<?> program, String name, KilledBroker broker, Random random, boolean isLast) {
    Durability[] all = Durability.values();
    return Child.start(
        program,
        new ChildSettings(
            broker.uri(),
            name.equals(PUBLISHER) ? plan.publisherVersion() : plan.consumerVersion(),
            folder,
            name,
            all[random.nextInt(all.length)],
            random.nextLong(),
            isLast));
  }

  private void delete() throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
