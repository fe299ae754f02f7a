// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

import java.util.Locale;

/** What can be run side by side. */
public enum PeerName {
  /** With a thread of the library's: loopStart. */
  BIGHT,
  /** The program's own thread drives, and publishes from the callbacks. */
  BIGHT_OWN_LOOP,
  /** Publishes many messages with one future: publishAll. */
  BIGHT_BATCH,
  /** With TLS by OpenSSL, as a program has it that adds Netty's library for it. */
  BIGHT_OPENSSL,
  /** The program publishes from a thread of its own. */
  VERTX,
  /** The program publishes on the client's context. */
  VERTX_CONTEXT,
  HIVEMQ,
  PAHO_V3,
  PAHO_V5,
  AWS_CRT,
  /** A program in C, where the library is installed. */
  LIBMOSQUITTO,
  /**
   * No client: java.nio writes and reads the same bytes, as large as the socket takes them; through
   * TLS, Netty with OpenSSL.
   */
  RAW,
  /** No client: Netty writes and reads the same bytes, a buffer for each message. */
  RAW_NETTY;

  /** As on the command line. */
  public String text() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  public static PeerName of(String text) {
    for (PeerName name : values()) {
      if (name.text().equals(text)) {
        return name;
      }
    }
    throw new IllegalArgumentException("There is no peer " + text + ".");
  }

  public boolean isBight() {
    return switch (this) {
      case BIGHT, BIGHT_OWN_LOOP, BIGHT_BATCH, BIGHT_OPENSSL -> true;
      default -> false;
    };
  }

  /** Whether it is a client for Java that Bight is compared with. */
  public boolean isJavaPeer() {
    return !isBight() && !isRaw() && this != LIBMOSQUITTO;
  }

  /** Whether it is none, but what there is without one. */
  public boolean isRaw() {
    return this == RAW || this == RAW_NETTY;
  }

  /** Whether it has the TLS of OpenSSL, through Netty. */
  public boolean isOpenSsl() {
    return this == BIGHT_OPENSSL || isRaw();
  }

  /** How many threads a connection takes, where it takes any. */
  public int threadsPerConnection() {
    return this == PAHO_V3 || this == PAHO_V5 ? 4 : 0;
  }
}
