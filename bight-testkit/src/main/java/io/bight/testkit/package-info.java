// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/**
 * A kit for testing programs that speak MQTT: a server that does what a script says, a small
 * well-behaved broker with fault switches, a link that can be broken on purpose, virtual time, and
 * checks for leaked buffers, threads and descriptors.
 *
 * <p>Nothing here depends on Bight's own codec. The packets are read and written by Netty's MQTT
 * codec, so a mistake in Bight cannot hide by being made on both sides. Any MQTT client can be
 * tested with it.
 */
@NullMarked
package io.bight.testkit;

import org.jspecify.annotations.NullMarked;
