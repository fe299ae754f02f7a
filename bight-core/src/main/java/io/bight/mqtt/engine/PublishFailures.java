// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttOvertakenException;
import io.bight.mqtt.MqttQueueFullException;
import io.bight.mqtt.MqttReasonException;
import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.OverflowPolicy;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.packet.Publish;
import org.jspecify.annotations.Nullable;

/** Why a message was not published, in words, for one client. */
final class PublishFailures {
  private final MqttEngine engine;
  private final Session session;
  private final EngineOptions options;

  PublishFailures(MqttEngine engine, Session session, EngineOptions options) {
    this.engine = engine;
    this.session = session;
    this.options = options;
  }

  MqttQueueFullException queueFull(OutgoingPublish publish) {
    boolean dropped =
        options.overflowPolicy() == OverflowPolicy.DROP_OLDEST
            || options.overflowPolicy() == OverflowPolicy.DROP_NEWEST;
    return new MqttQueueFullException(
        engine.describe()
            + (dropped ? " dropped a message of " : " refused a message of ")
            + publish.heapBytes()
            + " B for '"
            + publish.message().topic()
            + "': "
            + (session.queuedMessages() == 1
                ? "1 message waits"
                : session.queuedMessages() + " messages wait")
            + " to be sent, and with "
            + session.inFlightMessages()
            + " in flight all take "
            + (session.heldBytes() - publish.heapBytes())
            + " B; "
            + room()
            + ". Wait for earlier messages before publishing more, or set a larger bound",
        dropped);
  }

  MqttQueueFullException dropped(Publish message) {
    return new MqttQueueFullException(
        engine.describe()
            + " dropped a message for '"
            + message.topic()
            + "' that waited longest, to make room for a newer one; "
            + room(),
        true);
  }

  private String room() {
    return "there is room for "
        + options.queueMaximumMessages()
        + (options.queueMaximumMessages() == 1 ? " message and " : " messages and ")
        + options.queueMaximumBytes()
        + " B";
  }

  MqttOvertakenException overtaken(Publish message) {
    return new MqttOvertakenException(
        engine.describe()
            + " did not send a message for '"
            + message.topic()
            + "': a newer one for this topic was published while it waited");
  }

  MqttException expired(Publish message) {
    return new MqttException(
        engine.describe()
            + " dropped a message for '"
            + message.topic()
            + "': it expired while it waited to be sent",
        null);
  }

  MqttStoreException notStored(Publish message, @Nullable MqttStoreException cause) {
    return new MqttStoreException(
        engine.describe()
            + " did not publish to '"
            + message.topic()
            + "', since the message could not be stored first: "
            + (cause == null ? "the store does not work" : cause.getMessage()),
        cause);
  }

  // ---- the server's limits

  MqttReasonException refusal(Publish message, ReasonCode reasonCode, String why) {
    return new MqttReasonException(
        engine.describe() + " did not publish to '" + message.topic() + "': " + why,
        reasonCode,
        null);
  }

  MqttReasonException negativeAcknowledgement(
      Publish message, ReasonCode reasonCode, @Nullable String reasonString) {
    return new MqttReasonException(
        engine.describe()
            + " published to '"
            + message.topic()
            + "', and the server answered: "
            + reasonCode
            + (reasonString == null ? "" : ", \"" + reasonString + "\""),
        reasonCode,
        reasonString);
  }

  MqttException unencodable(Publish message, IllegalArgumentException cause) {
    return new MqttException(
        engine.describe() + " cannot publish to '" + message.topic() + "': " + cause.getMessage(),
        cause);
  }

  // ---- lost connections

  MqttDisconnectedException notConnected(Publish message) {
    return new MqttDisconnectedException(
        engine.describe()
            + " is not connected, and a message for '"
            + message.topic()
            + "' is not to wait until it is",
        null);
  }

  MqttDisconnectedException lostItsConnection(Publish message) {
    return new MqttDisconnectedException(
        engine.describe()
            + " was disconnected before a message for '"
            + message.topic()
            + "' could be sent, and it is not to be sent later",
        null);
  }

  MqttDisconnectedException lostWhileWritten(Publish message, @Nullable Throwable cause) {
    return new MqttDisconnectedException(
        engine.describe()
            + " was disconnected while a QoS 0 message for '"
            + message.topic()
            + "' was being written; it may be lost",
        cause);
  }

  MqttDisconnectedException lostWithItsSession(Publish message) {
    return new MqttDisconnectedException(
        engine.describe()
            + " published to '"
            + message.topic()
            + "', and the server lost the session before it acknowledged; whether the "
            + "message arrived is not known",
        null);
  }
}
