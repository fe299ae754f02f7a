// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0

/** Packets to bytes and back; the only place that knows the differences between the versions. */
@NullMarked
package io.bight.mqtt.codec;

import org.jspecify.annotations.NullMarked;
