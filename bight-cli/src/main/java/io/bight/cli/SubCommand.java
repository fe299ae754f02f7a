// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import io.bight.client.ConnectEvent;
import io.bight.client.ConnectFailureEvent;
import io.bight.client.DisconnectEvent;
import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.client.ReconnectPolicy;
import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.Topics;
import io.bight.mqtt.engine.ConnectionEnd;
import io.bight.mqtt.packet.Subscription;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/**
 * {@code bight sub}: prints what arrives, with Mosquitto's flags. Without -C, -E and -W it is meant
 * to run for long, and waits for a server that is not there yet; with one of them it fails.
 */
@Command(
    name = "sub",
    description = "Subscribe and print what arrives. The flags are those of mosquitto_sub.",
    sortOptions = false,
    footer = {
      "",
      "Formats for -F: %%t topic, %%p payload, %%x payload in hexadecimal, %%l its length, %%q QoS,",
      "%%r retained (0 or 1), %%m packet identifier, %%I time, %%U seconds since 1970, %%%% per cent,",
      "\\n line feed, \\t tab.",
      "",
      "Examples:",
      "  bight sub -v -t 'house/#'",
      "  bight sub -h broker.example -q 1 -t house/door -t house/window",
      "  bight sub -t house/door -C 1 -W 10      the next message, or status 27 after 10 s",
      "",
      "Without -C, -E and -W it keeps trying to connect; with one of them it ends with status 1",
      "when there is no server. Exit status: 0 done, or Ctrl-C; 1 no connection, or not subscribed;",
      "2 wrong arguments; 27 -W has passed; otherwise the server's reason for refusing the",
      "connection.",
    })
final class SubCommand implements Callable<Integer> {
  /** What mosquitto_sub ends with after -W. */
  private static final int TIMED_OUT = 27;

  @ParentCommand private Bight bight;
  @Mixin private ServerOptions server;

  @Option(
      names = {"-t", "--topic"},
      paramLabel = "FILTER",
      description = "A topic filter. May be given several times.")
  private List<String> topicFilters = new ArrayList<>();

  @Option(
      names = {"-T", "--filter-out"},
      paramLabel = "FILTER",
      description = "Do not print messages that match. May be given several times.")
  private List<String> filtersOut = new ArrayList<>();

  @Option(
      names = {"-U", "--unsubscribe"},
      paramLabel = "FILTER",
      description = "Unsubscribe from a filter of an earlier session. May be given several times.")
  private List<String> unsubscribe = new ArrayList<>();

  @Option(
      names = {"-v", "--verbose"},
      description = "Print the topic before the payload.")
  private boolean verbose;

  @Option(
      names = "-F",
      paramLabel = "FORMAT",
      description = "Print in a format of your own, see below.")
  private @Nullable String format;

  @Option(names = "-N", description = "Print no line feed after a payload.")
  private boolean noLineFeed;

  @Option(names = "-C", paramLabel = "N", description = "End after N messages.")
  private @Nullable Long count;

  @Option(names = "-E", description = "End when the server has confirmed the subscriptions.")
  private boolean endWhenSubscribed;

  @Option(
      names = "-W",
      paramLabel = "SECONDS",
      description = "End with status 27 after so many seconds.")
  private @Nullable Integer timeoutSeconds;

  @Option(names = "-R", description = "Do not print retained messages.")
  private boolean skipRetained;

  @Option(
      names = "--retained-only",
      description = "Print retained messages, end at the first other.")
  private boolean retainedOnly;

  // The run's state; written by the thread that drives, read by it and, at the end, by main's.
  private long printed;
  private boolean waited;

  /** Written by the thread that serves Ctrl-C. */
  private volatile boolean interrupted;

  private int status = Bight.DONE;
  private @Nullable MqttException failure;

  @SuppressWarnings("NullAway.Init") // picocli sets the fields
  SubCommand() {}

  @Override
  public Integer call() {
    List<Subscription> subscriptions = subscriptions();
    MessageFormat output = format();
    boolean longRunning = count == null && timeoutSeconds == null && !endWhenSubscribed;
    ReconnectPolicy policy = ReconnectPolicy.exponential();
    MqttClient client =
        server.checked(
            server
                    .client()
                    .reconnect(longRunning ? policy.alsoFirstConnect() : policy)
                    .onConnect(this::onConnect)
                    .onConnectFailure(this::onConnectFailure)
                    .onDisconnect(this::onDisconnect)
                    .manualAcknowledgement()
                    .onMessage(message -> print(message, output))
                ::build);
    try (client;
        Interruption interruption = new Interruption(() -> interrupt(client))) {
      client
          .connectAsync()
          .whenComplete((connected, cause) -> keep(client, cause))
          .thenRun(() -> begin(client, subscriptions));
      client.loopForever();
    }
    if (failure != null && !interrupted) {
      throw failure;
    }
    return status;
  }

  private List<Subscription> subscriptions() {
    List<String> filters = new ArrayList<>(topicFilters);
    String inUri = server.topicInUri();
    if (inUri != null) {
      filters.add(inUri);
    }
    if (filters.isEmpty() && unsubscribe.isEmpty()) {
      throw server.wrong("no topic filter: say what to subscribe to with -t FILTER");
    }
    requireAtLeast("-C", count, 1);
    requireAtLeast("-W", timeoutSeconds == null ? null : timeoutSeconds.longValue(), 1);
    return server.checked(
        () -> {
          filtersOut.forEach(Topics::requireFilter);
          unsubscribe.forEach(Topics::requireFilter);
          return filters.stream().map(filter -> new Subscription(filter, server.qos())).toList();
        });
  }

  private void requireAtLeast(String option, @Nullable Long value, long least) {
    if (value != null && value < least) {
      throw server.wrong(option + " " + value + " is out of range: give " + least + " or more");
    }
  }

  private MessageFormat format() {
    String end = noLineFeed ? "" : "\n";
    if (format != null) {
      String given = format;
      return server.checked(() -> MessageFormat.parse(given + end.replace("\n", "\\n")));
    }
    return MessageFormat.parse((verbose ? "%t %p" : "%p") + (noLineFeed ? "" : "\\n"));
  }

  /** Connected for the first time: reconnects bring the subscriptions back by themselves. */
  private void begin(MqttClient client, List<Subscription> subscriptions) {
    if (!unsubscribe.isEmpty()) {
      client
          .unsubscribe(unsubscribe.toArray(String[]::new))
          .whenComplete((done, cause) -> keep(client, cause));
    }
    if (!subscriptions.isEmpty()) {
      client
          .subscribe(subscriptions)
          .whenComplete((done, cause) -> keep(client, cause))
          .thenRun(() -> subscribed(client));
    }
    if (timeoutSeconds != null) {
      CompletableFuture.delayedExecutor(timeoutSeconds, TimeUnit.SECONDS)
          .execute(() -> timeOut(client));
    }
  }

  private void subscribed(MqttClient client) {
    if (endWhenSubscribed) {
      end(client, Bight.DONE);
    }
  }

  private void timeOut(MqttClient client) {
    if (!client.loop().isClosed()) {
      client.loop().execute(() -> end(client, TIMED_OUT));
    }
  }

  /**
   * Acknowledges what it has printed, and nothing after the last of -C: the server keeps the rest
   * for the next run of the same session.
   */
  private void print(Message message, MessageFormat output) {
    if (count != null && printed >= count) {
      return; // more came in the same batch, before the connection was closed
    }
    if (retainedOnly && !message.isRetained()) {
      end(message.client(), Bight.DONE);
      return;
    }
    boolean wanted =
        !(skipRetained && message.isRetained())
            && filtersOut.stream().noneMatch(filter -> Topics.matches(filter, message.topic()));
    if (!wanted) {
      acknowledge(message);
      return;
    }
    try {
      output.write(message, bight.console.bytes);
      bight.console.bytes.flush();
    } catch (IOException e) {
      // Whoever read our output is gone, as in 'bight sub ... | head -1'.
      end(message.client(), Bight.FAILED);
      return;
    }
    acknowledge(message);
    printed++;
    if (count != null && printed == count) {
      end(message.client(), Bight.DONE);
    }
  }

  private static void acknowledge(Message message) {
    if (message.qos() != Qos.AT_MOST_ONCE) {
      message.acknowledge();
    }
  }

  private void end(MqttClient client, int result) {
    if (result == TIMED_OUT) {
      say("no more messages within " + timeoutSeconds + " s (-W)");
    }
    status = result;
    client.disconnectAsync();
  }

  private void interrupt(MqttClient client) {
    interrupted = true;
    client.close();
  }

  /** The command has failed for good: it ends, and the failure is told by the caller. */
  private void keep(MqttClient client, @Nullable Throwable cause) {
    if (cause instanceof MqttException known && failure == null) {
      failure = known;
      client.disconnectAsync();
    }
  }

  private void onConnect(ConnectEvent event) {
    if (waited) {
      waited = false;
      say("connected to " + event.client().server());
    }
  }

  private void onConnectFailure(ConnectFailureEvent event) {
    MqttConnectException why = event.failure();
    if (event.nextAttemptIn().isEmpty()) {
      return; // told once, at the end
    }
    if (isFinal(why.reasonCode())) {
      failure = why;
      event.client().disconnectAsync();
      return;
    }
    long millis = event.nextAttemptIn().get().toMillis();
    waited = true;
    say(why.getMessage() + "; trying again in " + seconds(millis));
  }

  /** Waiting does not help against a server that refuses these arguments. */
  private static boolean isFinal(@Nullable ReasonCode reason) {
    if (reason == null) {
      return false;
    }
    return switch (reason) {
      case SERVER_UNAVAILABLE,
          SERVER_BUSY,
          SERVER_SHUTTING_DOWN,
          CONNECTION_RATE_EXCEEDED,
          QUOTA_EXCEEDED ->
          false;
      default -> true;
    };
  }

  private void onDisconnect(DisconnectEvent event) {
    if (event.by() != ConnectionEnd.By.USER) {
      waited = true;
      event
          .reconnectIn()
          .ifPresent(
              delay ->
                  say(
                      "disconnected: "
                          + event.message()
                          + "; connecting again in "
                          + seconds(delay.toMillis())));
    }
  }

  private static String seconds(long millis) {
    return String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
  }

  private void say(String line) {
    if (!server.quiet) {
      bight.console.say("bight sub: " + line);
    }
  }
}
