// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.Properties;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Publish;
import org.jspecify.annotations.Nullable;

/**
 * A message on its way in, from its arrival until it has been acknowledged to the server. Read and
 * written by the driver only.
 */
public final class IncomingPublish {
  private final Publish message;

  /** The connection whose acknowledgements this message takes part in; null at QoS 0. */
  @Nullable ConnectionState connection;

  /** The application's answer; null until it has given one. */
  @Nullable ReasonCode answer;

  Properties answerProperties = Properties.NONE;

  /** Whether the answer has gone to the server, on whatever connection: PUBREL may follow. */
  boolean answerSent;

  /** Whether the application wants it delivered again when the server sends it again. */
  boolean givenBack;

  IncomingPublish(Publish message, @Nullable ConnectionState connection) {
    this.message = message;
    this.connection = connection;
  }

  /**
   * Returns the message.
   *
   * @return the packet, with its topic alias resolved
   */
  public Publish message() {
    return message;
  }

  /**
   * Tells whether the application has answered.
   *
   * @return true once it has been acknowledged; always at QoS 0
   */
  public boolean isAnswered() {
    return connection == null || answer != null;
  }

  @Override
  public String toString() {
    return message + (isAnswered() ? "" : " unacknowledged");
  }
}
