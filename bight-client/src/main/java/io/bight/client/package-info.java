// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** The MQTT client: its public API and the loop that the program owns. */
@NullMarked
package io.bight.client;

import org.jspecify.annotations.NullMarked;
