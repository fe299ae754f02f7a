// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Property;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.ConnectionEnd;
import io.netty.handler.codec.http.websocketx.WebSocketHandshakeException;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Says in words why a connection could not be made, and what to do about it. */
final class ConnectFailures {
  /** What a server says that has not accepted the client's certificate, or misses one. */
  private static final Pattern REFUSED_CERTIFICATE =
      Pattern.compile("alert.*(certificate|unknown_ca)", Pattern.CASE_INSENSITIVE);

  private ConnectFailures() {}

  /** The transport could not be opened. */
  static MqttConnectException ofTransport(
      String client, ServerAddress server, TransportOptions options, Throwable cause) {
    return new MqttConnectException(
        client + " could not connect: " + explain(server, options, cause), null, cause);
  }

  private static String explain(ServerAddress server, TransportOptions options, Throwable cause) {
    if (cause instanceof UnknownHostException) {
      return "the host '" + server.host() + "' is not known; check its name and the DNS";
    }
    if (cause instanceof Dialer.LookUpTimeoutException) {
      return "the name service did not tell the address of '"
          + server.host()
          + "' within "
          + options.connectTimeout().toMillis()
          + " ms; check the DNS, or use an address in digits";
    }
    if (cause instanceof SocketTimeoutException) {
      return "no answer from "
          + where(server)
          + " within "
          + options.connectTimeout().toMillis()
          + " ms; check the address, the network and firewalls";
    }
    if (cause instanceof NoRouteToHostException) {
      return "there is no route to " + server.host() + "; check the address and the network";
    }
    if (cause instanceof ConnectException) {
      return "connection refused: nothing listens on "
          + where(server)
          + "; check that the server runs and that the port is right ("
          + server.scheme().defaultPort
          + " is usual for "
          + server.scheme()
          + "://)";
    }
    return explainHandshake(server, cause);
  }

  private static String explainHandshake(ServerAddress server, Throwable cause) {
    if (has(cause, NotSslRecordException.class)) {
      return where(server)
          + " does not speak TLS; use "
          + (server.scheme().webSocket ? "ws://" : "mqtt://")
          + ", or the port for TLS";
    }
    if (has(cause, CertPathBuilderException.class)
        || has(cause, CertPathValidatorException.class)) {
      return "the certificate of "
          + where(server)
          + " is not trusted ("
          + root(cause).getMessage()
          + "); trust its issuer with tls(...) or sslContext(...)";
    }
    if (has(cause, CertificateException.class)) {
      return "the certificate of "
          + where(server)
          + " does not fit: "
          + root(cause).getMessage()
          + "; connect by the name that it is for";
    }
    if (has(cause, SslHandshakeTimeoutException.class)) {
      return where(server) + " did not answer the TLS handshake in time; does it speak TLS?";
    }
    if (has(cause, SSLException.class)) {
      return tlsFailure(server, cause);
    }
    if (has(cause, WebSocketHandshakeException.class)) {
      return where(server)
          + " did not agree to a WebSocket at '"
          + server.path()
          + "': "
          + cause.getMessage()
          + "; check the path";
    }
    if (cause instanceof IOException && (server.scheme().tls || server.scheme().webSocket)) {
      return where(server)
          + " closed the connection during the handshake"
          + (cause.getMessage() == null ? "" : " (" + cause.getMessage() + ")")
          + "; does it speak "
          + (server.scheme().tls ? "TLS" : "WebSocket")
          + "?";
    }
    return String.valueOf(cause.getMessage());
  }

  private static String tlsFailure(ServerAddress server, Throwable cause) {
    String message = String.valueOf(root(cause).getMessage());
    return "TLS with "
        + where(server)
        + " failed: "
        + message
        + (REFUSED_CERTIFICATE.matcher(message).find()
            ? "; the server may want a client certificate; set tls(...) with one that it accepts"
            : "");
  }

  private static String where(ServerAddress server) {
    return server.host() + " port " + server.port();
  }

  private static boolean has(Throwable thrown, Class<? extends Throwable> kind) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (kind.isInstance(cause)) {
        return true;
      }
    }
    return false;
  }

  private static Throwable root(Throwable thrown) {
    Throwable root = thrown;
    for (Throwable cause; (cause = root.getCause()) != null; ) {
      root = cause;
    }
    return root;
  }

  /** The transport was open, but the server did not accept the connection. */
  static MqttConnectException ofEnd(
      String client,
      ServerAddress server,
      MqttVersion version,
      ConnectionEnd end,
      @Nullable FirstBytes firstBytes) {
    FirstBytes answered = firstBytes == null ? FirstBytes.OTHER : firstBytes;
    Throwable cause = end.cause();
    String why = null;
    if (answered == FirstBytes.TLS) {
      why =
          where(server)
              + " answered with TLS; use "
              + (server.scheme().webSocket ? "wss://" : "mqtts://");
    } else if (answered == FirstBytes.HTTP) {
      why =
          where(server)
              + " answered with HTTP: it is a web server; use ws:// if MQTT is behind it, or the"
              + " port of the MQTT server";
    } else if (answered == FirstBytes.CONNACK_BEFORE_5 && version.hasProperties()) {
      why =
          where(server)
              + " answered as a server does that does not know MQTT 5.0; choose MQTT 3.1.1 with"
              + " version(MqttVersion.MQTT_3_1_1)";
    } else if (cause != null && has(cause, SSLException.class)) {
      // With TLS 1.3 the client is done with the handshake before the server has seen who it is.
      why = tlsFailure(server, cause);
    }
    return new MqttConnectException(
        client
            + " could not connect: "
            + (why == null ? end.message() + remedy(end, version) : why),
        end.reasonCode(),
        end.cause());
  }

  private static String remedy(ConnectionEnd end, MqttVersion version) {
    ReasonCode reason = end.reasonCode();
    if (reason == null) {
      return end.by() == ConnectionEnd.By.USER || end.message().endsWith("?")
          ? ""
          : "; is it an MQTT server, without TLS, and does it speak MQTT " + version + "?";
    }
    return switch (reason) {
      case BAD_USER_NAME_OR_PASSWORD, NOT_AUTHORIZED -> "; check user name, password and rights";
      case CLIENT_IDENTIFIER_NOT_VALID -> "; choose another client identifier";
      case UNSUPPORTED_PROTOCOL_VERSION ->
          "; it does not speak MQTT " + version + ", so choose another version of MQTT";
      case SERVER_UNAVAILABLE, SERVER_BUSY, SERVER_SHUTTING_DOWN, CONNECTION_RATE_EXCEEDED ->
          "; try again later";
      case BANNED -> "; ask who runs the server why";
      case BAD_AUTHENTICATION_METHOD -> "; choose an authentication method that the server knows";
      case USE_ANOTHER_SERVER, SERVER_MOVED -> {
        String other = end.properties().get(Property.SERVER_REFERENCE);
        yield other == null ? "; connect to another server" : "; connect to '" + other + "'";
      }
      case TOPIC_NAME_INVALID, PAYLOAD_FORMAT_INVALID, RETAIN_NOT_SUPPORTED, QOS_NOT_SUPPORTED ->
          "; change the will, which the server does not take";
      case PACKET_TOO_LARGE -> "; make the will, the properties or the password shorter";
      case MALFORMED_PACKET, PROTOCOL_ERROR ->
          "; is it an MQTT server? If so, it may not speak MQTT " + version;
      default -> "";
    };
  }

  /** Names the reason for which two clients throw each other out. */
  static ConnectionEnd takenOver(ConnectionEnd end, String clientIdentifier, int times) {
    return withMore(
        end,
        "another client connected with the client identifier '"
            + clientIdentifier
            + "'"
            + (times > 1 ? ", " + times + " times in a row" : "")
            + ": give each client its own");
  }

  /** Says what it may be when a server takes connections and soon ends them without a word. */
  static ConnectionEnd endsSoon(ConnectionEnd end, String clientIdentifier, int times) {
    return withMore(
        end,
        "so ended "
            + times
            + " connections in a row, each soon after the server had accepted it: another client"
            + " may be using the client identifier '"
            + clientIdentifier
            + "', the server may not allow what this client sends, or it may be failing; give each"
            + " client an identifier of its own, and look into the server's log");
  }

  /** Tells an end that the library has asked for itself from one that the program has. */
  static ConnectionEnd asked(ConnectionEnd end, @Nullable Throwable because) {
    return because == null
        ? end
        : new ConnectionEnd(
            ConnectionEnd.By.CLIENT,
            end.established(),
            end.reasonCode(),
            "a callback of the program threw "
                + because
                + ", upon which its callbackErrorPolicy disconnects",
            end.properties(),
            because);
  }

  private static ConnectionEnd withMore(ConnectionEnd end, String more) {
    return new ConnectionEnd(
        end.by(),
        end.established(),
        end.reasonCode(),
        end.message() + "; " + more,
        end.properties(),
        end.cause());
  }

  /** Tells whether trying again soon with the same CONNECT is of no use. */
  static boolean isPermanent(@Nullable ReasonCode reason) {
    if (reason == null) {
      return false;
    }
    return switch (reason) {
      case BAD_USER_NAME_OR_PASSWORD,
          NOT_AUTHORIZED,
          CLIENT_IDENTIFIER_NOT_VALID,
          UNSUPPORTED_PROTOCOL_VERSION,
          BANNED,
          BAD_AUTHENTICATION_METHOD,
          SERVER_MOVED,
          MALFORMED_PACKET,
          PROTOCOL_ERROR ->
          true;
      default -> false;
    };
  }
}
