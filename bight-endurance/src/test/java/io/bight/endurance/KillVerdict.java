// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.endurance.KillPlan.Promise;
import io.bight.endurance.Ledger.Line;
import io.bight.mqtt.Qos;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Counts what was published, what came at the broker's side and what was handled.
 *
 * <p>One message for each kill of the consumer may be handled twice at QoS 2: the one that it was
 * handling, when it had written its ledger's line and its handler had not returned. Nothing outside
 * of the program can make these two into one step. It is the last line of that life, and no other.
 */
final class KillVerdict {
  /** How long Mosquitto may take to save what has changed. */
  private static final long SAVE_MILLIS = 1_000;

  /** So many messages Mosquitto has in flight to a client. */
  private static final int IN_FLIGHT = 20;

  private final KillPlan plan;
  private final List<Line> publisher;
  private final List<Line> consumer;
  private final List<Line> counter;
  private final List<Cut> cuts;
  private final TreeMap<Integer, Line> about = new TreeMap<>();
  private final Map<Integer, Line> done = new HashMap<>();
  private final Set<Integer> violations = new TreeSet<>();
  private final List<String> broken = new ArrayList<>();
  private final Map<String, Integer> figures = new LinkedHashMap<>();

  /**
   * The broker was away.
   *
   * @param beginMillis from when
   * @param endMillis until when
   */
  record Cut(long beginMillis, long endMillis) {}

  KillVerdict(
      KillPlan plan,
      List<Line> publisher,
      List<Line> consumer,
      List<Line> counter,
      List<Cut> cuts) {
    this.plan = plan;
    this.publisher = publisher;
    this.consumer = consumer;
    this.counter = counter;
    this.cuts = cuts;
  }

  void check(KilledBroker broker, Path folder) throws IOException {
    figures.put("kills", 2 * plan.lives() + 1);
    figures.put("broker's ends", cuts.size());
    checkPublisher();
    figures.put("messages", about.size());
    checkWhatCame("counted", counter, "received", "counter", broker);
    checkWhatCame("consumed", consumer, "handled", "consumer", broker);
    if (!broken.isEmpty()) {
      Files.write(folder.resolve("broker.log"), broker.log());
      throw new AssertionError(report(broker, folder));
    }
  }

  private void checkPublisher() {
    int lastAbout = 0;
    int restored = 0;
    int again = 0;
    int doneTwice = 0;
    for (Line line : publisher) {
      switch (line.word()) {
        case "about" -> {
          about.put(line.number(), line);
          lastAbout = line.number();
        }
        case "done" -> {
          if (done.putIfAbsent(line.number(), line) != null) {
            doneTwice++;
          }
        }
        case "again" -> again++;
        case "restored" -> restored++;
        case "failed", "violation" -> broken.add("publisher: " + line);
        default -> {}
      }
    }
    for (int number : about.keySet()) {
      if (!done.containsKey(number)) {
        broken.add("message " + number + " was never done");
        violations.add(number);
      }
    }
    if (lastAbout == 0) {
      broken.add("nothing was published");
    }
    figures.put("restored", restored);
    figures.put("not stored, published again", again);
    figures.put("told twice", doneTwice);
  }

  private void checkWhatCame(
      String who, List<Line> lines, String word, String receiver, KilledBroker broker) {
    Map<Integer, Integer> firstIndex = new HashMap<>();
    Map<String, Integer> lastOfTopic = new HashMap<>();
    Set<Integer> lastOfLife = lastLinesOfLives(lines, 1);
    Set<Integer> lateInLife = lastLinesOfLives(lines, IN_FLIGHT);
    int qos1Twice = 0;
    int atTheKill = 0;
    int atTheCut = 0;
    int lost = 0;
    int brokersRepetitions = 0;
    int brokersOrder = 0;
    for (int index = 0; index < lines.size(); index++) {
      Line line = lines.get(index);
      if (line.is("violation")) {
        broken.add(who + ": " + line);
      }
      if (!line.is(word)) {
        continue;
      }
      int number = line.number();
      Integer earlier = firstIndex.putIfAbsent(number, index);
      if (earlier == null) {
        Integer before = lastOfTopic.put(Numbers.topic(number), number);
        if (before != null
            && before > number
            && broker.hasSentBefore(
                receiver, Numbers.payloadLength(before), Numbers.payloadLength(number))) {
          brokersOrder++;
        } else if (before != null && before > number && !isTouched(number, line)) {
          broken.add(who + ": " + number + " came first after " + before);
          violations.add(number);
        }
      } else if (Numbers.qos(number) == Qos.AT_LEAST_ONCE) {
        qos1Twice++;
      } else if (lastOfLife.contains(earlier)) {
        atTheKill++;
      } else if (plan.promise() != Promise.EXACT
          && (isTouched(number, lines.get(earlier)) || lateInLife.contains(earlier))) {
        atTheCut++;
      } else if (broker.repeatsWhatWasAnswered(receiver, Numbers.payloadLength(number))) {
        brokersRepetitions++;
      } else {
        broken.add(who + ": QoS 2 message " + number + " came twice");
        violations.add(number);
      }
    }
    for (Map.Entry<Integer, Line> each : about.entrySet()) {
      if (!firstIndex.containsKey(each.getKey())) {
        if (plan.promise() == Promise.SINCE_LAST_SAVE
            && isTouched(each.getKey(), done.get(each.getKey()))) {
          lost++;
        } else {
          broken.add(who + ": message " + each.getKey() + " is lost");
          violations.add(each.getKey());
        }
      }
    }
    figures.put(who + " at QoS 1 twice", qos1Twice);
    if (brokersOrder > 0) {
      figures.put(
          who + " in the order in which the broker sent them, not as published", brokersOrder);
    }
    if (brokersRepetitions > 0) {
      figures.put(who + " at QoS 2 twice, sent after PUBREC", brokersRepetitions);
    }
    if (word.equals("handled")) {
      figures.put(who + " at QoS 2 twice, killed in the handler", atTheKill);
    }
    if (plan.promise() != Promise.EXACT) {
      figures.put(who + " at QoS 2 twice by the broker's end", atTheCut);
    }
    if (plan.promise() == Promise.SINCE_LAST_SAVE) {
      figures.put(who + " lost by the broker's end", lost);
    }
  }

  /** The indexes of the last lines of each life but the last. The counter has one life. */
  private static Set<Integer> lastLinesOfLives(List<Line> lines, int count) {
    Set<Integer> last = new HashSet<>();
    for (int index = 1; index < lines.size(); index++) {
      if (lines.get(index).is("start")) {
        for (int back = 1; back <= count && back <= index; back++) {
          last.add(index - back);
        }
      }
    }
    return last;
  }

  /** Whether a message was on its way when the broker ended, or done and maybe not saved. */
  private boolean isTouched(int number, Line lastSeen) {
    Line published = about.get(number);
    return plan.promise() != Promise.EXACT
        && published != null
        && lastSeen != null
        && cuts.stream()
            .anyMatch(
                cut ->
                    published.millis() <= cut.endMillis()
                        && lastSeen.millis() >= cut.beginMillis() - SAVE_MILLIS);
  }

  private String report(KilledBroker broker, Path folder) {
    StringBuilder report = new StringBuilder();
    report.append(plan).append("\n").append(this).append("\n");
    report.append("ledgers, logs and sessions: ").append(folder).append("\n");
    broken.stream().limit(50).forEach(each -> report.append("  ").append(each).append("\n"));
    for (int number : violations.stream().limit(5).toList()) {
      report.append("message ").append(number).append(" at ").append(Numbers.topic(number));
      report.append("\n publisher:").append(linesOf(publisher, number));
      report.append("\n counted:").append(linesOf(counter, number));
      report.append("\n consumer:").append(linesOf(consumer, number));
      report.append("\n broker:");
      broker
          .linesAbout(Numbers.payloadLength(number))
          .forEach(each -> report.append("\n  ").append(each));
      report.append("\n");
    }
    report.append("broker's ends: ").append(cuts);
    return report.toString();
  }

  /** The lines of a message, with the life and the place in the ledger. */
  private static String linesOf(List<Line> lines, int number) {
    StringBuilder text = new StringBuilder();
    int life = 0;
    for (int index = 0; index < lines.size(); index++) {
      Line line = lines.get(index);
      if (line.is("start")) {
        life++;
      } else if (line.subject().equals(Integer.toString(number))
          || line.subject().startsWith(number + ":")) {
        text.append("\n  life ").append(life).append(", line ").append(index).append(": ");
        text.append(line);
      }
    }
    return text.toString();
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(plan.name());
    String separator = ": ";
    for (Map.Entry<String, Integer> each : figures.entrySet()) {
      text.append(separator).append(each.getValue()).append(" ").append(each.getKey());
      separator = ", ";
    }
    return text.toString();
  }
}
