// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Qos;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What {@code pub} and {@code sub} have in common: which server, and as whom. */
final class ServerOptions {
  private static final long FOREVER = 0xFFFF_FFFFL;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = {"-h", "--host"},
      paramLabel = "HOST",
      description = "The server's name or address. Default: localhost.")
  private @Nullable String host;

  @Option(
      names = {"-p", "--port"},
      paramLabel = "PORT",
      description = "The server's TCP port. Default: 1883.")
  private @Nullable Integer port;

  @Option(
      names = {"-L", "--url"},
      paramLabel = "URI",
      description = "Server and topic in one: mqtt://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC.")
  private @Nullable String uri;

  @Option(
      names = {"-u", "--username"},
      paramLabel = "NAME",
      description = "The user name.")
  private @Nullable String userName;

  @Option(
      names = {"-P", "--pw"},
      paramLabel = "PASSWORD",
      description = "The password.")
  private @Nullable String password;

  @Option(
      names = {"-i", "--id"},
      paramLabel = "ID",
      description = "The client identifier. Default: a random one.")
  private @Nullable String clientIdentifier;

  @Option(
      names = {"-I", "--id-prefix"},
      paramLabel = "PREFIX",
      description = "A client identifier made of this and the process's number.")
  private @Nullable String clientIdentifierPrefix;

  @Option(
      names = {"-k", "--keepalive"},
      paramLabel = "SECONDS",
      defaultValue = "60",
      description = "The longest pause between two packets, 0: any. Default: 60.")
  private int keepAliveSeconds;

  @Option(
      names = {"-V", "--protocol-version"},
      paramLabel = "VERSION",
      defaultValue = "mqttv311",
      description = "mqttv31, mqttv311 or mqttv5; or 31, 311, 5. Default: mqttv311.")
  private String version;

  @Option(
      names = {"-c", "--disable-clean-session"},
      description = "Go on with an earlier session, and have the server keep this one.")
  private boolean keepSession;

  @Option(
      names = {"-x", "--session-expiry-interval"},
      paramLabel = "SECONDS",
      description = "How long the server keeps the session, -1: for ever. Needs -V mqttv5.")
  private @Nullable Long sessionExpirySeconds;

  @Option(
      names = {"-q", "--qos"},
      paramLabel = "QOS",
      defaultValue = "0",
      description = "The quality of service, 0, 1 or 2. Default: 0.")
  private int qos;

  @Option(names = "-d", description = "Show the library's log on standard error.")
  @SuppressWarnings("UnusedVariable") // Bight.main looks for it, before the first logger is made
  private boolean showLog;

  @Option(names = "--quiet", description = "Print no notes about the connection.")
  boolean quiet;

  @SuppressWarnings("NullAway.Init") // picocli sets the fields
  ServerOptions() {}

  /** Starts a client as the options say; a wrong value ends the command with status 2. */
  MqttClientBuilder client() {
    return checked(
        () -> {
          MqttClientBuilder builder =
              MqttClient.builder(serverUri()).version(version()).keepAlive(keepAlive());
          applyIdentity(builder);
          applySession(builder);
          return builder;
        });
  }

  private void applyIdentity(MqttClientBuilder builder) {
    if (clientIdentifier != null && clientIdentifierPrefix != null) {
      throw new IllegalArgumentException("-i and -I exclude each other: give one of them");
    }
    if (clientIdentifier != null) {
      builder.clientId(clientIdentifier);
    } else if (clientIdentifierPrefix != null) {
      builder.clientId(clientIdentifierPrefix + ProcessHandle.current().pid());
    }
    if (userName != null) {
      builder.credentials(userName, password);
    } else if (password != null) {
      throw new IllegalArgumentException("-P needs a user name: add -u NAME");
    }
  }

  private void applySession(MqttClientBuilder builder) {
    boolean version5 = version() == MqttVersion.MQTT_5;
    if (keepSession && clientIdentifier == null && clientIdentifierPrefix == null) {
      throw new IllegalArgumentException(
          "-c keeps a session, which belongs to a client identifier: add -i ID");
    }
    builder.cleanStart(!keepSession);
    if (sessionExpirySeconds != null) {
      long seconds = sessionExpirySeconds;
      if (!version5) {
        throw new IllegalArgumentException("-x " + seconds + " needs MQTT 5.0: add -V mqttv5");
      }
      if (seconds < -1 || seconds > FOREVER) {
        throw new IllegalArgumentException(
            "-x " + seconds + " is out of range: give 0 to 4294967295 seconds, or -1 for ever");
      }
      builder.sessionExpiryInterval(Duration.ofSeconds(seconds == -1 ? FOREVER : seconds));
    } else if (keepSession && version5) {
      builder.sessionExpiryInterval(Duration.ofSeconds(FOREVER));
    }
  }

  private String serverUri() {
    if (uri != null) {
      if (host != null || port != null) {
        throw new IllegalArgumentException("-L names host and port: leave out -h and -p");
      }
      int path = pathOf(uri);
      return path < 0 ? uri : uri.substring(0, path);
    }
    String name = host == null ? "localhost" : host;
    if (port != null && (port < 1 || port > 65_535)) {
      throw new IllegalArgumentException("the port " + port + " is not one of 1 to 65535");
    }
    boolean version6 = name.contains(":") && !name.startsWith("[");
    String server = "mqtt://" + (version6 ? "[" + name + "]" : name);
    try {
      if (!new URI(server).getPath().isEmpty() || new URI(server).getHost() == null) {
        throw new URISyntaxException(name, "no host");
      }
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(
          "'" + name + "' is not a host: give a name or an address, and the port with -p", e);
    }
    return port == null ? server : server + ":" + port;
  }

  /** Returns the topic in -L, or null if there is none. */
  @Nullable String topicInUri() {
    int path = uri == null ? -1 : pathOf(uri);
    return path < 0 || uri == null || path == uri.length() - 1 ? null : uri.substring(path + 1);
  }

  /** Where the path begins, behind the authority; topics may hold what URIs may not. */
  private static int pathOf(String uri) {
    int authority = uri.indexOf("://");
    return uri.indexOf('/', authority < 0 ? 0 : authority + 3);
  }

  MqttVersion version() {
    return switch (version.toLowerCase(Locale.ROOT)) {
      case "mqttv31", "31", "3.1" -> MqttVersion.MQTT_3_1;
      case "mqttv311", "311", "3.1.1" -> MqttVersion.MQTT_3_1_1;
      case "mqttv5", "mqttv50", "5", "5.0" -> MqttVersion.MQTT_5;
      default ->
          throw new IllegalArgumentException(
              "-V " + version + " is no version of MQTT: give mqttv31, mqttv311 or mqttv5");
    };
  }

  Qos qos() {
    return checked(
        () -> {
          if (qos < 0 || qos > 2) {
            throw new IllegalArgumentException("-q " + qos + " is no QoS: give 0, 1 or 2");
          }
          return Qos.of(qos);
        });
  }

  private Duration keepAlive() {
    if (keepAliveSeconds < 0 || keepAliveSeconds > 65_535) {
      throw new IllegalArgumentException(
          "-k " + keepAliveSeconds + " is out of range: give 0 to 65535 seconds");
    }
    return Duration.ofSeconds(keepAliveSeconds);
  }

  /** Runs what checks values from the command line: one that is refused is the user's mistake. */
  <T> T checked(java.util.function.Supplier<T> work) {
    try {
      return work.get();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
