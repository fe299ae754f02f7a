// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import io.bight.broker.BrokerException;
import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.MqttException;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The {@code bight} command. Turns arguments into an exit status: 0 done, 1 it could not be done
 * (no server, refused), 2 the arguments are wrong; a server that refuses the connection gives its
 * own code, as with Mosquitto's tools.
 */
@Command(
    name = "bight",
    description = "MQTT at the command line, and a demonstration of the Bight client.",
    subcommands = {
      DemoCommand.class,
      PubCommand.class,
      SubCommand.class,
      BrokerCommand.class,
    },
    versionProvider = Bight.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Examples:",
      "  bight demo                        watch this machine's readings travel, 15 s",
      "  bight broker --port 1883          run a broker",
      "  bight sub -v -t 'house/#'         print what is published below house/",
      "  bight pub -t house/door -m open   publish a message",
      "",
      "'bight COMMAND --help' tells more.",
    })
final class Bight implements Runnable {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int WRONG_ARGUMENTS = 2;

  final Console console;

  @Spec private CommandSpec spec;

  @Option(
      names = "--help",
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help and exit.")
  @SuppressWarnings("UnusedVariable") // picocli acts on it
  private boolean help;

  @Option(names = "--version", versionHelp = true, description = "Show the version and exit.")
  @SuppressWarnings("UnusedVariable") // picocli acts on it
  private boolean version;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Show the library's log, and stack traces of errors.")
  private boolean debug;

  @SuppressWarnings("NullAway.Init") // picocli sets spec
  private Bight(Console console) {
    this.console = console;
  }

  public static void main(String[] arguments) {
    configureLogging(List.of(arguments));
    Console console = Console.ofProcess();
    int status = execute(console, arguments);
    console.out.flush();
    Interruption.onResult(status);
    System.exit(status);
  }

  /** Runs a command line; the exit status is the result. */
  static int execute(Console console, String... arguments) {
    Bight bight = new Bight(console);
    CommandLine line = new CommandLine(bight);
    line.setOut(console.writer(console.out));
    line.setErr(console.writer(console.err));
    // A message may look like an option or like the name of a file: it is the message.
    line.setAllowOptionsAsOptionParameters(true);
    line.setExpandAtFiles(false);
    line.setUsageHelpWidth(100);
    line.setColorScheme(
        CommandLine.Help.defaultColorScheme(
            console.coloured ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF));
    line.setParameterExceptionHandler(
        (error, given) -> bight.report(error.getCommandLine(), error, List.of(given)));
    line.setExecutionExceptionHandler(
        (error, command, result) -> bight.report(command, error, List.of(arguments)));
    int status = line.execute(arguments);
    console.out.flush();
    return status;
  }

  @Override
  public void run() {
    spec.commandLine().usage(console.out);
  }

  /** One line says what is wrong and what to do; more only for those who ask. */
  private int report(CommandLine command, Exception error, List<String> arguments) {
    String name = command.getCommandSpec().qualifiedName();
    boolean usage = error instanceof ParameterException;
    String message = oneLine(error);
    if (usage) {
      message += "; see '" + name + " --help'";
    }
    console.out.flush();
    console.say(name + ": " + message);
    if (debug || arguments.contains("--debug")) {
      error.printStackTrace(console.err);
    }
    return usage ? WRONG_ARGUMENTS : statusOf(error);
  }

  private static String oneLine(Exception error) {
    if (error instanceof UnmatchedArgumentException unmatched) {
      return unmatched(unmatched);
    }
    boolean expected =
        error instanceof ParameterException
            || error instanceof MqttException
            || error instanceof BrokerException
            || error instanceof IOException;
    String message = expected ? error.getMessage() : null;
    if (message == null || message.isBlank()) {
      message = "an error inside the program: " + error + "; --debug shows where";
    }
    return message
        .strip()
        .replaceAll("\\s*\\R\\s*", " ")
        .replaceAll("[.;]$", "")
        .replaceAll("is not an? (int|long)$", "is not a whole number");
  }

  private static String unmatched(UnmatchedArgumentException error) {
    String argument = error.getUnmatched().get(0);
    CommandLine command = error.getCommandLine();
    if (argument.startsWith("-")) {
      return "there is no option '" + argument + "'";
    }
    if (command.getParent() != null) {
      return "there is no place for '" + argument + "': text with blanks wants quotes";
    }
    String commands = String.join(", ", command.getSubcommands().keySet());
    return "there is no command '" + argument + "', but " + commands;
  }

  private static int statusOf(Exception error) {
    if (error instanceof MqttConnectException failure) {
      if (failure.getCause() instanceof UnknownHostException) {
        return WRONG_ARGUMENTS;
      }
      if (failure.reasonCode() != null && failure.reasonCode().isError()) {
        return failure.reasonCode().code();
      }
    }
    return FAILED;
  }

  /** SLF4J's simple backend reads its settings once, before the first logger. */
  private static void configureLogging(List<String> arguments) {
    String prefix = "org.slf4j.simpleLogger.";
    boolean talkative = arguments.contains("--debug") || arguments.contains("-d");
    System.setProperty(prefix + "defaultLogLevel", talkative ? "info" : "off");
    System.setProperty(prefix + "log.io.bight", talkative ? "debug" : "error");
    System.setProperty(prefix + "showThreadName", "false");
    System.setProperty(prefix + "showShortLogName", "true");
  }

  /** The version of the build. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() throws IOException {
      Properties properties = new Properties();
      try (InputStream file = Bight.class.getResourceAsStream("version.properties")) {
        properties.load(file);
      }
      return new String[] {
        "bight " + properties.getProperty("version"),
        String.format(
            Locale.ROOT, "Java %s, %s", Runtime.version(), System.getProperty("os.name", "?"))
      };
    }
  }
}
