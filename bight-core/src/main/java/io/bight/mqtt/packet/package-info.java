// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0

/** The control packets as immutable values; one model for MQTT 3.1, 3.1.1 and 5.0. */
@NullMarked
package io.bight.mqtt.packet;

import org.jspecify.annotations.NullMarked;
