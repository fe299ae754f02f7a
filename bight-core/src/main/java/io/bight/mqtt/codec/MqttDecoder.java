// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.codec;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Property.Place;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.RetainHandling;
import io.bight.mqtt.Topics;
import io.bight.mqtt.packet.Auth;
import io.bight.mqtt.packet.Connack;
import io.bight.mqtt.packet.Connect;
import io.bight.mqtt.packet.Disconnect;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.PacketType;
import io.bight.mqtt.packet.Pingreq;
import io.bight.mqtt.packet.Pingresp;
import io.bight.mqtt.packet.Puback;
import io.bight.mqtt.packet.Pubcomp;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Pubrec;
import io.bight.mqtt.packet.Pubrel;
import io.bight.mqtt.packet.Suback;
import io.bight.mqtt.packet.Subscribe;
import io.bight.mqtt.packet.Subscription;
import io.bight.mqtt.packet.Unsuback;
import io.bight.mqtt.packet.Unsubscribe;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns one direction of a connection's bytes into packets, strictly: what the specification does
 * not allow is refused with the reason code that it names. One object serves one connection, on one
 * thread at a time. It keeps no bytes: what is not a whole packet yet stays in the caller's buffer.
 */
public final class MqttDecoder {
  /** First byte, remaining length and packet identifier. */
  private static final int PLAIN_ACKNOWLEDGEMENT_BYTES = 4;

  private final boolean forServer;
  private final boolean acceptsPlain;
  private final FixedHeader header;
  private final PacketReader reader = new PacketReader();
  private @Nullable MqttVersion version;
  private @Nullable MqttDecodeException failure;

  MqttDecoder(boolean forServer, @Nullable MqttVersion version, int maximumPacketSizeBytes) {
    if (maximumPacketSizeBytes < 1) {
      throw new IllegalArgumentException(
          "maximum packet size cannot be " + maximumPacketSizeBytes + "; it is at least 1");
    }
    this.forServer = forServer;
    // A server must see CONNECT first, and only decode knows whether it has.
    this.acceptsPlain = !forServer && maximumPacketSizeBytes >= PLAIN_ACKNOWLEDGEMENT_BYTES;
    this.version = version;
    this.header = new FixedHeader(forServer, maximumPacketSizeBytes);
  }

  /**
   * Makes the decoder of a client, which reads what a server sends.
   *
   * @param version the version that CONNECT asked for
   * @param maximumPacketSizeBytes the longest packet to accept, fixed header included
   * @return a decoder for one connection
   * @throws IllegalArgumentException if the maximum packet size is below 1
   */
  public static MqttDecoder forClient(MqttVersion version, int maximumPacketSizeBytes) {
    return new MqttDecoder(false, version, maximumPacketSizeBytes);
  }

  /**
   * Makes the decoder of a server, which reads what a client sends. It learns the version from
   * CONNECT, which must come first and once.
   *
   * @param maximumPacketSizeBytes the longest packet to accept, fixed header included
   * @return a decoder for one connection
   * @throws IllegalArgumentException if the maximum packet size is below 1
   */
  public static MqttDecoder forServer(int maximumPacketSizeBytes) {
    return new MqttDecoder(true, null, maximumPacketSizeBytes);
  }

  /**
   * Returns the version of the connection.
   *
   * @return the version
   * @throws IllegalStateException if a server's decoder has not read CONNECT yet
   */
  public MqttVersion version() {
    if (version == null) {
      throw new IllegalStateException("the version is not known before CONNECT");
    }
    return version;
  }

  /**
   * Reads one packet. The fixed header is judged as soon as it is there, so that a packet that is
   * refused for it is not waited for.
   *
   * @param in the bytes; its reader index moves behind the packet, or stays if null is returned
   * @return the packet, or null if it is not whole yet
   * @throws MqttDecodeException if the bytes are not a packet that is allowed here; from then on
   *     every call throws the same, and the reader index is anywhere
   */
  public @Nullable Packet decode(ByteBuf in) throws MqttDecodeException {
    if (failure != null) {
      throw failure;
    }
    try {
      if (!header.read(in, version)) {
        return null;
      }
      reader.begin(in, header.type(), header.remainingLength());
      Packet packet = readPacket();
      if (reader.remaining() > 0) {
        throw reader.malformed(reader.remaining() + " bytes are left over at its end");
      }
      return packet;
    } catch (MqttDecodeException e) {
      failure = e;
      throw e;
    } finally {
      reader.finish();
    }
  }

  /**
   * Tells how much is missing where {@link #decode} has just returned null.
   *
   * @return how many bytes more the packet has, at least: 1 while its length is not known
   */
  public int missingBytes() {
    return header.missing();
  }

  /**
   * Reads an acknowledgement without an object for it, if the next packet is one of four bytes:
   * PUBACK, PUBREC, PUBREL or PUBCOMP with success and no properties, as nearly all are.
   *
   * @param in the bytes; its reader index moves behind the packet, or stays if 0 is returned
   * @return the packet's type as {@link PacketType#code()} in the upper half and its packet
   *     identifier in the lower one; 0 if {@link #decode} is to look what comes next
   */
  public int readPlainAcknowledgement(ByteBuf in) {
    if (in.readableBytes() < PLAIN_ACKNOWLEDGEMENT_BYTES || !acceptsPlain || failure != null) {
      return 0;
    }
    int bytes = in.getInt(in.readerIndex());
    int packetIdentifier = bytes & 0xFFFF;
    return switch (bytes >>> Short.SIZE) {
      case 0x4002, 0x5002, 0x6202, 0x7002 -> {
        if (packetIdentifier == 0) {
          yield 0;
        }
        in.skipBytes(PLAIN_ACKNOWLEDGEMENT_BYTES);
        yield bytes >>> 28 << Short.SIZE | packetIdentifier;
      }
      default -> 0;
    };
  }

  private Packet readPacket() throws MqttDecodeException {
    return switch (header.type()) {
      case CONNECT -> readConnect();
      case CONNACK -> readConnack();
      case PUBLISH -> readPublish();
      case PUBACK -> {
        int packetIdentifier = reader.packetIdentifier();
        yield reader.remaining() == 0
            ? new Puback(packetIdentifier)
            : new Puback(packetIdentifier, readReasonCode(), readTrailing(Place.PUBACK));
      }
      case PUBREC -> {
        int packetIdentifier = reader.packetIdentifier();
        yield reader.remaining() == 0
            ? new Pubrec(packetIdentifier)
            : new Pubrec(packetIdentifier, readReasonCode(), readTrailing(Place.PUBREC));
      }
      case PUBREL -> {
        int packetIdentifier = reader.packetIdentifier();
        yield reader.remaining() == 0
            ? new Pubrel(packetIdentifier)
            : new Pubrel(packetIdentifier, readReasonCode(), readTrailing(Place.PUBREL));
      }
      case PUBCOMP -> {
        int packetIdentifier = reader.packetIdentifier();
        yield reader.remaining() == 0
            ? new Pubcomp(packetIdentifier)
            : new Pubcomp(packetIdentifier, readReasonCode(), readTrailing(Place.PUBCOMP));
      }
      case SUBSCRIBE -> readSubscribe();
      case SUBACK -> readSuback();
      case UNSUBSCRIBE -> readUnsubscribe();
      case UNSUBACK -> readUnsuback();
      case PINGREQ -> Pingreq.INSTANCE;
      case PINGRESP -> Pingresp.INSTANCE;
      case DISCONNECT -> readDisconnect();
      case AUTH -> readAuth();
    };
  }

  private Connect readConnect() throws MqttDecodeException {
    Connect connect = ConnectReader.read(reader);
    header.requireMinimalLength(connect.version());
    version = connect.version();
    return connect;
  }

  private Connack readConnack() throws MqttDecodeException {
    int flags = reader.unsignedByte("connect acknowledge flags");
    // In 3.1 the whole byte is reserved and not used.
    boolean sessionPresent = version != MqttVersion.MQTT_3_1 && (flags & 1) != 0;
    if (flags > 1 && version != MqttVersion.MQTT_3_1) {
      throw reader.malformed("reserved connect acknowledge flags are set"); // [MQTT-3.2.2-1]
    }
    ReasonCode reasonCode = hasProperties() ? readReasonCode() : readReturnCode();
    if (sessionPresent && reasonCode != ReasonCode.SUCCESS) {
      // [MQTT-3.2.2-6]
      throw reader.protocolError("session is present although the reason is " + reasonCode);
    }
    return new Connack(sessionPresent, reasonCode, readProperties(Place.CONNACK));
  }

  private ReasonCode readReturnCode() throws MqttDecodeException {
    int returnCode = reader.unsignedByte("return code");
    ReasonCode reasonCode = AllowedReasonCodes.ofReturnCode(returnCode);
    if (reasonCode == null) {
      throw reader.protocolError("return code " + returnCode + " is reserved");
    }
    return reasonCode;
  }

  private Publish readPublish() throws MqttDecodeException {
    Qos qos = header.qos();
    String topic = reader.topicName("topic name");
    int packetIdentifier = qos == Qos.AT_MOST_ONCE ? 0 : reader.packetIdentifier();
    Properties properties = readProperties(Place.PUBLISH);
    if (topic.isEmpty() && !properties.has(Property.TOPIC_ALIAS)) {
      // [MQTT 5.0, section 3.3.2.1]
      throw reader.protocolError("topic name is empty and no topic alias stands for it");
    }
    if (forServer && properties.has(Property.SUBSCRIPTION_IDENTIFIER)) {
      // [MQTT-3.3.4-6]
      throw reader.protocolError("a client sent a Subscription Identifier");
    }
    return new Publish(
        topic, reader.rest(), qos, header.retain(), header.dup(), packetIdentifier, properties);
  }

  private Subscribe readSubscribe() throws MqttDecodeException {
    int packetIdentifier = reader.packetIdentifier();
    Properties properties = readProperties(Place.SUBSCRIBE);
    List<Subscription> subscriptions = new ArrayList<>();
    while (reader.remaining() > 0) {
      subscriptions.add(readSubscription());
    }
    if (subscriptions.isEmpty()) {
      throw reader.protocolError("there is no topic filter"); // [MQTT-3.8.3-2]
    }
    return new Subscribe(packetIdentifier, subscriptions, properties);
  }

  private Subscription readSubscription() throws MqttDecodeException {
    String topicFilter = reader.topicFilter();
    int options = reader.unsignedByte("subscription options");
    int qos = options & 3;
    if (!hasProperties()) {
      if (qos == 3 || options > 3) { // 3.1.1 [MQTT-3.8.3-4]
        throw reader.malformed("requested QoS of '" + topicFilter + "' is " + options);
      }
      return new Subscription(topicFilter, Qos.of(qos));
    }
    if ((options & 0xC0) != 0) { // [MQTT-3.8.3-5]
      throw reader.malformed("reserved subscription options of '" + topicFilter + "' are set");
    }
    int retainHandling = options >> 4;
    boolean noLocal = (options & 4) != 0;
    if (qos == 3) {
      throw reader.protocolError("maximum QoS of '" + topicFilter + "' is 3");
    }
    if (retainHandling == 3) {
      throw reader.protocolError("Retain Handling of '" + topicFilter + "' is 3");
    }
    if (noLocal && Topics.isShared(topicFilter)) { // [MQTT-3.8.3-4]
      throw reader.protocolError("No Local is set on the shared filter '" + topicFilter + "'");
    }
    return new Subscription(
        topicFilter, Qos.of(qos), noLocal, (options & 8) != 0, RetainHandling.of(retainHandling));
  }

  private Suback readSuback() throws MqttDecodeException {
    int packetIdentifier = reader.packetIdentifier();
    Properties properties = readProperties(Place.SUBACK);
    return new Suback(packetIdentifier, readReasonCodes(), properties);
  }

  private Unsubscribe readUnsubscribe() throws MqttDecodeException {
    int packetIdentifier = reader.packetIdentifier();
    Properties properties = readProperties(Place.UNSUBSCRIBE);
    List<String> topicFilters = new ArrayList<>();
    while (reader.remaining() > 0) {
      topicFilters.add(reader.topicFilter());
    }
    if (topicFilters.isEmpty()) {
      throw reader.protocolError("there is no topic filter"); // [MQTT-3.10.3-2]
    }
    return new Unsubscribe(packetIdentifier, topicFilters, properties);
  }

  private Unsuback readUnsuback() throws MqttDecodeException {
    int packetIdentifier = reader.packetIdentifier();
    Properties properties = readProperties(Place.UNSUBACK);
    return new Unsuback(
        packetIdentifier, hasProperties() ? readReasonCodes() : List.of(), properties);
  }

  private Disconnect readDisconnect() throws MqttDecodeException {
    if (reader.remaining() == 0) {
      return new Disconnect(ReasonCode.SUCCESS);
    }
    ReasonCode reasonCode = readReasonCode();
    Properties properties = readTrailing(Place.DISCONNECT);
    if (!forServer && properties.has(Property.SESSION_EXPIRY_INTERVAL)) {
      // [MQTT-3.14.2-2]
      throw reader.protocolError("a server sent a Session Expiry Interval");
    }
    return new Disconnect(reasonCode, properties);
  }

  private Auth readAuth() throws MqttDecodeException {
    if (reader.remaining() == 0) {
      if (forServer) {
        // Nothing stands for the reason "success", which is the server's to say [MQTT-3.15.2-1].
        throw reader.protocolError("a client sent the reason " + ReasonCode.SUCCESS);
      }
      return new Auth(ReasonCode.SUCCESS);
    }
    ReasonCode reasonCode = readReasonCode();
    Properties properties = readProperties(Place.AUTH);
    if (!properties.has(Property.AUTHENTICATION_METHOD)) {
      // [MQTT 5.0, section 3.15.2.2.2]
      throw reader.protocolError("Authentication Method is missing");
    }
    return new Auth(reasonCode, properties);
  }

  private List<ReasonCode> readReasonCodes() throws MqttDecodeException {
    if (reader.remaining() == 0) {
      throw reader.protocolError("there is no reason code");
    }
    List<ReasonCode> reasonCodes = new ArrayList<>(reader.remaining());
    while (reader.remaining() > 0) {
      reasonCodes.add(hasProperties() ? readReasonCode() : readGrantedQos());
    }
    return reasonCodes;
  }

  /**
   * Reads a code of SUBACK before 5.0 [3.1.1, MQTT-3.9.3-2]; 3.1 has no failure, yet it is sent.
   */
  private ReasonCode readGrantedQos() throws MqttDecodeException {
    int code = reader.unsignedByte("return code");
    ReasonCode reasonCode = code <= 2 || code == 0x80 ? ReasonCode.of(code) : null;
    if (reasonCode == null) {
      throw reader.protocolError("return code " + code + " is reserved");
    }
    return reasonCode;
  }

  private ReasonCode readReasonCode() throws MqttDecodeException {
    int code = reader.unsignedByte("reason code");
    ReasonCode reasonCode = ReasonCode.of(code);
    // The byte can be read, but what it says is not allowed: no malformed packet.
    if (reasonCode == null) {
      throw reader.protocolError("reason code " + code + " is not defined");
    }
    PacketType type = header.type();
    if (!(forServer
        ? AllowedReasonCodes.fromClient(type, reasonCode)
        : AllowedReasonCodes.fromServer(type, reasonCode))) {
      throw reader.protocolError(
          "a " + (forServer ? "client" : "server") + " sent the reason " + reasonCode);
    }
    return reasonCode;
  }

  private Properties readProperties(Place place) throws MqttDecodeException {
    return hasProperties() ? PropertiesCodec.read(reader, place) : Properties.NONE;
  }

  /** Reads properties whose length may be left out if there are none [MQTT 5.0, 3.4.2.2.1]. */
  private Properties readTrailing(Place place) throws MqttDecodeException {
    return reader.remaining() == 0 ? Properties.NONE : PropertiesCodec.read(reader, place);
  }

  private boolean hasProperties() {
    return version == MqttVersion.MQTT_5;
  }
}
