// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import org.jspecify.annotations.Nullable;

/**
 * Who ended a connection, and why.
 *
 * @param by who ended it
 * @param established whether CONNACK had accepted the connection before
 * @param reasonCode the reason in CONNACK or DISCONNECT, either way, or null if there was none
 * @param message what happened in words
 * @param properties the properties of the server's CONNACK or DISCONNECT
 * @param cause what was thrown underneath, or null
 */
public record ConnectionEnd(
    By by,
    boolean established,
    @Nullable ReasonCode reasonCode,
    String message,
    Properties properties,
    @Nullable Throwable cause) {

  /** Who ended a connection. */
  public enum By {
    /** The program, by {@code disconnect} or {@code close}. */
    USER,
    /** This library, because the server broke the protocol. */
    CLIENT,
    /** The server, by DISCONNECT, by a refusing CONNACK, or by closing the connection. */
    SERVER,
    /** The network: connection refused, reset, or silent for too long. */
    NETWORK
  }
}
