// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.packet;

import io.bight.mqtt.MqttVersion;
import io.bight.mqtt.Properties;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The first packet of a connection [MQTT 5.0, section 3.1].
 *
 * @param version the version of the protocol
 * @param clientIdentifier the client identifier; empty: the server chooses one
 * @param cleanStart whether an earlier session is discarded; Clean Session before 5.0
 * @param keepAliveSeconds the longest pause between two packets of the client; 0: none
 * @param will what the server publishes when the connection is lost, or null
 * @param userName the user name, or null
 * @param password the password, not copied, or null
 * @param properties the client's limits and more
 */
@SuppressWarnings("ArrayRecordComponent") // equality and text are defined below
public record Connect(
    MqttVersion version,
    String clientIdentifier,
    boolean cleanStart,
    int keepAliveSeconds,
    @Nullable Will will,
    @Nullable String userName,
    byte @Nullable [] password,
    Properties properties)
    implements Packet {

  @Override
  public PacketType type() {
    return PacketType.CONNECT;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Connect that
        && version == that.version
        && clientIdentifier.equals(that.clientIdentifier)
        && cleanStart == that.cleanStart
        && keepAliveSeconds == that.keepAliveSeconds
        && Objects.equals(will, that.will)
        && Objects.equals(userName, that.userName)
        && Arrays.equals(password, that.password)
        && properties.equals(that.properties);
  }

  @Override
  public int hashCode() {
    return Objects.hash(version, clientIdentifier, cleanStart, keepAliveSeconds, userName);
  }

  /** Returns the fields in words; the password is not shown. */
  @Override
  public String toString() {
    return "Connect[version="
        + version
        + ", clientIdentifier="
        + clientIdentifier
        + ", cleanStart="
        + cleanStart
        + ", keepAliveSeconds="
        + keepAliveSeconds
        + ", will="
        + will
        + ", userName="
        + userName
        + ", password="
        + (password == null ? "none" : "***")
        + ", properties="
        + properties
        + "]";
  }
}
