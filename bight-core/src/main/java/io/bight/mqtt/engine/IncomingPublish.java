// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Publish;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A message on its way in, from its arrival until it has been acknowledged to the server. Read and
 * written by the driver only.
 */
public final class IncomingPublish {
  /** Of a message that a store has kept, the packet identifier alone is known. */
  private static final String UNKNOWN_TOPIC = "";

  private final Publish message;

  /** The connection whose acknowledgements this message takes part in; null at QoS 0. */
  @Nullable ConnectionState connection;

  /** The application's answer; null until it has given one. */
  @Nullable ReasonCode answer;

  Properties answerProperties = Properties.NONE;

  /** Whether the answer has gone to the server, on whatever connection: PUBREL may follow. */
  boolean answerSent;

  /** Whether it waits for the acknowledgements of messages before it, or for its own. */
  boolean isQueued;

  /** Whether the application will not answer any more, as far as it knows. */
  boolean abandoned;

  /** Whether it may be of a session that the server has lost without our knowledge. */
  boolean isUncertain;

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

  /**
   * Returns a QoS 2 message of which a store has kept that the application has handled it.
   *
   * @param packetIdentifier its packet identifier
   */
  static IncomingPublish handledBefore(int packetIdentifier) {
    Publish unknown =
        new Publish(
            UNKNOWN_TOPIC,
            new byte[0],
            Qos.EXACTLY_ONCE,
            false,
            false,
            packetIdentifier,
            Properties.NONE);
    IncomingPublish incoming = new IncomingPublish(unknown, null);
    incoming.answer = ReasonCode.SUCCESS;
    incoming.answerSent = true;
    return incoming;
  }

  /** Tells whether the application has handled the message: it must not be given it again. */
  boolean isHandled() {
    return answer != null && !answer.isError();
  }

  /** Tells whether a message cannot be this one, as far as the content of this one is known. */
  boolean isContentOther(Publish other) {
    return !message.topic().equals(UNKNOWN_TOPIC)
        && !(message.topic().equals(other.topic())
            && Arrays.equals(message.payload(), other.payload()));
  }

  /** Tells whether a repetition on a connection is for the application as if it were new. */
  boolean isGivenUp(ConnectionState repeatedOn) {
    return abandoned && answer == null && connection != repeatedOn;
  }

  @Override
  public String toString() {
    return message + (isAnswered() ? "" : " unacknowledged");
  }
}
