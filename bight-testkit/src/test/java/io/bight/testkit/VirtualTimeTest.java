// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class VirtualTimeTest {
  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 1_500);
  private final long start = time.nowNanos();
  private final List<String> ran = new ArrayList<>();

  @Test
  void runsActionsInTheOrderOfTheirDeadlinesAlsoWhereTheNumbersWrap() {
    plan("late", 3_000);
    plan("early", 1_000);
    plan("middle", 2_000);

    time.advance(Duration.ofNanos(5_000));

    assertThat(ran).containsExactly("early at 1000", "middle at 2000", "late at 3000");
    assertThat(time.nowNanos() - start).isEqualTo(5_000);
  }

  @Test
  void keepsTheOrderOfPlanningForTheSameDeadline() {
    plan("first", 10);
    plan("second", 10);

    time.advance(Duration.ofNanos(10));

    assertThat(ran).containsExactly("first at 10", "second at 10");
  }

  @Test
  void runsNothingBeforeItsTime() {
    plan("later", 10);

    time.advance(Duration.ofNanos(9));

    assertThat(ran).isEmpty();
    assertThat(time.nextDeadlineNanos()).hasValue(start + 10);
  }

  @Test
  void runsWhatAnActionPlansWithinTheSameSpan() {
    time.schedule(Duration.ofNanos(5), () -> plan("planned", 5));

    time.advance(Duration.ofNanos(10));

    assertThat(ran).containsExactly("planned at 10");
  }

  @Test
  void doesNotRunWhatWasCancelled() {
    VirtualTime.Scheduled planned = time.schedule(Duration.ofNanos(5), () -> ran.add("never"));

    assertThat(planned.cancel()).isTrue();
    time.advance(Duration.ofNanos(10));

    assertThat(ran).isEmpty();
    assertThat(planned.cancel()).isFalse();
  }

  @Test
  void staysWhereItIsWhenADeadlineHasPassed() {
    time.advance(Duration.ofNanos(100));
    time.advanceTo(start + 50);

    assertThat(time.nowNanos()).isEqualTo(start + 100);
  }

  @Test
  void jumpsToTheNextAction() {
    plan("only", 70);

    assertThat(time.runNext()).isTrue();
    assertThat(time.runNext()).isFalse();
    assertThat(ran).containsExactly("only at 70");
  }

  @Test
  void refusesToGoBack() {
    assertThatIllegalArgumentException().isThrownBy(() -> time.advance(Duration.ofNanos(-1)));
  }

  private void plan(String name, long delayNanos) {
    time.schedule(
        Duration.ofNanos(delayNanos), () -> ran.add(name + " at " + (time.nowNanos() - start)));
  }
}
