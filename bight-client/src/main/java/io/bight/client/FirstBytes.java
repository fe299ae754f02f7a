// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/** What a server's first bytes look like, to tell people that they have the wrong port. */
enum FirstBytes {
  /** The beginning of a TLS alert or handshake. */
  TLS,
  /** An HTTP status line. */
  HTTP,
  /** A CONNACK without the properties that it has since MQTT 5.0. */
  CONNACK_BEFORE_5,
  /** Something else, MQTT most likely. */
  OTHER;

  private static final byte[] HTTP_START = "HTTP/".getBytes(StandardCharsets.US_ASCII);

  static FirstBytes of(ByteBuf bytes) {
    int start = bytes.readerIndex();
    int length = bytes.readableBytes();
    // Content type alert (21) or handshake (22), then the major version 3.
    if (length >= 3
        && (bytes.getByte(start) == 21 || bytes.getByte(start) == 22)
        && bytes.getByte(start + 1) == 3) {
      return TLS;
    }
    if (length >= 2 && bytes.getByte(start) == 0x20 && bytes.getByte(start + 1) == 2) {
      return CONNACK_BEFORE_5;
    }
    for (int i = 0; i < HTTP_START.length; i++) {
      if (i >= length || bytes.getByte(start + i) != HTTP_START[i]) {
        return OTHER;
      }
    }
    return HTTP;
  }
}
