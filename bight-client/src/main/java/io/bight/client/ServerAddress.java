// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Where a server is and how it is spoken to, from its URI.
 *
 * @param scheme what carries the bytes
 * @param host a name or an address, IPv6 without brackets
 * @param port 1 to 65,535
 * @param path the path and query of a WebSocket; empty without one
 * @param userName from the URI's user information, or null
 * @param password from the URI's user information, or null
 */
record ServerAddress(
    Scheme scheme,
    String host,
    int port,
    String path,
    @Nullable String userName,
    @Nullable String password) {

  /** What carries the bytes. */
  enum Scheme {
    MQTT(1883, false, false),
    MQTTS(8883, true, false),
    WS(80, false, true),
    WSS(443, true, true);

    final int defaultPort;
    final boolean tls;
    final boolean webSocket;

    Scheme(int defaultPort, boolean tls, boolean webSocket) {
      this.defaultPort = defaultPort;
      this.tls = tls;
      this.webSocket = webSocket;
    }

    /** Returns the scheme of a URI, other clients' names for it included, or null. */
    static @Nullable Scheme of(String text) {
      return switch (text) {
        case "mqtt", "tcp" -> MQTT;
        case "mqtts", "ssl", "tls" -> MQTTS;
        case "ws" -> WS;
        case "wss" -> WSS;
        default -> null;
      };
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final String DEFAULT_PATH = "/mqtt";
  private static final String EXAMPLE = "; write it like mqtt://localhost or mqtt://host:1883";

  /**
   * The one parsed last, since a program that has many clients has them of one server. One with a
   * password is not kept beyond its client.
   */
  private static volatile @Nullable Parsed latest;

  private record Parsed(String text, ServerAddress address) {}

  static ServerAddress parse(String text) {
    Parsed before = latest;
    if (before != null && before.text.equals(text)) {
      return before.address;
    }
    ServerAddress address = parseAnew(text);
    if (address.userName == null) {
      latest = new Parsed(text, address);
    }
    return address;
  }

  private static ServerAddress parseAnew(String text) {
    URI uri;
    try {
      uri = new URI(text.contains("://") ? text : "mqtt://" + text);
    } catch (URISyntaxException e) {
      throw wrong(text, "is not a URI (" + e.getReason() + ")");
    }
    String schemeName = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    Scheme scheme = Scheme.of(schemeName);
    if (scheme == null) {
      throw wrong(
          text,
          "has the scheme '"
              + schemeName
              + "'; known are "
              + Arrays.stream(Scheme.values())
                  .map(Scheme::toString)
                  .collect(Collectors.joining(", ")));
    }
    if (uri.getHost() == null) {
      throw wrong(text, "names no valid host, or its port is not a number");
    }
    if (uri.getPort() == 0 || uri.getPort() > 65_535) {
      throw wrong(text, "has the port " + uri.getPort() + ", which is not 1 to 65535");
    }
    String userInfo = uri.getRawUserInfo();
    int colon = userInfo == null ? -1 : userInfo.indexOf(':');
    return new ServerAddress(
        scheme,
        withoutBrackets(uri.getHost()),
        uri.getPort() < 0 ? scheme.defaultPort : uri.getPort(),
        path(text, uri, scheme),
        userInfo == null ? null : decode(colon < 0 ? userInfo : userInfo.substring(0, colon)),
        userInfo == null || colon < 0 ? null : decode(userInfo.substring(colon + 1)));
  }

  private static String path(String text, URI uri, Scheme scheme) {
    String path = uri.getRawPath() == null ? "" : uri.getRawPath();
    if (scheme.webSocket && uri.getFragment() == null) {
      String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
      return (path.isEmpty() ? DEFAULT_PATH : path) + query;
    }
    boolean more =
        !(path.isEmpty() || path.equals("/"))
            || uri.getRawQuery() != null
            || uri.getFragment() != null;
    if (more) {
      throw wrong(text, "has something behind the port; topics are given to publish and subscribe");
    }
    return "";
  }

  private static String withoutBrackets(String host) {
    return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
  }

  private static String decode(String text) {
    // A plus sign is no space in a URI's user information.
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static IllegalArgumentException wrong(String text, String why) {
    String shown = text.replaceAll("://[^@/]*@", "://***@");
    return new IllegalArgumentException("the server '" + shown + "' " + why + EXAMPLE);
  }

  /** Returns the URI without user name and password. */
  @Override
  public String toString() {
    return scheme + "://" + hostAndPort() + path;
  }

  /** Returns host and port as they stand in a URI. */
  String hostAndPort() {
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
  }
}
