// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** Runs HiveMQ. These classes and those they name are loaded by the isolating class loader only. */
@NullMarked
package io.bight.broker.hivemq;

import org.jspecify.annotations.NullMarked;
