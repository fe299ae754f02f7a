// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0

/**
 * The protocol without I/O: commands, bytes and time go in; bytes, events and the next deadline
 * come out.
 */
@NullMarked
package io.bight.mqtt.engine;

import org.jspecify.annotations.NullMarked;
