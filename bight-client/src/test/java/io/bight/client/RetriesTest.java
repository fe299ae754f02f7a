// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd;
import io.bight.mqtt.engine.ConnectionEnd.By;
import io.bight.testkit.VirtualTime;
import java.time.Duration;
import java.util.Random;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How often a client comes back, on virtual time: rows R1 and R9 of docs/loop-table.md. */
class RetriesTest {
  private static final DoubleSupplier UNSHORTENED = () -> 0;
  private static final Duration LONGEST = Duration.ofSeconds(30);

  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 1_000_000_000_000L);
  private int takeovers;

  private static Retries retries(DoubleSupplier random) {
    return new Retries(ReconnectPolicy.exponential(), false, random);
  }

  private static ConnectionEnd closed() {
    return new ConnectionEnd(
        By.SERVER, true, null, "the server closed the connection", Properties.NONE, null);
  }

  private static MqttConnectException failure(@Nullable ReasonCode reason) {
    return new MqttConnectException("no", reason, null);
  }

  private @Nullable Duration lostAfter(Retries retries, Duration life) {
    retries.onAccepted(time.nowNanos());
    time.advance(life);
    return retries.onLost("client 'a'", closed(), time.nowNanos());
  }

  /** One of two clients with the same identifier; a server that has one session for both. */
  private final class Twin {
    final Retries retries;
    final boolean tellsReason;
    Twin other;
    boolean connected;
    String said = "";

    Twin(DoubleSupplier random, boolean tellsReason) {
      this.retries = retries(random);
      this.tellsReason = tellsReason;
    }

    void connect() {
      connected = true;
      retries.onAccepted(time.nowNanos());
      if (other.connected) {
        other.isThrownOut();
      }
    }

    void isThrownOut() {
      takeovers++;
      connected = false;
      ConnectionEnd end =
          new ConnectionEnd(
              By.SERVER,
              true,
              tellsReason ? ReasonCode.SESSION_TAKEN_OVER : null,
              "the server closed the connection",
              Properties.NONE,
              null);
      Duration delay = retries.onLost("client 'twin'", end, time.nowNanos());
      said = retries.explained(end, "twin").message();
      time.schedule(delay, this::connect);
    }
  }

  private Twin twins(boolean tellsReason) {
    Random random = new Random(9);
    Twin one = new Twin(random::nextDouble, tellsReason);
    one.other = new Twin(random::nextDouble, tellsReason);
    one.other.other = one;
    one.connect();
    one.other.connect();
    time.advance(Duration.ofHours(1));
    return one;
  }

  @Test
  void r9TwinsThatTheServerNamesSlowDownForGood() {
    Twin twin = twins(true);
    // At the longest delay each comes back every 15 to 30 s; without it, every 50 ms.
    assertThat(takeovers).isBetween(100, 300);
    assertThat(twin.said)
        .contains("another client connected with the client identifier 'twin', ")
        .contains("times in a row");
  }

  @Test
  void r9TwinsThatTheServerDoesNotNameSlowDownForGood() {
    Twin twin = twins(false);
    assertThat(takeovers).isBetween(100, 300);
    assertThat(twin.said).contains("may be using the client identifier 'twin'");
  }

  @Test
  void r9ServerThatFailsAgainAndAgainIsMetLessEagerlyEachTime() {
    Retries retries = retries(UNSHORTENED);
    assertThat(lostAfter(retries, Duration.ofMillis(100))).hasMillis(50);
    assertThat(lostAfter(retries, Duration.ofMillis(100))).hasMillis(500);
    assertThat(lostAfter(retries, Duration.ofMillis(100))).hasSeconds(1);
    // The attempts that find nobody go on from there.
    assertThat(retries.onFailure(failure(null))).hasSeconds(2);
    assertThat(retries.onFailure(failure(null))).hasSeconds(4);
    assertThat(lostAfter(retries, Duration.ofMillis(100))).hasSeconds(2);
    assertThat(lostAfter(retries, Duration.ofSeconds(9))).hasSeconds(4);
  }

  @Test
  void r9ConnectionThatHeldLetsTheDelaysBeginAnew() {
    Retries retries = retries(UNSHORTENED);
    for (int i = 0; i < 10; i++) {
      lostAfter(retries, Duration.ZERO);
    }
    assertThat(lostAfter(retries, Duration.ofSeconds(59))).isEqualTo(LONGEST);
    assertThat(lostAfter(retries, Duration.ofSeconds(60))).hasMillis(50);
    assertThat(retries.explained(closed(), "a").message())
        .isEqualTo("the server closed the connection");
  }

  @Test
  void r9TwoShortConnectionsAreNoPattern() {
    Retries retries = retries(UNSHORTENED);
    lostAfter(retries, Duration.ZERO);
    lostAfter(retries, Duration.ZERO);
    assertThat(retries.explained(closed(), "a").message()).doesNotContain("another client");
    lostAfter(retries, Duration.ZERO);
    assertThat(retries.explained(closed(), "a").message())
        .contains("ended 3 connections in a row")
        .contains("another client may be using the client identifier 'a'")
        .contains("the server may not allow what this client sends, or it may be failing");
  }

  @Test
  void r9AttemptThatFailsBetweenTwoLossesSpeaksForARestartAndNotForATwin() {
    Retries retries = retries(UNSHORTENED);
    for (int i = 0; i < 3; i++) {
      lostAfter(retries, Duration.ofSeconds(1));
      assertThat(retries.explained(closed(), "a").message()).doesNotContain("another client");
      retries.onFailure(failure(null));
    }
  }

  @Test
  void r9ServerThatHasAcknowledgedForAWhileIsNotSuspected() {
    Retries retries = retries(UNSHORTENED);
    for (int i = 0; i < 4; i++) {
      retries.onAccepted(time.nowNanos());
      time.advance(Duration.ofSeconds(2));
      retries.onAcknowledged(time.nowNanos());
      time.advance(Duration.ofSeconds(1));
      retries.onLost("client 'a'", closed(), time.nowNanos());
      assertThat(retries.explained(closed(), "a").message()).doesNotContain("another client");
    }
    // What is acknowledged at once is acknowledged to twins too.
    for (int i = 0; i < 3; i++) {
      retries.onAccepted(time.nowNanos());
      time.advance(Duration.ofMillis(100));
      retries.onAcknowledged(time.nowNanos());
      retries.onLost("client 'a'", closed(), time.nowNanos());
    }
    assertThat(retries.explained(closed(), "a").message()).contains("another client may be using");
  }

  @ParameterizedTest
  @EnumSource(
      names = {
        "BAD_USER_NAME_OR_PASSWORD",
        "NOT_AUTHORIZED",
        "CLIENT_IDENTIFIER_NOT_VALID",
        "UNSUPPORTED_PROTOCOL_VERSION",
        "BANNED",
        "BAD_AUTHENTICATION_METHOD"
      })
  void r9RefusalThatCannotHealWaitsTheLongestDelayAtOnce(ReasonCode reason) {
    Retries retries = retries(UNSHORTENED);
    retries.onAccepted(time.nowNanos());
    assertThat(retries.onFailure(failure(reason))).isEqualTo(LONGEST);
    Retries withOtherCredentials = new Retries(ReconnectPolicy.exponential(), true, UNSHORTENED);
    withOtherCredentials.onAccepted(time.nowNanos());
    assertThat(withOtherCredentials.onFailure(failure(reason))).hasMillis(500);
  }

  @Test
  void r9RefusalThatPassesIsTriedAgainSoon() {
    Retries retries = retries(UNSHORTENED);
    retries.onAccepted(time.nowNanos());
    assertThat(retries.onFailure(failure(ReasonCode.SERVER_UNAVAILABLE))).hasMillis(500);
    assertThat(retries.onFailure(failure(ReasonCode.SERVER_BUSY))).hasSeconds(1);
  }

  @Test
  void r1FirstAttemptGoesOnOnlyIfItIsIncluded() {
    assertThat(retries(UNSHORTENED).onFailure(failure(null))).isNull();
    Retries included =
        new Retries(ReconnectPolicy.exponential().alsoFirstConnect(), false, UNSHORTENED);
    assertThat(included.onFailure(failure(null))).hasMillis(500);
  }
}
