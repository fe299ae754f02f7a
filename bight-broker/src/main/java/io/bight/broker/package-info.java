// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** HiveMQ Community Edition embedded, quiet and on a loopback port. */
@NullMarked
package io.bight.broker;

import org.jspecify.annotations.NullMarked;
