// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import io.bight.broker.EmbeddedBroker;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code bight broker}: the embedded broker in the foreground, until Ctrl-C. */
@Command(
    name = "broker",
    description = "Run an MQTT 5 broker (HiveMQ Community Edition, in memory) until Ctrl-C.",
    sortOptions = false,
    footer = {
      "",
      "It asks nobody for a password: leave it on the loopback address unless you trust the network.",
      "",
      "Examples:",
      "  bight broker",
      "  bight broker --port 0             on any free port, which it prints",
      "  bight broker --host 0.0.0.0       for the whole network",
    })
final class BrokerCommand implements Callable<Integer> {
  @ParentCommand private Bight bight;
  @Spec private CommandSpec spec;

  @Option(
      names = {"-h", "--host"},
      paramLabel = "HOST",
      defaultValue = "127.0.0.1",
      description = "The address to listen on. Default: 127.0.0.1.")
  private String host;

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      defaultValue = "1883",
      description = "The TCP port to listen on, 0: any free one. Default: 1883.")
  private int port;

  @SuppressWarnings("NullAway.Init") // picocli sets the fields
  BrokerCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    CountDownLatch stopped = new CountDownLatch(1);
    EmbeddedBroker.Builder builder;
    try {
      builder = EmbeddedBroker.builder().host(host).port(port);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
    bight.console.say("bight broker: starting, which takes a few seconds ...");
    try (EmbeddedBroker broker = builder.start();
        Interruption interruption = new Interruption(stopped::countDown)) {
      bight.console.out.println("listening on " + broker.uri());
      bight.console.out.flush();
      bight.console.say("bight broker: Ctrl-C stops it");
      stopped.await();
    }
    return Bight.DONE;
  }
}
