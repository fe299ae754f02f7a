// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.engine.OutgoingPublish.Progress;
import io.bight.mqtt.packet.Publish;

/**
 * What the server's PUBACK, PUBREC and PUBCOMP mean for messages that were published [MQTT 5.0,
 * section 4.3]. Each has two forms: for a message with an entry in the session, and for one that
 * was sent at once and has none ({@link DirectMessages}).
 */
final class PublishAcknowledgements {
  private final MqttEngine engine;
  private final Session session;
  private final SessionKeeper keeper;
  private final PublishEnds ends;
  private final PublishFailures failures;
  private final PublishSender sender;

  PublishAcknowledgements(
      MqttEngine engine,
      Session session,
      SessionKeeper keeper,
      PublishEnds ends,
      PublishFailures failures,
      PublishSender sender) {
    this.engine = engine;
    this.session = session;
    this.keeper = keeper;
    this.ends = ends;
    this.failures = failures;
    this.sender = sender;
  }

  /** PUBACK ends a QoS 1 message [MQTT-4.3.2-3]; returns false if it answers a QoS 2 message. */
  boolean onPuback(
      ConnectionState connection, int packetIdentifier, ReasonCode reason, Properties properties) {
    Publication direct = session.direct.get(packetIdentifier);
    if (direct != null) {
      if (direct.message().qos() != Qos.AT_LEAST_ONCE) {
        return false;
      }
      completeDirect(connection, packetIdentifier, direct, reason, properties);
      return true;
    }
    if (!(session.packetIdentifiers.get(packetIdentifier) instanceof OutgoingPublish publish)) {
      return true; // late or unknown: nothing waits for it
    }
    if (publish.message().qos() != Qos.AT_LEAST_ONCE) {
      return false;
    }
    session.published.remove(publish);
    complete(connection, publish, reason, properties);
    return true;
  }

  /** PUBREC moves a QoS 2 message on [MQTT-4.3.3-4]; returns false if it answers QoS 1. */
  boolean onPubrec(
      ConnectionState connection, int packetIdentifier, ReasonCode reason, Properties properties) {
    Publication direct = session.direct.get(packetIdentifier);
    if (direct != null) {
      return onPubrecDirect(connection, packetIdentifier, direct, reason, properties);
    }
    if (!(session.packetIdentifiers.get(packetIdentifier) instanceof OutgoingPublish publish)) {
      engine
          .sent()
          .sendPubrel(connection, packetIdentifier, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND);
      return true;
    }
    if (publish.message().qos() != Qos.EXACTLY_ONCE) {
      return false;
    }
    if (publish.progress() == Progress.RELEASED) {
      engine.sent().sendPubrel(connection, packetIdentifier, ReasonCode.SUCCESS);
      return true;
    }
    session.published.remove(publish);
    if (reason.isError()) {
      complete(connection, publish, reason, properties); // [MQTT-4.4.0-2]
      return true;
    }
    publish.setProgress(Progress.RELEASED);
    session.giveEntriesToReleased(); // their PUBREC came earlier
    session.released.add(publish);
    keeper.putReleased(publish);
    connection.batchDepends = true;
    engine.sent().sendPubrel(connection, packetIdentifier, ReasonCode.SUCCESS);
    return true;
  }

  private boolean onPubrecDirect(
      ConnectionState connection,
      int packetIdentifier,
      Publication direct,
      ReasonCode reason,
      Properties properties) {
    if (direct.message().qos() != Qos.EXACTLY_ONCE) {
      return false;
    }
    if (!session.direct.isReleased(packetIdentifier)) {
      if (reason.isError()) {
        completeDirect(connection, packetIdentifier, direct, reason, properties); // [MQTT-4.4.0-2]
        return true;
      }
      session.direct.release(packetIdentifier);
    }
    engine.sent().sendPubrel(connection, packetIdentifier, ReasonCode.SUCCESS);
    return true;
  }

  /** PUBCOMP ends a QoS 2 message [MQTT-4.3.3-5]; returns false if PUBREC is still to come. */
  boolean onPubcomp(
      ConnectionState connection, int packetIdentifier, ReasonCode reason, Properties properties) {
    // "Packet identifier not found" is no failure: the server completed the message earlier.
    ReasonCode outcome =
        reason == ReasonCode.PACKET_IDENTIFIER_NOT_FOUND ? ReasonCode.SUCCESS : reason;
    Publication direct = session.direct.get(packetIdentifier);
    if (direct != null) {
      if (!session.direct.isReleased(packetIdentifier)) {
        return false;
      }
      completeDirect(connection, packetIdentifier, direct, outcome, properties);
      return true;
    }
    if (!(session.packetIdentifiers.get(packetIdentifier) instanceof OutgoingPublish publish)) {
      return true;
    }
    if (publish.progress() != Progress.RELEASED) {
      return false;
    }
    session.released.remove(publish);
    complete(connection, publish, outcome, properties);
    return true;
  }

  /** The end of every acknowledged message, QoS 1 and 2 alike. */
  private void complete(
      ConnectionState connection,
      OutgoingPublish publish,
      ReasonCode reason,
      Properties properties) {
    PublishSender.returnQuota(connection, publish);
    session.releaseIdentifier(publish);
    ends.done(publish);
    tell(publish.publication(), reason, properties);
  }

  /** The end of one that has no entry. */
  private void completeDirect(
      ConnectionState connection,
      int packetIdentifier,
      Publication direct,
      ReasonCode reason,
      Properties properties) {
    sender.takeOut(connection, packetIdentifier);
    session.free(OutgoingPublish.heapBytesOf(direct));
    tell(direct, reason, properties);
  }

  private void tell(Publication publication, ReasonCode reason, Properties properties) {
    Publish message = publication.message();
    if (reason.isError()) {
      String reasonString = properties.get(Property.REASON_STRING);
      publication.onFailure(failures.negativeAcknowledgement(message, reason, reasonString));
    } else {
      publication.onSuccess(PublishResult.of(message.qos(), reason, properties));
    }
  }
}
