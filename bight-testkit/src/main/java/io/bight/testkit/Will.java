// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

/**
 * The will of a CONNECT: what the server publishes for a client that vanishes.
 *
 * @param topic the topic
 * @param payload the message
 * @param qos 0 to 2
 * @param retain whether it is retained
 * @param properties its properties; none before MQTT 5.0
 */
@SuppressWarnings("ArrayRecordComponent") // a test's view of bytes; nobody compares wills
public record Will(
    String topic, byte[] payload, int qos, boolean retain, ReceivedProperties properties) {}
